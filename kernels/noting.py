"""Note where the pixels of a band look, triangle by triangle, later ones over earlier ones.

Triangles are cut into spans, runs of pixels in one row, and into spans of nodes, every second pixel
of every second row, at which gain and bias are looked up.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numpy.typing import NDArray

from kernels.filling import _fill_jit, _fill_nodes_jit
from kernels.jobs import BAND_ROWS, RUN
from kernels.lanes import (
    I32,
    Lanes,
    floats,
    integer,
    integers,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.options import INNER
from kernels.planes import MAPPED, PICTURE

# Triangles have few rows of nodes in a band: most are cut at once, by half as much as RUN.
NODE_RUN = RUN // 2


def _ends(
    b: ir.IRBuilder, edges: ir.Value, t: ir.Value, rows: Lanes, past: ir.Value
) -> tuple[ir.Value, ir.Value]:
    """Return where rows enter triangle `t` and leave it: columns in [0, past]."""
    n = rows.value.type.count
    top_x, top_y, long, upper, middle_x, middle_y, lower = (
        splat(b, number, n) for number in _seven(b, edges, t)
    )
    one = (rows - top_y) * long + top_x
    above, below = (rows - top_y) * upper + top_x, (rows - middle_y) * lower + middle_x
    is_above = b.fcmp_ordered("<", rows.value, middle_y.value)
    other = Lanes(b, b.select(is_above, above.value, below.value))
    ends = []
    for end in (one.smaller(other), one.larger(other)):
        end = end.larger(0.0).smaller(splat(b, past, n))
        whole = end.truncated()
        short = b.fcmp_ordered("<", floats(b, whole).value, end.value)
        ends.append(b.add(whole, b.zext(short, whole.type)))
    return ends[0], ends[1]


def _seven(b: ir.IRBuilder, edges: ir.Value, t: ir.Value) -> list[ir.Value]:
    return [b.load(b.gep(edges, [b.add(b.mul(t, integer(7)), integer(i))])) for i in range(7)]


def _first_values(
    b: ir.IRBuilder, bases: ir.Value, planes: range, edges: ir.Value, fields: ir.Value,
    t: ir.Value, rows: Lanes, columns: Lanes,
) -> None:  # fmt: skip
    """Write what fields of triangle `t` are where its rows begin."""
    n = rows.value.type.count
    left, above, *_ = (splat(b, number, n) for number in _seven(b, edges, t))
    along, down = columns - left, rows - above
    for k in planes:
        first = b.add(b.mul(t, integer(15)), integer(3 * k))
        value, by_x, by_y = (
            splat(b, b.load(b.gep(fields, [b.add(first, integer(i))])), n) for i in range(3)
        )
        base = along * by_x + (down * by_y + value)
        b.store(base.value, pointer_to(b, bases, integer(RUN * k), base.value.type), align=4)


def _write_row_spans(
    b: ir.IRBuilder, cuts: ir.Value, bases: ir.Value, extents: ir.Value, r: ir.Value,
    n_rows: ir.Value, edges: ir.Value, fields: ir.Value, t: ir.Value, y: ir.Value,
    width: ir.Value,
) -> None:  # fmt: skip
    counted = _whole_numbers(RUN)
    rows = floats(b, counted) + splat(b, y, RUN)
    start, stop = _ends(b, edges, t, rows, width)
    for i, value in enumerate((start, b.sub(stop, start))):
        b.store(value, pointer_to(b, cuts, integer(RUN * i), value.type), align=4)
    _first_values(b, bases, range(2), edges, fields, t, rows, floats(b, start))
    covered = b.and_(
        b.icmp_signed("<", start, stop),
        b.icmp_signed("<", counted, splat(b, b.trunc(n_rows, I32), RUN).value),
    )
    for i, (value, order) in enumerate(((start, "<"), (stop, ">"))):
        pointer = pointer_to(b, extents, b.add(r, integer(2 * RUN * i)), value.type)
        before = b.load(pointer, align=4)
        further = b.and_(covered, b.icmp_signed(order, value, before))
        b.store(b.select(further, value, before), pointer, align=4)


@written(_write_row_spans)
def _cut_rows(cuts, bases, extents, r, n_rows, edges, fields, t, y, width):  # type: ignore[no-untyped-def]
    """Cut RUN rows from `y` on, of which `n_rows` are wanted, with triangle `t`.

    Writes where each begins and how long it is, and the displacement there; widens `extents`
    from row `r` on.
    """
    rows = y + np.arange(RUN, dtype=np.float32)
    start, stop = _ends_of(edges[t], rows, width)
    cuts[0], cuts[1] = start, stop - start
    _write_first_values(bases, range(2), edges[t], fields[t], rows, start)
    covered = np.flatnonzero((start < stop) & (np.arange(RUN) < n_rows))
    extents[0, r + covered] = np.minimum(extents[0, r + covered], start[covered])
    extents[1, r + covered] = np.maximum(extents[1, r + covered], stop[covered])


def _write_node_spans(
    b: ir.IRBuilder, cuts: ir.Value, bases: ir.Value, edges: ir.Value, fields: ir.Value,
    t: ir.Value, y: ir.Value, past: ir.Value,
) -> None:  # fmt: skip
    rows = floats(b, _whole_numbers(NODE_RUN)) * 2.0 + splat(b, y, NODE_RUN)
    one = integers(1, NODE_RUN)
    start, stop = (b.ashr(b.add(end, one), one) for end in _ends(b, edges, t, rows, past))
    for i, value in enumerate((start, b.sub(stop, start))):
        b.store(value, pointer_to(b, cuts, integer(RUN * i), value.type), align=4)
    _first_values(b, bases, range(2, 5), edges, fields, t, rows, floats(b, start) * 2.0)


@written(_write_node_spans)
def _cut_node_rows(cuts, bases, edges, fields, t, y, past):  # type: ignore[no-untyped-def]
    """Cut NODE_RUN rows of nodes from `y` on with triangle `t`: every second row and column.

    Writes where each begins and how long it is, in nodes, and what is looked up there.
    """
    rows = y + 2 * np.arange(NODE_RUN, dtype=np.float32)
    start, stop = ((end + 1) // 2 for end in _ends_of(edges[t], rows, past))
    cuts[0, :NODE_RUN], cuts[1, :NODE_RUN] = start, stop - start
    _write_first_values(bases[:, :NODE_RUN], range(2, 5), edges[t], fields[t], rows, 2 * start)


def _ends_of(
    e: NDArray[np.float32], rows: NDArray[np.float32], past: float
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return what :func:`_ends` has written."""
    # Where the row cuts the long edge, and the short one that it meets; rounded once.
    down, further = (rows - e[1]).astype(np.float64), (rows - e[5]).astype(np.float64)
    one, above = np.float32(e[0] + down * e[2]), np.float32(e[0] + down * e[3])
    other = np.where(rows < e[5], above, np.float32(e[4] + further * e[6]))
    ends = np.where(one < other, one, other), np.where(one > other, one, other)
    start, stop = (
        np.ceil(np.minimum(np.where(end > 0, end, np.float32(0)), past)).astype(np.int32)
        for end in ends
    )
    return start, stop


