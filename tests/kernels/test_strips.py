"""Strips: the kernel against its reference, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import strips, strips_reference

PAIRS, SLID = 5, slice(2, 10)
PICTURED = slice(10, 10 + 4 * PAIRS)
SHOWING = np.array(strips.Showing(1.5, 0.02, 1.4, 2.4, 0.6), np.float32)


def strip(seed: int, opening_px: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return target and values of two strips, edges apart by about so much."""
    rng = np.random.default_rng(seed)
    target = rng.normal(0, 3, (PICTURED.stop, 2)).astype(np.float32)
    values = rng.normal(0, 3, (PICTURED.stop, 5)).astype(np.float32)
    for points in (target, values):
        points[6:10, 1] += opening_px
        points[10 + PAIRS : 10 + 2 * PAIRS, 1] += opening_px
    return target, values


@given(
    seed=st.integers(0, 999),
    opening_px=st.floats(0, 60),
    amount=st.floats(0, 2),
    unit=st.floats(5, 30),
)
def test_strips_are_those_of_the_reference(
    seed: int, opening_px: float, amount: float, unit: float
) -> None:
    rng = np.random.default_rng(seed)
    heights = rng.normal(0, 1, (2, PAIRS)).astype(np.float32)
    down = np.array([0.6, 0.8], np.float32)
    found, expected = strip(seed, opening_px), strip(seed, opening_px)
    how = (SLID, PICTURED, heights, down, unit, amount, SHOWING)
    widest = strips.show(*found, *how)
    assert widest == pytest.approx(strips_reference.show(*expected, *how), abs=1e-4)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-3)


def test_without_a_first_strip_only_the_second_is_filled() -> None:
    target, values = strip(1, 20)
    before = values.copy()
    heights, down = np.ones((2, PAIRS), np.float32), np.array([0, 1], np.float32)
    strips.show(target, values, slice(0, 0), PICTURED, heights, down, 10, 1, SHOWING)
    np.testing.assert_array_equal(values[:10], before[:10])
    assert not (values[PICTURED, 4] == before[PICTURED, 4]).all()


def test_wrong_arrays_are_refused() -> None:
    target, values = strip(1, 20)
    heights, down = np.ones((2, PAIRS), np.float32), np.array([0, 1], np.float32)
    with pytest.raises(ValueError, match=r"float32 \(2, 5\)"):
        strips.show(target, values, SLID, PICTURED, heights[:, :4], down, 10, 1, SHOWING)
    with pytest.raises(ValueError, match="C-contiguous"):
        strips.show(target, values[:, :4], SLID, PICTURED, heights, down, 10, 1, SHOWING)
    with pytest.raises(ValueError, match="no strips"):
        strips.show(target, values, SLID, slice(20, 40), heights, down, 10, 1, SHOWING)
