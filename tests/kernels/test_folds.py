"""Folds: the kernel against its reference, and what both promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import folds, folds_reference, settling
from kernels.folds import Limits
from kernels.pairs import make_pairs

LIMITS = Limits(tolerance=0.1, eagerness=2, least_kept=0.9)
PAIRS = np.array([[6, 8], [12, 13]], np.int32)
SIDE = 6


def grid() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return a square of 6 x 6 vertices, 10 px apart, and its triangles, clockwise as seen."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    points = 10 * np.stack([columns, rows], axis=2).reshape(-1, 2).astype(np.float32)
    at = (rows * SIDE + columns)[:-1, :-1].ravel()
    below = at + SIDE
    triangles = [[a, a + 1, b] for a, b in zip(at, below, strict=True)]
    triangles += [[a + 1, b + 1, b] for a, b in zip(at, below, strict=True)]
    return points, np.array(triangles, np.int32)


def moved(seed: int, sigma_px: float) -> NDArray[np.float32]:
    """Return the grid, its inner vertices moved at random."""
    points, _ = grid()
    noise = np.random.default_rng(seed).normal(0, sigma_px, (SIDE, SIDE, 2))
    noise[[0, -1]] = noise[:, [0, -1]] = 0
    return points + noise.reshape(-1, 2).astype(np.float32)


def test_areas() -> None:
    points, triangles = grid()
    np.testing.assert_array_equal(folds.doubled_areas(points, triangles), 100)
    np.testing.assert_array_equal(folds.doubled_areas(points, triangles[:, ::-1].copy()), -100)


@given(seed=st.integers(0, 999), sigma_px=st.floats(0, 12))
def test_areas_are_those_of_the_reference(seed: int, sigma_px: float) -> None:
    points, (_, triangles) = moved(seed, sigma_px), grid()
    np.testing.assert_allclose(
        folds.doubled_areas(points, triangles),
        folds_reference.doubled_areas(points, triangles),
        atol=1e-3,
    )


@given(
    seed=st.integers(0, 999),
    sigma_px=st.floats(0, 12),
    part=st.floats(0.05, 0.6),
    rounds=st.integers(0, 6),
    n_free=st.sampled_from([SIDE * SIDE, 20, 0]),
)
def test_unfolding_is_that_of_the_reference(
    seed: int, sigma_px: float, part: float, rounds: int, n_free: int
) -> None:
    """Few rounds: a triangle just at the limit may count as folded for one of the two only."""
    _, triangles = grid()
    least = np.full(len(triangles), 100 * part, np.float32)
    found, expected = moved(seed, sigma_px), moved(seed, sigma_px)
    said = folds.unfold(found, triangles, least, n_free, rounds, LIMITS)
    assert said == folds_reference.unfold(expected, triangles, least, n_free, rounds, LIMITS)
    np.testing.assert_allclose(found, expected, atol=0.02)
    np.testing.assert_array_equal(found[n_free:], moved(seed, sigma_px)[n_free:])


@given(
    seed=st.integers(0, 999),
    sigma_px=st.floats(0, 12),
    gentle=st.integers(0, 3),
    rounds=st.integers(0, 5),
)
def test_holding_back_is_that_of_the_reference(
    seed: int, sigma_px: float, gentle: int, rounds: int
) -> None:
    source, triangles = grid()
    least, limit, goal = (np.full(len(triangles), area, np.float32) for area in (30, 10, 12))
    results = []
    for module in (folds, folds_reference):
        points = moved(seed, sigma_px)
        module.hold_back(
            points, source, triangles, least, limit, goal, PAIRS, 30, (gentle, 2, rounds), LIMITS
        )
        results.append(points)
    np.testing.assert_allclose(*results, atol=0.05)


@given(seed=st.integers(0, 999), sigma_px=st.floats(0, 40))
def test_what_is_held_back_folds_no_more(seed: int, sigma_px: float) -> None:
    source, triangles = grid()
    least, limit, goal = (np.full(len(triangles), area, np.float32) for area in (30, 10, 12))
    points = moved(seed, sigma_px)
    folds.hold_back(points, source, triangles, least, limit, goal, PAIRS, 30, (16, 2, 60), LIMITS)
    assert (folds.doubled_areas(points, triangles) > 0).all()


def test_what_does_not_fold_stays_as_it_is() -> None:
    source, triangles = grid()
    points = source.copy()
    least = np.full(len(triangles), 50, np.float32)
    assert not folds.unfold(points, triangles, least, len(points), 8, LIMITS)
    folds.hold_back(points, source, triangles, least, least, least, PAIRS, 30, (16, 2, 60), LIMITS)
    np.testing.assert_array_equal(points, source)


def test_numbers_that_are_not_finite_end() -> None:
    source, triangles = grid()
    points = source.copy()
    points[8] = np.nan
    least = np.full(len(triangles), 50, np.float32)
    with np.errstate(invalid="ignore"):
        folds.unfold(points, triangles, least, len(points), 8, LIMITS)
        folds.hold_back(
            points, source, triangles, least, least, least, PAIRS, 30, (2, 2, 4), LIMITS
        )
    assert np.isfinite(points[-1]).all()


def test_wrong_arrays_are_refused() -> None:
    points, triangles = grid()
    least = np.zeros(len(triangles), np.float32)
    with pytest.raises(ValueError, match=r"float32 \(36, 2\), got float64"):
        folds.doubled_areas(points.astype(np.float64), triangles)
    with pytest.raises(ValueError, match="C-contiguous float32"):
        folds.doubled_areas(points[:, ::-1], triangles)
    with pytest.raises(ValueError, match=r"float32 \(50,\)"):
        folds.unfold(points, triangles, least[1:], 36, 1, LIMITS)
    with pytest.raises(ValueError, match=r"int32 \(50, 3\)"):
        folds.doubled_areas(points, triangles[:, :2].copy())
    with pytest.raises(ValueError, match="int32"):
        folds.doubled_areas(points, triangles.astype(np.int64))
    for wrong in (-1, 36):
        triangles[0, 0] = wrong
        with pytest.raises(ValueError, match="from 0 to 35"):
            folds.doubled_areas(points, triangles)
    _, triangles = grid()
    fields = (triangles, least, least, least)
    with pytest.raises(ValueError, match=r"int32 \(2, 2\)"):
        folds.hold_back(points, points, *fields, PAIRS[:, :1].copy(), 36, (1, 1, 1), LIMITS)
    with pytest.raises(ValueError, match="from 0 to 35"):
        folds.hold_back(points, points, *fields, PAIRS + np.int32(30), 36, (1, 1, 1), LIMITS)


@given(
    seed=st.integers(0, 999),
    sigma_px=st.floats(0, 9),
    unit=st.floats(0.5, 2),
    later=st.integers(0, 2),
)
def test_settling_is_that_of_the_reference(
    seed: int, sigma_px: float, unit: float, later: int
) -> None:
    source, triangles = grid()
    pairs = make_pairs([7, 13], [14, 20], [8], [1], [0.5])
    down = np.array([0.6, 0.8], np.float32)
    rest, parts = np.full(len(triangles), 90, np.float32), np.array([0.5, 0], np.float32)
    asking = np.array(settling.Asking(0.12, 0.06, 0.2, 4), np.float32)
    results = []
    for module in (settling, folds_reference):
        least, gaps = module.asked(source, triangles, rest, asking, unit, pairs, parts, down)
        points = moved(seed, sigma_px)
        module.settle(points, triangles, least, pairs, gaps, down, 30, 2, later, LIMITS)
        results.append((least, gaps, points))
    for found, expected in zip(*results, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=0.05)
