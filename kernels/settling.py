"""Keep a moved mesh whole: pairs of its points apart and its triangles unfolded, in turn."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.folds import Limits
from kernels.options import OUTER
from kernels.pairs import Pairs
from kernels.unfolding import _settle_jit


class Asking(NamedTuple):
    """What is asked of a triangle by its live area and that at rest.

    Attributes
    ----------
    least_part : float
        No triangle that faces the viewer shrinks below this part of its live area.
    facing_from, facing_to : float
        Of a triangle's area at rest, what the live one must have to count as facing the viewer:
        from the first part on a little, from the second wholly.
    freely : float
        One that is turned away may turn over by this part of its area at rest.
    """

    least_part: float
    facing_from: float
    facing_to: float
    freely: float


@numba.njit(**OUTER)
def _asked_jit(  # type: ignore[no-untyped-def]
    least, gaps, source, triangles, rest_area, above, below, parts, down, asking, square
):
    """Write what is asked of triangles and of pairs by what they are."""
    one, none = np.float32(1), np.float32(0)
    kept, start, stop, freely = asking[0], asking[1], asking[2], asking[3]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = source[b, 0] - source[a, 0], source[b, 1] - source[a, 1]
        bx, by = source[c, 0] - source[a, 0], source[c, 1] - source[a, 1]
        area, rest = ax * by - ay * bx, rest_area[t] * square
        weight = min(max((area / rest - start) / (stop - start), none), one)
        least[t] = weight * (kept * area + freely * rest) - freely * rest
    for p in range(above.shape[0]):
        a, b = above[p], below[p]
        gap = (source[b, 0] - source[a, 0]) * down[0] + (source[b, 1] - source[a, 1]) * down[1]
        gaps[p] = min(parts[p] * gap, gap) if parts[p] > 0 else none


@awaited_in("kernels.folds_reference")
def asked(
    source: NDArray[np.float32],
    triangles: NDArray[np.int32],
    rest_area: NDArray[np.float32],
    asking: NDArray[np.float32],
    unit: float,
    pairs: Pairs,
    parts: NDArray[np.float32],
    down: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is asked of a mesh by what it is live.

    Parameters
    ----------
    source : ndarray of shape (V, C), float32
        The live vertices; x and y first, px.
    triangles : ndarray of shape (T, 3), int32
        Their indices are not checked.
    rest_area : ndarray of shape (T,), float32
        Twice the areas at rest, positive.
    asking : ndarray of shape (4,), float32
        :class:`Asking`, in that order.
    unit : float
        Of the mesh at rest, px.
    pairs : Pairs
    parts : ndarray of shape (P,), float32
        What part of its gap each keeps; 0 for those that may just not cross.
    down : ndarray of shape (2,), float32
        Along which gaps are measured, of length 1.

    Returns
    -------
    least : ndarray of shape (T,), float32
        Of :func:`kernels.folds.doubled_areas`, for :func:`settle`.
    gaps : ndarray of shape (P,), float32

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    n, p = len(triangles), len(pairs.above)
    _check(source, pairs, down)
    for array, shape in ((rest_area, (n,)), (asking, (4,)), (parts, (p,))):
        check_floats(array, shape)
    least, gaps = np.empty(n, np.float32), np.empty(p, np.float32)
    _asked_jit(
        least, gaps, plain(source), plain(triangles), rest_area, pairs.above, pairs.below,
        parts, down, asking, np.float32(unit * unit),
    )  # fmt: skip
    return least, gaps


@awaited_in("kernels.folds_reference")
def settle(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    pairs: Pairs,
    gaps: NDArray[np.float32],
    down: NDArray[np.float32],
    n_free: int,
    rounds: int,
    later: int,
    limits: Limits,
) -> bool:
    """Keep pairs apart and unfold triangles, in turn and in place; say whether some may be folded.

    Parameters
    ----------
    points : ndarray of shape (V, 2), float32
    triangles, least, n_free, rounds, limits
        As for :func:`kernels.folds.unfold`; the triangles' indices are not checked.
    pairs, gaps, down
        As for :func:`kernels.pairs.keep_apart`.
    later : int
        From the second turn on, only pairs from this one on are seen to.

    Raises
    ------
    ValueError
        If an array has another shape or type, or there are too few points.
    """
    n = len(points)
    _check(points, pairs, down)
    check_floats(least, (len(triangles),))
    check_floats(gaps, (len(pairs.above),))
    return bool(
        _settle_jit(
            points, plain(triangles), least, *pairs[:5], gaps, down, min(n_free, n), rounds, TURNS,
            0, later, np.array(limits, np.float32), np.empty((n, 2), np.float32),
            np.empty(n, np.int32), np.empty(len(gaps), np.float32),
        )
    )  # fmt: skip


TURNS = 3
"""So often is unfolded, and are pairs seen to."""


def _check(points: NDArray[np.float32], pairs: Pairs, down: NDArray[np.float32]) -> None:
    check_floats(points, (len(points), points.shape[-1]))
    check_floats(down, (2,))
    if pairs.n_points > len(points):
        raise ValueError(f"expected at least {pairs.n_points} points, got {len(points)}")
