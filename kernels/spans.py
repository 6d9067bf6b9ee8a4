"""Draw planes from one picture into another, span by span: the loops behind :mod:`kernels.apply`.

Triangles are cut into spans, runs of pixels in one row. How a span is drawn is written twice:
by `_span_numpy`, for ``NUMBA_DISABLE_JIT=1`` and as the explanation; and with llvmlite, two pixels
of four numbers at a time, since LLVM does not find that by itself and takes twice as long.
Everything that decides what is compiled is in this file, or Numba's cache would not notice edits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from kernels.planes import MAPPED, MOVED, PICTURE

# Rows are dealt out in bands, so that each thread tests a triangle against a band only once.
BAND_ROWS = 16
# Logarithms of gains stop here, because the approximation of exp rises again further down.
LEAST_LOG_GAIN = -4.0

_F32, _I8, _I16, _I32, _I64 = ir.FloatType(), *(ir.IntType(n) for n in (8, 16, 32, 64))
# A product and a sum may be rounded once instead of twice.
_FUSED = ("contract", "nsz")


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

    def clamped(self, low: float, high: _Lanes | float) -> _Lanes:
        """Return at most `high` (also where not a number), then at least `low`."""
        b, value = self.builder, self.value
        value = b.select(b.fcmp_ordered("<", value, self._of(high)), value, self._of(high))
        return _Lanes(b, b.select(b.fcmp_ordered(">", value, self._of(low)), value, self._of(low)))

    def pick(self, *lanes: int, other: _Lanes | None = None) -> _Lanes:
        """Return these lanes, counted on through `other`."""
        mask = ir.Constant(ir.VectorType(_I32, len(lanes)), [ir.Constant(_I32, i) for i in lanes])
        other = self if other is None else other
        return _Lanes(self.builder, self.builder.shuffle_vector(self.value, other.value, mask))

    def truncated(self) -> ir.Value:
        """Return the whole parts as 32-bit integers."""
        return self.builder.fptosi(self.value, ir.VectorType(_I32, self.value.type.count))


def _int(number: int) -> ir.Constant:
    return ir.Constant(_I64, number)


def _lerp(a: _Lanes, b: _Lanes, weight: _Lanes) -> _Lanes:
    return a + (b - a) * weight


def _floats(b: ir.IRBuilder, integers: ir.Value) -> _Lanes:
    return _Lanes(b, b.sitofp(integers, ir.VectorType(_F32, integers.type.count)))


def _splat(b: ir.IRBuilder, number: ir.Value) -> _Lanes:
    one = ir.Constant(ir.VectorType(_F32, 8), ir.Undefined)
    return _Lanes(b, b.insert_element(one, number, ir.Constant(_I32, 0))).pick(*[0] * 8)


def _load(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value, kind: ir.Type, align: int) -> ir.Value:
    return b.load(b.bitcast(b.gep(pointer, [at]), kind.as_pointer()), align=align)


def _four_twice(b: ir.IRBuilder, pointer: ir.Value, at: ir.Value) -> _Lanes:
    four = _Lanes(b, _load(b, pointer, at, ir.VectorType(_F32, 4), 4))
    return four.pick(0, 1, 2, 3, 0, 1, 2, 3)


def _observed_colours(
    b: ir.IRBuilder, src: ir.Value, row: ir.Value, at: Sequence[ir.Value], part: _Lanes
) -> _Lanes:
    """Sample `src` for two pixels: BGR and a lane of anything, twice.

    Each needs six bytes, two pixels, of two rows. Eight are read: from the first of them in the
    upper row, up to the last of them in the lower, so that none lies outside the picture.
    """
    mixed = []
    for pixel in (0, 1):
        upper = _load(b, src, at[pixel], _I64, 1)
        lower = _load(b, src, b.sub(b.add(at[pixel], row), _int(2)), _I64, 1)
        wide = [
            _floats(b, b.zext(b.bitcast(q, ir.VectorType(_I8, 8)), ir.VectorType(_I32, 8)))
            for q in (upper, b.lshr(lower, _int(16)))
        ]
        mixed.append(_lerp(wide[0], wide[1], part.pick(*[4 * pixel + 1] * 8)))
    left = mixed[0].pick(0, 1, 2, 3, 8, 9, 10, 11, other=mixed[1])
    right = mixed[0].pick(3, 4, 5, 6, 11, 12, 13, 14, other=mixed[1])
    return _lerp(left, right, part.pick(0, 0, 0, 0, 4, 4, 4, 4))


def _observed_table(
    b: ir.IRBuilder, table: ir.Value, row: ir.Value, at: Sequence[ir.Value], part: _Lanes
) -> _Lanes:
    """Sample the table for two pixels: four numbers, twice."""
    mixed = []
    for pixel in (0, 1):
        pair = [
            _Lanes(b, _load(b, table, start, ir.VectorType(_F32, 8), 4))
            for start in (at[pixel], b.add(at[pixel], row))
        ]
        mixed.append(_lerp(pair[0], pair[1], part.pick(*[4 * pixel + 3] * 8)))
    left = mixed[0].pick(0, 1, 2, 3, 8, 9, 10, 11, other=mixed[1])
    right = mixed[0].pick(4, 5, 6, 7, 12, 13, 14, 15, other=mixed[1])
    return _lerp(left, right, part.pick(2, 2, 2, 2, 6, 6, 6, 6))


def _repainted(colours: _Lanes, painted: _Lanes, kind: int) -> _Lanes:
    """Return two pixels' colours under the map's gain and bias, or under the picture."""
    fourth = painted.pick(3, 3, 3, 3, 7, 7, 7, 7)
    if kind == PICTURE:
        return _lerp(colours, painted, fourth.clamped(0.0, 1.0))
    # exp(4 q) = exp(q)^4, and exp(q) by its series to the second power, which stays positive.
    q = painted.clamped(LEAST_LOG_GAIN, -LEAST_LOG_GAIN) * 0.25
    gain = (q * 0.5 + 1.0) * q + 1.0
    gain = gain * gain
    return colours * (gain * gain) + fourth


def _store(b: ir.IRBuilder, out: ir.Value, at: ir.Value, colours: _Lanes, both: ir.Value) -> None:
    """Round and store the first pixel's three bytes, and the second's where `both` says so."""
    whole = (colours.clamped(0.0, 255.0) + 0.5).truncated()
    lanes = _Lanes(b, b.trunc(whole, ir.VectorType(_I8, 8))).pick(0, 1, 2, 4, 5, 6, 7, 7)
    packed = b.bitcast(lanes.value, _I64)
    pointer = b.gep(out, [at])
    b.store(b.trunc(packed, _I16), b.bitcast(pointer, _I16.as_pointer()), align=1)
    pointer, packed = b.gep(pointer, [_int(2)]), b.lshr(packed, _int(16))
    b.store(b.trunc(packed, _I8), pointer)
    with b.if_then(both, likely=True):
        b.store(b.trunc(packed, _I32), b.bitcast(pointer, _I32.as_pointer()), align=1)


def _write_span(
    b: ir.IRBuilder,
    kind: int,
    arrays: Sequence[Any],
    far: Sequence[ir.Value],
    place: Sequence[ir.Value],
) -> None:
    """Write the instructions that draw one span; _span_numpy says what they compute."""
    out, src, table, edges, positions, paints = (array.data for array in arrays)
    src_row = b.mul(b.extract_value(arrays[1].shape, 1), _int(3))
    table_row = b.mul(b.extract_value(arrays[2].shape, 1), _int(4))
    plane, y, start, stop = place
    affine = b.mul(plane, _int(12))
    edge = b.mul(plane, _int(7))
    top_x, top_y = (_splat(b, b.load(b.gep(edges, [b.add(edge, _int(i))]))) for i in (0, 1))
    y_lanes = _splat(b, b.sitofp(y, _F32)) - top_y

    def along_row(array: ir.Value) -> tuple[_Lanes, _Lanes]:
        value, slope_x, slope_y = (
            _four_twice(b, array, b.add(affine, _int(4 * i))) for i in range(3)
        )
        return slope_y * y_lanes + value, slope_x

    position, position_slope = along_row(positions)
    paint, paint_slope = along_row(paints)
    limit = _Lanes(b, ir.Constant(ir.VectorType(_F32, 8), ir.Undefined))
    for lane in range(8):
        value = b.insert_element(limit.value, far[min(lane % 4, 2)], ir.Constant(_I32, lane))
        limit = _Lanes(b, value)
    left_x = _Lanes(b, ir.Constant(ir.VectorType(_F32, 8), [0.0] * 4 + [1.0] * 4)) - top_x
    row_start = b.mul(y, src_row)
    last = b.sub(stop, _int(2))
    last = b.select(b.icmp_signed(">", last, start), last, start)
    several = b.icmp_signed(">", b.sub(stop, start), _int(1))

    with _pairs(b, start, stop, last) as x:
        x_lanes = _splat(b, b.sitofp(x, _F32)) + left_x
        seen = (position_slope * x_lanes + position).clamped(0.0, limit)
        whole = seen.truncated()
        part = seen - _floats(b, whole)
        starts = _offsets(b, whole, (src_row, table_row))
        colours = _observed_colours(b, src, src_row, starts[::2], part)
        if kind != MOVED:
            seen_table = _observed_table(b, table, table_row, starts[1::2], part)
            colours = _repainted(colours, seen_table * (paint_slope * x_lanes + paint), kind)
        _store(b, out, b.add(row_start, b.mul(x, _int(3))), colours, several)


@contextmanager
def _pairs(b: ir.IRBuilder, start: ir.Value, stop: ir.Value, last: ir.Value) -> Iterator[ir.Value]:
    """Write a loop over `start`, `start` + 2, ... to below `stop`, none of them above `last`.

    An odd pixel at the end is so drawn together with its left neighbour, once more.
    """
    before, loop, after = b.block, b.append_basic_block("pair"), b.append_basic_block("drawn")
    b.cbranch(b.icmp_signed("<", start, stop), loop, after)
    b.position_at_end(loop)
    counted = b.phi(_I64)
    counted.add_incoming(start, before)
    yield b.select(b.icmp_signed("<", counted, last), counted, last)
    following = b.add(counted, _int(2))
    counted.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, stop), loop, after)
    b.position_at_end(after)


def _offsets(b: ir.IRBuilder, whole: ir.Value, rows: tuple[ir.Value, ir.Value]) -> list[ir.Value]:
    """Return where the elements start whose column and row lie side by side in `whole`."""
    lanes = ir.VectorType(_I32, 8)
    strides = ir.Constant(lanes, [3, 0, 4, 0] * 2)
    for lane in (1, 3, 5, 7):
        row = b.trunc(rows[lane % 4 // 2], _I32)
        strides = b.insert_element(strides, row, ir.Constant(_I32, lane))
    products = _Lanes(b, b.mul(whole, strides))
    sums = b.add(products.value, products.pick(1, 0, 3, 2, 5, 4, 7, 6).value)
    return [b.zext(b.extract_element(sums, ir.Constant(_I32, i)), _I64) for i in (0, 2, 4, 6)]


def _span_numpy(  # type: ignore[no-untyped-def]
    kind, out, src, table, edges, positions, paints, far_x, far_y, far_u, plane, y, start, stop
):
    """Draw the pixels from `start` to below `stop` of row `y`."""
    if start >= stop:
        return
    top_x, top_y = edges[plane, :2]
    x = np.arange(start, stop, dtype=np.float32)[:, None] - top_x
    dy = np.float32(y) - top_y
    far = np.array([far_x, far_y, far_u, far_u], np.float32)

    def affine(array: NDArray[np.float32]) -> NDArray[np.float32]:
        value, slope_x, slope_y = array[plane]
        along: NDArray[np.float32] = slope_x * x + (slope_y * dy + value)
        return along

    def sample(
        array: NDArray[Any], at: NDArray[np.int64], weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        (j, i), (wx, wy) = at.T, weight.T[..., None]
        upper, lower = array[i].astype(np.float32), array[i + 1].astype(np.float32)
        n = np.arange(len(i))
        left = upper[n, j] + (lower[n, j] - upper[n, j]) * wy
        right = upper[n, j + 1] + (lower[n, j + 1] - upper[n, j + 1]) * wy
        mixed: NDArray[np.float32] = left + (right - left) * wx
        return mixed

    seen = affine(positions)
    seen = np.maximum(np.where(seen < far, seen, far), np.float32(0))
    whole = seen.astype(np.int64)
    part = seen - whole.astype(np.float32)
    colours = sample(src, whole[:, :2], part[:, :2])
    if kind != MOVED:
        painted = sample(table, whole[:, 2:], part[:, 2:]) * affine(paints)
        if kind == PICTURE:
            colours += (painted[:, :3] - colours) * np.clip(painted[:, 3:], 0, 1)
        else:
            q = np.clip(painted[:, :3], LEAST_LOG_GAIN, -LEAST_LOG_GAIN) * np.float32(0.25)
            gain = (q * np.float32(0.5) + np.float32(1)) * q + np.float32(1)
            colours = colours * (gain * gain) * (gain * gain) + painted[:, 3:]
    colours = np.clip(np.nan_to_num(colours, nan=255), 0, 255) + np.float32(0.5)
    out[y, start:stop] = colours.astype(np.uint8)


def _drawer(kind: int) -> Callable[..., None]:
    """Return what draws a span of this kind: an intrinsic, or NumPy where Numba is off."""
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return partial(_span_numpy, kind)

    def draw_span(  # type: ignore[no-untyped-def]
        typing_context, out, src, table, edges, positions, paints,
        far_x, far_y, far_u, plane, y, start, stop,
    ):  # fmt: skip
        def generate(context: Any, b: Any, signature: Any, values: Any) -> Any:
            arrays = [
                context.make_array(array_type)(context, b, value)
                for array_type, value in zip(signature.args[:6], values[:6], strict=True)
            ]
            _write_span(b, kind, arrays, values[6:9], values[9:])
            return context.get_dummy_value()

        arrays = (out, src, table, edges, positions, paints)
        if any(array.layout != "C" for array in arrays):
            raise TypeError("spans are drawn from C-contiguous arrays only")
        return types.void(*arrays, *[types.float32] * 3, *[types.int64] * 4), generate

    drawer: Callable[..., None] = intrinsic(draw_span)
    return drawer


_draw_moved, _draw_mapped, _draw_picture = (_drawer(kind) for kind in (MOVED, MAPPED, PICTURE))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _column_jit(x, width):  # type: ignore[no-untyped-def]
    """Return the first column at or right of `x`, in [0, width]; 0 if it is not a number."""
    x = x if x > 0 else np.float32(0)
    return int(np.ceil(x if x < width else width))


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _band_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, kinds, rows, edges, positions, paints, far, band_start, band_stop
):
    """Draw what the triangles cover of these rows."""
    width = np.float32(src.shape[1])
    far_x, far_y, far_map, far_picture = far[0], far[1], far[2], far[3]
    for t in range(kinds.shape[0]):
        row_start, row_stop = max(rows[t, 0], band_start), min(rows[t, 1], band_stop)
        if row_start >= row_stop:
            continue
        e, kind = edges[t], kinds[t]
        for y in range(row_start, row_stop):
            fy = np.float32(y)
            # Where the row cuts the long edge, and the short one that it meets.
            cut = e[0] + (fy - e[1]) * e[2]
            other = e[0] + (fy - e[1]) * e[3] if fy < e[5] else e[4] + (fy - e[5]) * e[6]
            start = _column_jit(min(cut, other), width)
            stop = _column_jit(max(cut, other), width)
            if kind == MAPPED:
                _draw_mapped(
                    out, src, gain_bias, edges, positions, paints,
                    far_x, far_y, far_map, t, y, start, stop,
                )  # fmt: skip
            elif kind == PICTURE:
                _draw_picture(
                    out, src, picture, edges, positions, paints,
                    far_x, far_y, far_picture, t, y, start, stop,
                )  # fmt: skip
            else:
                _draw_moved(
                    out, src, gain_bias, edges, positions, paints,
                    far_x, far_y, far_map, t, y, start, stop,
                )  # fmt: skip


@numba.njit(cache=True, nogil=True, parallel=True, error_model="numpy")
def _apply_jit(  # type: ignore[no-untyped-def]
    out, src, gain_bias, picture, kinds, rows, edges, positions, paints, far, first, last
):
    """Draw rows `first` to below `last`, in bands; see :func:`apply`."""
    n_bands = (last - first + BAND_ROWS - 1) // BAND_ROWS
    half = (n_bands + 1) // 2
    for turn in numba.prange(n_bands):
        # Each thread gets a run of turns. Taken in this order, a run is spread over the picture,
        # since a mouth costs more than a forehead.
        band = 2 * turn if turn < half else 2 * (turn - half) + 1
        start = first + band * BAND_ROWS
        stop = min(last, start + BAND_ROWS)
        _band_jit(
            out, src, gain_bias, picture, kinds, rows, edges, positions, paints, far, start, stop
        )
