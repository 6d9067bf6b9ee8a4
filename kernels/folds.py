"""Keep a moved triangle mesh from folding: move vertices apart, or hold them back.

Areas are signed: positive where a triangle's corners run clockwise as seen (y down). What each
triangle must keep is given; what moves is as little as will do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, check_indices, plain
from kernels.unfolding import _hold_back_jit, _settle_jit


class Limits(NamedTuple):
    """How a fold is undone.

    Attributes
    ----------
    tolerance : float
        Of what a triangle must keep, the part that may be missing.
    eagerness : float
        At a vertex that several triangles want to move, by how much more than the mean of these
        ways it goes; at least 1.
    least_kept : float
        Of its way, what a vertex that is held back gently keeps in each round.
    tiny : float
        Against division by zero; px².
    """

    tolerance: float
    eagerness: float
    least_kept: float
    tiny: float = 1e-6


def _check(
    points: NDArray[np.float32], triangles: NDArray[np.int32], *areas: NDArray[np.float32]
) -> None:
    """Raise ValueError unless shapes and types are those that the kernels expect."""
    n = len(points)
    check_floats(points, (n, 2))
    check_indices(triangles, (len(triangles), 3), n)
    for area in areas:
        check_floats(area, (len(triangles),))


@awaited_in("kernels.folds_reference")
def doubled_areas(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return twice the signed area of every triangle, (T,), float32.

    Parameters
    ----------
    points : ndarray of shape (V, 2), float32
    triangles : ndarray of shape (T, 3), int32
        Vertex indices.

    Raises
    ------
    ValueError
        If an array has another shape or type, or `triangles` names a vertex that does not exist.
    """
    _check(points, triangles)
    a, b, c = points[triangles.T]
    (ax, ay), (bx, by) = (b - a).T, (c - a).T
    return np.asarray(ax * by - ay * bx, np.float32)


@awaited_in("kernels.folds_reference")
def unfold(
    points: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    n_free: int,
    rounds: int,
    limits: Limits,
) -> bool:
    """Move vertices of folded triangles apart, in place; say whether there were any.

    Parameters
    ----------
    points : ndarray of shape (V, 2), float32
        The first `n_free` are written to.
    triangles : ndarray of shape (T, 3), int32
    least : ndarray of shape (T,), float32
        What :func:`doubled_areas` is to be at least.
    n_free : int
        Only so many vertices, the first ones, may move.
    rounds : int
        After which the rest is left folded.
    limits : Limits

    Raises
    ------
    ValueError
        As by :func:`doubled_areas`.
    """
    _check(points, triangles, least)
    n, none, nowhere = len(points), np.empty(0, np.int32), np.empty(0, np.float32)
    return bool(
        _settle_jit(
            points, plain(triangles), plain(least), none, none, none, none, nowhere, nowhere,
            nowhere, min(n_free, n), rounds, 1, 0, 0, np.array(limits, np.float32),
            np.empty((n, 2), np.float32), np.empty(n, np.int32), nowhere,
        )
    )  # fmt: skip


@awaited_in("kernels.folds_reference")
def hold_back(
    points: NDArray[np.float32],
    source: NDArray[np.float32],
    triangles: NDArray[np.int32],
    least: NDArray[np.float32],
    limit: NDArray[np.float32],
    goal: NDArray[np.float32],
    pairs: NDArray[np.int32],
    n_free: int,
    rounds: tuple[int, int, int],
    limits: Limits,
) -> None:
    """Move vertices of folded triangles less far from where they were; in place.

    Parameters
    ----------
    points, source : ndarray of shape (V, 2), float32
        Where vertices are, written to, and were.
    triangles : ndarray of shape (T, 3), int32
    least, limit, goal : ndarray of shape (T,), float32
        Doubled areas: what :func:`unfold` asks for, below which a triangle is held back, and what
        it is then given.
    pairs : ndarray of shape (P, 2), int32
        Vertices that are held back alike.
    n_free : int
        As for :func:`unfold`.
    rounds : tuple of three int
        In which vertices are held back gently and unfolded between; of unfolding between them;
        and of all.
    limits : Limits

    Raises
    ------
    ValueError
        As for :func:`doubled_areas`.
    """
    _check(points, triangles, least, limit, goal)
    n = len(points)
    check_floats(source, (n, 2))
    check_indices(pairs, (len(pairs), 2), n)
    kept, around = np.empty((2, n), np.float32)
    _hold_back_jit(
        points, plain(source), plain(triangles), plain(least), plain(limit), plain(goal),
        plain(pairs), min(n_free, n), rounds, np.array(limits, np.float32),
        np.empty((n, 2), np.float32), np.empty(n, np.int32), kept, around,
    )  # fmt: skip
