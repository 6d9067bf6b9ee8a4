"""Moments as a value: parts merged are the whole, and what does not fit is refused."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.moments import MOMENTS
from livexpr.errors import FormatError
from livexpr.training.moments_accumulator import Moments, WeightedPair, merged

SHAPE = (5, 4, 3)


def pairs(count: int, seed: int = 3) -> list[WeightedPair]:
    rng = np.random.default_rng(seed)
    return [
        (
            rng.uniform(0, 2, SHAPE).astype(np.float32),
            rng.uniform(0, 2, SHAPE).astype(np.float32),
            rng.uniform(0, 1, SHAPE[:2]).astype(np.float32),
        )
        for _ in range(count)
    ]


@given(
    count=st.integers(0, 12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    seed=st.integers(0, 2**31),
)
def test_parts_merged_are_the_whole_to_rounding(count: int, cuts: list[int], seed: int) -> None:
    observed = pairs(count, seed)
    borders = [0, *sorted(min(cut, count) for cut in cuts), count]
    parts = [Moments.of(observed[a:b], SHAPE) for a, b in itertools.pairwise(borders)]
    whole = Moments.of(observed, SHAPE)
    np.testing.assert_allclose(merged(parts, SHAPE).sums, whole.sums, rtol=1e-13)


@given(order=st.permutations(range(6)))
def test_any_order_of_merging_gives_the_same_to_rounding(order: list[int]) -> None:
    parts = [Moments.of([pair], SHAPE) for pair in pairs(6)]
    shuffled = merged([parts[i] for i in order], SHAPE)
    np.testing.assert_allclose(shuffled.sums, merged(parts, SHAPE).sums, rtol=1e-13)


def test_the_same_parts_in_the_same_order_give_the_same_bits() -> None:
    observed = pairs(7)
    once, again = (
        merged([Moments.of(observed[:4], SHAPE), Moments.of(observed[4:], SHAPE)], SHAPE)
        for _ in range(2)
    )
    np.testing.assert_array_equal(once.sums, again.sums)


def test_sums_are_those_of_numpy() -> None:
    expected = np.zeros((6, *SHAPE))
    for x, y, weight in pairs(5):
        w, a, b = (each.astype(np.float64) for each in (weight[..., None], x, y))
        expected += [w + 0 * a, w * a, w * b, w * a * a, w * a * b, w * b * b]
    np.testing.assert_allclose(Moments.of(pairs(5), SHAPE).sums, expected, rtol=1e-12)


def test_of_no_pair_and_of_no_part_they_are_zero() -> None:
    for nothing in (Moments.of([], SHAPE), merged([], SHAPE)):
        assert nothing.sums.shape == (6, *SHAPE)
        assert not nothing.sums.any()


def test_merging_leaves_both_as_they_are() -> None:
    one, other = (Moments.of(pairs(2, seed), SHAPE) for seed in (1, 2))
    before = one.sums.copy(), other.sums.copy()
    one.merge(other)
    np.testing.assert_array_equal(one.sums, before[0])
    np.testing.assert_array_equal(other.sums, before[1])


def test_they_travel() -> None:
    moments = Moments.of(pairs(2), SHAPE)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(moments)).sums, moments.sums)


def test_moments_of_other_pictures_are_not_merged() -> None:
    with pytest.raises(FormatError, match=r"different shapes.*\(5, 4, 3\) and \(4, 4, 3\)"):
        Moments.of([], SHAPE).merge(Moments.of([], (4, 4, 3)))


@pytest.mark.parametrize(
    "sums",
    [
        np.zeros((5, *SHAPE)),
        np.zeros((len(MOMENTS), *SHAPE[:2])),
        np.zeros((len(MOMENTS), *SHAPE), np.float32),
    ],
)
def test_what_are_no_moments_is_refused(sums: np.ndarray) -> None:
    with pytest.raises(FormatError, match="expected moments of the shape"):
        Moments(sums)
