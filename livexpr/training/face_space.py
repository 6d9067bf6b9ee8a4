"""Photographs laid into face space by their own meshes, and the masks that hold there."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_canvas, face_mesh

# Feather of a map at the face oval and around the eyes, px of a 256 px canvas.
_BORDER_PX, _FEATHER_PX = 4.0, 22.0
_EYE_MARGIN_PX, _EYE_FEATHER_PX = 1.0, 4.0
_REFERENCE_SIZE = 256


@lru_cache(maxsize=1)
def mirrored_landmarks() -> NDArray[np.intp]:
    """Return, for each landmark, the one at its mirror image, (468,)."""
    rest = face_mesh.load().rest_cm
    mirrored = rest * np.array([-1, 1, 1], np.float32)
    distance = np.linalg.norm(mirrored[:, None] - rest[None], axis=2)
    return np.asarray(np.argmin(distance, axis=1))


def _draw(
    pixels: NDArray[np.uint8],
    landmarks_px: NDArray[np.float32],
    triangles: NDArray[np.int32],
    size: int,
) -> NDArray[np.uint8]:
    """Draw some triangles of a face at their places in face space, (size, size, 3)."""
    vertices = face_mesh.all_vertices(landmarks_px[:, :2])
    target = (face_mesh.load().uv * (size - 1)).astype(np.float32)
    return face_canvas.drawn(pixels, vertices, target, triangles, size)


def unwrap_face(
    pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32], size: int
) -> NDArray[np.uint8]:
    """Return a face in face space, without mouth and collar.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    landmarks_px : ndarray of shape (N, 3), float32
        N at least 468, px.
    size : int
        S, px.

    Returns
    -------
    face : ndarray of shape (S, S, 3), uint8
        Black outside the face oval.
    """
    mesh = face_mesh.load()
    reduction = float(np.ptp(landmarks_px[: face_mesh.N_LANDMARKS, 1])) / (0.85 * size)
    if reduction > 1:
        # Low-passed before it is sampled more coarsely, so that pores do not alias.
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.5 * reduction), np.uint8)
    return _draw(pixels, landmarks_px, mesh.triangles[: mesh.n_face_triangles], size)


def unwrap_mouth(
    pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32], size: int
) -> NDArray[np.uint8]:
    """Return what lies between the inner lips as a picture, (size, size, 3), uint8.

    Rows run from the upper to the lower lip, columns from the subject's right to the left.
    The wedges beside the corners, which no mouth fills, repeat what is next to them.
    """
    mesh = face_mesh.load()
    strip = mesh.triangles[len(mesh.triangles) - mesh.n_mouth_triangles :]
    mouth = _draw(pixels, landmarks_px, strip, size)
    empty = (mouth == 0).all(axis=2).astype(np.uint8)
    return np.asarray(cv2.inpaint(mouth, empty, 3, cv2.INPAINT_TELEA), np.uint8)


def _polygon(landmarks: tuple[int, ...], size: int) -> NDArray[np.uint8]:
    """Return 1 inside a ring of landmarks in face space, (size, size), uint8."""
    points = np.round(face_mesh.load().uv[list(landmarks)] * (size - 1)).astype(np.int32)
    return np.asarray(cv2.fillPoly(np.zeros((size, size), np.uint8), [points], [1]), np.uint8)


def _smoothstep(x: NDArray[np.float32]) -> NDArray[np.float32]:
    t = np.clip(x, 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _eyes(size: int) -> NDArray[np.uint8]:
    return _polygon(face_mesh.RIGHT_LID_UPPER + face_mesh.RIGHT_LID_LOWER[::-1], size) | _polygon(
        face_mesh.LEFT_LID_UPPER + face_mesh.LEFT_LID_LOWER[::-1], size
    )


def feather_mask(size: int) -> NDArray[np.float32]:
    """Return the mask of a map, (size, size), float32: 0 at the border and on the eyes."""
    unit = size / _REFERENCE_SIZE
    inside = cv2.distanceTransform(_polygon(face_mesh.FACE_OVAL, size), cv2.DIST_L2, 5)
    mask = _smoothstep((inside - _BORDER_PX * unit) / (_FEATHER_PX * unit))
    eyes = _eyes(size)
    beside = cv2.distanceTransform(1 - eyes, cv2.DIST_L2, 5)
    mask *= np.clip((beside - _EYE_MARGIN_PX * unit) / (_EYE_FEATHER_PX * unit), 0, 1)
    softened: NDArray[np.float32] = cv2.GaussianBlur(mask, (0, 0), unit) * (1 - eyes)
    return softened.astype(np.float32)


def skin_mask(size: int) -> NDArray[np.bool_]:
    """Return where, well inside the face and off the eyes, mean skin is measured, (size, size)."""
    unit = size / _REFERENCE_SIZE
    inside = cv2.distanceTransform(_polygon(face_mesh.FACE_OVAL, size), cv2.DIST_L2, 5)
    beside = cv2.distanceTransform(1 - _eyes(size), cv2.DIST_L2, 5)
    mask: NDArray[np.bool_] = (inside > 30 * unit) & (beside > 8 * unit)
    return mask
