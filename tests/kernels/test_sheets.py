"""Sheets: the kernel against its reference, and what both promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import sheets, sheets_reference
from kernels.sheets import Edges, Yielding

ROWS, COLUMNS = 10, 13
MIDDLE = np.array([6, 5], np.int64)
lifts = st.floats(-6, 8, width=32)


def edges(upper: float, lower: float, fringe: float = 1.5, tilt: float = 0.0) -> Edges:
    """Return two almond openings about discs, whose edges move outwards by so much, px."""
    x = np.linspace(-20, 20, COLUMNS, dtype=np.float32)
    arch = np.cos(x / 20 * np.pi / 2)
    live = np.zeros((2, 2, COLUMNS, 2), np.float32)
    live[..., 0] = x
    live[0, ..., 1], live[1, ..., 1] = 8 * arch + tilt * x, -7 * arch + tilt * x
    live[:, 1, :, 0] += 2
    moved = live.copy()
    moved[0, ..., 1] += np.float32(upper) * arch
    moved[1, ..., 1] -= np.float32(lower) * arch
    parted = np.stack([moved[0, ..., 1] - live[0, ..., 1], live[1, ..., 1] - moved[1, ..., 1]])
    return Edges(live, moved, parted, np.minimum(np.float32(fringe), np.abs(parted)))


def yielding(of: Edges) -> Yielding:
    return Yielding(giving_way=1.0, arc=0.35, slides=3, uncovers=bool(of.parted.max() > 0.5))


def used(laid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is drawn of the sheets: of each its own half."""
    parts = []
    for eye, middle in enumerate(MIDDLE):
        parts += [laid[0, eye, :, : middle + 1], laid[1, eye, :, middle:]]
    return np.concatenate([part.reshape(-1, 2) for part in parts])


@given(upper=lifts, lower=lifts, fringe=st.floats(0, 3, width=32), tilt=st.floats(-0.3, 0.3))
@example(upper=3.0, lower=0.0, fringe=1.5, tilt=0.25)
def test_sheets_are_those_of_the_reference(
    upper: float, lower: float, fringe: float, tilt: float
) -> None:
    of = edges(upper, lower, fringe, tilt)
    target, source = sheets.lay(of, ROWS, MIDDLE, yielding(of))
    expected = sheets_reference.lay(of, ROWS, MIDDLE, yielding(of))
    np.testing.assert_allclose(target, expected[0], atol=1e-4)
    # Straight above the middle, rounding in a point's height decides how far it slides.
    beside = np.abs(used(target)[:, 0]) > 1
    found, wanted = used(source), used(expected[1])
    np.testing.assert_allclose(found[beside], wanted[beside], atol=0.02)
    np.testing.assert_allclose(found, wanted, atol=1.0)


@given(upper=lifts, lower=lifts)
def test_edges_observe_themselves_and_all_else_its_own_circle(upper: float, lower: float) -> None:
    of = edges(upper, lower)
    target, source = sheets.lay(of, ROWS, MIDDLE, yielding(of))
    for half in range(2):
        np.testing.assert_array_equal(target[half, :, 0], of.moved[0])
        np.testing.assert_allclose(target[half, :, -1], of.moved[1], atol=1e-5)
        np.testing.assert_array_equal(source[half, :, 0], of.live[0])
        np.testing.assert_array_equal(source[half, :, -1], of.live[1])
    at, seen = used(target[:, :, 2:-2]), used(source[:, :, 2:-2])
    # Of a point beside the middle by less than nothing, only the height can give way.
    turned = np.abs(at[:, 0]) > 1
    np.testing.assert_allclose(
        np.linalg.norm(seen[turned], axis=1), np.linalg.norm(at[turned], axis=1), atol=2.5
    )


def test_what_nothing_uncovers_observes_itself() -> None:
    of = edges(-2.0, -1.0)
    target, source = sheets.lay(of, ROWS, MIDDLE, yielding(of))
    np.testing.assert_array_equal(target[:, :, 2:-2], source[:, :, 2:-2])


def test_edges_without_an_opening_do_no_harm() -> None:
    of = edges(3.0, 2.0)
    shut = Edges(of.live[[1, 1]].copy(), of.live[[1, 1]].copy(), of.parted, of.fringe)
    for laid in sheets.lay(shut, ROWS, MIDDLE, yielding(of)):
        assert np.isfinite(laid).all()


def test_columns_in_any_order_read_nothing_beyond_them(rng) -> None:
    """A head in profile folds its lids: columns no longer run from right to left."""
    of = edges(3.0, 2.0)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(COLUMNS)
        mixed = Edges(*(np.ascontiguousarray(each[:, :, order]) for each in of))
        for laid in sheets.lay(mixed, ROWS, MIDDLE, yielding(of)):
            assert np.isfinite(laid).all()


def test_wrong_arrays_are_refused() -> None:
    of = edges(3.0, 2.0)
    how = yielding(of)
    with pytest.raises(ValueError, match="at least 2 and 6"):
        sheets.lay(of, 5, MIDDLE, how)
    with pytest.raises(ValueError, match="float32"):
        sheets.lay(of._replace(moved=of.moved.astype(np.float64)), ROWS, MIDDLE, how)
    with pytest.raises(ValueError, match="float32"):
        sheets.lay(of._replace(parted=of.parted[:1]), ROWS, MIDDLE, how)
    with pytest.raises(ValueError, match="middle must be int64"):
        sheets.lay(of, ROWS, MIDDLE.astype(np.int32), how)
