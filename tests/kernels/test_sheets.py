"""Sheets: the kernel against its reference, and what both promise."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import seams, sheets, sheets_reference
from kernels.sheets import Edges, Yielding

ROWS, COLUMNS = 10, 13
MIDDLE = np.array([6, 5], np.int64)
DOWN, CENTRES = np.array([0, 1], np.float32), np.array([[3, 4], [-50, 0]], np.float32)
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


def lay(
    of: Edges, how: Yielding, module: ModuleType = sheets
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return target and source along the axes: right and up, from the middles of the discs."""
    shape = (2, 2, ROWS, of.live.shape[2])
    target, values = np.empty((*shape, 2), np.float32), np.empty((*shape, 5), np.float32)
    module.lay(target, values, of, MIDDLE, CENTRES, DOWN, how)
    return _upwards(target), _upwards(values[..., :2])


def _upwards(points: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(points * (1, -1) - CENTRES[:, None, None], np.float32)


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
    target, source = lay(of, yielding(of))
    expected = lay(of, yielding(of), sheets_reference)
    np.testing.assert_allclose(target, expected[0], atol=1e-4)
    # Straight above the middle, rounding in a point's height decides how far it slides.
    beside = np.abs(used(target)[:, 0]) > 1
    found, wanted = used(source), used(expected[1])
    np.testing.assert_allclose(found[beside], wanted[beside], atol=0.02)
    np.testing.assert_allclose(found, wanted, atol=1.0)


@given(upper=lifts, lower=lifts)
def test_edges_observe_themselves_and_all_else_its_own_circle(upper: float, lower: float) -> None:
    of = edges(upper, lower)
    target, source = lay(of, yielding(of))
    for half in range(2):
        np.testing.assert_allclose(target[half, :, 0], of.moved[0], atol=1e-5)
        np.testing.assert_allclose(target[half, :, -1], of.moved[1], atol=1e-5)
        np.testing.assert_allclose(source[half, :, 0], of.live[0], atol=1e-5)
        np.testing.assert_allclose(source[half, :, -1], of.live[1], atol=1e-5)
    at, seen = used(target[:, :, 2:-2]), used(source[:, :, 2:-2])
    # Of a point beside the middle by less than nothing, only the height can give way.
    turned = np.abs(at[:, 0]) > 1
    np.testing.assert_allclose(
        np.linalg.norm(seen[turned], axis=1), np.linalg.norm(at[turned], axis=1), atol=2.5
    )


def test_what_nothing_uncovers_observes_itself() -> None:
    of = edges(-2.0, -1.0)
    target, source = lay(of, yielding(of))
    np.testing.assert_array_equal(target[:, :, 2:-2], source[:, :, 2:-2])


def test_edges_without_an_opening_do_no_harm() -> None:
    of = edges(3.0, 2.0)
    shut = Edges(of.live[[1, 1]].copy(), of.live[[1, 1]].copy(), of.parted, of.fringe)
    for laid in lay(shut, yielding(of)):
        assert np.isfinite(laid).all()


def test_columns_in_any_order_read_nothing_beyond_them(rng) -> None:
    """A head in profile folds its lids: columns no longer run from right to left."""
    of = edges(3.0, 2.0)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(COLUMNS)
        mixed = Edges(*(np.ascontiguousarray(each[:, :, order]) for each in of))
        for laid in lay(mixed, yielding(of)):
            assert np.isfinite(laid).all()


def test_wrong_arrays_are_refused() -> None:
    of = edges(3.0, 2.0)
    how = yielding(of)
    target, values = (
        np.empty((2, 2, 10, 13, 2), np.float32),
        np.empty((2, 2, 10, 13, 5), np.float32),
    )
    axes = (CENTRES, DOWN)
    with pytest.raises(ValueError, match="at least 2 and 6"):
        sheets.lay(target[:, :, :5], values, of, MIDDLE, *axes, how)
    for wrong in (
        of._replace(moved=of.moved.astype(np.float64)),
        of._replace(parted=of.parted[:1]),
    ):
        with pytest.raises(ValueError, match="float32"):
            sheets.lay(target, values, wrong, MIDDLE, *axes, how)
    with pytest.raises(ValueError, match="float32"):
        sheets.lay(target, values[..., :2], of, MIDDLE, *axes, how)
    with pytest.raises(ValueError, match="middle must be int64"):
        sheets.lay(target, values, of, MIDDLE.astype(np.int32), *axes, how)


SEAMS = seams.Seams(
    edges=np.array([[[0, 1, 2], [3, 4, 5]], [[0, 6, 2], [3, 7, 5]]], np.int32),
    discs=np.array([[8, 0, 2], [9, 5, 3]], np.int32),
    cuts=3,
    n_points=10,
    n_edge_points=8,
)


@given(seed=st.integers(0, 999), angle=st.floats(0, 6.3), moved_px=st.floats(0, 9))
def test_edges_are_cut_as_by_the_reference(seed: int, angle: float, moved_px: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 20, (10, 3)).astype(np.float32)
    after = points[:, :2] + rng.normal(0, moved_px, (10, 2)).astype(np.float32)
    down = np.array([np.sin(angle), np.cos(angle)], np.float32)
    cutting = np.array(seams.Cutting(2, 1, 0.2, 0.15, 0.85), np.float32)
    found = seams.cut(points, after, SEAMS, cutting, down)
    expected = sheets_reference.cut(points, after, SEAMS, cutting, down)
    for one, other in zip(found.edges, expected.edges, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    np.testing.assert_allclose(found.centres, expected.centres, atol=1e-4)
    assert found.most == pytest.approx(expected.most, abs=1e-4)
    assert found.least == pytest.approx(expected.least, abs=1e-4)
    off = np.abs(expected.edges.moved[..., 0].sum(axis=0))
    np.testing.assert_allclose(off[[0, 1], found.middle], off.min(axis=1), atol=1e-3)
    columns = found.edges.live[:, :, :: SEAMS.cuts] + found.centres[:, None]
    axes = np.array([[down[1], -down[0]], [-down[0], -down[1]]])
    np.testing.assert_allclose(columns @ axes, points[SEAMS.edges][..., :2], atol=1e-4)


def test_too_few_points_are_refused() -> None:
    points, down = np.zeros((10, 3), np.float32), np.array([0, 1], np.float32)
    cutting = np.zeros(5, np.float32)
    with pytest.raises(ValueError, match=r"float32 \(10, 3\)"):
        seams.cut(points[:9], points[:, :2].copy(), SEAMS, cutting, down)
    with pytest.raises(ValueError, match=r"float32 \(8, 2\)"):
        seams.cut(points, points[:7, :2].copy(), SEAMS, cutting, down)
