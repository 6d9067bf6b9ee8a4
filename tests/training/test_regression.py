"""Ridge towards no change, against NumPy's least squares on augmented data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.moments import MOMENTS, accumulate
from livexpr.training.regression import ridge_towards_no_change

SHAPE = (3, 4, 2)


def moments_of(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    moments = np.zeros((len(MOMENTS), *SHAPE))
    for one_x, one_y, weight in zip(x, y, weights, strict=True):
        accumulate(moments, one_x, one_y, np.full(SHAPE[:2], weight, np.float32))
    return moments


def pictures(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    x = rng.uniform(0.2, 1.5, (count, *SHAPE)).astype(np.float32)
    y = (1.1 * x - 0.05 + rng.normal(0, 0.05, x.shape)).astype(np.float32)
    return x, y


@given(
    count=st.integers(1, 12),
    gain_penalty=st.floats(0.01, 50),
    bias_penalty=st.floats(0.01, 50),
    seed=st.integers(0, 100),
)
def test_solution_is_that_of_least_squares(count, gain_penalty, bias_penalty, seed) -> None:
    rng = np.random.default_rng(seed)
    x, y = pictures(rng, count)
    weights = rng.uniform(0.1, 1, count).astype(np.float32)
    gain, bias = ridge_towards_no_change(moments_of(x, y, weights), gain_penalty, bias_penalty)
    for at in np.ndindex(SHAPE):
        root = np.sqrt(weights.astype(np.float64))
        # Each penalty is one more observation: of gain 1, and of bias 0.
        left = np.column_stack([root * x[(slice(None), *at)], root])
        left = np.vstack([left, [np.sqrt(gain_penalty), 0], [0, np.sqrt(bias_penalty)]])
        right = np.concatenate([root * y[(slice(None), *at)], [np.sqrt(gain_penalty), 0]])
        expected, *_ = np.linalg.lstsq(left, right)
        np.testing.assert_allclose([gain[at], bias[at]], expected, atol=1e-5)


def test_without_observations_nothing_changes() -> None:
    gain, bias = ridge_towards_no_change(np.zeros((6, *SHAPE)), 4.0, 40.0)
    np.testing.assert_array_equal(gain, 1)
    np.testing.assert_array_equal(bias, 0)


def test_pairs_without_a_difference_change_nothing(rng) -> None:
    x, _ = pictures(rng, 6)
    gain, bias = ridge_towards_no_change(moments_of(x, x, np.ones(6)), 4.0, 40.0)
    np.testing.assert_allclose(gain, 1, atol=1e-12)
    np.testing.assert_allclose(bias, 0, atol=1e-12)


@pytest.mark.parametrize(("gain_penalty", "bias_penalty"), [(1e9, 1e9)])
def test_strong_penalties_pull_towards_no_change(rng, gain_penalty, bias_penalty) -> None:
    moments = moments_of(*pictures(rng, 8), np.ones(8))
    gain, bias = ridge_towards_no_change(moments, gain_penalty, bias_penalty)
    np.testing.assert_allclose(gain, 1, atol=1e-6)
    np.testing.assert_allclose(bias, 0, atol=1e-6)


def test_many_observations_find_the_true_change(rng) -> None:
    x = rng.uniform(0.2, 1.5, (300, *SHAPE)).astype(np.float32)
    y = (1.3 * x - 0.1).astype(np.float32)
    gain, bias = ridge_towards_no_change(moments_of(x, y, np.ones(300)), 0.1, 0.1)
    np.testing.assert_allclose(gain, 1.3, atol=0.02)
    np.testing.assert_allclose(bias, -0.1, atol=0.02)


def test_weights_are_as_good_as_repeated_pairs(rng) -> None:
    x, y = pictures(rng, 4)
    weighted = ridge_towards_no_change(moments_of(x, y, np.array([2, 1, 1, 1])), 1.0, 1.0)
    repeated = ridge_towards_no_change(
        moments_of(np.concatenate([x[:1], x]), np.concatenate([y[:1], y]), np.ones(5)), 1.0, 1.0
    )
    np.testing.assert_allclose(weighted, repeated, atol=1e-9)
