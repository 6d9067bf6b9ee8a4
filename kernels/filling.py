"""Write arithmetic progressions of any length to memory, a register at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numpy.typing import NDArray

from kernels.lanes import I32, MASKS, floats, pointer_to, splat, vector, written
from kernels.options import INLINE


def _write_progression(lanes: int, *, cut: bool = False) -> Callable[..., None]:
    """Return what writes so many elements, or only the first of them if they are cut."""

    def write(
        b: ir.IRBuilder, field: ir.Value, at: ir.Value, n: ir.Value, first: ir.Value,
        step: ir.Value,
    ) -> None:  # fmt: skip
        counted = ir.Constant(vector(I32, lanes), list(range(lanes)))
        new = (floats(b, counted) * splat(b, step, lanes) + splat(b, first, lanes)).value
        pointer = pointer_to(b, field, at, new.type)
        if cut:
            inside = b.icmp_signed("<", counted, splat(b, b.trunc(n, I32), lanes).value)
            new = b.select(inside, new, b.load(pointer, align=4))
        b.store(new, pointer, align=4)

    return write


def _putter(lanes: int, *, cut: bool = False) -> Callable[..., Any]:
    """Return what writes first + step * k to elements at + k, k below `lanes`, and `n` if cut."""

    def put(field: NDArray[np.float32], at: int, n: int, first: float, step: float) -> None:
        counted = np.arange(max(min(n, lanes), 0) if cut else lanes, dtype=np.float32)
        field.reshape(-1)[at : at + len(counted)] = first + step * counted

    return written(_write_progression(lanes, cut=cut))(put)


_put_up_to_16, _put_up_to_8 = _putter(16, cut=True), _putter(8, cut=True)
_put_8, _put_4, _put_2, _put_1 = (_putter(lanes) for lanes in (8, 4, 2, 1))


@numba.njit(**INLINE)
def _fill_16_jit(field, at, n, first, step):  # type: ignore[no-untyped-def]
    """Write first + step * k to `n` elements; best where most are 16 at most."""
    # That there are none is rare, and to write none takes less than to guess when.
    _put_up_to_16(field, at, n, first, step)
    for k in range(16, n, 16):
        _put_up_to_16(field, at + k, n - k, first + np.float32(k) * step, step)


@numba.njit(**INLINE)
def _fill_8_jit(field, at, n, first, step):  # type: ignore[no-untyped-def]
    """Write first + step * k to `n` elements; best where most are 8 at most."""
    _put_up_to_8(field, at, n, first, step)
    for k in range(8, n, 8):
        _put_up_to_8(field, at + k, n - k, first + np.float32(k) * step, step)


@numba.njit(**INLINE)
def _fill_uncut_jit(field, at, n, first, step):  # type: ignore[no-untyped-def]
    """Write first + step * k to `n` elements, some of them twice, and none beyond."""
    if n >= 8:
        for k in range(0, n - 8, 8):
            _put_8(field, at + k, n, first + np.float32(k) * step, step)
        _put_8(field, at + n - 8, n, first + np.float32(n - 8) * step, step)
    elif n >= 4:
        _put_4(field, at, n, first, step)
        _put_4(field, at + n - 4, n, first + np.float32(n - 4) * step, step)
    elif n >= 2:
        _put_2(field, at, n, first, step)
        _put_2(field, at + n - 2, n, first + np.float32(n - 2) * step, step)
    elif n == 1:
        _put_1(field, at, n, first, step)


# Where a store cannot be cut by a mask, or takes long as on AMD's processors before Zen 4, a load,
# a choice and a store wait for the store before to what lies beside.
_fill_jit = _fill_16_jit if MASKS else _fill_uncut_jit
_fill_nodes_jit = _fill_8_jit if MASKS else _fill_uncut_jit
