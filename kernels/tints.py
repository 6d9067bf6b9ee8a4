"""Look gain and bias up at the nodes of a band, and spread them to its pairs of pixels.

A pixel's gain and bias are the mean of four nodes: its column's and the next one's, in two rows.
Those in one row are added up here, as whole numbers, which painting adds up in turn: eight for
each pair of pixels, three gains of either, then the bias of either.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numpy.typing import NDArray

from kernels.jobs import BAND_ROWS
from kernels.lanes import (
    F32,
    I16,
    I32,
    I64,
    Lanes,
    floats,
    integer,
    integers,
    lerp,
    load,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.options import INNER
from kernels.weights import SAMPLED

# Logarithms of gains stop here: the approximation of exp rises again further down, and gains of 4
# fill 16 bits.
LEAST_LOG_GAIN, MOST_LOG_GAIN = -4.0, 1.386
# Biases stop there, grey levels.
MOST_GREYS = 2000.0
# Painted colours are so many times the grey level; products of a sample and a gain lose 15 bits.
UNIT = 16
GAIN = UNIT * 2**15 // SAMPLED
# Of either, a node has a quarter. A bias has half a grey level more, since fractions are cut off.
NO_GAIN, NO_BIAS, MOST_BIAS = GAIN / 4, UNIT / 8, MOST_GREYS * UNIT / 4
# So large that a number added to it keeps no fraction; its lower 16 bits are then the number's.
_WHOLE = 1.5 * 2**23
# The gain is the fourth power of what this is a factor of.
_ROOT = NO_GAIN**0.25


def limited(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """Return numbers as instructions limit them: what is not a number becomes the highest."""
    lower = np.where(values < high, values, np.float32(high))
    return np.asarray(np.where(lower > low, lower, np.float32(low)), np.float32)


def _write_places(
    b: ir.IRBuilder, starts: ir.Value, k: ir.Value, nodes: ir.Value, at: ir.Value,
    plane: ir.Value, side: ir.Value, far: ir.Value,
) -> None:  # fmt: skip
    n, wholes = 8, []
    for i in (0, 1):
        first = b.add(at, b.mul(plane, integer(i)))
        place = Lanes(b, load(b, nodes, first, F32, n)).smaller(splat(b, far, n)).larger(0.0)
        wholes.append(place.truncated())
        part = place - floats(b, wholes[i])
        b.store(part.value, pointer_to(b, nodes, first, part.value.type), align=4)
    columns, rows = wholes
    width = splat(b, b.trunc(side, I32), n).value
    start = b.shl(b.add(b.mul(rows, width), columns), integers(2, n))
    b.store(start, pointer_to(b, starts, k, start.type), align=4)


@written(_write_places)
def _place(starts, k, nodes, at, plane, side, far):  # type: ignore[no-untyped-def]
    """Write where in the map eight nodes look, the one at index `at` first.

    Their columns and rows are written over by what is left between texels.
    """
    flat = nodes.reshape(-1)
    both = [flat[at + i * plane : at + i * plane + 8] for i in (0, 1)]
    wholes = []
    for places in both:
        within = limited(places, 0.0, far)
        wholes.append(within.astype(np.int32))
        places[:] = within - wholes[-1]
    starts.reshape(-1)[k : k + 8] = 4 * (wholes[1] * side + wholes[0])


def _write_paints(
    b: ir.IRBuilder, paints: ir.Value, to: ir.Value, table: ir.Value, side: ir.Value,
    starts: ir.Value, k: ir.Value, nodes: ir.Value, at: ir.Value, plane: ir.Value,
    bias_light: ir.Value,
) -> None:  # fmt: skip
    light = splat(b, b.fmul(bias_light, ir.Constant(F32, UNIT)), 8)

    def number(node: int, i: int, lanes: int) -> Lanes:
        place = b.add(b.add(at, integer(node)), b.mul(plane, integer(i)))
        return splat(b, b.load(b.gep(nodes, [place])), lanes)

    for pair in (0, 2):
        seen = []
        for node in (pair, pair + 1):
            start = b.zext(b.load(b.gep(starts, [b.add(k, integer(node))])), I64)
            upper, lower = (
                Lanes(b, load(b, table, texel, F32, 8))
                for texel in (start, b.add(start, b.mul(side, integer(4))))
            )
            mixed = lerp(upper, lower, number(node, 1, 8))
            left, right = mixed.pick(*range(4)), mixed.pick(*range(4, 8))
            seen.append(lerp(left, right, number(node, 0, 4)) * number(node, 2, 4))
        q = seen[0].pick(*range(8), other=seen[1]) * 0.25
        bias = (q * light + NO_BIAS).smaller(MOST_BIAS).larger(-MOST_BIAS)
        q = q.smaller(MOST_LOG_GAIN / 4).larger(LEAST_LOG_GAIN / 4)
        gain = (q * (0.5 * _ROOT) + _ROOT) * q + _ROOT
        gain = gain * gain
        paint = (gain * gain).pick(0, 1, 2, 11, 4, 5, 6, 15, other=bias)
        pointer = pointer_to(b, paints, b.add(to, integer(4 * pair)), paint.value.type)
        b.store(paint.value, pointer, align=4)


@written(_write_paints)
def _look_up(  # type: ignore[no-untyped-def]
    paints, to, table, side, starts, k, nodes, at, plane, bias_light
):
    """Write a quarter of the gain and of the bias of four nodes from the one at index `at` on."""
    nodes, texels = nodes.reshape(-1), table.reshape(-1, 4)
    wx, wy, amount = (nodes[at + i * plane : at + i * plane + 4, None] for i in range(3))
    first = starts.reshape(-1)[k : k + 4] // 4
    left = texels[first] + (texels[first + side] - texels[first]) * wy
    right = texels[first + 1] + (texels[first + side + 1] - texels[first + 1]) * wy
    q = (left + (right - left) * wx) * amount * np.float32(0.25)
    bias = limited(q[:, 3] * bias_light * UNIT + np.float32(NO_BIAS), -MOST_BIAS, MOST_BIAS)
    # exp(4 q) = exp(q)^4, and exp(q) by its series to the second power, which stays positive.
    q = limited(q, LEAST_LOG_GAIN / 4, MOST_LOG_GAIN / 4)
    paint = ((q * np.float32(0.5) + 1) * q + 1) ** 4 * np.float32(NO_GAIN)
    paint[:, 3] = bias
    paints.reshape(-1)[to : to + 16] = paint.ravel()


def _write_nothing(b: ir.IRBuilder, paints: ir.Value, to: ir.Value) -> None:
    neutral = ir.Constant(vector(F32, 8), [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 2)
    for i in (0, 8):
        b.store(neutral, pointer_to(b, paints, b.add(to, integer(i)), neutral.type), align=4)


@written(_write_nothing)
def _change_nothing(paints, to):  # type: ignore[no-untyped-def]
    """Write gain and bias of four nodes that leave colours as they are."""
    paints.reshape(-1)[to : to + 16] = [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 4


def _write_spread(
    b: ir.IRBuilder, tints: ir.Value, to: ir.Value, paints: ir.Value, node: ir.Value
) -> None:
    words = vector(I32, 8)
    for pair in (0, 2):
        own, following = (
            Lanes(b, load(b, paints, b.add(node, integer(4 * (pair + i))), F32, 8)) for i in (0, 1)
        )
        even, odd = (own * 2.0 + _WHOLE).value, (own + following + _WHOLE).value
        low = b.and_(b.bitcast(even, words), ir.Constant(words, [2**16 - 1] * 8))
        high = b.shl(b.bitcast(odd, words), ir.Constant(words, [16] * 8))
        both = Lanes(b, b.bitcast(b.or_(low, high), vector(I16, 16)))
        spread = both.pick(*(8 * i + lane for i in (0, 1) for lane in (0, 2, 4, 1, 3, 5, 6, 7)))
        pointer = pointer_to(b, tints, b.add(to, integer(8 * pair)), spread.value.type)
        b.store(spread.value, pointer, align=2)


@written(_write_spread)
def _spread(tints, to, paints, node):  # type: ignore[no-untyped-def]
    """Write tints of four pairs of pixels: an odd one's come from its pair's node and the next."""
    quarters = paints.reshape(-1)[node : node + 20].reshape(5, 4)
    both = np.rint(np.stack([2 * quarters[:-1], quarters[:-1] + quarters[1:]], axis=1))
    both = both.astype(np.int64).astype(np.int16)
    spread = np.concatenate([both[..., :3].reshape(4, 6), both[..., 3]], axis=1)
    tints.reshape(-1)[to : to + 32] = spread.ravel()


@numba.njit(**INNER)
def _look_up_jit(  # type: ignore[no-untyped-def]
    tints, paints, starts, nodes, extents, gain_bias, far, bias_light
):
    """Look gain and bias up for the nodes of a band; where the amount is 0, nothing changes."""
    line, side = nodes.shape[2], gain_bias.shape[0]
    plane = nodes.shape[1] * line
    for j in range(nodes.shape[1]):
        # The rows that take their tints from these nodes: the one above, their own, the one below.
        left, right = extents[0, BAND_ROWS - 1], extents[1, BAND_ROWS - 1]
        if j < BAND_ROWS // 2:
            left, right = extents[0, 2 * j], extents[1, 2 * j]
            for r in (max(2 * j - 1, 0), 2 * j + 1):
                left, right = min(left, extents[0, r]), max(right, extents[1, r])
        amounts, first, row = nodes[2, j], np.int64(left) // 8 * 4, j * line
        for k in range(first, right // 2 + 1, 8):
            _place(starts, k, nodes, row + k, plane, side, far)
        for k in range(first, right // 2 + 1, 4):
            if (
                amounts[k] == 0 and amounts[k + 1] == 0
                and amounts[k + 2] == 0 and amounts[k + 3] == 0
            ):  # fmt: skip
                _change_nothing(paints, 4 * k)
            else:
                _look_up(
                    paints, 4 * k, gain_bias, side, starts, k, nodes, row + k, plane, bias_light
                )
        for k in range(first, (right + 1) // 2, 4):
            _spread(tints, 8 * (row + k), paints, 4 * k)
