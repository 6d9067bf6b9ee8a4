"""Disturbances: what they do to landmarks and light, and that they are told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.training.evaluation.contenders import Contender
from livexpr.training.evaluation.robustness import (
    Condition,
    conditions,
    moved_track,
    relit,
    try_conditions,
)
from livexpr.training.evaluation.sharpness import interocular_px

from .conftest import brighten

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_a_shift_is_in_px_of_the_crop(synthetic_face, x, y):
    track = synthetic_face.track()
    moved = moved_track(track, (x, y))
    unit = interocular_px(track.landmarks_px) / 59
    by = (moved.landmarks_px - track.landmarks_px)[:, :2]
    assert np.allclose(by, np.array([x, y]) * unit, atol=1e-3)
    assert np.array_equal(moved.landmarks_px[:, 2], track.landmarks_px[:, 2])
    pose = moved.frame_from_head[:2, 3] - track.frame_from_head[:2, 3]
    assert np.allclose(pose, np.array([x, y]) * unit, atol=0.05)


@given(st.floats(-8, 8))
def test_an_angle_turns_clockwise_about_the_middle(synthetic_face, degrees):
    track = synthetic_face.track()
    turned = moved_track(track, angle_deg=degrees)
    eyes = [points.landmarks_px[[33, 263], :2] for points in (track, turned)]
    before, after = (math.atan2(*(pair[1] - pair[0])[::-1]) for pair in eyes)
    assert math.degrees(after - before) == pytest.approx(degrees, abs=0.01)
    middles = [p.landmarks_px[:468, :2].mean(axis=0) for p in (track, turned)]
    assert np.allclose(*middles, atol=1e-2)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_light_is_ordered_and_stays_in_range(a, b):
    low, high = (relit(LEVELS, stops).astype(int) for stops in sorted((a, b)))
    assert (low <= high).all()
    assert (np.diff(relit(LEVELS, a)[..., 0].ravel().astype(int)) >= 0).all()


def test_no_other_light_changes_nothing_and_a_stop_doubles_it():
    assert np.array_equal(relit(LEVELS), LEVELS)
    # sRGB: 188 is half as much light as 255.
    assert relit(np.full((1, 1, 3), 188, np.uint8), 1.0)[0, 0, 0] in (254, 255)
    assert relit(np.full((1, 1, 3), 255, np.uint8), -1.0)[0, 0, 0] == pytest.approx(188, abs=1)
    blue, green, red = relit(np.full((1, 1, 3), 128, np.uint8), cast=(0.5, 1.0, 2.0))[0, 0]
    assert blue < green == 128 < red


def test_every_family_has_one_condition_in_which_nothing_is_worse(synthetic_face):
    found = conditions()
    track = synthetic_face.track()
    for family in {condition.family for condition in found}:
        (still,) = [c for c in found if c.family == family and c.nothing]
        assert np.allclose(still.track(track, 3).landmarks_px, track.landmarks_px, atol=1e-3)
        assert np.array_equal(still.light(LEVELS), LEVELS)


def test_what_follows_the_light_is_equivariant_and_what_ignores_it_is_not(portraits, world):
    dimmer = Condition("exposure", "-1", light=lambda pixels: pixels // 2)
    scaled = Contender("scaled", lambda people: 1.5, lambda p, track, model: _scaled(p, model))
    table = try_conditions(
        [portraits.neutral("000")],
        [(scaled, 1.5), (brighten(40), 40)],
        world.judge,
        "happy",
        chosen=[dimmer],
    )["rows"]["exposure"]
    assert table["scaled"][0]["equivariance"] > 40
    assert table["brighten 40"][0]["equivariance"] < 25
    assert table["scaled"][0]["label"] == "-1"


def test_undisturbed_people_are_tried_once(portraits, world):
    calls = []

    def apply(pixels, track, model):
        calls.append(1)
        return pixels.copy()

    still = [Condition(family, "0", nothing=True) for family in ("shift", "angle")]
    found = try_conditions(
        [portraits.neutral("000")],
        [(Contender("copy", lambda people: None, apply), None)],
        world.judge,
        "happy",
        chosen=still,
    )
    assert len(calls) == 2  # as it is, and what is expected of it
    assert set(found["rows"]) == {"shift", "angle"}


def _scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(np.rint(pixels * factor), 0, 255).astype(np.uint8)
