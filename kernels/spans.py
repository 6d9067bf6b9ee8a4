"""Draw planes from one picture into another, band by band: the loops behind :mod:`kernels.apply`.

A band of rows goes through steps whose results stay in the processor's cache. Triangles are cut
into spans, runs of pixels in one row, that only note where each pixel looks, later triangles over
earlier ones; gain and bias are looked up for every second pixel of every second row; then whole
rows are sampled and repainted, two pixels at a time; last, the picture is laid over.

What is done on several numbers at a time is written twice: in NumPy, for ``NUMBA_DISABLE_JIT=1``
and as the explanation, and with llvmlite, since LLVM does not find it by itself.
Everything that decides what is compiled is in this file, or Numba's cache would not notice edits.
"""

from __future__ import annotations

import ctypes
import inspect
import platform
from collections.abc import Callable
from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from kernels.planes import MAPPED, PICTURE
from kernels.weights import ACROSS, DOWN, PHASES

# Even, so that all bands look gain and bias up on even rows of the picture.
BAND_ROWS = 16
# So many numbers are written at once; rows of scratch are longer by as many.
RUN = 16
# Two pixels side by side share one position down where they look less than this apart, px.
SHARED_PX = 0.5
# So many pairs are drawn at once, where there are as many.
PAIRS = 4
# So many rows ahead, what is sampled is brought into the cache.
FETCHED_ROWS = 8
# In place of where a pair starts: no pixel is covered, or they are taken one by one.
BARE, SINGLE = -2, -1
# How often whoever waits for another thread looks before it sleeps: about 0.1 ms.
SPINS = 8000
# Cells of a job. Those that threads write to while others read lie in cache lines of their own.
OPEN, NEXT, INSIDE, PATIENCE = 0, 8, 16, 24
(
    WORKERS, HEIGHT, WIDTH, LEFT, RIGHT, LAST, DRAWN, SIDE, SHOWN_SIDE, WIDE, OUT, SRC, GAIN_BIAS,
    SHOWN, LIGHT, ACROSS_AT, DOWN_AT, KINDS, ROWS, EDGES, FIELDS, ORDER, BEGINS, MOVES, NODES,
    OWNERS, EXTENTS, CUTS, TINTS, TAPS, CELLS,
) = range(PATIENCE + 1, PATIENCE + 32)  # fmt: skip
# Logarithms of gains stop here, because the approximation of exp rises again further down.
LEAST_LOG_GAIN = -4.0
# Sums of weighted colours are so many times the colour. Four tints make one pixel's.
UNIT = float(DOWN * ACROSS)
NO_GAIN, NO_BIAS = 0.25 / UNIT, 0.125

# For what only compiled code calls: a third of the compiling would go into taking Python's objects.
_INNER: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy",
    "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip
_OUTER: dict[str, Any] = {
    "cache": True, "nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True
}  # fmt: skip
_F32, _I8, _I16, _I32, _I64 = ir.FloatType(), *(ir.IntType(n) for n in (8, 16, 32, 64))
# A product and a sum may be rounded once instead of twice.
_FUSED = ("contract", "nsz")
_X86 = platform.machine().lower() in {"x86_64", "amd64"}
_AVX2 = _X86 and bool(llvmlite.binding.get_host_cpu_features().get("avx2"))


def _vector(kind: ir.Type, count: int) -> ir.VectorType:
    return ir.VectorType(kind, count)


class _Lanes:
    """Numbers side by side in one register, while LLVM's instructions are written."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    def _of(self, other: _Lanes | float) -> ir.Value:
        if isinstance(other, _Lanes):
            return other.value
        return ir.Constant(self.value.type, [ir.Constant(_F32, other)] * self.value.type.count)

    def __add__(self, other: _Lanes | float) -> _Lanes:
        return _Lanes(self.builder, self.builder.fadd(self.value, self._of(other), flags=_FUSED))

    def __sub__(self, other: _Lanes | float) -> _Lanes:
        return _Lanes(self.builder, self.builder.fsub(self.value, self._of(other), flags=_FUSED))

    def __mul__(self, other: _Lanes | float) -> _Lanes:
        return _Lanes(self.builder, self.builder.fmul(self.value, self._of(other), flags=_FUSED))

    def smaller(self, other: _Lanes | float) -> _Lanes:
        """Return the smaller of both; `other` where this is not a number."""
        b, than = self.builder, self._of(other)
        return _Lanes(b, b.select(b.fcmp_ordered("<", self.value, than), self.value, than))

    def larger(self, other: _Lanes | float) -> _Lanes:
        """Return the larger of both; `other` where this is not a number."""
        b, than = self.builder, self._of(other)
        return _Lanes(b, b.select(b.fcmp_ordered(">", self.value, than), self.value, than))

    def is_(self, order: str, other: _Lanes | float) -> ir.Value:
        """Compare lane by lane; false where this or `other` is not a number."""
        return self.builder.fcmp_ordered(order, self.value, self._of(other))

    def pick(self, *lanes: int, other: _Lanes | None = None) -> _Lanes:
        """Return these lanes, counted on through `other`."""
        mask = ir.Constant(_vector(_I32, len(lanes)), [ir.Constant(_I32, i) for i in lanes])
        other = self if other is None else other
        return _Lanes(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def truncated(self) -> ir.Value:
        """Return the whole parts as 32-bit integers."""
        return self.builder.fptosi(self.value, _vector(_I32, self.value.type.count))


def _int(number: int) -> ir.Constant:
    return ir.Constant(_I64, number)


def _lerp(a: _Lanes, b: _Lanes, weight: _Lanes) -> _Lanes:
    return a + (b - a) * weight


def _floats(b: ir.IRBuilder, integers: ir.Value) -> _Lanes:
    return _Lanes(b, b.sitofp(integers, _vector(_F32, integers.type.count)))


def _splat(b: ir.IRBuilder, number: ir.Value, count: int) -> _Lanes:
    one = ir.Constant(_vector(number.type, count), ir.Undefined)
    return _Lanes(b, b.insert_element(one, number, ir.Constant(_I32, 0))).pick(*[0] * count)


def _at(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value, kind: ir.Type) -> ir.Value:
    return b.bitcast(b.gep(pointer, [at]), kind.as_pointer())


def _load(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value, kind: ir.Type, count: int) -> ir.Value:
    align = max(kind.width // 8, 1) if isinstance(kind, ir.IntType) else 4
    return b.load(_at(b, pointer, at, _vector(kind, count)), align=align)


def _written(
    write: Callable[..., Any], result: Any = types.void
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile calls of the decorated function to what `write` writes: builder, then arguments.

    Arrays are handed to `write` as pointers to their first elements. It returns a value of the
    type `result`.
    """

    def generate(context: Any, b: Any, signature: Any, values: Any) -> Any:
        plain = [
            context.make_array(kind)(context, b, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, values, strict=True)
        ]
        value = write(b, *plain)
        return context.get_dummy_value() if value is None else value

    def typed(typing_context, *kinds):  # type: ignore[no-untyped-def]
        if any(isinstance(kind, types.Array) and kind.layout != "C" for kind in kinds):
            raise TypeError("only C-contiguous arrays are taken")
        return result(*kinds), generate

    def decorate(twin: Callable[..., Any]) -> Callable[..., Any]:
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return twin
        # Numba asks for the names of the arguments.
        names = inspect.signature(twin)
        context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        named = names.replace(parameters=[context, *names.parameters.values()])
        typed.__signature__ = named  # type: ignore[attr-defined]
        compiled: Callable[..., Any] = intrinsic(typed)
        return compiled

    return decorate