def _write_first_values(
    bases: NDArray[np.float32],
    planes: range,
    e: NDArray[np.float32],
    f: NDArray[np.float32],
    rows: NDArray[np.float32],
    columns: NDArray[np.int32],
) -> None:
    """Write what :func:`_first_values` has written."""
    for k in planes:
        down = f[k, 0] + (rows - e[1]).astype(np.float64) * f[k, 2]
        bases[k] = down.astype(np.float32) + (columns - e[0]).astype(np.float64) * f[k, 1]


def _whole_numbers(count: int) -> ir.Constant:
    return ir.Constant(vector(I32, count), list(range(count)))


@numba.njit(**INNER)
def _note_jit(  # type: ignore[no-untyped-def]
    moves, nodes, owners, extents, cuts, bases, order, kinds, rows, edges, fields, top, height,
    width,
):  # fmt: skip
    """Note what the pixels and nodes of a band look at; return whether any show the picture."""
    line, node_line = moves.shape[2], nodes.shape[2]
    node_plane = nodes.shape[1] * node_line
    zero, two = np.float32(0), np.float32(2)
    pictures = False
    for i in range(order.size):
        t = np.int64(order[i])
        first, last = max(rows[t, 0], top), min(rows[t, 1], top + BAND_ROWS, height)
        r, kind = first - top, kinds[t]
        by_x, by_y = fields[t, 0, 1], fields[t, 1, 1]
        _cut_rows(
            cuts, bases, extents, r, last - first, edges, fields, t, np.float32(first),
            np.float32(width),
        )  # fmt: skip
        for k in range(last - first):
            n, at = np.int64(cuts[1, k]), 2 * (r + k) * line + cuts[0, k]
            _fill_jit(moves, at, n, bases[0, k], by_x)
            _fill_jit(moves, at + line, n, bases[1, k], by_y)
        if kind == PICTURE:
            pictures = True
            for k in range(last - first):
                n, at = np.int64(cuts[1, k]), (r + k) * line + cuts[0, k]
                _fill_jit(owners, at, n, np.float32(t), zero)
        # One row more than the band has, for its nodes.
        first, last = (first + 1) // 2 * 2, min(rows[t, 1], top + BAND_ROWS + 1)
        by_x, by_y, by = two * fields[t, 2, 1], two * fields[t, 3, 1], two * fields[t, 4, 1]
        for start in range(first, last, 2 * NODE_RUN):
            _cut_node_rows(cuts, bases, edges, fields, t, np.float32(start), np.float32(width + 1))
            for k in range(min((last - start + 1) // 2, NODE_RUN)):
                n, at = np.int64(cuts[1, k]), ((start - top) // 2 + k) * node_line + cuts[0, k]
                if kind == MAPPED:
                    _fill_nodes_jit(nodes, at, n, bases[2, k], by_x)
                    _fill_nodes_jit(nodes, at + node_plane, n, bases[3, k], by_y)
                    _fill_nodes_jit(nodes, at + 2 * node_plane, n, bases[4, k], by)
                else:
                    _fill_nodes_jit(nodes, at + 2 * node_plane, n, zero, zero)
    return pictures
