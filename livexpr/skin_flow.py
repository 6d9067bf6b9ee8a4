"""Points on a face, and how far they have moved from one picture to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# Points that are followed, spread over the face but for its outline, which is no piece of skin.
_N_POINTS = 24
# The face is about so tall where they are followed, px, and this much of its height around it.
_VIEW_HEIGHT_PX, _VIEW_MARGIN = 80.0, 0.2
_LEAST_SIDE_PX = 24
_WINDOW_PX, _LEVELS = 11, 2
_FLOW_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.02)


@dataclass(frozen=True, slots=True)
class View:
    """A face as its points are followed: grey, coarse, cut out.

    Attributes
    ----------
    grey : ndarray of shape (h, w), uint8
    corner_px : tuple of int
        x and y of its first pixel in the frame.
    step_px : int
        How far its pixels are apart in the frame.
    frame_size : tuple of int
        (width, height) of the frame.
    points : ndarray of shape (P, 2), float32
        The landmarks that are followed, in its pixels.
    """

    grey: NDArray[np.uint8]
    corner_px: tuple[int, int]
    step_px: int
    frame_size: tuple[int, int]
    points: NDArray[np.float32]


@lru_cache(maxsize=1)
def points() -> NDArray[np.intp]:
    """Return the landmarks that are followed, (P,): each the farthest from those before it."""
    rest_cm = face_mesh.load().rest_cm
    inner = np.setdiff1d(np.arange(face_mesh.N_LANDMARKS), face_mesh.FACE_OVAL)
    chosen = [int(inner[0])]
    away = np.linalg.norm(rest_cm[inner] - rest_cm[chosen[0]], axis=1)
    while len(chosen) < _N_POINTS:
        chosen.append(int(inner[np.argmax(away)]))
        away = np.minimum(away, np.linalg.norm(rest_cm[inner] - rest_cm[chosen[-1]], axis=1))
    return np.array(chosen)


def view(
    landmarks_px: NDArray[np.float32], height_px: float, pixels: NDArray[np.uint8]
) -> View | None:
    """Cut a face out of the frame it was found on.

    Parameters
    ----------
    landmarks_px : ndarray of shape (478, 3), float32
    height_px : float
        Of the face.
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.

    Returns
    -------
    View or None
        None where it is too small, or outside the picture.
    """
    height, width = pixels.shape[:2]
    face_px = landmarks_px[: face_mesh.N_LANDMARKS, :2]
    margin = _VIEW_MARGIN * height_px
    left, top = np.maximum(face_px.min(axis=0) - margin, 0).astype(int)
    right, bottom = np.minimum(face_px.max(axis=0) + margin, (width, height)).astype(int)
    step = max(round(height_px / _VIEW_HEIGHT_PX), 1)
    if min(right - left, bottom - top) < _LEAST_SIDE_PX * step:
        return None
    grey = _grey(
        pixels, (left, top), step, (-(-(bottom - top) // step), -(-(right - left) // step))
    )
    corner = (int(left), int(top))
    places = (landmarks_px[points(), :2] - np.array(corner, np.float32)) / np.float32(step)
    return View(grey, corner, step, (width, height), np.ascontiguousarray(places))


def _grey(
    pixels: NDArray[np.uint8], corner: tuple[int, int], step: int, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut every step-th pixel out of the green channel, which has most of the luma."""
    left, top = corner
    rows, columns = (
        slice(top, top + shape[0] * step, step),
        slice(left, left + shape[1] * step, step),
    )
    return np.ascontiguousarray(pixels[rows, columns, 1])


def flow(before: View, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return how far each point has moved.

    Parameters
    ----------
    before : View
    pixels : ndarray of shape (H, W, 3), uint8
        A later frame, BGR.

    Returns
    -------
    ndarray of shape (P, 2), float32, or None
        px of the frame, NaN where a point was lost; None for a frame of another size.

    References
    ----------
    Lucas & Kanade (1981), An iterative image registration technique, IJCAI; in the pyramids of
    Bouguet (2001), as OpenCV has it.
    """
    height, width = pixels.shape[:2]
    if before.frame_size != (width, height):
        return None
    now = _grey(pixels, before.corner_px, before.step_px, before.grey.shape)
    found, seen, _ = cv2.calcOpticalFlowPyrLK(
        before.grey,
        now,
        before.points,
        np.empty_like(before.points),
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=_LEVELS - 1,
        criteria=_FLOW_STOP,
    )
    moved_px = (found - before.points) * np.float32(before.step_px)
    moved_px[seen[:, 0] == 0] = np.nan
    return np.asarray(moved_px, np.float32)
