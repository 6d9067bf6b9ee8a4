"""Sample the picture and repaint what was seen, one pixel, two or eight at a time."""

from __future__ import annotations

from functools import reduce

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types

from kernels.lanes import I16, I32, I64, Lanes, integer, pointer_to, vector, written
from kernels.mixing import as_bytes, fetched_orders, painted, reordered
from kernels.options import INLINE, INNER
from kernels.tables import COLUMN, COLUMNS, PACKED, ROWS
from kernels.tints import UNIT

# So many pairs are drawn at once, where there are as many.
PAIRS = 4


def _write_pair(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, plane: ir.Value, tables: ir.Value, tints: ir.Value,
    tint: ir.Value, below: ir.Value,
) -> None:  # fmt: skip
    orders = fetched_orders(b, tables, 1)
    both = painted(b, src, stride, taps, [at], plane, tables, orders, tints, tint, below)
    six = b.bitcast(as_bytes(b, [both] * 2).value, vector(I64, 2))
    six = b.extract_element(six, ir.Constant(I32, 0))
    b.store(b.trunc(six, I32), pointer_to(b, out, to, I32), align=1)
    six = b.trunc(b.lshr(six, integer(32)), I16)
    b.store(six, pointer_to(b, out, b.add(to, integer(4)), I16), align=1)


@written(_write_pair)
def _draw_pair(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, plane, tables, tints, tint, below
):
    """Sample and repaint two pixels that look side by side, well inside the picture."""
    out, src, taps, tints = (array.reshape(-1) for array in (out, src, taps, tints))
    start, packed = int(taps[at]), taps[at + plane : at + plane + 1]
    row, phases = int(packed.view(np.int16)[1]), packed.view(np.int8)[:2]
    four = np.stack([src[start + i * stride :][:15] for i in range(4)]).astype(np.int64)
    # Four times over are the first and the second weight, then the third and the fourth.
    weights = tables[ROWS + row :].view(np.int8)[[0, 1, 8, 9]].astype(np.int64)
    mixed = (weights @ four).reshape(5, 3)
    tints = tints[tint : tint + 8].astype(np.int64) + tints[below : below + 8]
    for k in (0, 1):
        columns = (
            tables[COLUMNS + COLUMN * int(phases[k]) :][:COLUMN].view(np.int16).astype(np.int64)
        )
        total = _whole_product(mixed[k : k + 4], columns[:, None]).sum(axis=0)
        repainted = _whole_product(total, tints[3 * k : 3 * k + 3]) + tints[6 + k]
        colours = np.clip(repainted // UNIT, 0, 255)
        out[to + 3 * k : to + 3 * k + 3] = colours.astype(np.uint8)


def _write_run(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, past: ir.Value, plane: ir.Value, tables: ir.Value,
    tints: ir.Value, tint: ir.Value, below: ir.Value,
) -> ir.Value:  # fmt: skip
    orders = fetched_orders(b, tables, 2)
    before = b.block
    head, look, draw, end = (b.append_basic_block(name) for name in ("run", "look", "draw", "end"))
    b.branch(head)
    b.position_at_end(head)
    drawn = b.phi(I64)
    drawn.add_incoming(integer(0), before)
    first, then = b.add(at, drawn), b.add(drawn, integer(PAIRS))
    b.cbranch(b.icmp_signed("<=", b.add(at, then), past), look, end)
    b.position_at_end(look)
    twos = (
        b.load(pointer_to(b, taps, b.add(first, integer(i)), I64), align=4)
        for i in range(0, PAIRS, 2)
    )
    # Marks are negative.
    marked = b.and_(reduce(b.or_, twos), integer(-(2**63) + 2**31))
    b.cbranch(b.icmp_unsigned("==", marked, integer(0)), draw, end)
    b.position_at_end(draw)
    drawn_pairs = []
    for k in range(0, PAIRS, 2):
        pairs = [b.add(first, integer(k + i)) for i in (0, 1)]
        nodes = b.mul(b.add(drawn, integer(k)), integer(8))
        lines = (b.add(line, nodes) for line in (tint, below))
        drawn_pairs.append(
            painted(b, src, stride, taps, pairs, plane, tables, orders, tints, *lines)
        )
    every = Lanes(b, reordered(b, as_bytes(b, drawn_pairs).value, orders, PACKED))
    one, other = (every.pick(*range(start, start + 16)) for start in (0, 16))
    # Sixteen bytes, of which the last four are then written over.
    here = b.add(to, b.mul(drawn, integer(6)))
    b.store(one.value, pointer_to(b, out, here, one.value.type), align=1)
    other = Lanes(b, b.bitcast(other.value, vector(I32, 4)))
    two = other.pick(0, 1).value
    b.store(two, pointer_to(b, out, b.add(here, integer(12)), two.type), align=1)
    last = b.extract_element(other.value, ir.Constant(I32, 2))
    b.store(last, pointer_to(b, out, b.add(here, integer(20)), I32), align=1)
    drawn.add_incoming(then, b.block)
    b.branch(head)
    b.position_at_end(end)
    return drawn


@written(_write_run, types.int64)
def _draw_run(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, past, plane, tables, tints, tint, below
):
    """Sample and repaint pairs of pixels as :func:`_draw_pair` does, PAIRS at a time.

    Ends where one is marked, or fewer are left before `past`; returns how many were drawn.
    """
    starts, drawn = taps.reshape(-1), 0
    while at + drawn + PAIRS <= past and (starts[at + drawn :][:PAIRS] >= 0).all():
        for k in range(drawn, drawn + PAIRS):
            _draw_pair(
                out, to + 6 * k, src, stride, taps, at + k, plane, tables, tints, tint + 8 * k,
                below + 8 * k,
            )  # fmt: skip
        drawn += PAIRS
    return drawn


@numba.njit(**INLINE)
def _whole_product(one, other):  # type: ignore[no-untyped-def]
    """Multiply whole numbers, and round away the product's last 15 bits."""
    return (one * other + 2**14) >> 15


@numba.njit(**INLINE)
def _between_jit(x, low, high):  # type: ignore[no-untyped-def]
    """Return `x`, at least `low` and at most `high`."""
    x = x if x < high else high
    return x if x > low else low


@numba.njit(**INNER)
def _draw_one(  # type: ignore[no-untyped-def]
    out, y, x, src, column, row, phase_x, phase_y, tables, tints, tint, below
):
    """Sample and repaint one pixel; what lies outside the picture is seen at its border."""
    height, width = src.shape[0], src.shape[1]
    rows, columns = tables[ROWS:].view(np.int8), tables[COLUMNS:].view(np.int16)
    odd = x % 2
    bias = np.int64(tints[tint + 6 + odd]) + tints[below + 6 + odd]
    for channel in range(3):
        total = np.int64(0)
        for j in range(4):
            tap_x = min(max(column + j - 1, 0), width - 1)
            mixed = np.int64(0)
            for i in range(4):
                tap_y = min(max(row + i - 1, 0), height - 1)
                # Two rows' weights, four times over, then those of the other two.
                weight = np.int64(rows[16 * phase_y + i % 2 + i // 2 * 8])
                mixed += weight * src[tap_y, tap_x, channel]
            total += _whole_product(mixed, np.int64(columns[4 * phase_x + j]))
        gain = np.int64(tints[tint + 3 * odd + channel]) + tints[below + 3 * odd + channel]
        colour = (_whole_product(total, gain) + bias) // UNIT
        out[y, x, channel] = np.uint8(min(max(colour, 0), 255))
