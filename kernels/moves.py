"""Move points of a picture by displacements in space, held back where a picture shows more than it.

The points lie on a surface with a slit, whose edges are pairs of points, and with round discs, each
between two covers. Heights rise in space and fall in the picture. What the slit and the covers do
beyond what is known of them is taken back, what turns away from the viewer stays, and so does the
rim of the surface.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.options import INNER, OUTER
from kernels.surfaces import Surface, Wish

# Rows of a surface's fields; those of the slit's pairs follow.
NORMAL, SIDE, FREE, WITHIN, FALLS, BELOW, FOLLOWS, SAG, COVERS, PAIRS = (
    0,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    14,
)


@numba.njit(**INNER)
def _fall_less_jit(shift, fields, part):  # type: ignore[no-untyped-def]
    """Take back a part of what falls with the slit's lower edge."""
    for i in range(shift.shape[0]):
        shift[i, 1] -= part * min(shift[i, 1], np.float32(0)) * fields[FALLS, i]


@numba.njit(**INNER)
def _meet_jit(shift, fields, ways, part):  # type: ignore[no-untyped-def]
    """Move points as the slit's edges go towards each other, by half of each pair's way."""
    for p in range(ways.shape[0]):
        half = part * ways[p] / np.float32(2)
        if half != 0:
            for i in range(shift.shape[0]):
                shift[i, 1] += half * fields[PAIRS + p, i]


@numba.njit(**INNER)
def _parted_jit(ways, shift, slit, sign, kept):  # type: ignore[no-untyped-def]
    """Write how far pairs part beyond a part of what was written; return the widest of all."""
    widest = np.float32(-np.inf)
    for p in range(slit.shape[1]):
        parted = sign * (shift[slit[0, p], 1] - shift[slit[1, p], 1])
        widest = max(widest, parted)
        ways[p] = max(parted - kept * ways[p], np.float32(0))
    return widest


@numba.njit(**INNER)
def _slit_jit(shift, fields, slit, limits, open_now, closing, moving, ways):  # type: ignore[no-untyped-def]
    """Limit how far the slit opens and closes; return how far it was to be opened."""
    one, none = np.float32(1), np.float32(0)
    surely, at_rest, moved, least = limits[0], limits[1], limits[2], limits[3]
    opened = _parted_jit(ways, shift, slit, one, none)
    if closing > 0 and opened > 0:
        # What falls takes its neighbours along; what it does not take back, the edges do.
        _fall_less_jit(shift, fields, closing * min(opened / surely, one))
        _parted_jit(ways, shift, slit, one, one - closing)
        _meet_jit(shift, fields, ways, one)
        opened = _parted_jit(ways, shift, slit, one, none)
    enough = max(at_rest + moving * (moved - at_rest), least * opened)
    held = min(max(opened / surely, none), one) * min(max(open_now / enough, none), one)
    if held > 0:
        _fall_less_jit(shift, fields, held)
    closed = _parted_jit(ways, shift, slit, -one, none)
    if closed > 0:
        room = max(open_now, none)
        left = room / closed if room < closed else one
        lost = min(closed / surely, one) * (one - left)
        for i in range(shift.shape[0]):
            if fields[BELOW, i] > 0:
                shift[i, 1] -= lost * max(shift[i, 1], none)
        whole = max(_parted_jit(ways, shift, slit, -one, none), np.float32(1e-6))
        _meet_jit(shift, fields, ways, min(room / whole, one) - one)
    return opened


@numba.njit(**INNER)
def _project_jit(ways, shift, fields, pose, edge_on, facing):  # type: ignore[no-untyped-def]
    """Write displacements in the picture, less of what lies on a side that is seen edge-on."""
    one, none, three = np.float32(1), np.float32(0), np.float32(3)
    x, y, z = pose[2, 0], pose[2, 1], pose[2, 2]
    part = one / ((facing - edge_on) * max(np.sqrt(x * x + y * y + z * z), np.float32(1e-6)))
    start = edge_on / (facing - edge_on)
    for i in range(shift.shape[0]):
        towards = fields[NORMAL, i] * x + fields[NORMAL + 1, i] * y + fields[NORMAL + 2, i] * z
        t = min(max(-part * towards - start, none), one)
        seen = t * t * (three - (t + t))
        kept = (one - fields[SIDE, i] * (one - seen)) * fields[FREE, i]
        a, b, c = kept * shift[i, 0], kept * shift[i, 1], kept * shift[i, 2]
        ways[i, 0] = pose[0, 0] * a + pose[0, 1] * b + pose[0, 2] * c
        ways[i, 1] = pose[1, 0] * a + pose[1, 1] * b + pose[1, 2] * c


