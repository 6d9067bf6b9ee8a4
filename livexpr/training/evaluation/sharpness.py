"""How sharp the skin of a face is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.face_mesh import (
    EYE_CENTRES,
    FACE_OVAL,
    LEFT_LID_LOWER,
    LEFT_LID_UPPER,
    N_LANDMARKS,
    RIGHT_LID_LOWER,
    RIGHT_LID_UPPER,
)

# Inside the hulls of lips and lids is no skin.
OUTER_LIPS = (61, 40, 39, 37, 0, 267, 269, 270, 291, 321, 405, 314, 17, 84, 181, 91)
EYE_RINGS = (RIGHT_LID_UPPER + RIGHT_LID_LOWER, LEFT_LID_UPPER + LEFT_LID_LOWER)
# So far from the oval, lips and lids their own edges do not count, in interocular distances.
_SKIN_MARGIN = 0.08


def sharpness(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> float:
    """Return the gradient energy of the skin, relative to its brightness.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    landmarks_px : ndarray of shape (468 or more, 2 or 3), float32
        The face, px. Skin is its oval without eyes and lips.

    Returns
    -------
    energy : float
        Mean squared gradient of luma divided by the squared mean luma; NaN without skin.
    """
    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    skin = skin_of(luma.shape, landmarks_px)
    if not skin.any():
        return float("nan")
    down, right = np.gradient(luma)
    energy = (down**2 + right**2)[skin].mean()
    return float(energy / max(float(luma[skin].mean()) ** 2, 1.0))


def interocular_px(landmarks_px: NDArray[np.float32]) -> float:
    """Return the distance of the eye centres, px."""
    eyes = [landmarks_px[list(corners), :2].mean(axis=0) for corners in EYE_CENTRES]
    return float(np.linalg.norm(eyes[0] - eyes[1]))


def skin_of(shape: tuple[int, ...], landmarks_px: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask of shape `shape`[:2] of skin: the oval without eyes, lips and margins."""
    points = landmarks_px[:N_LANDMARKS, :2]
    margin = max(round(_SKIN_MARGIN * interocular_px(points)), 1)
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(points[list(FACE_OVAL)]).astype(np.int32)], (1,))
    for ring in (OUTER_LIPS, *EYE_RINGS):
        hull = cv2.convexHull(np.rint(points[list(ring)]).astype(np.int32))
        cv2.fillPoly(mask, [hull], (0,))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    eroded = cv2.erode(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return eroded.astype(np.bool_)
