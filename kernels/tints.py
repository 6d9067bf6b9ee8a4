"""Look gain and bias up at the nodes of a band."""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]

from kernels.jobs import BAND_ROWS
from kernels.lanes import (
    F32,
    I32,
    I64,
    Lanes,
    floats,
    integer,
    lerp,
    load,
    pointer_to,
    splat,
    vector,
    written,
)
from kernels.options import INNER
from kernels.weights import ACROSS, DOWN

# Logarithms of gains stop here, because the approximation of exp rises again further down.
LEAST_LOG_GAIN = -4.0
# Sums of weighted colours are so many times the colour. Four tints make one pixel's.
UNIT = float(DOWN * ACROSS)
NO_GAIN, NO_BIAS = 0.25 / UNIT, 0.125


def _write_tints(
    b: ir.IRBuilder, tints: ir.Value, table: ir.Value, side: ir.Value, nodes: ir.Value,
    at: ir.Value, plane: ir.Value, far: ir.Value, bias_light: ir.Value,
) -> None:  # fmt: skip
    column, row, amount = (
        Lanes(b, load(b, nodes, b.add(at, b.mul(plane, integer(i))), F32, 4)) for i in range(3)
    )
    place = column.pick(*range(8), other=row).smaller(splat(b, far, 8)).larger(0.0)
    whole = place.truncated()
    part = place - floats(b, whole)
    columns, rows = (Lanes(b, whole).pick(*range(i, i + 4)).value for i in (0, 4))
    width = splat(b, b.trunc(side, I32), 4).value
    starts = b.mul(b.add(b.mul(rows, width), columns), ir.Constant(columns.type, [4] * 4))
    light = ir.Constant(vector(F32, 8), [1.0] * 8)
    for lane in (3, 7):
        light = b.insert_element(light, bias_light, ir.Constant(I32, lane))
    for pair in (0, 2):
        each = [pair] * 4 + [pair + 1] * 4
        mixed = []
        for node in (pair, pair + 1):
            start = b.zext(b.extract_element(starts, ir.Constant(I32, node)), I64)
            upper, lower = (
                Lanes(b, load(b, table, first, F32, 8))
                for first in (start, b.add(start, b.mul(side, integer(4))))
            )
            mixed.append(lerp(upper, lower, part.pick(*[4 + node] * 8)))
        left = mixed[0].pick(0, 1, 2, 3, 8, 9, 10, 11, other=mixed[1])
        right = mixed[0].pick(4, 5, 6, 7, 12, 13, 14, 15, other=mixed[1])
        painted = lerp(left, right, part.pick(*each)) * amount.pick(*each)
        q = painted.smaller(-LEAST_LOG_GAIN).larger(LEAST_LOG_GAIN) * 0.25
        gain = (q * 0.5 + 1.0) * q + 1.0
        gain = gain * gain
        bias = (painted * Lanes(b, light)).smaller(1e6).larger(-1e6) * 0.25 + NO_BIAS
        tint = (gain * NO_GAIN * gain).pick(0, 1, 2, 11, 4, 5, 6, 15, other=bias)
        to = b.add(b.mul(at, integer(4)), integer(4 * pair))
        b.store(tint.value, pointer_to(b, tints, to, tint.value.type), align=4)


@written(_write_tints)
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
    neutral = ir.Constant(vector(F32, 8), [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 2)
    for i in (0, 8):
        b.store(neutral, pointer_to(b, tints, b.add(at, integer(i)), neutral.type), align=4)


@written(_write_nothing)
def _change_nothing(tints, at):  # type: ignore[no-untyped-def]
    """Write gain and bias of four nodes that leave colours as they are."""
    tints.reshape(-1)[at : at + 16] = [NO_GAIN, NO_GAIN, NO_GAIN, NO_BIAS] * 4


@numba.njit(**INNER)
def _look_up_jit(  # type: ignore[no-untyped-def]
    tints, nodes, extents, gain_bias, far, bias_light
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
        amounts = nodes[2, j]
        for k in range(left // 8 * 4, right // 2 + 1, 4):
            if (
                amounts[k] == 0 and amounts[k + 1] == 0
                and amounts[k + 2] == 0 and amounts[k + 3] == 0
            ):  # fmt: skip
                _change_nothing(tints, 4 * (j * line + k))
            else:
                _look_up(tints, gain_bias, side, nodes, j * line + k, plane, far, bias_light)
