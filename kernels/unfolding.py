"""What :mod:`kernels.folds` and :mod:`kernels.pairs` are compiled from.

References
----------
Müller, Heidelberger, Hennix & Ratcliff (2007), Position based dynamics, Journal of Visual
Communication and Image Representation 18(2), section 3.3 (projection of a constraint); here on
the signed areas of triangles, all at once, each vertex going the mean of its ways.
"""

from __future__ import annotations

import numba
import numpy as np

from kernels.options import INNER, OUTER


@numba.njit(**INNER)
def _area_jit(points, triangles, t):  # type: ignore[no-untyped-def]
    """Return twice the signed area of one triangle."""
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
    bx, by = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1]
    return ax * by - ay * bx


@numba.njit(**INNER)
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


@numba.njit(**INNER)
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


@numba.njit(**INNER)
def _keep_apart_jit(  # type: ignore[no-untyped-def]
    points, above, below, followers, leaders, following, gaps, down, first, steps
):
    """Move pairs of points apart until their gaps are wide enough, and others with them."""
    for p in range(first, above.shape[0]):
        a, b = above[p], below[p]
        gap = (points[b, 0] - points[a, 0]) * down[0] + (points[b, 1] - points[a, 1]) * down[1]
        steps[p] = max(gaps[p] - gap, np.float32(0)) / np.float32(2)
        if steps[p] > 0:
            for axis in range(2):
                points[a, axis] -= steps[p] * down[axis]
                points[b, axis] += steps[p] * down[axis]
    for f in range(followers.shape[0]):
        p = leaders[f]
        if p >= first and steps[p] > 0:
            for axis in range(2):
                points[followers[f], axis] += following[f] * steps[p] * down[axis]


@numba.njit(**OUTER)
def _settle_jit(  # type: ignore[no-untyped-def]
    points, triangles, least, above, below, followers, leaders, following, gaps, down,
    n_free, rounds, tries, first, later, limits, way, asked, steps,
):  # fmt: skip
    """Keep pairs apart and unfold in turn; return whether anything may be folded still."""
    tolerance, eagerness, tiny = limits[0], limits[1], limits[3]
    for turn in range(tries + 1):
        begun = first if turn < 2 else later
        _keep_apart_jit(
            points, above, below, followers, leaders, following, gaps, down, begun, steps
        )
        if turn < tries and not _unfold_jit(
            points, triangles, least, n_free, rounds, tolerance, eagerness, tiny, way, asked
        ):
            return False
    return tries > 0


@numba.njit(**INNER)
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


@numba.njit(**INNER)
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


@numba.njit(**OUTER)
def _hold_back_jit(  # type: ignore[no-untyped-def]
    points, source, triangles, least, limit, goal, pairs, n_free, rounds, limits, way, asked,
    kept, around,
):  # fmt: skip
    """Hold back vertices of folded triangles, unfolding between as long as that is gentle."""
    tolerance, eagerness, least_kept, tiny = limits[0], limits[1], limits[2], limits[3]
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