def _write_cuts(
    b: ir.IRBuilder, cuts: ir.Value, at: ir.Value, edges: ir.Value, t: ir.Value, y: ir.Value,
    past: ir.Value,
) -> None:  # fmt: skip
    top_x, top_y, long, upper, middle_x, middle_y, lower = (
        _splat(b, b.load(b.gep(edges, [b.add(b.mul(t, _int(7)), _int(i))])), RUN) for i in range(7)
    )
    counted = _Lanes(b, ir.Constant(_vector(_F32, RUN), [float(k) for k in range(RUN)]))
    rows = counted + _splat(b, y, RUN)
    one = (rows - top_y) * long + top_x
    above, below = (rows - top_y) * upper + top_x, (rows - middle_y) * lower + middle_x
    is_above = b.fcmp_ordered("<", rows.value, middle_y.value)
    other = _Lanes(b, b.select(is_above, above.value, below.value))
    for i, end in enumerate((one.smaller(other), one.larger(other))):
        end = end.larger(0.0).smaller(_splat(b, past, RUN))
        whole = end.truncated()
        short = b.fcmp_ordered("<", _floats(b, whole).value, end.value)
        whole = b.add(whole, b.zext(short, whole.type))
        b.store(whole, _at(b, cuts, b.add(at, _int(2 * RUN * i)), whole.type), align=4)


@_written(_write_cuts)
def _cut_rows(cuts, at, edges, t, y, past):  # type: ignore[no-untyped-def]
    """Write where RUN rows from `y` on enter triangle `t` and leave it: columns in [0, past]."""
    e, rows = edges[t], y + np.arange(RUN, dtype=np.float32)
    # Where the row cuts the long edge, and the short one that it meets; rounded once.
    down, further = (rows - e[1]).astype(np.float64), (rows - e[5]).astype(np.float64)
    one, above = np.float32(e[0] + down * e[2]), np.float32(e[0] + down * e[3])
    other = np.where(rows < e[5], above, np.float32(e[4] + further * e[6]))
    ends = np.where(one < other, one, other), np.where(one > other, one, other)
    for i in (0, 1):
        cuts[i, at : at + RUN] = np.ceil(
            np.minimum(np.where(ends[i] > 0, ends[i], np.float32(0)), past)
        )


def _write_run(
    b: ir.IRBuilder, field: ir.Value, at: ir.Value, n: ir.Value, x: ir.Value, *affine: ir.Value
) -> None:
    value, slope, step = (_splat(b, number, RUN) for number in affine)
    indices = ir.Constant(_vector(_I32, RUN), list(range(RUN)))
    inside = b.icmp_signed("<", indices, _splat(b, b.trunc(n, _I32), RUN).value)
    new = (_floats(b, indices) * step + _splat(b, x, RUN)) * slope + value
    pointer = _at(b, field, at, new.value.type)
    b.store(b.select(inside, new.value, b.load(pointer, align=4)), pointer, align=4)


@_written(_write_run)
def _fill(field, at, n, x, value, slope, step):  # type: ignore[no-untyped-def]
    """Write value + slope * (x + step * k) to elements at + k, k below both n and RUN."""
    lanes = np.arange(min(n, RUN), dtype=np.float32)
    field.reshape(-1)[at : at + len(lanes)] = value + slope * (x + step * lanes)


