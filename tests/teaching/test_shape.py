"""Displacements of landmarks: of the expression, not of the head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from livexpr import face_mesh, pixel_map, presets
from livexpr.teaching import shape
from tests.teaching.made_up_looks import REST, look_of

# What moves of this expression lies below the eyes.
LOWER = REST[:, 1] < -1.0


def lower_face(rng: np.random.Generator) -> np.ndarray:
    """Return a smooth displacement of the lower face, (468, 3), cm."""
    centre, towards = REST[rng.integers(len(REST))], rng.normal(0, 0.5, 3)
    bump = np.exp(-((REST - centre) ** 2).sum(axis=1, keepdims=True) / 4)
    return (bump * towards * LOWER[:, None]).astype(np.float32)


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0.9, 1.1))
def test_a_head_that_moves_displaces_nothing(seed: int, size: float):
    rng = np.random.default_rng(seed)
    wanted = lower_face(rng)
    turn = size * Rotation.from_rotvec(0.1 * rng.normal(size=3)).as_matrix()
    moved = (REST + wanted) @ turn.T.astype(np.float32) + rng.normal(size=3).astype(np.float32)
    found = shape.displacement(look_of(moved), [look_of(REST)])
    np.testing.assert_allclose(found, wanted, atol=5e-3)


def test_raised_brows_do_not_lower_the_rest_of_the_face():
    """Some of the points that hardly move do move with the forehead: they are left out."""
    raised = np.zeros_like(REST)
    raised[[10, 338, 109, 151, 337, 108], 1] = 0.4
    found = shape.displacement(look_of(REST + raised), [look_of(REST)])
    assert np.abs(found[LOWER]).max() < 0.03


def test_one_odd_look_of_several_does_not_count(rng: np.random.Generator):
    good = rng.normal(size=(468, 3)).astype(np.float32)
    looks = [good + rng.normal(0, 0.01, good.shape).astype(np.float32) for _ in range(4)]
    median = shape.geometric_median([*looks, good + 3])
    assert np.abs(median - good).mean() < 0.05


def test_neutral_looks_of_the_same_pose_count_most():
    neutrals = [look_of(REST, turn_rad=(turn, 0.0)) for turn in (0.0, 0.2)]
    weights = shape.nearness(look_of(REST, turn_rad=(0.19, 0.0)), neutrals)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.95


@given(amount=st.floats(-1, 2))
def test_the_amount_of_itself(amount: float):
    happy = pixel_map.load(presets.map_path("happy")).offset_cm
    assert shape.amount_of(np.float32(amount) * happy, happy) == pytest.approx(amount, abs=1e-4)


def test_more_looks_come_nearer_to_what_is_seen(rng: np.random.Generator):
    """And never leave what is between the expected and the seen displacement."""
    expected = pixel_map.load(presets.map_path("happy")).offset_cm
    personal = np.zeros_like(expected)
    personal[:, 1] = 0.3 * np.exp(-(((REST - REST[205]) ** 2).sum(axis=1)) / 8)
    apart = [
        np.abs(shape.personal_offset([expected + personal] * n, expected) - expected - personal)
        for n in (1, 3, 30)
    ]
    means = [one[:, :2].mean() for one in apart]
    assert means[0] > means[1] > means[2]
    assert means[0] < 0.6 * np.abs(personal).mean()


def test_nothing_is_shared_across_the_mouth():
    opened = np.zeros_like(REST)
    opened[list(face_mesh.INNER_LIP_LOWER[1:-1]), 1] = -0.8
    found = shape.personal_offset([opened] * 50, np.zeros_like(REST))
    assert np.abs(found[list(face_mesh.INNER_LIP_UPPER[1:-1]), 1]).max() < 0.01
