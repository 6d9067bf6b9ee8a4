"""Calming: the kernel against its reference, over the frames of a moving body."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import calming, calming_reference

N = 20
CALM = np.array(calming.Calm(2.0, 1.2, 4.0, 3.0, 3.0), np.float32)


def pose(rng: np.random.Generator, unit: float) -> NDArray[np.float32]:
    turn, _ = np.linalg.qr(rng.normal(0, 1, (3, 3)))
    whole = np.eye(4)
    whole[:3, :3], whole[:3, 3] = unit * turn, rng.normal(0, 100, 3)
    return whole.astype(np.float32)


@given(
    seed=st.integers(0, 999),
    unit=st.floats(5, 40),
    sigma_px=st.floats(0, 20),
    dt=st.floats(0.005, 0.5),
)
def test_points_are_those_of_the_reference(
    seed: int, unit: float, sigma_px: float, dt: float
) -> None:
    rng = np.random.default_rng(seed)
    lively = rng.uniform(0, 1, N).astype(np.float32)
    still = rng.normal(0, 100, (N + 3, 3))
    frames = [(still + rng.normal(0, sigma_px, still.shape)).astype(np.float32) for _ in range(4)]
    poses = [pose(rng, unit) for _ in frames]
    found = expected = None
    for points, how in zip(frames, poses, strict=True):
        one = calming.calm_down(points, how, found, lively, CALM, dt)
        other = calming_reference.calm_down(points, how, expected, lively, CALM, dt)
        np.testing.assert_allclose(one[0], other[0], atol=0.05)
        np.testing.assert_array_equal(one[0][N:], points[N:])
        np.testing.assert_allclose(one[1], other[1], atol=2e-3)
        found, expected = one[1:], other[1:]


def test_the_first_points_stay_as_they_are_and_nothing_is_written_to(
    rng: np.random.Generator,
) -> None:
    points, how = rng.normal(0, 100, (N, 3)).astype(np.float32), pose(rng, 10)
    points.flags.writeable = how.flags.writeable = False
    lively = np.zeros(N, np.float32)
    first = calming.calm_down(points, how, None, lively, CALM, 0.0)
    assert first[0] is points
    np.testing.assert_array_equal(first[2], 0)
    again, place, _ = calming.calm_down(points, how, first[1:], lively, CALM, 0.03)
    np.testing.assert_allclose(again, points, atol=1e-3)
    np.testing.assert_allclose(place, first[1], atol=1e-4)
    with pytest.raises(ValueError, match=r"float32 \(20, 3\)"):
        calming.calm_down(points[:5], how, None, lively, CALM, 0.0)
