"""The reference, against OpenCV where OpenCV can do the same."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels import reference

LIGHT = np.array([90, 100, 110, 80], np.float32)
EMPTY = np.zeros((2, 2, 4), np.float32)
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def smooth_noise(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Return noise so smooth that OpenCV's steps of 1/32 px do not matter."""
    noise = rng.uniform(0, 255, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    return cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def whole_picture(height: int, width: int, source_from_target: NDArray[np.float32]):
    """Return corners around the picture, and values that observe it through an affine matrix."""
    # A pixel beyond the border lies the last node of gain and bias.
    corners = [[-1, -1], [width + 1, -1], [width + 1, height + 1], [-1, height + 1]]
    target = np.array(corners, np.float32)
    values = np.zeros((4, 5), np.float32)
    values[:, :2] = target @ source_from_target[:, :2].T + source_from_target[:, 2]
    values[:, 2:4] = (target + 1) / (width + 2, height + 2)
    return target, values


affine = st.tuples(*[st.floats(-0.25, 0.25, width=32)] * 4, *[st.floats(-9, 9, width=32)] * 2).map(
    lambda n: np.array([[1 + n[0], n[1], n[4]], [n[2], 1 + n[3], n[5]]], np.float32)
)


@given(affine, st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@example(np.array([[1.25, 0.125, 0.25], [0, 1, 0]], np.float32), 4, 15, 0)
@settings(max_examples=60, deadline=None)
def test_warp_is_opencvs_remap(matrix, height, width, seed):
    src = smooth_noise(np.random.default_rng(seed), height, width)
    target, values = whole_picture(height, width, matrix)
    out = np.zeros_like(src)
    reference.apply(out, src, target, values, TRIANGLES, 0, EMPTY, EMPTY, LIGHT)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    map_x, map_y = (row[0] * x + row[1] * y + row[2] for row in matrix)
    expected = cv2.remap(src, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Neighbours share one position down, which is off by half of what theirs differ by; across
    # they keep theirs, but for what lies beyond the edge of the pixel that their middle is in.
    down, right = (np.abs(np.diff(src.astype(int), axis=axis)).max(initial=0) for axis in (0, 1))
    # Both round positions, the kernel to 1/64 px and OpenCV to 1/32 px.
    rounding = (1 / 128 + 1 / 64) * (down + right)
    shared = abs(matrix[1, 0]) / 2 * down + abs(matrix[0, 0] - 1) / 2 * right
    allowed = 2 + shared + rounding
    assert np.abs(out.astype(int) - expected).max() <= allowed


def test_warp_is_opencvs_warp_affine(astronaut):
    src = cv2.GaussianBlur(astronaut, (0, 0), 2)
    matrix = np.array([[0.9, 0.2, 12.5], [-0.01, 1.1, 20.25]], np.float32)
    target, values = whole_picture(*src.shape[:2], matrix)
    out = np.zeros_like(src)
    reference.apply(out, src, target, values, TRIANGLES, 0, EMPTY, EMPTY, LIGHT)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = src.shape[1::-1]
    expected = cv2.warpAffine(src, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    difference = np.abs(out.astype(int) - expected)
    assert difference.max() <= 3
    assert difference.mean() < 0.2


@pytest.mark.parametrize("shape", [(64, 81), (97, 48)])
def test_gain_and_bias_are_opencvs_multiply_and_add(rng, shape):
    height, width = shape
    src = smooth_noise(rng, height, width)
    gain_bias = cv2.GaussianBlur(rng.normal(0, 1, (9, 9, 4)).astype(np.float32), (0, 0), 2)
    target, values = whole_picture(height, width, np.eye(2, 3, dtype=np.float32))
    values[:, 4] = 0.7
    out = np.zeros_like(src)
    reference.apply(out, src, target, values, TRIANGLES, 0, gain_bias, EMPTY, LIGHT)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    map_x, map_y = (x + 1) / (width + 2) * 8, (y + 1) / (height + 2) * 8
    observed = cv2.remap(gain_bias, map_x, map_y, cv2.INTER_LINEAR)
    gain = cv2.exp(0.7 * observed[..., :3])
    bias = cv2.merge([0.7 * LIGHT[3] * observed[..., 3]] * 3)
    expected = cv2.add(cv2.multiply(src.astype(np.float32), gain), bias)
    assert np.abs(out - np.clip(expected, 0, 255)).max() <= 1.5
    assert np.abs(out.astype(int) - src).mean() > 2


def test_picture_is_opencvs_weighted_sum(rng):
    src = smooth_noise(rng, 20, 20)
    target, values = whole_picture(20, 20, np.eye(2, 3, dtype=np.float32))
    values[:, 4] = 0.5
    picture = np.full((4, 4, 4), 0.6, np.float32)
    out = np.zeros_like(src)
    reference.apply(out, src, target, values, TRIANGLES, 2, EMPTY, picture, LIGHT)
    plain = np.broadcast_to(0.6 * LIGHT[:3], src.shape).astype(np.float32)
    expected = cv2.addWeighted(src.astype(np.float32), 0.7, plain, 0.3, 0)
    assert np.abs(out - expected).max() <= 0.51


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_covered_are_the_pixels_inside(seed):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-5, 25, (3, 2)).astype(np.float32)
    covered = np.zeros((20, 18), bool)
    covered[reference.covered(corners, 20, 18)] = True
    for y in range(20):
        for x in range(18):
            inside = cv2.pointPolygonTest(corners, (float(x), float(y)), True)
            if abs(inside) > 1e-3:
                assert covered[y, x] == (inside > 0)


def test_area_is_positive_clockwise():
    assert reference.twice_area(np.array([[0, 0], [4, 0], [0, 3]], np.float32)) == 12
    assert reference.twice_area(np.array([[0, 0], [0, 3], [4, 0]], np.float32)) == -12
