"""Turn displacements into places in the picture and weights, for eight pairs of pixels at once."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]

from kernels.lanes import (
    F32,
    I32,
    Lanes,
    floats,
    integer,
    integers,
    load,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.options import INLINE
from kernels.tables import ROW
from kernels.weights import PHASES

# Two pixels side by side share one position down where they look less than this apart, px.
SHARED_PX = 0.5
# The phases of a pair are packed: a byte for each of its columns, and 16 bits for its rows, counted
# in numbers of 32 bits where weights of rows lie.
_ACROSS_BITS, _DOWN_BITS = (0, 8), 16 + ROW.bit_length() - 1
# In place of where a pair starts: no pixel is covered, or they are taken one by one.
BARE, SINGLE = -2, -1


def _write_taps(
    b: ir.IRBuilder, taps: ir.Value, plane: ir.Value, at: ir.Value, moves: ir.Value,
    move: ir.Value, line: ir.Value, x: ir.Value, y: ir.Value, size: ir.Value,
) -> None:  # fmt: skip
    n = 8
    width, height = (b.trunc(b.extract_value(size, i), I32) for i in (0, 1))
    columns = Lanes(b, ir.Constant(vector(F32, n), [2.0 * k for k in range(n)]))
    columns = columns + splat(b, x, n)
    moved_x, moved_y = (
        Lanes(b, load(b, moves, first, F32, 2 * n)) for first in (move, b.add(move, line))
    )
    x0, x1 = (columns + moved_x.pick(*range(i, 2 * n, 2)) for i in (0, 1))
    y0, y1 = (moved_y.pick(*range(i, 2 * n, 2)) for i in (0, 1))
    bare = [b.fcmp_unordered("uno", one.value, one.value) for one in (x0, x1)]
    at_x, at_y = (x0 + x1) * 0.5, (y0 + y1) * 0.5 + splat(b, y, n)
    inside = ir.Constant(vector(ir.IntType(1), n), [1] * n)
    for apart in (x1 - x0, y1 - y0):
        inside = b.and_(inside, apart.is_(">", -SHARED_PX))
        inside = b.and_(inside, apart.is_("<", SHARED_PX))
    # Sixteen bytes are read of each row.
    for place, length, margin in ((at_x, width, 5), (at_y, height, 2)):
        far = floats(b, b.sub(splat(b, length, n).value, integers(margin, n)))
        inside = b.and_(inside, b.and_(place.is_(">=", 1.0), place.is_("<", far)))
    column, row = at_x.truncated(), at_y.truncated()
    base = floats(b, column)
    wide = splat(b, width, n).value
    start = b.add(b.mul(b.sub(row, integers(1, n)), wide), b.sub(column, integers(1, n)))
    start = b.mul(start, integers(3, n))
    none = b.select(b.and_(*bare), integers(BARE, n), integers(SINGLE, n))
    start = b.select(inside, start, none)
    across = (_phase((one - base).larger(0.0).smaller(1.0)) for one in (x0, x1))
    packed = b.shl(_phase(at_y - floats(b, row)), integers(_DOWN_BITS, n))
    for phase, bits in zip(across, _ACROSS_BITS, strict=True):
        packed = b.or_(packed, b.shl(phase, integers(bits, n)))
    for i, value in enumerate((start, packed)):
        to = b.add(at, b.mul(plane, integer(i)))
        b.store(value, pointer_to(b, taps, to, value.type), align=4)


def _phase(part: Lanes) -> ir.Value:
    return (part * float(PHASES) + 0.5).truncated()


@numba.njit(**INLINE)
def _packed(phase_y, phase_x, other_x):  # type: ignore[no-untyped-def]
    """Return the phases of a pair as one number: where its rows' weights are, and columns'."""
    packed = phase_y << _DOWN_BITS
    return packed | (phase_x << _ACROSS_BITS[0]) | (other_x << _ACROSS_BITS[1])


@written(_write_taps)
def _tap(taps, plane, at, moves, move, line, x, y, size):  # type: ignore[no-untyped-def]
    """Write where eight pairs of pixels look in `src`, and which weights they take.

    Pairs that do not share one position down, or lie near the border, are marked SINGLE;
    BARE if no triangle covers them.
    """
    width, height = size
    across, down = (moves.reshape(-1)[first : first + 16] for first in (move, move + line))
    columns = np.float32(x) + 2 * np.arange(8, dtype=np.float32)
    xs, ys = [columns + across[i::2] for i in (0, 1)], [down[i::2] for i in (0, 1)]
    bare = [np.isnan(one) for one in xs]
    (x0, x1), (y0, y1) = xs, ys
    half = np.float32(0.5)
    at_x, at_y = half * (x0 + x1), np.float32(y) + half * (y0 + y1)
    inside = (abs(x1 - x0) < SHARED_PX) & (abs(y1 - y0) < SHARED_PX)
    # Sixteen bytes are read of each row.
    inside &= (at_x >= 1) & (at_x < width - 5) & (at_y >= 1) & (at_y < height - 2)
    at_x, at_y = np.where(inside, at_x, half), np.where(inside, at_y, half)
    column, row = at_x.astype(np.int32), at_y.astype(np.int32)
    start = 3 * ((row - 1) * width + column - 1)
    start = np.where(inside, start, np.where(bare[0] & bare[1], BARE, SINGLE))
    parts = [np.clip(np.where(inside, one, 0) - column, 0, 1) for one in (x0, x1)]
    steps = [(part * PHASES + half).astype(np.int32) for part in (at_y - row, *parts)]
    taps = taps.reshape(-1)
    for i, value in enumerate((start, _packed(*steps))):
        taps[at + i * plane : at + i * plane + 8] = value
