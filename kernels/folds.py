"""Keep a moved triangle mesh from folding: move vertices apart, or hold them back.

Areas are signed: positive where a triangle's corners run clockwise as seen (y down). What each
triangle must keep is given; what moves is as little as will do.

References
----------
Müller, Heidelberger, Hennix & Ratcliff (2007), Position based dynamics, Journal of Visual
Communication and Image Representation 18(2), section 3.3 (projection of a constraint); here on
the signed areas of triangles, all at once, each vertex going the mean of its ways.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.checks import check_floats, check_indices, read_only


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


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _area_jit(points, triangles, t):  # type: ignore[no-untyped-def]
    """Return twice the signed area of one triangle."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
    bx, by = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
    return ax * by - ay * bx


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _areas_jit(areas, points, triangles):  # type: ignore[no-untyped-def]
    for t in range(triangles.shape[0]):
        areas[t] = _area_jit(points, triangles, t)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _ways_jit(way, asked, points, triangles, least, tolerance, tiny):  # type: ignore[no-untyped-def]
    """Add up the ways that open the folded triangles; return how many are folded.

    The area grows along its gradient; the first corner moves against the others.
    """
    way[:] = 0
    asked[:] = 0
    folded = 0
    for t in range(triangles.shape[0]):
        missing = least[t] - _area_jit(points, triangles, t)
        if not missing > tolerance * abs(least[t]) + tiny:
            continue
        folded += 1
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
        bx, by = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
        dx, dy = ay - by, bx - ax
        square = dx * dx + dy * dy + bx * bx + by * by + ax * ax + ay * ay
        step = missing / max(square, tiny)
        way[a, 0] += dx * step
        way[a, 1] += dy * step
        way[b, 0] += by * step
        way[b, 1] -= bx * step
        way[c, 0] -= ay * step
        way[c, 1] += ax * step
        asked[a] += 1
        asked[b] += 1
        asked[c] += 1
    return folded


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _unfold_jit(  # type: ignore[no-untyped-def]
    points, triangles, least, n_free, rounds, tolerance, eagerness, tiny, way, asked
):
    """Move vertices of folded triangles apart; return whether there were any."""
    for turn in range(rounds):
        if _ways_jit(way, asked, points, triangles, least, tolerance, tiny) == 0:
            return turn > 0
        for v in range(n_free):
            if asked[v] > 0:
                share = eagerness / max(np.float32(asked[v]), eagerness)
                points[v, 0] += way[v, 0] * share
                points[v, 1] += way[v, 1] * share
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _root_jit(points, source, triangles, t, goal, tiny):  # type: ignore[no-untyped-def]
    """Return what part of its corners' ways a triangle may go to keep the area `goal`.

    Its area after the part p of them is quadratic in p; the smaller positive root of
    ``square p² + linear p + spare``, in a form that never cancels.
    """
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax = (points[b, 0] - points[a, 0]) - (source[b, 0] - source[a, 0])
    ay = (points[b, 1] - points[a, 1]) - (source[b, 1] - source[a, 1])
    bx = (points[c, 0] - points[a, 0]) - (source[c, 0] - source[a, 0])
    by = (points[c, 1] - points[a, 1]) - (source[c, 1] - source[a, 1])
    start = _area_jit(source, triangles, t)
    square = ax * by - ay * bx
    linear = _area_jit(points, triangles, t) - start - square
    spare = max(start - goal, np.float32(0))
    root = np.sqrt(max(linear * linear - np.float32(4) * square * spare, np.float32(0)))
    return np.float32(2) * spare / max(root - linear, tiny)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _kept_jit(  # type: ignore[no-untyped-def]
    kept, around, points, source, triangles, limit, goal, least_kept, tiny
):
    """Write what part of its way each vertex keeps; return how many triangles are folded."""
    kept[:] = 1
    folded = 0
    for t in range(triangles.shape[0]):
        area = _area_jit(points, triangles, t)
        if not (area < limit[t] and limit[t] < _area_jit(source, triangles, t)):
            continue
        folded += 1
        part = _root_jit(points, source, triangles, t, goal[t], tiny)
        part = min(max(part, least_kept), np.float32(1))
        for corner in range(3):
            v = triangles[t, corner]
            kept[v] = min(kept[v], part)
    # Neighbours go half of that way with them, or they would be the next to fold.
    # One by one, since to compile the copy of a whole array, and its errors, takes two seconds.
    for v in range(kept.shape[0]):
        around[v] = kept[v]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        half = (np.float32(1) + min(kept[a], min(kept[b], kept[c]))) / np.float32(2)
        for corner in range(3):
            v = triangles[t, corner]
            around[v] = min(around[v], half)
    return folded


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _hold_back_jit(  # type: ignore[no-untyped-def]
    points, source, triangles, least, limit, goal, pairs, n_free, rounds,
    tolerance, eagerness, tiny, least_kept, way, asked, kept, around,
):  # fmt: skip
    """Hold back vertices of folded triangles, unfolding between as long as that is gentle."""
    gentle_rounds, between, all_rounds = rounds
    for turn in range(all_rounds):
        gentle = turn < gentle_rounds
        least_part = least_kept if gentle else np.float32(0)
        if _kept_jit(kept, around, points, source, triangles, limit, goal, least_part, tiny) == 0:
            return
        for p in range(pairs.shape[0]):
            one, other = pairs[p, 0], pairs[p, 1]
            around[one] = around[other] = min(around[one], around[other])
        for v in range(around.shape[0]):
            for axis in range(2):
                moved = points[v, axis] - source[v, axis]
                points[v, axis] = source[v, axis] + around[v] * moved
        if gentle:
            _unfold_jit(
                points, triangles, least, n_free, between, tolerance, eagerness, tiny, way, asked
            )


def _scalars(limits: Limits) -> tuple[np.float32, np.float32, np.float32]:
    return np.float32(limits.tolerance), np.float32(limits.eagerness), np.float32(limits.tiny)


def _check(
    points: NDArray[np.float32], triangles: NDArray[np.int32], *areas: NDArray[np.float32]
) -> None:
    """Raise ValueError unless shapes and types are those that the kernels expect."""
    n = len(points)
    check_floats(points, (n, 2))
    check_indices(triangles, (len(triangles), 3), n)
    for area in areas:
        check_floats(area, (len(triangles),))


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
    areas = np.empty(len(triangles), np.float32)
    _areas_jit(areas, read_only(points), read_only(triangles))
    return areas


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
    n = len(points)
    scratch = np.empty((n, 2), np.float32), np.empty(n, np.int32)
    fixed = read_only(triangles), read_only(least), min(n_free, n), rounds
    return bool(_unfold_jit(points, *fixed, *_scalars(limits), *scratch))


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
    ways, asked = np.empty((n, 2), np.float32), np.empty(n, np.int32)
    kept, around = np.empty((2, n), np.float32)
    _hold_back_jit(
        points, read_only(source), read_only(triangles), read_only(least), read_only(limit),
        read_only(goal), read_only(pairs), min(n_free, n), rounds, *_scalars(limits),
        np.float32(limits.least_kept), ways, asked, kept, around,
    )  # fmt: skip
