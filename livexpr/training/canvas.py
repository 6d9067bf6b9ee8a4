"""The canvas on which the face of the demo film is averaged and moved, and fields on it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Finer than the film, so that the film's own resampling costs nothing to be seen.
CANVAS_SCALE = 1.25
CANVAS_SIZE = (round(1280 * CANVAS_SCALE), round(800 * CANVAS_SCALE))
FACE_HEIGHT = 360 * CANVAS_SCALE
FACE_CENTRE = (640 * CANVAS_SCALE, 357 * CANVAS_SCALE)
# Smooth fields are known at every so many px.
GRID_PX = 8
# So stiff is the spline, in units of its own kernel; landmarks are good to about a pixel.
_STIFFNESS = 1e-6


def smoothstep(x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return 0 below 0, 1 above 1, and a smooth rise between."""
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def spline_operator(points: NDArray[np.float32], rest: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the matrix from values at `points` to the thin-plate spline through them.

    Parameters
    ----------
    points : ndarray of shape (N, 2), float32
        px of the canvas.
    rest : ndarray of shape (R, 2), float32
        Where the spline is held at zero, as it is on a frame around the canvas.

    Returns
    -------
    operator : ndarray of shape (G, N), float64
        For the G points of :func:`canvas_grid`, row by row.
    """
    width, height = CANVAS_SIZE
    across, down = np.linspace(-0.1, 1.1, 9) * width, np.linspace(-0.1, 1.1, 6) * height
    frame = [(x, y) for x in across for y in down if x in across[[0, -1]] or y in down[[0, -1]]]
    controls = np.vstack([points, rest, frame]) / width
    grid = canvas_grid().reshape(-1, 2) / width

    def kernel(a: NDArray[np.float64]) -> NDArray[np.float64]:
        squared = np.stack([((point - controls) ** 2).sum(axis=1) for point in a])
        bent: NDArray[np.float64] = 0.5 * squared * np.log(np.maximum(squared, 1e-24))
        return bent

    n = len(controls)
    plane = np.hstack([np.ones((n, 1)), controls])
    system = np.block(
        [[kernel(controls) + _STIFFNESS * np.eye(n), plane], [plane.T, np.zeros((3, 3))]]
    )
    inverse = np.linalg.inv(system)[:, : len(points)]
    operator: NDArray[np.float64] = (
        np.hstack([kernel(grid), np.ones((len(grid), 1)), grid]) @ inverse
    )
    return operator


def canvas_grid() -> NDArray[np.float64]:
    """Return the points of the canvas, x and y in px, between which fields are interpolated."""
    width, height = CANVAS_SIZE
    rows, columns = np.mgrid[0 : height + GRID_PX : GRID_PX, 0 : width + GRID_PX : GRID_PX]
    return np.stack([columns, rows], axis=-1).astype(np.float64)


def between_grid_points(
    warp: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return a field, (h, w, 2) at the grid's points, at places given in units of the grid."""
    places = cv2.remap(warp, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(places, np.float32)


def look(
    pixels: NDArray[np.uint8], places: NDArray[np.float32], interpolation: int
) -> NDArray[np.uint8]:
    """Return the colours at `places`, (H, W, 2) float32, x and y in px of `pixels`."""
    x, y = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    looked = cv2.remap(pixels, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(looked, np.uint8)
