"""What threads that draw together share: where everything is, and how far they are.

A job is an array of whole numbers, its cells: sizes, addresses, and counters that are changed by
one indivisible instruction.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types

from kernels.lanes import F32, I8, I16, I32, I64, X86, written

# Even, so that all bands look gain and bias up on even rows of the picture.
BAND_ROWS = 16
# So many numbers are written at once; rows of scratch are longer by as many.
RUN = 16
# So many triangles are made planes of by one thread at a time.
CHUNK = 128
# How often whoever waits for another thread looks before it sleeps: about 0.2 ms.
SPINS = 8000
# Cells of a job. Those that threads write to while others read lie in cache lines of their own.
OPEN, INSIDE, NEXT_CHUNK, READY, PATIENCE = 0, 8, 16, 24, 32
(
    WORKERS, HEIGHT, WIDTH, LEFT, RIGHT, FIRST, LAST, DRAWN, SIDE, SHOWN_SIDE, VERTICES, N_MAP,
    WIDE, N_BEGINS, OUT, SRC, GAIN_BIAS, SHOWN, LIGHT, TABLES, TARGET, VALUES, TRIANGLES, KINDS,
    ROWS, EDGES, FIELDS, CHUNKS, CLAIMS, ORDER, BEGINS, COUNTS, LISTS, MOVES, NODES, OWNERS,
    EXTENTS, CUTS, BASES, PAINTS, TINTS, TAPS, CELLS,
) = range(PATIENCE + 1, PATIENCE + 44)  # fmt: skip
# Of a chunk: whether its planes are made, and then 2 more than how many there are; 1 if it names a
# vertex that does not exist; left, top, right and bottom of its pixels. A cache line for each.
MADE, BOX, CHUNK_CELLS = 0, 1, 8
# How many of a worker's bands are begun lies in a cache line of its own, too.
CLAIM_CELLS = 8
NO_VERTEX, MADE_PLANES = 1, 2
DREW, OVERLAPS, LACKS_VERTICES = 0, 1, 2


def count_begins(height: int) -> int:
    """Return for how many bands places are kept, in whole cache lines.

    A band's nodes reach beyond the picture, and where the last band ends is noted, too.
    """
    return (height // BAND_ROWS + 3 + 7) // 8 * 8


def _write_sum(b: ir.IRBuilder, cells: ir.Value, at: ir.Value, number: ir.Value) -> ir.Value:
    return b.atomic_rmw("add", b.gep(cells, [at]), number, "seq_cst")


@written(_write_sum, types.int64)
def added(cells, at, number):  # type: ignore[no-untyped-def]
    """Add to a cell that other threads change too; return what it held before."""
    cells = cells.reshape(-1)
    cells[at] += number
    return cells[at] - number


@written(lambda b, cells, at: b.load_atomic(b.gep(cells, [at]), "seq_cst", 8), types.int64)
def seen(cells, at):  # type: ignore[no-untyped-def]
    """Return what a cell holds that other threads change."""
    return cells.reshape(-1)[at]


def _write_told(b: ir.IRBuilder, cells: ir.Value, at: ir.Value, number: ir.Value) -> None:
    b.store_atomic(number, b.gep(cells, [at]), "seq_cst", 8)


@written(_write_told)
def tell(cells, at, number):  # type: ignore[no-untyped-def]
    """Write to a cell that other threads read; whoever sees it, sees all written before."""
    cells.reshape(-1)[at] = number


def _write_pause(b: ir.IRBuilder) -> None:
    if X86:
        b.call(
            b.module.declare_intrinsic(
                "llvm.x86.sse2.pause", (), ir.FunctionType(ir.VoidType(), [])
            ),
            [],
        )


@written(_write_pause)
def pause():  # type: ignore[no-untyped-def]
    """Leave the core to others for a moment, while waiting for a cell to change."""


def _pointing(kind: types.Type, element: ir.Type, plain: type) -> Callable[..., Any]:
    pointing = types.CPointer(kind)  # type: ignore[no-untyped-call]

    @written(lambda b, address: b.inttoptr(address, element.as_pointer()), pointing)
    def pointer(address):  # type: ignore[no-untyped-def]
        return ctypes.cast(int(address), ctypes.POINTER(plain))

    return pointer


bytes_at = _pointing(types.uint8, I8, ctypes.c_uint8)
floats_at = _pointing(types.float32, F32, ctypes.c_float)
shorts_at = _pointing(types.int16, I16, ctypes.c_int16)
ints_at = _pointing(types.int32, I32, ctypes.c_int32)
longs_at = _pointing(types.int64, I64, ctypes.c_int64)
