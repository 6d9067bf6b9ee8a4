"""Cut the edges of sheets into columns, along the axes of the discs that they slide over."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.options import INNER, OUTER
from kernels.sheets import Edges


class Seams(NamedTuple):
    """Where the edges of E sheets run.

    Attributes
    ----------
    edges : ndarray of shape (2, E, K), int32
        The points of the upper and of the lower edge.
    discs : ndarray of shape (E, 3), int32
        The middle of each disc, and the points at the ends of its edges.
    cuts : int
        Each piece between two points is cut into so many columns.
    n_points, n_edge_points : int
        So many points there must be, and so many that move.
    """

    edges: NDArray[np.int32]
    discs: NDArray[np.int32]
    cuts: int
    n_points: int
    n_edge_points: int

    @property
    def columns(self) -> int:
        return (int(self.edges.shape[2]) - 1) * self.cuts + 1


class Cutting(NamedTuple):
    """How edges are cut.

    Attributes
    ----------
    upper_fringe, lower_fringe : float
        How deep into the sheet goes what goes with an edge, px.
    fringe_part : float
        But no deeper than this part of the opening.
    inner_from, inner_to : float
        Parts of the width between which the middle of a disc is looked for.
    """

    upper_fringe: float
    lower_fringe: float
    fringe_part: float
    inner_from: float
    inner_to: float


class Cut(NamedTuple):
    """Edges that are cut.

    Attributes
    ----------
    edges : Edges
    middle : ndarray of shape (E,), int64
        The column over the middle of each disc.
    centres : ndarray of shape (E, 2), float32
        The middles of the discs along the axes.
    most, least : float
        How far an edge parts at most and at least.
    """

    edges: Edges
    middle: NDArray[np.int64]
    centres: NDArray[np.float32]
    most: float
    least: float


@numba.njit(**INNER)
def _centres_jit(centres, points, discs, down, ends):  # type: ignore[no-untyped-def]
    """Write the middle of each disc along the axes, held between the ends of its edges."""
    for e in range(discs.shape[0]):
        v, a, b = discs[e, 0], discs[e, 1], discs[e, 2]
        one = points[a, 0] * down[1] - points[a, 1] * down[0]
        other = points[b, 0] * down[1] - points[b, 1] * down[0]
        beside = points[v, 0] * down[1] - points[v, 1] * down[0]
        start, width = min(one, other), abs(other - one)
        centres[e, 0] = min(max(beside, start + ends[0] * width), start + ends[1] * width)
        centres[e, 1] = -(points[v, 0] * down[0] + points[v, 1] * down[1])


@numba.njit(**INNER)
def _columns_jit(out, points, edges, centres, down, cuts):  # type: ignore[no-untyped-def]
    """Write points of edges, cut into columns, along the axes and from the middle of a disc."""
    for lower in range(2):
        for e in range(out.shape[1]):
            for c in range(out.shape[2]):
                k = min(c // cuts, edges.shape[2] - 2)
                part = np.float32(c - k * cuts) / np.float32(cuts)
                a, b = edges[lower, e, k], edges[lower, e, k + 1]
                x = points[a, 0] + part * (points[b, 0] - points[a, 0])
                y = points[a, 1] + part * (points[b, 1] - points[a, 1])
                out[lower, e, c, 0] = x * down[1] - y * down[0] - centres[e, 0]
                out[lower, e, c, 1] = -(x * down[0] + y * down[1]) - centres[e, 1]


@numba.njit(**OUTER)
def _cut_jit(  # type: ignore[no-untyped-def]
    live, moved, parted, fringe, centres, middle, points, after, edges, discs, down, cutting, cuts
):
    """Write edges cut into columns; return how far they part at most, and at least."""
    _centres_jit(centres, points, discs, down, cutting[3:])
    _columns_jit(live, points, edges, centres, down, cuts)
    _columns_jit(moved, after, edges, centres, down, cuts)
    most, least = np.float32(-np.inf), np.float32(np.inf)
    for e in range(live.shape[1]):
        nearest = np.float32(np.inf)
        for c in range(live.shape[2]):
            opening = max(live[0, e, c, 1] - live[1, e, c, 1], np.float32(0))
            for lower in range(2):
                way = moved[lower, e, c, 1] - live[lower, e, c, 1]
                way = -way if lower else way
                deep = min(cutting[lower], cutting[2] * opening)
                parted[lower, e, c], fringe[lower, e, c] = way, min(deep, abs(way))
                most, least = max(most, way), min(least, way)
            off = abs(moved[0, e, c, 0] + moved[1, e, c, 0])
            if off < nearest:
                nearest, middle[e] = off, c
    return most, least


@awaited_in("kernels.sheets_reference")
def cut(
    points: NDArray[np.float32],
    after: NDArray[np.float32],
    seams: Seams,
    cutting: NDArray[np.float32],
    down: NDArray[np.float32],
) -> Cut:
    """Cut edges into columns.

    Parameters
    ----------
    points, after : ndarray of shape (L, 3) and (M, 2), float32
        In the picture, x right and y down, before and after the edges move; M reaches beyond
        every point of `seams` but the discs' middles.
    seams : Seams
    cutting : ndarray of shape (5,), float32
        :class:`Cutting`, in that order.
    down : ndarray of shape (2,), float32
        From upper to lower edges, of length 1.

    Raises
    ------
    ValueError
        If an array has another shape or type, or there are too few points.
    """
    n_edges, columns = len(seams.discs), seams.columns
    for array, shape in (
        (points, (max(len(points), seams.n_points), 3)),
        (after, (max(len(after), seams.n_edge_points), 2)),
        (cutting, (5,)),
        (down, (2,)),
    ):
        check_floats(array, shape)
    lain = np.empty((2, 2, n_edges, columns, 2), np.float32)
    ways = np.empty((2, 2, n_edges, columns), np.float32)
    centres, middle = np.empty((n_edges, 2), np.float32), np.zeros(n_edges, np.int64)
    edges = Edges(lain[0], lain[1], ways[0], ways[1])
    most, least = _cut_jit(
        *edges,
        centres,
        middle,
        plain(points),
        plain(after),
        seams.edges,
        seams.discs,
        down,
        cutting,
        seams.cuts,
    )
    return Cut(edges, middle, centres, float(most), float(least))
