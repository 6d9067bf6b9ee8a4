"""Sample the picture and repaint what was seen, one pixel, two or eight at a time."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]

from kernels.lanes import (
    AVX2,
    F32,
    I8,
    I16,
    I32,
    I64,
    Lanes,
    called,
    floats,
    integer,
    load,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.options import INLINE, INNER
from kernels.taps import PAIRS


def _pairs_summed(b: ir.IRBuilder, values: ir.Value, weights: ir.Value, kind: ir.Type) -> ir.Value:
    """Multiply two registers and add each two neighbours: one instruction on x86."""
    half = values.type.count // 2
    if AVX2:
        name = "llvm.x86.avx2.pmadd.ub.sw" if kind == I16 else "llvm.x86.avx2.pmadd.wd"
        return called(b, name, vector(kind, half), values, weights)
    wide = vector(kind, 2 * half)
    extend = b.zext if values.type.element == I8 else b.sext
    products = Lanes(b, b.mul(extend(values, wide), b.sext(weights, wide)))
    even, odd = (products.pick(*range(i, 2 * half, 2)).value for i in (0, 1))
    return b.add(even, odd)


def _sampled(
    b: ir.IRBuilder, src: ir.Value, stride: ir.Value, taps: ir.Value, at: ir.Value,
    plane: ir.Value, across: ir.Value, down: ir.Value,
) -> Lanes:  # fmt: skip
    """Weigh four rows of four pixels for each of two: sums of three colours and one to ignore."""
    start, row_weights, *phases = (
        b.zext(b.load(b.gep(taps, [b.add(at, b.mul(plane, integer(i)))])), I64) for i in range(4)
    )
    one, other = (splat(b, b.load(b.gep(across, [phase])), 4) for phase in phases)
    columns = b.bitcast(one.pick(*range(8), other=other).value, vector(I8, 32))
    # Of either pixel, the four bytes of each colour side by side.
    lanes = [3 * (pixel + k) + colour for pixel in (0, 1) for colour in (0, 1, 2, 2)
             for k in range(4)]  # fmt: skip
    sums = []
    for row in range(4):
        first = b.add(start, b.mul(stride, integer(row)))
        bytes_ = Lanes(b, load(b, src, first, I8, 16)).pick(*lanes)
        halves = _pairs_summed(b, bytes_.value, columns, I16)
        weight = splat(b, b.load(b.gep(down, [b.add(row_weights, integer(row))])), 8)
        sums.append(_pairs_summed(b, halves, b.bitcast(weight.value, halves.type), I32))
    return floats(b, b.add(b.add(sums[0], sums[1]), b.add(sums[2], sums[3])))


def _repainted(
    b: ir.IRBuilder, colours: Lanes, tints: ir.Value, tint: ir.Value, below: ir.Value
) -> ir.Value:
    """Multiply and add what a pair's nodes say: whole numbers, not yet within 0 and 255."""
    # A pixel's tint is the mean of four: its column's and the next one's, in two rows.
    two = Lanes(b, load(b, tints, tint, F32, 8)) + Lanes(b, load(b, tints, below, F32, 8))
    two = two.pick(0, 1, 2, 3, 0, 1, 2, 3) + two
    return (colours * two + two.pick(3, 3, 3, 3, 7, 7, 7, 7)).truncated()


def _bytes(b: ir.IRBuilder, four: list[ir.Value]) -> list[Lanes]:
    """Return the colours of four pairs of pixels, limited to bytes: twelve for each two pairs."""
    if AVX2:
        words = [
            called(b, "llvm.x86.avx2.packssdw", vector(I16, 16), *four[i : i + 2]) for i in (0, 2)
        ]
        packed = called(b, "llvm.x86.avx2.packuswb", vector(I8, 32), *words)
        packed = Lanes(b, b.bitcast(packed, vector(I32, 8))).pick(0, 4, 1, 5, 2, 6, 3, 7).value
        packed = b.bitcast(packed, vector(I8, 32))
    else:
        limited = []
        for whole in four:
            zero, most = (ir.Constant(whole.type, [n] * 8) for n in (0, 255))
            whole = b.select(b.icmp_signed(">", whole, zero), whole, zero)
            whole = b.select(b.icmp_signed("<", whole, most), whole, most)
            limited.append(Lanes(b, b.trunc(whole, vector(I8, 8))))
        one, other = (limited[i].pick(*range(16), other=limited[i + 1]) for i in (0, 2))
        packed = one.pick(*range(32), other=other).value
    lanes = [4 * (k // 3) + k % 3 for k in range(12)] + [0] * 4
    return [Lanes(b, packed).pick(*(start + lane for lane in lanes)) for start in (0, 16)]


def _write_pair(
    b: ir.IRBuilder, out: ir.Value, to: ir.Value, src: ir.Value, stride: ir.Value,
    taps: ir.Value, at: ir.Value, plane: ir.Value, across: ir.Value, down: ir.Value,
    tints: ir.Value, tint: ir.Value, below: ir.Value,
) -> None:  # fmt: skip
    colours = _sampled(b, src, stride, taps, at, plane, across, down)
    whole = _repainted(b, colours, tints, tint, below)
    packed = b.bitcast(_bytes(b, [whole] * 4)[0].value, vector(I64, 2))
    packed = b.extract_element(packed, ir.Constant(I32, 0))
    b.store(b.trunc(packed, I32), pointer_to(b, out, to, I32), align=1)
    packed = b.trunc(b.lshr(packed, integer(32)), I16)
    b.store(packed, pointer_to(b, out, b.add(to, integer(4)), I16), align=1)


@written(_write_pair)
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
        colours = _sampled(b, src, stride, taps, b.add(at, integer(k)), plane, across, down)
        nodes = (b.add(first, integer(4 * k)) for first in (tint, below))
        four.append(_repainted(b, colours, tints, *nodes))
    # Sixteen bytes, of which the last four are then written over.
    one, other = _bytes(b, four)
    b.store(one.value, pointer_to(b, out, to, one.value.type), align=1)
    other = Lanes(b, b.bitcast(other.value, vector(I32, 4)))
    two = other.pick(0, 1).value
    b.store(two, pointer_to(b, out, b.add(to, integer(12)), two.type), align=1)
    last = b.extract_element(other.value, ir.Constant(I32, 2))
    b.store(last, pointer_to(b, out, b.add(to, integer(20)), I32), align=1)


@written(_write_pairs)
def _draw_pairs(  # type: ignore[no-untyped-def]
    out, to, src, stride, taps, at, plane, across, down, tints, tint, below
):
    """Sample and repaint PAIRS pairs of pixels, each as :func:`_draw_pair` does."""
    for k in range(PAIRS):
        _draw_pair(
            out, to + 6 * k, src, stride, taps, at + k, plane, across, down, tints, tint + 4 * k,
            below + 4 * k,
        )  # fmt: skip


@numba.njit(**INLINE)
def _between_jit(x, low, high):  # type: ignore[no-untyped-def]
    """Return `x`, at least `low` and at most `high`."""
    x = x if x < high else high
    return x if x > low else low


@numba.njit(**INNER)
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
        out[y, x, channel] = np.uint8(_between_jit(colour, np.float32(0), np.float32(255)))
