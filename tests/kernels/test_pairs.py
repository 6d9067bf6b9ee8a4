"""Pairs: kept apart by half each, along one direction, with those who follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.pairs import Pairs, keep_apart, make_pairs


def reference(
    points: NDArray[np.float32],
    pairs: Pairs,
    least: NDArray[np.float32],
    down: NDArray[np.float32],
    first: int,
) -> None:
    """Move pairs apart as the kernel does, one after another in NumPy."""
    steps = np.zeros(len(least))
    for p in range(first, len(least)):
        a, b = pairs.above[p], pairs.below[p]
        steps[p] = max(least[p] - (points[b] - points[a]) @ down, 0) / 2
        points[a] -= steps[p] * down
        points[b] += steps[p] * down
    for vertex, leader, part in zip(pairs.followers, pairs.leaders, pairs.following, strict=True):
        points[vertex] += part * steps[leader] * down


@given(
    seed=st.integers(0, 999),
    n_pairs=st.integers(1, 12),
    n_followers=st.integers(0, 6),
    angle=st.floats(0, 6.3),
    part=st.floats(0, 1),
)
def test_against_numpy(
    seed: int, n_pairs: int, n_followers: int, angle: float, part: float
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 30, (20, 2)).astype(np.float32)
    pairs = make_pairs(
        rng.integers(0, 10, n_pairs),
        rng.integers(10, 20, n_pairs),
        rng.integers(0, 20, n_followers),
        rng.integers(0, n_pairs, n_followers),
        rng.uniform(-1, 1, n_followers),
    )
    least = rng.normal(0, 20, n_pairs).astype(np.float32)
    down = np.array([np.sin(angle), np.cos(angle)], np.float32)
    first = int(part * n_pairs)
    expected = points.copy()
    reference(expected, pairs, least, down, first)
    keep_apart(points, pairs, least, down, first)
    np.testing.assert_allclose(points, expected, atol=1e-3)


def test_pairs_that_are_apart_are_not_touched(rng: np.random.Generator) -> None:
    points = rng.normal(0, 30, (6, 2)).astype(np.float32)
    pairs = make_pairs([0, 1], [2, 3], [4], [0], [0.5])
    down = np.array([0.6, 0.8], np.float32)
    gaps = (points[[2, 3]] - points[[0, 1]]) @ down
    before = points.copy()
    keep_apart(points, pairs, gaps - np.float32(0.1), down)
    np.testing.assert_array_equal(points, before)


def test_what_is_wrong_is_refused() -> None:
    with pytest.raises(ValueError, match="lengths differ"):
        make_pairs([0, 1], [2])
    with pytest.raises(ValueError, match="lengths differ"):
        make_pairs([0], [1], [2], [0], [])
    with pytest.raises(ValueError, match="negative, or names no pair"):
        make_pairs([0], [-1])
    with pytest.raises(ValueError, match="negative, or names no pair"):
        make_pairs([0], [1], [2], [1], [0.5])
    pairs = make_pairs([0, 1], [2, 3])
    points, least, down = (np.zeros(shape, np.float32) for shape in ((4, 2), 2, 2))
    keep_apart(points, pairs, least, down)
    with pytest.raises(ValueError, match="at least 4 points, got 3"):
        keep_apart(points[:3], pairs, least, down)
    with pytest.raises(ValueError, match=r"float32 \(2,\), got float64"):
        keep_apart(points, pairs, least.astype(np.float64), down)
    with pytest.raises(ValueError, match="C-contiguous"):
        keep_apart(points[:, ::-1], pairs, least, down)
