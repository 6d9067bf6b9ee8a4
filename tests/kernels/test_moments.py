"""Moments: the sums that NumPy gives, and parts that add up to the whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.moments import MOMENTS, accumulate


def pairs(rng: np.random.Generator, count: int, shape: tuple[int, int, int]):
    for _ in range(count):
        x, y = rng.uniform(0, 2, (2, *shape)).astype(np.float32)
        yield x, y, rng.uniform(0, 1, shape[:2]).astype(np.float32)


def summed(observed, shape: tuple[int, int, int]) -> np.ndarray:
    moments = np.zeros((len(MOMENTS), *shape))
    for x, y, weight in observed:
        accumulate(moments, x, y, weight)
    return moments


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    count=st.integers(0, 5),
)
def test_sums_are_those_of_numpy(shape: tuple[int, int, int], count: int) -> None:
    observed = list(pairs(np.random.default_rng(3), count, shape))
    expected = np.zeros((6, *shape))
    for x, y, weight in observed:
        w, x, y = (a.astype(np.float64) for a in (weight[..., None], x, y))
        expected += [w + 0 * x, w * x, w * y, w * x * x, w * x * y, w * y * y]
    np.testing.assert_allclose(summed(observed, shape), expected, rtol=1e-12, atol=1e-12)


def test_parts_add_up_to_the_whole(rng) -> None:
    shape = (7, 5, 3)
    observed = list(pairs(rng, 9, shape))
    whole = summed(observed, shape)
    parts = summed(observed[:4], shape) + summed(observed[4:], shape)
    np.testing.assert_allclose(parts, whole, rtol=1e-13)


def test_pixels_of_no_weight_count_for_nothing(rng) -> None:
    shape = (6, 4, 3)
    x, y, weight = next(pairs(rng, 1, shape))
    weight[2:4] = 0
    moments = summed([(x, y, weight)], shape)
    assert not moments[:, 2:4].any()
    assert moments[0, [0, 1, 4, 5]].all()


def test_pictures_are_only_read(rng) -> None:
    x, y, weight = next(pairs(rng, 1, (4, 4, 3)))
    before = x.copy(), y.copy(), weight.copy()
    summed([(x, y, weight)], (4, 4, 3))
    for now, then in zip((x, y, weight), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("moments", np.zeros((5, 4, 4, 3))),
        ("moments", np.zeros((6, 4, 5, 3))),
        ("moments", np.zeros((6, 4, 4, 3), np.float32)),
        ("y", np.zeros((4, 5, 3), np.float32)),
        ("x", np.zeros((4, 4), np.float32)),
        ("weight", np.zeros((4, 4, 3), np.float32)),
        ("weight", np.zeros((3, 4), np.float32)),
    ],
)
def test_wrong_shapes_and_types_are_refused(changed: str, value: np.ndarray) -> None:
    arguments = {
        "moments": np.zeros((6, 4, 4, 3)),
        "x": np.zeros((4, 4, 3), np.float32),
        "y": np.zeros((4, 4, 3), np.float32),
        "weight": np.zeros((4, 4), np.float32),
    }
    with pytest.raises(ValueError, match="must be"):
        accumulate(**{**arguments, changed: value})


def test_threads_that_call_at_once_take_turns(rng) -> None:
    """Numba's work queue would abort the process."""
    x, y = rng.random((2, 64, 48, 3), dtype=np.float32)
    weight = np.ones((64, 48), np.float32)
    sums = [np.zeros((len(MOMENTS), 64, 48, 3)) for _ in range(4)]
    with ThreadPoolExecutor(len(sums)) as pool:
        list(pool.map(lambda one: [accumulate(one, x, y, weight) for _ in range(5)], sums))
    for one in sums[1:]:
        np.testing.assert_array_equal(one, sums[0])
