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

import inspect
import platform
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from kernels.planes import MAPPED, PICTURE
from kernels.weights import ACROSS, DOWN, PHASES

# Even, so that all bands look gain and bias up on even rows of the picture.
BAND_ROWS = 16
# So many numbers are written at once; rows of scratch are longer by as many.
RUN = 16
# Two pixels side by side share one position down where they look less than this apart, px.
SHARED_PX = 0.5
# Logarithms of gains stop here, because the approximation of exp rises again further down.
LEAST_LOG_GAIN = -4.0
# Sums of weighted colours are so many times the colour. Four tints make one pixel's.
UNIT = float(DOWN * ACROSS)
NO_GAIN, NO_BIAS = 0.25 / UNIT, 0.125

_F32, _I8, _I16, _I32, _I64 = ir.FloatType(), *(ir.IntType(n) for n in (8, 16, 32, 64))
# A product and a sum may be rounded once instead of twice.
_FUSED = ("contract", "nsz")
_X86 = platform.machine().lower() in {"x86_64", "amd64"}


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


def _written(write: Callable[..., None]) -> Callable[[Callable[..., None]], Callable[..., Any]]:
    """Compile calls of the decorated function to what `write` writes: builder, then arguments.

    Arrays are handed to `write` as pointers to their first elements.
    """

    def generate(context: Any, b: Any, signature: Any, values: Any) -> Any:
        plain = [
            context.make_array(kind)(context, b, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, values, strict=True)
        ]
        write(b, *plain)
        return context.get_dummy_value()

    def typed(typing_context, *kinds):  # type: ignore[no-untyped-def]
        if any(isinstance(kind, types.Array) and kind.layout != "C" for kind in kinds):
            raise TypeError("only C-contiguous arrays are taken")
        return types.void(*kinds), generate

    def decorate(twin: Callable[..., None]) -> Callable[..., Any]:
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
    b: ir.IRBuilder, cuts: ir.Value, edges: ir.Value, t: ir.Value, y: ir.Value, past: ir.Value
) -> None:
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
        b.store(whole, _at(b, cuts, _int(RUN * i), whole.type), align=4)


@_written(_write_cuts)
def _cut_rows(cuts, edges, t, y, past):  # type: ignore[no-untyped-def]
    """Write where RUN rows from `y` on enter triangle `t` and leave it: columns in [0, past]."""
    e, rows = edges[t], y + np.arange(RUN, dtype=np.float32)
    # Where the row cuts the long edge, and the short one that it meets.
    one, above = e[0] + (rows - e[1]) * e[2], e[0] + (rows - e[1]) * e[3]
    other = np.where(rows < e[5], above, e[4] + (rows - e[5]) * e[6])
    ends = np.where(one < other, one, other), np.where(one > other, one, other)
    for i in (0, 1):
        cuts[i] = np.ceil(np.minimum(np.where(ends[i] > 0, ends[i], np.float32(0)), past))


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


