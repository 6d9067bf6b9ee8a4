"""What :mod:`kernels.apply` computes, in plain NumPy and whole pictures.

Slow and short: the oracle of the tests, itself tested against OpenCV and Pillow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.weights import PHASES, weights

# Two pixels side by side share one position down where they look less than this apart, px.
SHARED_PX = 0.5


def apply(
    out: NDArray[np.uint8],
    src: NDArray[np.uint8],
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    gain_bias: NDArray[np.float32],
    picture: NDArray[np.float32],
    light: NDArray[np.float32],
    *,
    sharp: bool = False,
) -> None:
    """Draw the triangles, sampling `src`, into `out`: as :func:`kernels.apply.apply`.

    Gains are exact here, gains and biases have no end, and triangles that change nothing are drawn
    as well.
    """
    height, width = src.shape[:2]
    n_map = len(triangles) - n_picture_triangles
    # A row and a column more, where a node may lie.
    seen = np.full((height + 1, width + 1, 5), np.nan)
    is_picture = np.zeros((height + 1, width + 1), np.bool_)
    for t, corners in enumerate(triangles):
        at, at_corners = target[corners], values[corners].astype(np.float64)
        if not (np.isfinite(at).all() and np.isfinite(at_corners).all()) or twice_area(at) <= 0:
            continue
        y, x = covered(at, height + 1, width + 1)
        # Barycentric coordinates: the weights that make the pixel of the corners.
        shares = np.linalg.solve(np.vstack([at.T, np.ones(3)]), [x, y, np.ones(len(x))])
        seen[y, x] = shares.T @ at_corners
        is_picture[y, x] = t >= n_map
    tints = _tints(seen, is_picture, gain_bias, float(light[3]))
    is_covered = np.isfinite(seen[:height, :width, 0])
    y, x = np.nonzero(is_covered)
    positions = _shared(seen[:height, :width, :2], height, width)[y, x]
    colours = sample_phases(src, positions[:, 0], positions[:, 1], sharp)
    colours = colours * tints[y, x, :3] + tints[y, x, 3:]
    u, v, amount = seen[y, x, 2:].T
    shown = sample(picture, u * (len(picture) - 1), v * (len(picture) - 1))
    opacity = (np.clip(amount * shown[:, 3], 0, 1) * is_picture[y, x])[:, None]
    colours += opacity * (shown[:, :3] * light[:3] - np.clip(colours, 0, 255))
    out[y, x] = np.floor(np.clip(colours, 0, 255) + 0.5).astype(np.uint8)


def _tints(
    seen: NDArray[np.float64],
    is_picture: NDArray[np.bool_],
    gain_bias: NDArray[np.float32],
    light: float,
) -> NDArray[np.float64]:
    """Return gain and bias of each pixel, (H, W, 4): looked up on even rows and columns."""
    height, width = seen.shape[0] - 1, seen.shape[1] - 1
    u, v, amount = np.moveaxis(seen[::2, ::2, 2:], 2, 0).reshape(3, -1)
    looked_up = np.isfinite(amount) & ~is_picture[::2, ::2].ravel()
    u, v, amount = (np.where(looked_up, array, 0) for array in (u, v, amount))
    far = len(gain_bias) - 1
    observed = amount[:, None] * sample(gain_bias, u * far, v * far)
    nodes = np.concatenate([np.exp(observed[:, :3]), observed[:, 3:] * light], axis=1)
    nodes = nodes.reshape((height + 2) // 2, (width + 2) // 2, 4)
    y, x = np.arange(height), np.arange(width)
    rows = (nodes[y // 2] + nodes[(y + 1) // 2]) / 2
    tints: NDArray[np.float64] = (rows[:, x // 2] + rows[:, (x + 1) // 2]) / 2
    return tints


def _shared(positions: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Let neighbours 2k and 2k + 1 that look side by side share one position down.

    Not near the border, where the kernel takes pixels one by one.
    """
    shared: NDArray[np.float64] = positions.copy()
    one, other = positions[:, : width // 2 * 2 : 2], positions[:, 1::2]
    middle = (one + other) / 2
    near = (np.abs(other - one - [1, 0]) < SHARED_PX).all(axis=2)
    near &= (middle >= [1.5, 1]).all(axis=2) & (middle < [width - 4.5, height - 2]).all(axis=2)
    middle = middle[near]
    # Their positions across may leave the pixel that the middle lies in no further than its edge.
    for pixel, own in ((0, one), (1, other)):
        left = np.floor(middle[:, 0] - 0.5) + pixel
        across = np.clip(own[near][:, 0], left, left + 1)
        shared[:, pixel : width // 2 * 2 : 2][near] = np.stack([across, middle[:, 1]], axis=1)
    return shared


def twice_area(corners: NDArray[np.float32]) -> float:
    """Return twice the area of a triangle (3, 2), positive if clockwise as seen (y down)."""
    (ax, ay), (bx, by), (cx, cy) = corners.astype(np.float64)
    return float((bx - ax) * (cy - ay) - (cx - ax) * (by - ay))


def covered(
    corners: NDArray[np.float32], height: int, width: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the pixels whose centres a triangle (3, 2) covers.

    Of a row that cuts two edges, the pixels from the left cut to before the right one; of
    the rows, those from the top corner to before the bottom one. So of two triangles that share
    an edge exactly one covers a pixel on it. Cuts are rounded to float32, as the kernel's are.
    """
    top, middle, bottom = sorted(corners, key=lambda corner: (corner[1], corner[0]))
    y = np.arange(max(np.ceil(top[1]), 0), min(np.ceil(bottom[1]), height), dtype=np.float32)

    def cut(upper: NDArray[np.float32], lower: NDArray[np.float32]) -> NDArray[np.float32]:
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = (lower[0] - upper[0]) / (lower[1] - upper[1])
            # Product and sum are rounded once.
            crossing = upper[0] + (y - upper[1]).astype(np.float64) * slope
            return np.asarray(crossing, np.float32)

    one, other = cut(top, bottom), np.where(y < middle[1], cut(top, middle), cut(middle, bottom))
    columns = np.arange(width)
    inside = columns >= np.minimum(one, other)[:, None]
    inside &= columns < np.maximum(one, other)[:, None]
    rows, x = np.nonzero(inside)
    return rows + int(y[0] if len(y) else 0), x


def sample(
    array: NDArray[Any], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sample an array (H, W, C) bilinearly at N positions, clamped to it; returns (N, C)."""
    height, width = array.shape[:2]
    x, y = (np.clip(np.nan_to_num(at), 0, n - 1) for at, n in ((x, width), (y, height)))
    left, upper = np.floor(x).astype(int), np.floor(y).astype(int)
    right, lower = np.minimum(left + 1, width - 1), np.minimum(upper + 1, height - 1)
    wx, wy = (x - left)[:, None], (y - upper)[:, None]
    above = (1 - wx) * array[upper, left] + wx * array[upper, right]
    below = (1 - wx) * array[lower, left] + wx * array[lower, right]
    mixed: NDArray[np.float64] = (1 - wy) * above + wy * below
    return mixed


def sample_phases(
    src: NDArray[np.uint8], x: NDArray[np.float64], y: NDArray[np.float64], sharp: bool
) -> NDArray[np.float64]:
    """Sample a picture (H, W, C) by :mod:`kernels.weights` at N positions; returns (N, C)."""
    height, width = src.shape[:2]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, upper = np.floor(x).astype(int), np.floor(y).astype(int)
    across, down = weights(sharp)
    wy = down[np.floor((y - upper) * PHASES + 0.5).astype(int)] / down[0].sum(dtype=float)
    wx = across[np.floor((x - left) * PHASES + 0.5).astype(int)] / across[0].sum()
    total = np.zeros((len(x), src.shape[2]))
    for i in range(4):
        row = np.clip(upper + i - 1, 0, height - 1)
        for j in range(4):
            column = np.clip(left + j - 1, 0, width - 1)
            total += (wy[:, i] * wx[:, j])[:, None] * src[row, column]
    return total