@numba.njit(**INNER)
def _rim_jit(ways, values, fields, rim, n_held, n_points, reach, limits):  # type: ignore[no-untyped-def]
    """Add the rim's second row; hold back what would leave it."""
    one, n = np.float32(1), rim.shape[0]
    x = y = np.float32(0)
    for k in range(n):
        x += values[rim[k], 0] / np.float32(n)
        y += values[rim[k], 1] / np.float32(n)
    used = np.float32(-np.inf)
    for k in range(n_held):
        v = rim[k]
        outx, outy = values[v, 0] - x, values[v, 1] - y
        width = max((outx * outx + outy * outy) * reach, np.float32(1e-6))
        used = max(used, (ways[v, 0] * outx + ways[v, 1] * outy) / width)
    for v in range(n_points, n_points + n):
        values[v, 0] += reach * (values[v, 0] - x)
        values[v, 1] += reach * (values[v, 1] - y)
    start, room = limits[6], limits[7] - limits[6]
    if used > start:
        allowed = start + room * np.float32(math.tanh((used - start) / room))
        for i in range(n_points):
            kept = one - (one - allowed / used) * fields[FOLLOWS, i]
            ways[i, 0] *= kept
            ways[i, 1] *= kept


@numba.njit(**INNER)
def _held_jit(lift, stands, opening, limits):  # type: ignore[no-untyped-def]
    """Return what part of its way a cover is held back; lengths in the unit of space."""
    if lift <= 0:
        return np.float32(0)
    room = max(limits[8] - stands, limits[9])
    ratio = lift / room
    kept = np.float32((1 + ratio * ratio * ratio) ** (-1 / 3))
    # What is shut stays shut.
    awake = (opening - limits[10]) / (limits[11] - limits[10])
    return np.float32(1) - kept * min(max(awake, np.float32(0)), np.float32(1))


@numba.njit(**INNER)
def _covers_jit(ways, points, fields, covers, down, unit, limits, held):  # type: ignore[no-untyped-def]
    """Let covers part only a little further than their discs reach."""
    hardly, last = True, covers.shape[1] - 1
    for c in range(4):
        side = np.float32(1) if c < 2 else np.float32(-1)
        lift = stands = opening = np.float32(-np.inf)
        disc = covers[c, last]
        for k in range(last):
            v, upper, lower = covers[c, k], covers[c % 2, k], covers[c % 2 + 2, k]
            lift = max(lift, -side * (ways[v, 0] * down[0] + ways[v, 1] * down[1]))
            x, y = points[v, 0] - points[disc, 0], points[v, 1] - points[disc, 1]
            stands = max(stands, -side * (x * down[0] + y * down[1]))
            x, y = points[lower, 0] - points[upper, 0], points[lower, 1] - points[upper, 1]
            opening = max(opening, x * down[0] + y * down[1])
        held[c] = _held_jit(lift / unit, stands / unit, opening / unit, limits)
        hardly = hardly and held[c] <= limits[12]
    if hardly:
        return
    for i in range(ways.shape[0]):
        rise = -(ways[i, 0] * down[0] + ways[i, 1] * down[1])
        first = COVERS if rise > 0 else COVERS + 2
        at = 0 if rise > 0 else 2
        taken = rise * (held[at] * fields[first, i] + held[at + 1] * fields[first + 1, i])
        ways[i, 0] += taken * down[0]
        ways[i, 1] += taken * down[1]


@numba.njit(**INNER)
def _sag_jit(points, ways, sagging, down, least):  # type: ignore[no-untyped-def]
    """Return by how much more the middle of the lower edge is to hang between its ends."""
    middle, right, left = sagging[0], sagging[1], sagging[2]
    sag = deep = np.float32(0)
    for axis in range(2):
        deep += (points[middle, axis] - (points[right, axis] + points[left, axis]) / 2) * down[axis]
        sag += (ways[middle, axis] - (ways[right, axis] + ways[left, axis]) / 2) * down[axis]
    return max(least * max(deep, np.float32(0)) - (deep + sag), np.float32(0))


