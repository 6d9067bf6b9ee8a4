"""Lay the picture over what has been drawn: teeth and what else is inside a mouth."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]

from kernels.jobs import BAND_ROWS
from kernels.lanes import (
    F32,
    I8,
    I16,
    I32,
    Lanes,
    floats,
    integer,
    lerp,
    load,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.noting import _cut_rows
from kernels.options import INNER
from kernels.planes import PICTURE
from kernels.sampling import _between_jit


def _write_shown(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, picture: ir.Value, start: ir.Value,
    side: ir.Value, right: ir.Value, lower: ir.Value, amount: ir.Value, light: ir.Value,
) -> None:  # fmt: skip
    above, below = (
        Lanes(b, load(b, picture, first, F32, 8))
        for first in (start, b.add(start, b.mul(side, integer(4))))
    )
    column = lerp(above, below, splat(b, lower, 8))
    shown = lerp(column.pick(0, 1, 2, 3), column.pick(4, 5, 6, 7), splat(b, right, 4))
    opacity = (shown.pick(3, 3, 3, 3) * splat(b, amount, 4)).larger(0.0).smaller(1.0)
    halves = [pointer_to(b, out, to, I16), pointer_to(b, out, b.add(to, integer(2)), I8)]
    low, high = (b.zext(b.load(half, align=1), I32) for half in halves)
    packed = b.bitcast(b.or_(low, b.shl(high, ir.Constant(I32, 16))), vector(I8, 4))
    colour = floats(b, b.zext(packed, vector(I32, 4)))
    mixed = colour + opacity * (shown * Lanes(b, load(b, light, integer(0), F32, 4)) - colour)
    whole = (mixed + 0.5).larger(0.0).smaller(255.0).truncated()
    packed = b.bitcast(b.trunc(whole, vector(I8, 4)), I32)
    b.store(b.trunc(packed, I16), halves[0], align=1)
    b.store(b.trunc(b.lshr(packed, ir.Constant(I32, 16)), I8), halves[1], align=1)


@written(_write_shown)
def _show(  # type: ignore[no-untyped-def]
    out, to, picture, start, side, right, lower, amount, light
):
    """Lay the picture over one pixel: shares of the right column and lower row, and opacity."""
    out, picture = out.reshape(-1), picture.reshape(-1)
    above, below = (picture[at : at + 8] for at in (start, start + 4 * side))
    column = above + (below - above) * lower
    shown = column[:4] + (column[4:] - column[:4]) * right
    opacity = min(max(shown[3] * amount, np.float32(0)), np.float32(1))
    colour = out[to : to + 3].astype(np.float32)
    mixed = colour + opacity * (shown[:3] * light[:3] - colour) + np.float32(0.5)
    out[to : to + 3] = np.clip(mixed, 0, 255).astype(np.uint8)


@numba.njit(**INNER)
def _picture_jit(  # type: ignore[no-untyped-def]
    out, picture, owners, extents, cuts, bases, order, kinds, rows, edges, fields, far, light, top
):
    """Lay the picture over the pixels of a band that a picture triangle owns."""
    height, width, side = out.shape[0], out.shape[1], picture.shape[0]
    zero = np.float32(0)
    for i in range(order.size):
        t = np.int64(order[i])
        first, last = max(rows[t, 0], top), min(rows[t, 1], top + BAND_ROWS, height)
        if kinds[t] != PICTURE:
            continue
        e, f = edges[t], fields[t]
        _cut_rows(
            cuts, bases, extents, first - top, last - first, edges, fields, t, np.float32(first),
            np.float32(width),
        )  # fmt: skip
        for y in range(first, last):
            k, dy = y - first, np.float32(y) - e[1]
            for x in range(cuts[0, k], cuts[0, k] + cuts[1, k]):
                if owners[y - top, x] != np.float32(t):
                    continue
                dx = np.float32(x) - e[0]
                u = _between_jit(f[2, 0] + f[2, 2] * dy + f[2, 1] * dx, zero, far)
                v = _between_jit(f[3, 0] + f[3, 2] * dy + f[3, 1] * dx, zero, far)
                j, i = int(u), int(v)
                amount = f[4, 0] + f[4, 2] * dy + f[4, 1] * dx
                _show(
                    out, 3 * (y * width + x), picture, 4 * (i * side + j), side,
                    u - np.float32(j), v - np.float32(i), amount, light,
                )  # fmt: skip
