"""What :mod:`kernels.apply` computes, in plain NumPy: one triangle after the other, in float64.

Slow and short: the oracle of the tests, itself tested against OpenCV.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
) -> None:
    """Draw the triangles, sampling `src`, into `out`: as :func:`kernels.apply.apply`.

    Gains are exact here, and triangles that change nothing are drawn as well.
    """
    n_map = len(triangles) - n_picture_triangles
    for t, corners in enumerate(triangles):
        at, seen = target[corners], values[corners].astype(np.float64)
        if not (np.isfinite(at).all() and np.isfinite(seen).all()) or twice_area(at) <= 0:
            continue
        y, x = covered(at, src.shape[0], src.shape[1])
        # Barycentric coordinates: the weights that make the pixel of the corners.
        weights = np.linalg.solve(np.vstack([at.T, np.ones(3)]), [x, y, np.ones(len(x))])
        source_x, source_y, u, v, amount = seen.T @ weights
        colours = sample(src, source_x, source_y)
        table = gain_bias if t < n_map else picture
        observed = sample(table, u * (len(table) - 1), v * (len(table) - 1))
        if t < n_map:
            colours *= np.exp(amount[:, None] * observed[:, :3])
            colours += (amount * light[3] * observed[:, 3])[:, None]
        else:
            opacity = np.clip(amount * observed[:, 3], 0, 1)[:, None]
            colours += opacity * (observed[:, :3] * light[:3] - colours)
        out[y, x] = np.floor(np.clip(colours, 0, 255) + 0.5).astype(np.uint8)


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
            crossing: NDArray[np.float32] = upper[0] + (y - upper[1]) * (
                (lower[0] - upper[0]) / (lower[1] - upper[1])
            )
        return crossing

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
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, upper = np.floor(x).astype(int), np.floor(y).astype(int)
    right, lower = np.minimum(left + 1, width - 1), np.minimum(upper + 1, height - 1)
    wx, wy = (x - left)[:, None], (y - upper)[:, None]
    above = (1 - wx) * array[upper, left] + wx * array[upper, right]
    below = (1 - wx) * array[lower, left] + wx * array[lower, right]
    mixed: NDArray[np.float64] = (1 - wy) * above + wy * below
    return mixed
