"""An intensity map applied to a frame: the face laid onto a canvas, changed there, painted back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from livexpr import face_canvas
from livexpr.intensity_map import IntensityMap, predict


def painted(
    pixels: NDArray[np.uint8],
    landmarks_px: NDArray[np.float32],
    intensity_map: IntensityMap,
    amount: float,
    weights: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    """Return a picture whose face has other intensities.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    landmarks_px : ndarray of shape (N, 3), float32
        The face, N at least 468, px.
    intensity_map : IntensityMap
    amount : float
        Of the expression, -1 to 2; 0 changes nothing.
    weights : ndarray of shape (468,), float32, optional
        Factor of the amount at each landmark, at least 0; 1 by default. A crop, which has no
        landmarks, takes the amount as it is.

    Returns
    -------
    painted : ndarray of shape (H, W, 3), uint8
        ``x + amount (f(x) - x)`` with the map's f; pixels outside the canvas are those of the
        input.

    Notes
    -----
    Up to an amount of 1 the picture's own pixels show through, so that it sharpens towards the
    camera's as the amount goes to 0; the canvas itself is as coarse as the map.
    """
    align, size = intensity_map.align, intensity_map.size
    where = face_canvas.layout(landmarks_px, align)
    opacity = face_canvas.feather(align, size)
    canvas = face_canvas.unwrap(pixels, where, size)
    if weights is None or align == "crop":
        weights = np.ones(len(where.uv), np.float32)
    reach = max(abs(amount) * float(weights.max()), 1.0)
    x = canvas.astype(np.float32) / 255
    change = predict(intensity_map, canvas, opacity > 0) - x
    full = x + np.float32(np.copysign(reach, amount)) * change
    parts = weights * np.float32(abs(amount) / reach)
    return face_canvas.paint(pixels, where, full, opacity, parts)