def _write_tints(
    b: ir.IRBuilder, tints: ir.Value, table: ir.Value, side: ir.Value, nodes: ir.Value,
    at: ir.Value, plane: ir.Value, far: ir.Value, bias_light: ir.Value,
) -> None:  # fmt: skip
    column, row, amount = (
        _Lanes(b, _load(b, nodes, b.add(at, b.mul(plane, _int(i))), _F32, 4)) for i in range(3)
    )
    place = column.pick(*range(8), other=row).smaller(_splat(b, far, 8)).larger(0.0)
    whole = place.truncated()
    part = place - _floats(b, whole)
    columns, rows = (_Lanes(b, whole).pick(*range(i, i + 4)).value for i in (0, 4))
    width = _splat(b, b.trunc(side, _I32), 4).value
    starts = b.mul(b.add(b.mul(rows, width), columns), ir.Constant(columns.type, [4] * 4))
    light = ir.Constant(_vector(_F32, 8), [1.0] * 8)
    for lane in (3, 7):
        light = b.insert_element(light, bias_light, ir.Constant(_I32, lane))
    for pair in (0, 2):
        each = [pair] * 4 + [pair + 1] * 4
        mixed = []
        for node in (pair, pair + 1):
            start = b.zext(b.extract_element(starts, ir.Constant(_I32, node)), _I64)
            upper, lower = (
                _Lanes(b, _load(b, table, first, _F32, 8))
                for first in (start, b.add(start, b.mul(side, _int(4))))
            )
            mixed.append(_lerp(upper, lower, part.pick(*[4 + node] * 8)))
        left = mixed[0].pick(0, 1, 2, 3, 8, 9, 10, 11, other=mixed[1])
        right = mixed[0].pick(4, 5, 6, 7, 12, 13, 14, 15, other=mixed[1])
        painted = _lerp(left, right, part.pick(*each)) * amount.pick(*each)
        q = painted.smaller(-LEAST_LOG_GAIN).larger(LEAST_LOG_GAIN) * 0.25
        gain = (q * 0.5 + 1.0) * q + 1.0
        gain = gain * gain
        bias = (painted * _Lanes(b, light)).smaller(1e6).larger(-1e6) * 0.25 + NO_BIAS
        tint = (gain * NO_GAIN * gain).pick(0, 1, 2, 11, 4, 5, 6, 15, other=bias)
        to = b.add(b.mul(at, _int(4)), _int(4 * pair))
        b.store(tint.value, _at(b, tints, to, tint.value.type), align=4)


@_written(_write_tints)
def _look_up(tints, table, side, nodes, at, plane, far, bias_light):  # type: ignore[no-untyped-def]
    """Write gain and bias of four nodes from the one at index `at` on."""
    nodes = nodes.reshape(-1)
    column, row, amount = (nodes[at + i * plane : at + i * plane + 4] for i in range(3))
    seen = np.stack([column, row])
    seen = np.maximum(np.where(seen < far, seen, far), np.float32(0))
    (j, i), (wx, wy) = seen.astype(np.int64), (seen - np.floor(seen))[..., None]
    left = table[i, j] + (table[i + 1, j] - table[i, j]) * wy
    right = table[i, j + 1] + (table[i + 1, j + 1] - table[i, j + 1]) * wy
    painted = (left + (right - left) * wx) * amount[:, None]
    # exp(4 q) = exp(q)^4, and exp(q) by its series to the second power, which stays positive.
    q = np.clip(painted, LEAST_LOG_GAIN, -LEAST_LOG_GAIN) * np.float32(0.25)
    gain = (q * np.float32(0.5) + np.float32(1)) * q + np.float32(1)
    tint = (gain * gain) * (gain * gain) * np.float32(NO_GAIN)
    bias = np.clip(painted[:, 3] * bias_light, np.float32(-1e6), np.float32(1e6))
    tint[:, 3] = bias * np.float32(0.25) + np.float32(NO_BIAS)
    tints.reshape(-1)[4 * at : 4 * at + 16] = tint.ravel()


