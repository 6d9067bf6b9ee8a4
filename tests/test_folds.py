"""Nothing that faces the camera folds, whatever is added; what the head hides is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from livexpr import face_mesh, folds, head_pose
from livexpr.types import FaceTrack

N = face_mesh.N_LANDMARKS


def live_of(track: FaceTrack) -> tuple[NDArray, NDArray, NDArray]:
    """Return the live vertices, and of triangles the least areas and how far they face us."""
    live = face_mesh.all_vertices(np.ascontiguousarray(track.landmarks_px[:, :2]))
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    areas, _ = folds.asked(live, np.array([0, 1], np.float32), scale)
    return live, areas, folds.facing(live, scale)


def test_area_is_that_of_the_shoelace_formula(rng: np.random.Generator) -> None:
    points = rng.normal(0, 10, (face_mesh.N_VERTICES, 2)).astype(np.float32)
    corners = points[folds._surface().triangles.T]
    x, y = corners[..., 0].astype(np.float64), corners[..., 1].astype(np.float64)
    expected = sum(x[i] * y[(i + 1) % 3] - x[(i + 1) % 3] * y[i] for i in range(3))
    np.testing.assert_allclose(folds.doubled_areas(points), expected, atol=1e-3)


def test_what_does_not_fold_is_not_touched(synthetic_face) -> None:
    live, least, _ = live_of(synthetic_face.track(yaw_rad=0.3))
    target = live + np.float32(3)
    before = target.copy()
    assert not folds.unfold(target, least)
    folds.hold_back(target, live, least, 16)
    np.testing.assert_array_equal(target, before)


def test_a_vertex_pulled_over_its_neighbours_comes_back_and_the_rest_stays(synthetic_face) -> None:
    live, least, weight = live_of(synthetic_face.track(px_per_cm=20))
    cheek = 205
    target = live.copy()
    target[cheek] += (40, 0)
    assert (folds.doubled_areas(target)[weight > 0.9] < 0).any()
    assert folds.unfold(target, least)
    assert (folds.doubled_areas(target) >= 0.8 * least)[weight > 0.9].all()
    far = np.linalg.norm(live - live[cheek], axis=1) > 100
    np.testing.assert_array_equal(target[far], live[far])
    np.testing.assert_array_equal(target[face_mesh.COLLAR], live[face_mesh.COLLAR])
    assert target[cheek, 0] > live[cheek, 0] + 2, "moved as little as will do"


def test_what_moves_together_goes_on_together(synthetic_face) -> None:
    """A cheek that is pushed into the nose is squeezed, not held back as a whole."""
    live, least, _ = live_of(synthetic_face.track(px_per_cm=20))
    rest = face_mesh.load().rest_cm
    near = np.linalg.norm(rest - rest[205], axis=1) < 1.2
    target = live.copy()
    target[:N][near] += (14, -4)
    folds.unfold(target, least)
    moved = (target - live)[:N][near]
    assert moved[:, 0].mean() > 9


def test_triangles_that_the_live_head_hides_are_left_alone(synthetic_face) -> None:
    live, least, weight = live_of(synthetic_face.track(yaw_rad=1.2))
    hidden = folds.doubled_areas(live) < 0
    assert hidden.sum() > 50
    assert not weight[hidden].any()
    target = live.copy()
    assert not folds.unfold(target, least)
    np.testing.assert_array_equal(target, live)


@given(seed=st.integers(0, 500), sigma_cm=st.floats(0.05, 0.5), yaw_rad=st.floats(-0.6, 0.6))
def test_held_back_noise_folds_nothing(
    synthetic_face, seed: int, sigma_cm: float, yaw_rad: float
) -> None:
    """Noise is the worst that a damaged map could ask for."""
    live, least, weight = live_of(synthetic_face.track(yaw_rad=yaw_rad, mouth_cm=0.3))
    noise = np.random.default_rng(seed).normal(0, 10 * sigma_cm, (N, 2))
    target = live.copy()
    target[:N] += noise.astype(np.float32)
    folds.unfold(target, least)
    folds.hold_back(target, live, least, 16)
    assert np.isfinite(target).all()
    assert (folds.doubled_areas(target)[weight == 1] > 0).all()


def test_limits_come_gradually(synthetic_face) -> None:
    """As one vertex is pulled on evenly, nothing jumps."""
    live, least, _ = live_of(synthetic_face.track(px_per_cm=20))
    places = []
    for pull in np.linspace(0, 40, 401):
        target = live.copy()
        target[205] += (np.float32(pull), 0)
        folds.unfold(target, least)
        folds.hold_back(target, live, least, 16)
        places.append(target)
    assert np.abs(np.diff(places, axis=0)).max() < 1.0


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_facing_does_not_depend_on_the_distance(synthetic_face, scale: float) -> None:
    near = synthetic_face.track(yaw_rad=0.5, px_per_cm=10)
    far = synthetic_face.track(yaw_rad=0.5, px_per_cm=10 * scale)
    np.testing.assert_allclose(live_of(near)[2], live_of(far)[2], atol=0.01)
