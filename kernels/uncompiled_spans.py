"""Triangles cut into spans in NumPy, all at once, for :mod:`kernels.uncompiled`.

As :mod:`kernels.planes` and the loops of :mod:`kernels.noting` do it one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.planes import MAPPED, MOVED, PICTURE, SLIVER_AREA, STILL_PX

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Mesh(NamedTuple):
    """The triangles to be drawn, in order.

    Attributes
    ----------
    kinds : ndarray of shape (T,), int64
        MOVED, MAPPED or PICTURE.
    corners : ndarray of shape (T, 3, 2), float32
        x and y; from top to bottom, then from left to right.
    fields : ndarray of shape (3, T, 5), float32
        Displacement x and y, column and row in the table, amount: at the top corner; their slopes
        along x; along y.
    """

    kinds: Ints
    corners: Floats
    fields: Floats


class Spans(NamedTuple):
    """Runs of pixels, or of nodes, in a row, in drawing order; each of shape (S,).

    Attributes
    ----------
    triangle, row, start, stop : ndarray, int64
        First and past-last column.
    """

    triangle: Ints
    row: Ints
    start: Ints
    stop: Ints

    def clipped(self, height: int, width: int) -> Spans:
        """Return what of them lies in a picture of this size."""
        inside = self._replace(start=np.maximum(self.start, 0), stop=np.minimum(self.stop, width))
        is_row = (inside.row >= 0) & (inside.row < height)
        return inside.only(is_row & (inside.start < inside.stop))

    def only(self, which: NDArray[np.bool_]) -> Spans:
        """Return some of them."""
        return Spans(*(array[which] for array in self))

    def per_pixel(self, one_each: NDArray[Any]) -> NDArray[Any]:
        """Repeat what there is for each span, for each of its pixels."""
        return np.repeat(one_each, self.stop - self.start)

    def along(self) -> Ints:
        """Return how many pixels each pixel is right of its span's start."""
        lengths = self.stop - self.start
        begun = self.per_pixel(np.cumsum(lengths) - lengths)
        return np.asarray(np.arange(len(begun)) - begun, np.int64)


def prepared(
    target: Floats,
    values: Floats,
    triangles: NDArray[np.int32],
    n_picture_triangles: int,
    sizes: tuple[int, int],
) -> Mesh:
    """Prepare the triangles that are to be drawn, as :func:`kernels.planes.planes`."""
    at, fields = target[triangles], values[triangles]
    fields[..., :2] -= at
    is_picture = np.arange(len(triangles)) >= len(triangles) - n_picture_triangles
    is_still = (np.abs(fields[..., :2]) < np.float32(STILL_PX)).all(axis=(1, 2))
    is_plain = (fields[..., 4] == 0).all(axis=1)
    kinds = np.where(is_picture, PICTURE, np.where(is_plain, MOVED, MAPPED))
    far = np.where(is_picture, np.float32(sizes[1] - 1), np.float32(sizes[0] - 1))
    fields[..., 2:4] *= far[:, None, None]
    (ax, ay), (bx, by) = (at[:, 1] - at[:, 0]).T, (at[:, 2] - at[:, 0]).T
    area = ax * by - ay * bx
    seen = (area > 0) & np.isfinite(area) & np.isfinite(fields).all(axis=(1, 2))
    seen &= is_picture | ~(is_plain & is_still)
    order = np.argsort(at[..., 1] + 1j * at[..., 0], axis=1)[..., None]
    at, fields = (np.take_along_axis(array, order, axis=1)[seen] for array in (at, fields))
    (ax, ay), (bx, by) = (at[:, 1] - at[:, 0]).T[..., None], (at[:, 2] - at[:, 0]).T[..., None]
    to_b, to_c = fields[:, 1] - fields[:, 0], fields[:, 2] - fields[:, 0]
    area = ax * by - ay * bx
    inverse = np.where(np.abs(area) > np.float32(SLIVER_AREA), 1 / area, np.float32(0))
    slopes = (to_b * by - to_c * ay) * inverse, (to_c * ax - to_b * bx) * inverse
    return Mesh(kinds[seen], at, np.stack([fields[:, 0], *slopes]))


def cut(mesh: Mesh, height: int, width: int) -> Spans:
    """Cut triangles into spans, down to the row below the picture and the column right of it."""
    (top_x, top_y), (middle_x, middle_y), (low_x, low_y) = mesh.corners.transpose(1, 2, 0)
    first, last = (np.ceil(np.clip(y, 0, height + 1)).astype(int) for y in (top_y, low_y))
    rows = Spans(np.arange(len(first)), first, first, last)
    triangle, y = rows.per_pixel(rows.triangle), rows.per_pixel(first) + rows.along()
    slopes = (
        (low_x - top_x) / (low_y - top_y),
        (middle_x - top_x) / (middle_y - top_y),
        (low_x - middle_x) / (low_y - middle_y),
    )
    long, upper, lower = (slope[triangle] for slope in slopes)
    from_top, from_middle = y - top_y[triangle], y - middle_y[triangle]
    # Product and sum are rounded once, as the kernel does it.
    one = top_x[triangle] + _rounded(from_top) * long
    above = top_x[triangle] + _rounded(from_top) * upper
    below = middle_x[triangle] + _rounded(from_middle) * lower
    one, other = np.float32(one), np.float32(np.where(from_middle < 0, above, below))
    start, stop = (
        np.ceil(np.clip(np.nan_to_num(end), 0, width + 1)).astype(int)
        for end in (np.fmin(one, other), np.fmax(one, other))
    )
    return Spans(triangle, y, start, stop).clipped(height + 1, width + 1)


def _rounded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return numbers.astype(np.float32).astype(np.float64)


def note(noted: Floats, mesh: Mesh, spans: Spans, origin: Ints, step: int, first: int) -> Ints:
    """Write fields, from number `first` on, where spans cover pixels; return these, flat.

    Pixels lie `step` apart; what is written to begins with the one at `origin`, x and y.
    """
    height, width = noted.shape[1:]
    left, top = origin // step
    spans = spans._replace(row=spans.row - top, start=spans.start - left, stop=spans.stop - left)
    spans = spans.clipped(height, width)
    along = spans.along()
    pixels = spans.per_pixel(spans.row * width + spans.start) + along
    value, by_x, by_y = mesh.fields[:, spans.triangle, first : first + len(noted)]
    at = np.stack([spans.start + left, spans.row + top], axis=1) * step
    from_top = (at - mesh.corners[spans.triangle, 0]).astype(np.float32)
    starts = value + by_x * from_top[:, :1] + by_y * from_top[:, 1:]
    steps, far = by_x * np.float32(step), along.astype(np.float32)
    for k, field in enumerate(noted):
        # Of several on one pixel, the last one counts.
        field.reshape(-1)[pixels] = (
            spans.per_pixel(starts[:, k]) + spans.per_pixel(steps[:, k]) * far
        )
    return pixels