def _write_nothing(b: ir.IRBuilder, tints: ir.Value, at: ir.Value) -> None:
    neutral = ir.Constant(_vector(_F32, 8), [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 2)
    for i in (0, 8):
        b.store(neutral, _at(b, tints, b.add(at, _int(i)), neutral.type), align=4)


@_written(_write_nothing)
def _change_nothing(tints, at):  # type: ignore[no-untyped-def]
    """Write gain and bias of four nodes that leave colours as they are."""
    tints.reshape(-1)[at : at + 16] = [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 4


def _pairs_summed(b: ir.IRBuilder, values: ir.Value, weights: ir.Value, kind: ir.Type) -> ir.Value:
    """Multiply two registers and add each two neighbours: one instruction on x86."""
    half = values.type.count // 2
    if _AVX2:
        name = "llvm.x86.avx2.pmadd.ub.sw" if kind == _I16 else "llvm.x86.avx2.pmadd.wd"
        return _called(b, name, _vector(kind, half), values, weights)
    wide = _vector(kind, 2 * half)
    extend = b.zext if values.type.element == _I8 else b.sext
    products = _Lanes(b, b.mul(extend(values, wide), b.sext(weights, wide)))
    even, odd = (products.pick(*range(i, 2 * half, 2)).value for i in (0, 1))
    return b.add(even, odd)


def _called(b: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    signature = ir.FunctionType(result, [argument.type for argument in arguments])
    return b.call(b.module.declare_intrinsic(name, (), signature), arguments)


def _sampled(
    b: ir.IRBuilder, src: ir.Value, stride: ir.Value, taps: ir.Value, at: ir.Value,
    plane: ir.Value, across: ir.Value, down: ir.Value,
) -> _Lanes:  # fmt: skip
    """Weigh four rows of four pixels for each of two: sums of three colours and one to ignore."""
    start, row_weights, *phases = (
        b.zext(b.load(b.gep(taps, [b.add(at, b.mul(plane, _int(i)))])), _I64) for i in range(4)
    )
    one, other = (_splat(b, b.load(b.gep(across, [phase])), 4) for phase in phases)
    columns = b.bitcast(one.pick(*range(8), other=other).value, _vector(_I8, 32))
    # Of either pixel, the four bytes of each colour side by side.
    lanes = [3 * (pixel + k) + colour for pixel in (0, 1) for colour in (0, 1, 2, 2)
             for k in range(4)]  # fmt: skip
    sums = []
    for row in range(4):
        first = b.add(start, b.mul(stride, _int(row)))
        bytes_ = _Lanes(b, _load(b, src, first, _I8, 16)).pick(*lanes)
        halves = _pairs_summed(b, bytes_.value, columns, _I16)
        weight = _splat(b, b.load(b.gep(down, [b.add(row_weights, _int(row))])), 8)
        sums.append(_pairs_summed(b, halves, b.bitcast(weight.value, halves.type), _I32))
    return _floats(b, b.add(b.add(sums[0], sums[1]), b.add(sums[2], sums[3])))


def _repainted(
    b: ir.IRBuilder, colours: _Lanes, tints: ir.Value, tint: ir.Value, below: ir.Value
) -> ir.Value:
    """Multiply and add what a pair's nodes say: whole numbers, not yet within 0 and 255."""
    # A pixel's tint is the mean of four: its column's and the next one's, in two rows.
    two = _Lanes(b, _load(b, tints, tint, _F32, 8)) + _Lanes(b, _load(b, tints, below, _F32, 8))
    two = two.pick(0, 1, 2, 3, 0, 1, 2, 3) + two
    return (colours * two + two.pick(3, 3, 3, 3, 7, 7, 7, 7)).truncated()


def _bytes(b: ir.IRBuilder, four: list[ir.Value]) -> list[_Lanes]:
    """Return the colours of four pairs of pixels, limited to bytes: twelve for each two pairs."""
    if _AVX2:
        words = [
            _called(b, "llvm.x86.avx2.packssdw", _vector(_I16, 16), *four[i : i + 2])
            for i in (0, 2)
        ]
        packed = _called(b, "llvm.x86.avx2.packuswb", _vector(_I8, 32), *words)
        packed = _Lanes(b, b.bitcast(packed, _vector(_I32, 8))).pick(0, 4, 1, 5, 2, 6, 3, 7).value
        packed = b.bitcast(packed, _vector(_I8, 32))
    else:
        limited = []
        for whole in four:
            zero, most = (ir.Constant(whole.type, [n] * 8) for n in (0, 255))
            whole = b.select(b.icmp_signed(">", whole, zero), whole, zero)
            whole = b.select(b.icmp_signed("<", whole, most), whole, most)
            limited.append(_Lanes(b, b.trunc(whole, _vector(_I8, 8))))
        one, other = (limited[i].pick(*range(16), other=limited[i + 1]) for i in (0, 2))
        packed = one.pick(*range(32), other=other).value
    lanes = [4 * (k // 3) + k % 3 for k in range(12)] + [0] * 4
    return [_Lanes(b, packed).pick(*(start + lane for lane in lanes)) for start in (0, 16)]


def _write_pair(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, plane: ir.Value, across: ir.Value, down: ir.Value,
    tints: ir.Value, tint: ir.Value, below: ir.Value,
) -> None:  # fmt: skip
    colours = _sampled(b, src, stride, taps, at, plane, across, down)
    whole = _repainted(b, colours, tints, tint, below)
    packed = b.bitcast(_bytes(b, [whole] * 4)[0].value, _vector(_I64, 2))
    packed = b.extract_element(packed, ir.Constant(_I32, 0))
    b.store(b.trunc(packed, _I32), _at(b, out, to, _I32), align=1)
    packed = b.trunc(b.lshr(packed, _int(32)), _I16)
    b.store(packed, _at(b, out, b.add(to, _int(4)), _I16), align=1)


@_written(_write_pair)
def _draw_pair(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, plane, across, down, tints, tint, below
):
    """Sample and repaint two pixels that look side by side, well inside the picture."""
    out, src, taps, tints = (array.reshape(-1) for array in (out, src, taps, tints))
    start, row_weights, *phases = (int(taps[at + i * plane]) for i in range(4))
    four = np.stack([src[start + i * stride :][:15] for i in range(4)]).astype(np.int64)
    rows = down[row_weights : row_weights + 4].view(np.int16)[::2].astype(np.int64) @ four
    for k in (0, 1):
        columns = across[phases[k] : phases[k] + 1].view(np.int8).astype(np.int64)
        total = columns @ rows[3 * k : 3 * k + 12].reshape(4, 3)
        mean = sum(tints[i : i + 4] for i in (tint, tint + 4 * k, below, below + 4 * k))
        colours = np.clip(total.astype(np.float32) * mean[:3] + mean[3], 0, 255)
        out[to + 3 * k : to + 3 * k + 3] = colours.astype(np.uint8)


def _write_pairs(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, plane: ir.Value, across: ir.Value, down: ir.Value,
    tints: ir.Value, tint: ir.Value, below: ir.Value,
) -> None:  # fmt: skip
    four = []
    for k in range(PAIRS):
        colours = _sampled(b, src, stride, taps, b.add(at, _int(k)), plane, across, down)
        nodes = (b.add(first, _int(4 * k)) for first in (tint, below))
        four.append(_repainted(b, colours, tints, *nodes))
    # Sixteen bytes, of which the last four are then written over.
    one, other = _bytes(b, four)
    b.store(one.value, _at(b, out, to, one.value.type), align=1)
    other = _Lanes(b, b.bitcast(other.value, _vector(_I32, 4)))
    two = other.pick(0, 1).value
    b.store(two, _at(b, out, b.add(to, _int(12)), two.type), align=1)
    last = b.extract_element(other.value, ir.Constant(_I32, 2))
    b.store(last, _at(b, out, b.add(to, _int(20)), _I32), align=1)


@_written(_write_pairs)
def _draw_pairs(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, plane, across, down, tints, tint, below
):
    """Sample and repaint PAIRS pairs of pixels, each as :func:`_draw_pair` does."""
    for k in range(PAIRS):
        _draw_pair(
            out, to + 6 * k, src, stride, taps, at + k, plane, across, down, tints, tint + 4 * k,
            below + 4 * k,
        )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _between(x, low, high):  # type: ignore[no-untyped-def]
    """Return `x`, at least `low` and at most `high`."""
    x = x if x < high else high
    return x if x > low else low


@numba.njit(**_INNER)
def _draw_one(  # type: ignore[no-untyped-def]
    out, y, x, src, column, row, phase_x, phase_y, across, down, tints, tint, below
):
    """Sample and repaint one pixel; what lies outside the picture is seen at its border."""
    height, width = src.shape[0], src.shape[1]
    # A pixel's tint is the mean of four: its column's and the next one's, in two rows.
    beside = 4 * (x % 2)
    bias = tints[tint + 3] + tints[tint + beside + 3]
    bias += tints[below + 3] + tints[below + beside + 3]
    for channel in range(3):
        total = np.int64(0)
        for j in range(4):
            tap_x = min(max(column + j - 1, 0), width - 1)
            rows = np.int64(0)
            for i in range(4):
                tap_y = min(max(row + i - 1, 0), height - 1)
                rows += np.int64(down[8 * phase_y + 2 * i]) * src[tap_y, tap_x, channel]
            total += rows * np.int64(across[4 * phase_x + j])
        gain = tints[tint + channel] + tints[tint + beside + channel]
        gain += tints[below + channel] + tints[below + beside + channel]
        colour = np.float32(total) * gain + bias
        out[y, x, channel] = np.uint8(_between(colour, np.float32(0), np.float32(255)))


@numba.njit(**_INNER)
def _note_jit(  # type: ignore[no-untyped-def]
    moves, nodes, owners, extents, cuts, order, kinds, rows, edges, fields, top, height, width
):
    """Note what the pixels and nodes of a band look at; return whether any show the picture."""
    line, node_line = moves.shape[2], nodes.shape[2]
    node_plane = nodes.shape[1] * node_line
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    pictures = False
    for i in range(order.size):
        t = np.int64(order[i])
        # One row more than the band has, for its nodes.
        first, last = max(rows[t, 0], top), min(rows[t, 1], top + BAND_ROWS + 1)
        kind, left, above = kinds[t], edges[t, 0], edges[t, 1]
        for row in range(first, last, RUN):
            _cut_rows(cuts, row - first, edges, t, np.float32(row), np.float32(width + 1))
        a, b = fields[t, 0], fields[t, 1]
        for y in range(first, min(last, top + BAND_ROWS, height)):
            start, stop = np.int64(cuts[0, y - first]), np.int64(cuts[1, y - first])
            n = min(stop, width) - start
            if n <= 0:
                continue
            r, dy, x = y - top, np.float32(y) - above, np.float32(start) - left
            at, by_x, by_y = 2 * r * line + start, a[0] + a[2] * dy, b[0] + b[2] * dy
            extents[r, 0] = min(extents[r, 0], start)
            extents[r, 1] = max(extents[r, 1], start + n)
            while n > 0:
                _fill(moves, at, n, x, by_x, a[1], one)
                _fill(moves, at + line, n, x, by_y, b[1], one)
                if kind == PICTURE:
                    _fill(owners, at - r * line, n, x, np.float32(t), zero, one)
                    pictures = True
                n, at, x = n - RUN, at + RUN, x + np.float32(RUN)
        a, b, c = fields[t, 2], fields[t, 3], fields[t, 4]
        for y in range((first + 1) // 2 * 2, last, 2):
            start = (np.int64(cuts[0, y - first]) + 1) // 2
            n = (np.int64(cuts[1, y - first]) + 1) // 2 - start
            dy, x = np.float32(y) - above, np.float32(2 * start) - left
            at, amount = (y - top) // 2 * node_line + start, c[0] + c[2] * dy
            column, row = a[0] + a[2] * dy, b[0] + b[2] * dy
            while n > 0:
                if kind == MAPPED:
                    _fill(nodes, at, n, x, column, a[1], two)
                    _fill(nodes, at + node_plane, n, x, row, b[1], two)
                    _fill(nodes, at + 2 * node_plane, n, x, amount, c[1], two)
                else:
                    _fill(nodes, at + 2 * node_plane, n, x, zero, zero, two)
                n, at, x = n - RUN, at + RUN, x + np.float32(2 * RUN)
    return pictures


@numba.njit(**_INNER)
def _look_up_jit(  # type: ignore[no-untyped-def]
    tints, nodes, extents, gain_bias, far, bias_light
):
    """Look gain and bias up for the nodes of a band; where the amount is 0, nothing changes."""
    line, side = nodes.shape[2], gain_bias.shape[0]
    plane = nodes.shape[1] * line
    for j in range(nodes.shape[1]):
        # The rows that take their tints from these nodes: the one above, their own, the one below.
        left, right = extents[BAND_ROWS - 1, 0], extents[BAND_ROWS - 1, 1]
        if j < BAND_ROWS // 2:
            left, right = extents[2 * j, 0], extents[2 * j, 1]
            for r in (max(2 * j - 1, 0), 2 * j + 1):
                left, right = min(left, extents[r, 0]), max(right, extents[r, 1])
        amounts = nodes[2, j]
        for k in range(left // 8 * 4, right // 2 + 1, 4):
            if (
                amounts[k] == 0 and amounts[k + 1] == 0
                and amounts[k + 2] == 0 and amounts[k + 3] == 0
            ):  # fmt: skip
                _change_nothing(tints, 4 * (j * line + k))
            else:
                _look_up(tints, gain_bias, side, nodes, j * line + k, plane, far, bias_light)


def _write_taps(
    b: ir.IRBuilder, taps: ir.Value, plane: ir.Value, at: ir.Value, moves: ir.Value,
    move: ir.Value, line: ir.Value, x: ir.Value, y: ir.Value, size: ir.Value,
) -> None:  # fmt: skip
    n = 8
    width, height = (b.trunc(b.extract_value(size, i), _I32) for i in (0, 1))
    columns = _Lanes(b, ir.Constant(_vector(_F32, n), [2.0 * k for k in range(n)]))
    columns = columns + _splat(b, x, n)
    moved_x, moved_y = (
        _Lanes(b, _load(b, moves, first, _F32, 2 * n)) for first in (move, b.add(move, line))
    )
    x0, x1 = (columns + moved_x.pick(*range(i, 2 * n, 2)) for i in (0, 1))
    y0, y1 = (moved_y.pick(*range(i, 2 * n, 2)) for i in (0, 1))
    bare = [b.fcmp_unordered("uno", one.value, one.value) for one in (x0, x1)]
    at_x, at_y = (x0 + x1) * 0.5, (y0 + y1) * 0.5 + _splat(b, y, n)
    inside = ir.Constant(_vector(ir.IntType(1), n), [1] * n)
    for apart in (x1 - x0, y1 - y0):
        inside = b.and_(inside, apart.is_(">", -SHARED_PX))
        inside = b.and_(inside, apart.is_("<", SHARED_PX))
    # Sixteen bytes are read of each row.
    for place, length, margin in ((at_x, width, 5), (at_y, height, 2)):
        far = _floats(b, b.sub(_splat(b, length, n).value, _whole(margin, n)))
        inside = b.and_(inside, b.and_(place.is_(">=", 1.0), place.is_("<", far)))
    column, row = at_x.truncated(), at_y.truncated()
    base = _floats(b, column)
    wide = _splat(b, width, n).value
    start = b.add(b.mul(b.sub(row, _whole(1, n)), wide), b.sub(column, _whole(1, n)))
    start = b.mul(start, _whole(3, n))
    none = b.select(b.and_(*bare), _whole(BARE, n), _whole(SINGLE, n))
    start = b.select(inside, start, none)
    phases = [b.shl(_phase(at_y - _floats(b, row)), _whole(2, n))]
    phases += [_phase((one - base).larger(0.0).smaller(1.0)) for one in (x0, x1)]
    for i, value in enumerate((start, *phases)):
        b.store(value, _at(b, taps, b.add(at, b.mul(plane, _int(i))), value.type), align=4)


def _whole(number: int, count: int) -> ir.Constant:
    return ir.Constant(_vector(_I32, count), [number] * count)


def _phase(part: _Lanes) -> ir.Value:
    return (part * float(PHASES) + 0.5).truncated()


@_written(_write_taps)
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
    for i, value in enumerate((start, 4 * steps[0], *steps[1:])):
        taps[at + i * plane : at + i * plane + 8] = value


def _write_fetches(b: ir.IRBuilder, array: ir.Value, first: ir.Value, count: ir.Value) -> None:
    kinds = [_I32] * 3
    signature = ir.FunctionType(ir.VoidType(), [array.type, *kinds])
    fetch = b.module.declare_intrinsic("llvm.prefetch", (array.type,), signature)
    # Read, kept as long as can be, data.
    how = [ir.Constant(kind, n) for kind, n in zip(kinds, (0, 3, 1), strict=True)]
    with cgutils.for_range_slice(b, _int(0), count, _int(64)) as (at, _):
        b.call(fetch, [b.gep(array, [b.add(first, at)]), *how])


@_written(_write_fetches)
def _fetch_ahead(array, first, count):  # type: ignore[no-untyped-def]
    """Have bytes brought into the cache, whether they lie within `array` or not."""


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _all_shared(taps, p):  # type: ignore[no-untyped-def]
    """Return whether PAIRS pairs from `p` on each share their rows."""
    return (taps[0, p] | taps[0, p + 1] | taps[0, p + 2] | taps[0, p + 3]) >= 0


@numba.njit(**_INNER)
def _rows_jit(  # type: ignore[no-untyped-def]
    out, src, taps, moves, tints, across, down, extents, top
):
    """Sample and repaint the covered pixels of a band."""
    height, width = src.shape[0], src.shape[1]
    far_x, far_y = np.float32(width - 1), np.float32(height - 1)
    line, plane, stride = 4 * tints.shape[1], taps.shape[1], 3 * width
    move_line = moves.shape[2]
    flat = tints.reshape(-1)
    steps, half = np.float32(PHASES), np.float32(0.5)
    across_bytes, down_words = across.view(np.int8), down.view(np.int16)
    for r in range(min(BAND_ROWS, height - top)):
        y, first, last = top + r, extents[r, 0] // 2, (extents[r, 1] + 1) // 2
        if first >= last:
            continue
        _fetch_ahead(src, (y + FETCHED_ROWS) * stride + 6 * first, 6 * (last - first))
        for p in range(first, last, 8):
            _tap(
                taps, plane, p, moves, 2 * r * move_line + 2 * p, move_line, np.float32(2 * p),
                np.float32(y), (width, height),
            )  # fmt: skip
        tint, below, p = r // 2 * line, (r + 1) // 2 * line, np.int64(first)
        while p < last:
            if p + PAIRS <= last and _all_shared(taps, p):
                _draw_pairs(
                    out, y * stride + 6 * p, src, stride, taps, p, plane, across, down,
                    flat, tint + 4 * p, below + 4 * p,
                )  # fmt: skip
                p += PAIRS
                continue
            if taps[0, p] >= 0:
                _draw_pair(
                    out, y * stride + 6 * p, src, stride, taps, p, plane, across, down,
                    flat, tint + 4 * p, below + 4 * p,
                )  # fmt: skip
            elif taps[0, p] != BARE:
                for x in range(2 * p, min(2 * p + 2, width)):
                    if moves[r, 0, x] != moves[r, 0, x]:
                        continue
                    at_x = _between(np.float32(x) + moves[r, 0, x], np.float32(0), far_x)
                    at_y = _between(np.float32(y) + moves[r, 1, x], np.float32(0), far_y)
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
                            out, y, x, src, column, row, phase_x, phase_y, across_bytes,
                            down_words, flat, tint + 4 * p, below + 4 * p,
                        )  # fmt: skip
                        continue
                    # As one of a pair, whose other pixel is then left as it was.
                    taps[0, p] = 3 * ((row - 1) * width + column - 1 - odd)
                    taps[1, p], taps[2, p], taps[3, p] = 4 * phase_y, phase_x, phase_x
                    other = 2 * p + 1 - odd
                    blue, green, red = out[y, other, 0], out[y, other, 1], out[y, other, 2]
                    _draw_pair(
                        out, y * stride + 6 * p, src, stride, taps, p, plane, across, down,
                        flat, tint + 4 * p, below + 4 * p,
                    )  # fmt: skip
                    out[y, other, 0], out[y, other, 1], out[y, other, 2] = blue, green, red
            p += 1


def _write_shown(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, picture: ir.Value, start: ir.Value,
    side: ir.Value, right: ir.Value, lower: ir.Value, amount: ir.Value, light: ir.Value,
) -> None:  # fmt: skip
    above, below = (
        _Lanes(b, _load(b, picture, first, _F32, 8))
        for first in (start, b.add(start, b.mul(side, _int(4))))
    )
    column = _lerp(above, below, _splat(b, lower, 8))
    shown = _lerp(column.pick(0, 1, 2, 3), column.pick(4, 5, 6, 7), _splat(b, right, 4))
    opacity = (shown.pick(3, 3, 3, 3) * _splat(b, amount, 4)).larger(0.0).smaller(1.0)
    halves = [_at(b, out, to, _I16), _at(b, out, b.add(to, _int(2)), _I8)]
    low, high = (b.zext(b.load(half, align=1), _I32) for half in halves)
    packed = b.bitcast(b.or_(low, b.shl(high, ir.Constant(_I32, 16))), _vector(_I8, 4))
    colour = _floats(b, b.zext(packed, _vector(_I32, 4)))
    mixed = colour + opacity * (shown * _Lanes(b, _load(b, light, _int(0), _F32, 4)) - colour)
    whole = (mixed + 0.5).larger(0.0).smaller(255.0).truncated()
    packed = b.bitcast(b.trunc(whole, _vector(_I8, 4)), _I32)
    b.store(b.trunc(packed, _I16), halves[0], align=1)
    b.store(b.trunc(b.lshr(packed, ir.Constant(_I32, 16)), _I8), halves[1], align=1)


@_written(_write_shown)
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


@numba.njit(**_INNER)
def _picture_jit(  # type: ignore[no-untyped-def]
    out, picture, owners, cuts, order, kinds, rows, edges, fields, far, light, top
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
        for y in range(first, last):
            _cut_rows(cuts, 0, edges, t, np.float32(y), np.float32(width))
            dy = np.float32(y) - e[1]
            for x in range(cuts[0, 0], cuts[1, 0]):
                if owners[y - top, x] != np.float32(t):
                    continue
                dx = np.float32(x) - e[0]
                u = _between(f[2, 0] + f[2, 2] * dy + f[2, 1] * dx, zero, far)
                v = _between(f[3, 0] + f[3, 2] * dy + f[3, 1] * dx, zero, far)
                j, i = int(u), int(v)
                amount = f[4, 0] + f[4, 2] * dy + f[4, 1] * dx
                _show(
                    out, 3 * (y * width + x), picture, 4 * (i * side + j), side,
                    u - np.float32(j), v - np.float32(i), amount, light,
                )  # fmt: skip


@numba.njit(**_INNER)
def _band_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, across, down, order, kinds, rows, edges, fields, far,
    left, right, moves, nodes, owners, extents, cuts, tints, taps, top,
):  # fmt: skip
    """Draw what the triangles `order` cover of the band that begins with row `top`."""
    height, width = src.shape[0], src.shape[1]
    # Not a number where nothing is covered.
    moves[:, 0, left // 2 * 2 : right + 1] = np.float32(np.nan)
    nodes[2, :, left // 8 * 4 : right // 2 + 6] = np.float32(0)
    extents[:, 0] = width
    extents[:, 1] = 0
    pictures = _note_jit(
        moves, nodes, owners, extents, cuts, order, kinds, rows, edges, fields, top, height, width
    )
    _look_up_jit(tints, nodes, extents, gain_bias, far[0], light[3])
    _rows_jit(out, src, taps, moves, tints, across, down, extents, top)
    if pictures:
        _picture_jit(
            out, picture, owners, cuts, order, kinds, rows, edges, fields, far[1], light, top
        )
        owners[:, left : right + 1] = np.float32(-1)


@numba.njit(**_INNER)
def _sort_jit(order, begins, rows):  # type: ignore[no-untyped-def]
    """List the triangles of each band, in their order."""
    begins[:] = 0
    # A band's nodes reach one row beyond it.
    for t in range(rows.shape[0]):
        for band in range(max(rows[t, 0] - 1, 0) // BAND_ROWS, (rows[t, 1] - 1) // BAND_ROWS + 1):
            begins[band + 2] += 1
    for band in range(2, begins.size):
        begins[band] += begins[band - 1]
    for t in range(rows.shape[0]):
        for band in range(max(rows[t, 0] - 1, 0) // BAND_ROWS, (rows[t, 1] - 1) // BAND_ROWS + 1):
            order[begins[band + 1]] = t
            begins[band + 1] += 1


def _write_sum(b: ir.IRBuilder, cells: ir.Value, at: ir.Value, number: ir.Value) -> ir.Value:
    return b.atomic_rmw("add", b.gep(cells, [at]), number, "seq_cst")


@_written(_write_sum, types.int64)
def _added(cells, at, number):  # type: ignore[no-untyped-def]
    """Add to a cell that other threads change too; return what it held before."""
    cells[at] += number
    return cells[at] - number


@_written(lambda b, cells, at: b.load_atomic(b.gep(cells, [at]), "seq_cst", 8), types.int64)
def _seen(cells, at):  # type: ignore[no-untyped-def]
    """Return what a cell holds that other threads change."""
    return cells[at]


def _write_pause(b: ir.IRBuilder) -> None:
    if _X86:
        b.call(
            b.module.declare_intrinsic(
                "llvm.x86.sse2.pause", (), ir.FunctionType(ir.VoidType(), [])
            ),
            [],
        )


@_written(_write_pause)
def _pause():  # type: ignore[no-untyped-def]
    """Leave the core to others for a moment, while waiting for a cell to change."""


def _pointing(kind: types.Type, element: ir.Type, plain: type) -> Callable[..., Any]:
    pointing = types.CPointer(kind)  # type: ignore[no-untyped-call]

    @_written(lambda b, address: b.inttoptr(address, element.as_pointer()), pointing)
    def pointer(address):  # type: ignore[no-untyped-def]
        return ctypes.cast(int(address), ctypes.POINTER(plain))

    return pointer


_bytes_at = _pointing(types.uint8, _I8, ctypes.c_uint8)
_floats_at = _pointing(types.float32, _F32, ctypes.c_float)
_ints_at = _pointing(types.int32, _I32, ctypes.c_int32)
_longs_at = _pointing(types.int64, _I64, ctypes.c_int64)


@numba.njit(**_INNER)
def _bands_jit(job, worker):  # type: ignore[no-untyped-def]
    """Draw bands of an open job until none is left that nobody has begun."""
    height, width, n, wide = job[HEIGHT], job[WIDTH], job[DRAWN], job[WIDE]
    node_rows, node_wide = BAND_ROWS // 2 + 1, wide // 2 + RUN
    side, shown_side = job[SIDE], job[SHOWN_SIDE]
    out = numba.carray(_bytes_at(job[OUT]), (height, width, 3))
    src = numba.carray(_bytes_at(job[SRC]), (height, width, 3))
    gain_bias = numba.carray(_floats_at(job[GAIN_BIAS]), (side, side, 4))
    picture = numba.carray(_floats_at(job[SHOWN]), (shown_side, shown_side, 4))
    light = numba.carray(_floats_at(job[LIGHT]), (4,))
    across = numba.carray(_ints_at(job[ACROSS_AT]), (PHASES + 1,))
    down = numba.carray(_ints_at(job[DOWN_AT]), (4 * PHASES + 4,))
    kinds = numba.carray(_ints_at(job[KINDS]), (n,))
    rows = numba.carray(_ints_at(job[ROWS]), (n, 2))
    edges = numba.carray(_floats_at(job[EDGES]), (n, 7))
    fields = numba.carray(_floats_at(job[FIELDS]), (n, 5, 3))
    begins = numba.carray(_longs_at(job[BEGINS]), (height // BAND_ROWS + 4,))
    order = numba.carray(_ints_at(job[ORDER]), (begins[job[LAST]],))
    moves = numba.carray(_floats_at(job[MOVES]), (worker + 1, BAND_ROWS, 2, wide))[worker]
    nodes = numba.carray(_floats_at(job[NODES]), (worker + 1, 3, node_rows, node_wide))[worker]
    owners = numba.carray(_floats_at(job[OWNERS]), (worker + 1, BAND_ROWS, wide))[worker]
    extents = numba.carray(_longs_at(job[EXTENTS]), (worker + 1, BAND_ROWS, 2))[worker]
    cuts = numba.carray(_ints_at(job[CUTS]), (worker + 1, 2, 2 * RUN))[worker]
    tints = numba.carray(_floats_at(job[TINTS]), (worker + 1, node_rows, node_wide, 4))[worker]
    taps = numba.carray(_ints_at(job[TAPS]), (worker + 1, 4, wide // 2))[worker]
    far = (
        np.nextafter(np.float32(side - 1), np.float32(0)),
        np.nextafter(np.float32(shown_side - 1), np.float32(0)),
    )
    while True:
        band = _added(job, NEXT, 1)
        if band >= job[LAST]:
            return
        _band_jit(
            out, src, gain_bias, picture, light, across, down, order[begins[band]:begins[band + 1]],
            kinds, rows, edges, fields, far, job[LEFT], job[RIGHT],
            moves, nodes, owners, extents, cuts, tints, taps, band * BAND_ROWS,
        )  # fmt: skip


@numba.njit(**_OUTER)
def _draw_jit(  # type: ignore[no-untyped-def]
    job, n, workers, wide, box, out, src, gain_bias, picture, light, across, down
):
    """Draw `n` planes; others may help as soon as the job is open, and none need to.

    Returns whether `out` and `src` lie apart; if not, nothing is drawn.
    """
    ahead = np.int64(out.ctypes.data) - np.int64(src.ctypes.data)
    if -out.size < ahead < out.size:
        return False
    if n == 0 or box[0] >= box[2] or box[1] >= box[3]:
        return True
    job[WORKERS], job[WIDE], job[DRAWN], job[HEIGHT], job[WIDTH] = (
        workers, wide, n, src.shape[0], src.shape[1],
    )  # fmt: skip
    job[LEFT], job[RIGHT] = box[0], box[2]
    job[SIDE], job[SHOWN_SIDE] = gain_bias.shape[0], picture.shape[0]
    job[OUT], job[SRC] = out.ctypes.data, src.ctypes.data
    job[GAIN_BIAS], job[SHOWN] = gain_bias.ctypes.data, picture.ctypes.data
    job[LIGHT], job[ACROSS_AT], job[DOWN_AT] = (
        light.ctypes.data, across.ctypes.data, down.ctypes.data,
    )  # fmt: skip
    n_begins = src.shape[0] // BAND_ROWS + 4
    begins = numba.carray(_longs_at(job[BEGINS]), (n_begins,))
    order = numba.carray(_ints_at(job[ORDER]), (n * n_begins,))
    _sort_jit(order, begins, numba.carray(_ints_at(job[ROWS]), (n, 2)))
    job[NEXT], job[LAST] = box[1] // BAND_ROWS, (box[3] + BAND_ROWS - 1) // BAND_ROWS
    _added(job, OPEN, 1)
    _bands_jit(job, np.int64(0))
    _added(job, OPEN, 1)
    return True


@numba.njit(**_OUTER)
def _awaited_jit(job):  # type: ignore[no-untyped-def]
    """Wait a moment for those who help with a job that is closed; return whether all are done."""
    for _ in range(SPINS):
        if _seen(job, INSIDE) == 0:
            return True
        _pause()
    return False


@numba.njit(**_OUTER)
def _help_jit(job, worker, patience):  # type: ignore[no-untyped-def]
    """Help with the job that is open, or about to be, and with more while they soon follow."""
    helped = 0
    while patience > 0:
        open_ = _seen(job, OPEN)
        if open_ % 2 == 1 and open_ != helped and worker < job[WORKERS]:
            helped = open_
            _added(job, INSIDE, 1)
            # Whoever closes it from now on waits; if it is closed already, its memory may be gone.
            if _seen(job, OPEN) == open_:
                _bands_jit(job, worker)
            _added(job, INSIDE, -1)
            patience = job[PATIENCE]
        else:
            _pause()
            patience -= 1
