"""Draw the rows of a band, once it is noted where their pixels look."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils

from kernels.jobs import BAND_ROWS
from kernels.lanes import I32, integer, written
from kernels.options import INNER
from kernels.sampling import _between_jit, _draw_one, _draw_pair, _draw_run
from kernels.taps import BARE, _packed, _tap
from kernels.weights import PHASES


def _write_fetches(b: ir.IRBuilder, array: ir.Value, first: ir.Value, count: ir.Value) -> None:
    kinds = [I32] * 3
    signature = ir.FunctionType(ir.VoidType(), [array.type, *kinds])
    fetch = b.module.declare_intrinsic("llvm.prefetch", (array.type,), signature)
    # Read, kept as long as can be, data.
    how = [ir.Constant(kind, n) for kind, n in zip(kinds, (0, 3, 1), strict=True)]
    with cgutils.for_range_slice(b, integer(0), count, integer(64)) as (at, _):
        b.call(fetch, [b.gep(array, [b.add(first, at)]), *how])


@written(_write_fetches)
def _fetch_ahead(array, first, count):  # type: ignore[no-untyped-def]
    """Have bytes brought into the cache, whether they lie within `array` or not."""


@numba.njit(**INNER)
def _rows_jit(  # type: ignore[no-untyped-def]
    out, src, taps, moves, tints, tables, extents, top, step
):
    """Sample and repaint the covered pixels of a band; have the next one fetched meanwhile."""
    height, width = src.shape[0], src.shape[1]
    far_x, far_y = np.float32(width - 1), np.float32(height - 1)
    line, plane, stride = 8 * tints.shape[1], taps.shape[1], 3 * width
    move_line = moves.shape[2]
    flat = tints.reshape(-1)
    steps, half = np.float32(PHASES), np.float32(0.5)
    for r in range(min(BAND_ROWS, height - top)):
        y, first, last = top + r, np.int64(extents[0, r]) // 2, (np.int64(extents[1, r]) + 1) // 2
        if first >= last:
            continue
        _fetch_ahead(src, (y + step * BAND_ROWS) * stride + 6 * first, 6 * (last - first))
        for p in range(first, last, 8):
            _tap(
                taps, plane, p, moves, 2 * r * move_line + 2 * p, move_line, np.float32(2 * p),
                np.float32(y), (width, height),
            )  # fmt: skip
        tint, below, p = r // 2 * line, (r + 1) // 2 * line, np.int64(first)
        while p < last:
            p += _draw_run(
                out, y * stride + 6 * p, src, stride, taps, p, last, plane, tables,
                flat, tint + 8 * p, below + 8 * p,
            )  # fmt: skip
            if p >= last:
                break
            if taps[0, p] >= 0:
                _draw_pair(
                    out, y * stride + 6 * p, src, stride, taps, p, plane, tables,
                    flat, tint + 8 * p, below + 8 * p,
                )  # fmt: skip
            elif taps[0, p] != BARE:
                for x in range(2 * p, min(2 * p + 2, width)):
                    if moves[r, 0, x] != moves[r, 0, x]:
                        continue
                    at_x = _between_jit(np.float32(x) + moves[r, 0, x], np.float32(0), far_x)
                    at_y = _between_jit(np.float32(y) + moves[r, 1, x], np.float32(0), far_y)
                    column, row = np.int64(at_x), np.int64(at_y)
                    phase_x = np.int32((at_x - np.float32(column)) * steps + half)
                    phase_y = np.int32((at_y - np.float32(row)) * steps + half)
                    odd = x - 2 * p
                    if (
                        row < 1
                        or row >= height - 2
                        or column < 2
                        or column >= width - 5
                        or (2 * p + 1 >= width)
                    ):
                        _draw_one(
                            out, y, x, src, column, row, phase_x, phase_y,
                            tables, flat, tint + 8 * p, below + 8 * p,
                        )  # fmt: skip
                        continue
                    # As one of a pair, whose other pixel is then left as it was.
                    taps[0, p] = 3 * ((row - 1) * width + column - 1 - odd)
                    taps[1, p] = _packed(phase_y, phase_x, phase_x)
                    other = 2 * p + 1 - odd
                    blue, green, red = out[y, other, 0], out[y, other, 1], out[y, other, 2]
                    _draw_pair(
                        out, y * stride + 6 * p, src, stride, taps, p, plane, tables,
                        flat, tint + 8 * p, below + 8 * p,
                    )  # fmt: skip
                    out[y, other, 0], out[y, other, 1], out[y, other, 2] = blue, green, red
            p += 1