@numba.njit(**OUTER)
def _move_jit(  # type: ignore[no-untyped-def]
    target, values, points, pose, amounts, offset, added, marked, fields, slit, rim, covers,
    sagging, vertices, limits, now, n_held, shift, ways, gaps,
):  # fmt: skip
    """Write vertices and where they go; return how far the slit was to be opened."""
    n, unit = amounts.shape[0], now[0]
    x, y = pose[0, 1], pose[1, 1]
    long = max(np.sqrt(x * x + y * y), np.float32(1e-6))
    down = (-x / long, -y / long)
    for v in range(vertices.shape[0]):
        values[v, 0], values[v, 1] = points[vertices[v], 0], points[vertices[v], 1]
    for i in range(n):
        values[i, 4] = amounts[i] * fields[WITHIN, i] if marked[i] else np.float32(0)
        for axis in range(3):
            shift[i, axis] = amounts[i] * offset[i, axis] + added[i, axis]
    open_now = np.float32(-np.inf)
    for p in range(slit.shape[1]):
        a, b = slit[0, p], slit[1, p]
        gap = (points[b, 0] - points[a, 0]) * down[0] + (points[b, 1] - points[a, 1]) * down[1]
        open_now = max(open_now, gap / unit)
    opened = _slit_jit(shift, fields, slit, limits, open_now, now[1], now[2], gaps)
    _project_jit(ways, shift, fields, pose, limits[4], limits[5])
    _rim_jit(ways, values, fields, rim, n_held, n, limits[14], limits)
    _covers_jit(ways, points, fields, covers, down, unit, limits, gaps)
    missing = _sag_jit(points, ways, sagging, down, limits[13]) / np.float32(2)
    for i in range(n):
        sag = missing * fields[SAG, i]
        target[i, 0] = points[i, 0] + (ways[i, 0] + sag * down[0])
        target[i, 1] = points[i, 1] + (ways[i, 1] + sag * down[1])
    return opened


@awaited_in("kernels.moves_reference")
def move(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    points: NDArray[np.float32],
    pose: NDArray[np.float32],
    unit: float,
    wish: Wish,
    surface: Surface,
    limits: NDArray[np.float32],
) -> float:
    """Write the vertices of a surface, and where its points go.

    Parameters
    ----------
    target : ndarray of shape (M, 2), float32
        Where points are to lie in the picture: the first N are written.
    values : ndarray of shape (M, 5), float32
        Of the first V, x and y in the picture are written; of the first N, the amount, last.
    points : ndarray of shape (L, 3), float32
        In the picture; x right, y down.
    pose : ndarray of shape (4, 4), float32
        Takes space to the picture; its third row is the depth away from the viewer.
    unit : float
        Of space, in px.
    wish : Wish
    surface : Surface
    limits : ndarray of shape (15,), float32
        :class:`kernels.surfaces.Limits`, in that order.

    Returns
    -------
    float
        By how much the slit was to open, in the unit of space, at its widest pair.

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    n, m = len(wish.amounts), len(target)
    if m < len(surface.vertices):
        raise ValueError(f"expected at least {len(surface.vertices)} vertices, got {m}")
    for array, shape in (
        (target, (m, 2)),
        (values, (m, 5)),
        (points, (max(len(points), surface.n_points), 3)),
        (pose, (4, 4)),
        (wish.amounts, (surface.fields.shape[1],)),
        (wish.offset, (n, 3)),
        (wish.added, (n, 3)),
    ):
        check_floats(array, shape)
    if wish.marked.shape != (n,) or wish.marked.dtype != np.bool_:
        raise ValueError(f"expected bool {(n,)}, got {wish.marked.dtype} {wish.marked.shape}")
    now = np.array([unit, wish.closing, wish.moving], np.float32)
    few = np.zeros(max(surface.slit.shape[1], 4), np.float32)
    return float(
        _move_jit(
            target, values, plain(points), plain(pose), *map(plain, wish[:4]), *surface[:6],
            limits, now, surface.n_held,
            np.empty((n, 3), np.float32), np.empty((n, 2), np.float32), few,
        )
    )  # fmt: skip