def _pairs_summed(
    b: ir.IRBuilder, x86_name: str, values: ir.Value, weights: ir.Value, kind: ir.Type
) -> ir.Value:
    """Multiply two registers and add each two neighbours: one instruction on x86."""
    if _X86:
        result = _vector(kind, values.type.count // 2)
        signature = ir.FunctionType(result, [values.type, weights.type])
        return b.call(b.module.declare_intrinsic(x86_name, (), signature), [values, weights])
    wide = _vector(kind, values.type.count)
    extend = b.zext if values.type.element == _I8 else b.sext
    products = _Lanes(b, b.mul(extend(values, wide), b.sext(weights, wide)))
    even, odd = (products.pick(*range(i, wide.count, 2)).value for i in (0, 1))
    return b.add(even, odd)


def _down(
    b: ir.IRBuilder, src: ir.Value, stride: ir.Value, start: ir.Value, weights: ir.Value,
    phase: ir.Value,
) -> list[_Lanes]:  # fmt: skip
    """Weigh four rows of sixteen bytes, five pixels and a third; return two halves."""
    starts = [b.add(start, b.mul(stride, _int(row))) for row in range(4)]
    rows = [_Lanes(b, _load(b, src, first, _I8, 16)) for first in starts]
    halves = []
    for half in (0, 8):
        # Rows 0 and 1, then 2 and 3, byte beside byte.
        lanes = [half + k // 2 + 16 * (k % 2) for k in range(16)]
        sums = []
        for two in (0, 2):
            both = rows[two].pick(*lanes, other=rows[two + 1]).value
            weight = _load(b, weights, b.add(phase, _int(8 * two)), _I8, 16)
            sums.append(_pairs_summed(b, "llvm.x86.ssse3.pmadd.ub.sw.128", both, weight, _I16))
        halves.append(_Lanes(b, b.add(*sums)))
    return halves


def _across(
    b: ir.IRBuilder, down: Sequence[_Lanes], first: int, weights: ir.Value, phase: ir.Value
) -> _Lanes:
    """Weigh four pixels of a row from `first` on; of the four sums, three are the colours."""
    sums = []
    for two in (0, 2):
        lanes = [3 * (first + two) + k for k in (0, 3, 1, 4, 2, 5, 2, 5)]
        weight = _load(b, weights, b.add(phase, _int(4 * two)), _I16, 8)
        both = down[0].pick(*lanes, other=down[1]).value
        sums.append(_pairs_summed(b, "llvm.x86.sse2.pmadd.wd", both, weight, _I32))
    return _Lanes(b, b.add(*sums))


def _write_pair(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, plane: ir.Value, down: ir.Value, across: ir.Value,
    tints: ir.Value, tint: ir.Value, below: ir.Value,
) -> None:  # fmt: skip
    start, phase_y, *phases_x = (
        b.zext(b.load(b.gep(taps, [b.add(at, b.mul(plane, _int(i)))])), _I64) for i in range(4)
    )
    rows = _down(b, src, stride, start, down, phase_y)
    first, second = (_across(b, rows, i, across, phases_x[i]) for i in (0, 1))
    colours = _floats(b, first.pick(*range(8), other=second).value)
    # A pixel's tint is the mean of four: its column's and the next one's, in two rows.
    two = _Lanes(b, _load(b, tints, tint, _F32, 8)) + _Lanes(b, _load(b, tints, below, _F32, 8))
    two = two.pick(0, 1, 2, 3, 0, 1, 2, 3) + two
    whole = (colours * two + two.pick(3, 3, 3, 3, 7, 7, 7, 7)).truncated()
    zero, most = (ir.Constant(whole.type, [n] * 8) for n in (0, 255))
    whole = b.select(b.icmp_signed(">", whole, zero), whole, zero)
    whole = b.select(b.icmp_signed("<", whole, most), whole, most)
    six = _Lanes(b, b.trunc(whole, _vector(_I8, 8))).pick(0, 1, 2, 4, 5, 6, 7, 7)
    packed = b.bitcast(six.value, _I64)
    b.store(b.trunc(packed, _I32), _at(b, out, to, _I32), align=1)
    packed = b.trunc(b.lshr(packed, _int(32)), _I16)
    b.store(packed, _at(b, out, b.add(to, _int(4)), _I16), align=1)


@_written(_write_pair)
def _draw_pair(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, plane, down, across, tints, tint, below
):
    """Sample and repaint two pixels that look side by side, well inside the picture."""
    out, src, taps, tints = (array.reshape(-1) for array in (out, src, taps, tints))
    start, phase_y, *phases_x = (int(taps[at + i * plane]) for i in range(4))
    four = np.stack([src[start + i * stride :][:15] for i in range(4)]).astype(np.int64)
    rows = down[phase_y // 32][:, :2].ravel() @ four
    for k in (0, 1):
        total = across[phases_x[k] // 16][:, :2].ravel() @ rows[3 * k : 3 * k + 12].reshape(4, 3)
        mean = sum(tints[i : i + 4] for i in (tint, tint + 4 * k, below, below + 4 * k))
        colours = np.clip(total.astype(np.float32) * mean[:3] + mean[3], 0, 255)
        out[to + 3 * k : to + 3 * k + 3] = colours.astype(np.uint8)


@numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _between(x, low, high):  # type: ignore[no-untyped-def]
    """Return `x`, at least `low` and at most `high`."""
    x = x if x < high else high
    return x if x > low else low


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _draw_one(  # type: ignore[no-untyped-def]
    out, y, x, src, at_x, at_y, down, across, tints, tint, below
):
    """Sample and repaint one pixel; what lies outside the picture is seen at its border."""
    height, width = src.shape[0], src.shape[1]
    column, row = int(at_x), int(at_y)
    phase_x = int((at_x - np.float32(column)) * np.float32(PHASES) + np.float32(0.5))
    phase_y = int((at_y - np.float32(row)) * np.float32(PHASES) + np.float32(0.5))
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
                rows += np.int64(down[phase_y, i // 2, i % 2]) * src[tap_y, tap_x, channel]
            total += rows * np.int64(across[phase_x, j // 2, j % 2])
        gain = tints[tint + channel] + tints[tint + beside + channel]
        gain += tints[below + channel] + tints[below + beside + channel]
        colour = np.float32(total) * gain + bias
        out[y, x, channel] = np.uint8(_between(colour, np.float32(0), np.float32(255)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _note_jit(  # type: ignore[no-untyped-def]
    moves, nodes, owners, extents, cuts, kinds, rows, edges, fields, top, height, width
):
    """Note what the pixels and nodes of a band look at; return whether any show the picture."""
    line, node_line = moves.shape[2], nodes.shape[2]
    node_plane = nodes.shape[1] * node_line
    zero, one, two = np.float32(0), np.float32(1), np.float32(2)
    pictures = False
    for t in range(kinds.shape[0]):
        # One row more than the band has, for its nodes.
        first, last = max(rows[t, 0], top), min(rows[t, 1], top + BAND_ROWS + 1)
        e, f, kind = edges[t], fields[t], kinds[t]
        for y in range(first, last):
            k = (y - first) % RUN
            if k == 0:
                _cut_rows(cuts, edges, t, np.float32(y), np.float32(width + 1))
            start, stop = np.int64(cuts[0, k]), np.int64(cuts[1, k])
            if start >= stop:
                continue
            dy = np.float32(y) - e[1]
            r = y - top
            if r < BAND_ROWS and y < height:
                n, at, x = min(stop, width) - start, 2 * r * line + start, np.float32(start) - e[0]
                by_x, by_y = f[0, 0] + f[0, 2] * dy, f[1, 0] + f[1, 2] * dy
                extents[r, 0] = min(extents[r, 0], start)
                extents[r, 1] = max(extents[r, 1], start + n)
                while n > 0:
                    _fill(moves, at, n, x, by_x, f[0, 1], one)
                    _fill(moves, at + line, n, x, by_y, f[1, 1], one)
                    if kind == PICTURE:
                        _fill(owners, at - r * line, n, x, np.float32(t), zero, one)
                        pictures = True
                    n, at, x = n - RUN, at + RUN, x + np.float32(RUN)
            if y % 2 == 0:
                start, stop = (start + 1) // 2, (stop + 1) // 2
                n, at, x = stop - start, r // 2 * node_line + start, np.float32(2 * start) - e[0]
                column, row = f[2, 0] + f[2, 2] * dy, f[3, 0] + f[3, 2] * dy
                amount = f[4, 0] + f[4, 2] * dy
                while n > 0:
                    if kind == MAPPED:
                        _fill(nodes, at, n, x, column, f[2, 1], two)
                        _fill(nodes, at + node_plane, n, x, row, f[3, 1], two)
                        _fill(nodes, at + 2 * node_plane, n, x, amount, f[4, 1], two)
                    else:
                        _fill(nodes, at + 2 * node_plane, n, x, zero, zero, two)
                    n, at, x = n - RUN, at + RUN, x + np.float32(2 * RUN)
    return pictures


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _look_up_jit(  # type: ignore[no-untyped-def]
    tints, nodes, gain_bias, far, bias_light, left, right
):
    """Look gain and bias up for the nodes of a band; where the amount is 0, nothing changes."""
    line = nodes.shape[2]
    for j in range(nodes.shape[1]):
        amounts = nodes[2, j]
        for k in range(left // 2 // 4 * 4, right // 2 + 2, 4):
            if (
                amounts[k] == 0 and amounts[k + 1] == 0
                and amounts[k + 2] == 0 and amounts[k + 3] == 0
            ):  # fmt: skip
                for node in range(k, k + 4):
                    tints[j, node, :3] = np.float32(NO_GAIN)
                    tints[j, node, 3] = np.float32(NO_BIAS)
            else:
                plane = nodes.shape[1] * line
                side = gain_bias.shape[0]
                _look_up(tints, gain_bias, side, nodes, j * line + k, plane, far, bias_light)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _taps_jit(taps, moves, r, y, first, last, height, width):  # type: ignore[no-untyped-def]
    """Write where each pair of pixels looks in `src`, and which weights it takes.

    Pairs that do not share one position down, or lie near the border, are marked -1; -2 if no
    triangle covers them.
    """
    zero, one, half = np.float32(0), np.float32(1), np.float32(0.5)
    steps, shared_px = np.float32(PHASES), np.float32(SHARED_PX)
    far_x, far_y = np.float32(width - 5), np.float32(height - 2)
    wide, fy, start_x = np.int32(width), np.float32(y), np.float32(2 * first)
    for q in range(last - first):
        # Numbers without a sign: LLVM sees that none counts from the end.
        p = np.uint64(first) + np.uint64(q)
        i, j = np.uint64(2) * p, np.uint64(2) * p + np.uint64(1)
        x = start_x + np.float32(2 * q)
        x0, x1 = x + moves[r, 0, i], x + moves[r, 0, j]
        y0, y1 = moves[r, 1, i], moves[r, 1, j]
        at_x, at_y = half * (x0 + x1), fy + half * (y0 + y1)
        shared = (abs(x1 - x0) < shared_px) & (abs(y1 - y0) < shared_px)
        # Sixteen bytes are read of each row.
        shared &= (at_x >= one) & (at_x < far_x) & (at_y >= one) & (at_y < far_y)
        column, row = np.int32(at_x), np.int32(at_y)
        base = np.float32(column)
        part0, part1 = _between(x0 - base, zero, one), _between(x1 - base, zero, one)
        start = np.int32(3) * ((row - np.int32(1)) * wide + column - np.int32(1))
        bare = (x0 != x0) & (x1 != x1)
        taps[0, p] = start if shared else (np.int32(-2) if bare else np.int32(-1))
        taps[1, p] = np.int32(32) * np.int32((at_y - np.float32(row)) * steps + half)
        taps[2, p] = np.int32(16) * np.int32(part0 * steps + half)
        taps[3, p] = np.int32(16) * np.int32(part1 * steps + half)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row_jit(  # type: ignore[no-untyped-def]
    out, src, taps, moves, tints, down, across, r, y, first, last
):
    """Sample and repaint the covered pixels of a row, from pair `first` to below `last`."""
    height, width = src.shape[0], src.shape[1]
    far_x, far_y = np.float32(width - 1), np.float32(height - 1)
    line, plane = 4 * tints.shape[1], taps.shape[1]
    tint, below = r // 2 * line, (r + 1) // 2 * line
    flat = tints.reshape(-1)
    _taps_jit(taps, moves, r, y, first, last, height, width)
    for p in range(first, last):
        if taps[0, p] >= 0:
            _draw_pair(
                out, 3 * (y * width + 2 * p), src, 3 * width, taps, p, plane, down, across,
                flat, tint + 4 * p, below + 4 * p,
            )  # fmt: skip
        elif taps[0, p] == -1:
            for x in range(2 * p, 2 * p + 2):
                if moves[r, 0, x] == moves[r, 0, x]:
                    at_x = _between(np.float32(x) + moves[r, 0, x], np.float32(0), far_x)
                    at_y = _between(np.float32(y) + moves[r, 1, x], np.float32(0), far_y)
                    _draw_one(
                        out, y, x, src, at_x, at_y, down, across,
                        flat, tint + 4 * p, below + 4 * p,
                    )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _picture_jit(  # type: ignore[no-untyped-def]
    out, picture, owners, cuts, kinds, rows, edges, fields, far, light, top
):
    """Lay the picture over the pixels of a band that a picture triangle owns."""
    height, width = out.shape[0], out.shape[1]
    zero, one = np.float32(0), np.float32(1)
    for t in range(kinds.shape[0]):
        first, last = max(rows[t, 0], top), min(rows[t, 1], top + BAND_ROWS, height)
        if kinds[t] != PICTURE:
            continue
        e, f = edges[t], fields[t]
        for y in range(first, last):
            _cut_rows(cuts, edges, t, np.float32(y), np.float32(width))
            dy = np.float32(y) - e[1]
            for x in range(cuts[0, 0], cuts[1, 0]):
                if owners[y - top, x] != np.float32(t):
                    continue
                dx = np.float32(x) - e[0]
                u = _between(f[2, 0] + f[2, 2] * dy + f[2, 1] * dx, zero, far)
                v = _between(f[3, 0] + f[3, 2] * dy + f[3, 1] * dx, zero, far)
                j, i = int(u), int(v)
                wx, wy = u - np.float32(j), v - np.float32(i)
                a, b, c, d = (one - wx) * (one - wy), wx * (one - wy), (one - wx) * wy, wx * wy
                p, q = picture[i], picture[i + 1]
                opacity = a * p[j, 3] + b * p[j + 1, 3] + c * q[j, 3] + d * q[j + 1, 3]
                opacity *= f[4, 0] + f[4, 2] * dy + f[4, 1] * dx
                opacity = _between(opacity, zero, one)
                for k in range(3):
                    shown = a * p[j, k] + b * p[j + 1, k] + c * q[j, k] + d * q[j + 1, k]
                    colour = np.float32(out[y, x, k])
                    colour += opacity * (shown * light[k] - colour) + np.float32(0.5)
                    out[y, x, k] = np.uint8(_between(colour, zero, np.float32(255)))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _band_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, down, across, kinds, rows, edges, fields, far, box,
    moves, nodes, owners, extents, cuts, tints, taps, top,
):  # fmt: skip
    """Draw what the triangles cover of the band that begins with row `top`."""
    height, width = src.shape[0], src.shape[1]
    left, right = box[0], box[2]
    # Not a number where nothing is covered.
    moves[:, 0, left // 2 * 2 : right + 1] = np.float32(np.nan)
    nodes[2, :, left // 8 * 4 : right // 2 + 6] = np.float32(0)
    extents[:, 0] = width
    extents[:, 1] = 0
    pictures = _note_jit(
        moves, nodes, owners, extents, cuts, kinds, rows, edges, fields, top, height, width
    )
    _look_up_jit(tints, nodes, gain_bias, far[0], light[3], left, right)
    for r in range(min(BAND_ROWS, height - top)):
        first, last = extents[r, 0] // 2, (extents[r, 1] + 1) // 2
        if first < last:
            _row_jit(out, src, taps, moves, tints, down, across, r, top + r, first, last)
    if pictures:
        _picture_jit(out, picture, owners, cuts, kinds, rows, edges, fields, far[1], light, top)
        owners[:, left : right + 1] = np.float32(-1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _share_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, down, across, kinds, rows, edges, fields, far, box,
    moves, nodes, owners, extents, cuts, tints, taps, worker,
):  # fmt: skip
    """Draw the bands of `box` that fall to one of as many workers as there is scratch for."""
    top = box[1] // 2 * 2
    workers, n_bands = moves.shape[0], (box[3] - top + BAND_ROWS - 1) // BAND_ROWS
    # Dealt out in turn, each worker's bands are spread over the picture, since a mouth costs more
    # than a forehead.
    for band in range(worker, n_bands, workers):
        _band_jit(
            out, src, gain_bias, picture, light, down, across, kinds, rows, edges, fields,
            far, box, moves[worker], nodes[worker], owners[worker], extents[worker],
            cuts[worker], tints[worker], taps[worker], top + band * BAND_ROWS,
        )  # fmt: skip


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _shares_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, light, down, across, kinds, rows, edges, fields, far, box,
    moves, nodes, owners, extents, cuts, tints, taps,
):  # fmt: skip
    """Draw all bands of `box`, each worker its share."""
    for worker in numba.prange(moves.shape[0]):
        _share_jit(
            out, src, gain_bias, picture, light, down, across, kinds, rows, edges, fields, far,
            box, moves, nodes, owners, extents, cuts, tints, taps, np.int64(worker),
        )  # fmt: skip
