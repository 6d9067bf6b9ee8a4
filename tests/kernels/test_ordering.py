"""Drawing order: the kernel against its reference, and what both promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels import ordering, ordering_reference


@given(
    seed=st.integers(0, 999),
    n_sorted=st.integers(4, 60),
    n_first=st.integers(0, 5),
    grouped=st.booleans(),
    levels=st.integers(1, 300),
)
def test_order_is_that_of_the_reference(
    seed: int, n_sorted: int, n_first: int, grouped: bool, levels: int
) -> None:
    """Equal depths, which are many where there are few levels, keep the order that they have."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 50, (30, 3)).astype(np.float32)
    points[:, 2] = rng.integers(0, levels, 30)
    corners = rng.integers(0, 30, (n_sorted, 3)).astype(np.int32)
    triangles = rng.integers(0, 99, (n_sorted + n_first + 3, 3)).astype(np.int32)
    groups = rng.integers(0, 9, (2, 7, 3)).astype(np.int32) if grouped else None
    given_it = (points, corners, triangles, n_first, 2, groups, 1000)
    found = ordering.far_first(*given_it)
    np.testing.assert_array_equal(found, ordering_reference.far_first(*given_it))
    np.testing.assert_array_equal(found[:n_first], triangles[n_sorted : n_sorted + n_first])
    np.testing.assert_array_equal(found[-3:], triangles[-3:])


def test_far_ones_come_first() -> None:
    points = np.zeros((40, 3), np.float32)
    points[:, 2] = np.random.default_rng(3).permutation(40)
    triangles = np.repeat(np.arange(40, dtype=np.int32)[:, None], 3, axis=1)
    found = ordering.far_first(points, triangles, triangles, 0, 1)
    np.testing.assert_array_equal(points[found[:, 0], 2], np.arange(40)[::-1])


def test_depths_that_are_not_finite_are_drawn_somewhere() -> None:
    points = np.zeros((3, 3), np.float32)
    points[1, 2] = np.nan
    triangles = np.repeat(np.arange(3, dtype=np.int32)[:, None], 3, axis=1)
    with np.errstate(invalid="ignore"):
        found = ordering.far_first(points, triangles, triangles, 0, 1)
    np.testing.assert_array_equal(np.sort(found[:, 0]), np.arange(3))


def test_wrong_arrays_are_refused() -> None:
    points, triangles = np.zeros((3, 3), np.float32), np.zeros((2, 3), np.int32)
    with pytest.raises(ValueError, match="C-contiguous float32"):
        ordering.far_first(points.astype(np.float64), triangles, triangles, 0, 1)
    with pytest.raises(ValueError, match="from 0 to 2"):
        ordering.far_first(points, triangles + np.int32(3), triangles, 0, 1)
    with pytest.raises(ValueError, match="not among"):
        ordering.far_first(points, triangles, triangles, 1, 1)
