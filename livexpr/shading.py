"""Where on the face a map's gain or bias changes anything."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# What changes nothing by as much as half a grey level is no shade.
_NO_SHADE = 0.002


@lru_cache(maxsize=4)
def _triangle_at(size: int) -> NDArray[np.int32]:
    """Return which triangle of the face lies at each pixel of face space, (S, S); -1 for none."""
    mesh = face_mesh.load()
    triangles = np.full((size, size), -1, np.int32)
    for index, triangle in enumerate(mesh.triangles[: mesh.n_face_triangles]):
        corners = np.round(mesh.uv[triangle] * (size - 1)).astype(np.int32)
        cv2.fillConvexPoly(triangles, corners, [index])
    return triangles


def shaded_landmarks(gain_bias: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the landmarks of triangles in which gain or bias change anything, (468,).

    Parameters
    ----------
    gain_bias : ndarray of shape (S, S, 4), float32
        Under the mask.
    """
    size = gain_bias.shape[0]
    # Reached a pixel further, since a sample between pixels takes its neighbours' share.
    near = cv2.dilate(np.abs(gain_bias).max(axis=2), np.ones((3, 3), np.uint8))
    touched = np.unique(_triangle_at(size)[near > _NO_SHADE])
    vertices = face_mesh.load().triangles[touched[touched >= 0]].ravel()
    shaded = np.zeros(face_mesh.N_LANDMARKS, np.bool_)
    shaded[vertices[vertices < face_mesh.N_LANDMARKS]] = True
    return shaded
