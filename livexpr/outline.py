"""The outline of the face: what lies at its edge stays where it is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# On the sides of the head, displacement fades out between these cosines of the angle between
# skin and viewer; the sides begin and are reached at these distances from the middle, cm.
EDGE_ON_RANGE = (0.22, 0.55)
_SIDE_RANGE_CM = (3.5, 5.5)

# Displacement away from the face may use up this part of the collar's width; it is held back from
# the first part on and never reaches the second, beyond which skin would fold over the collar.
COLLAR_RANGE = (0.5, 0.8)
# From the line of the mouth down to this far below it, cm, a chin that is held back holds back
# the face above it.
_CHIN_REACH_CM = 3.0
_OVAL = np.array(face_mesh.FACE_OVAL)


@lru_cache(maxsize=1)
def rest_normals() -> NDArray[np.float32]:
    """Return the outward unit normal of each landmark on the rest face, (468, 3), float32."""
    mesh = face_mesh.load()
    skin = mesh.triangles[: mesh.n_face_triangles]
    skin = skin[(skin < face_mesh.N_LANDMARKS).all(axis=1)]
    a, b, c = (mesh.rest_cm[skin[:, corner]] for corner in range(3))
    across = np.cross(c - a, b - a)
    normals = np.zeros_like(mesh.rest_cm)
    for corner in range(3):
        np.add.at(normals, skin[:, corner], across)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals


@lru_cache(maxsize=1)
def beside_face() -> NDArray[np.float32]:
    """Return how much each landmark belongs to the sides of the head, (468,), in [0, 1]."""
    start, stop = _SIDE_RANGE_CM
    t = np.clip((np.abs(face_mesh.load().rest_cm[:, 0]) - start) / (stop - start), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


@lru_cache(maxsize=1)
def below_hairline() -> NDArray[np.float32]:
    """Return 0 for the landmarks of the face oval from the temples up, or else 1, (468,)."""
    below = np.ones(face_mesh.N_LANDMARKS, np.float32)
    below[_OVAL[face_mesh.load().rest_cm[_OVAL, 1] > 0]] = 0
    return below


@lru_cache(maxsize=1)
def chin() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the oval below the mouth, and how much each landmark goes with it, (468,)."""
    y = face_mesh.load().rest_cm[:, 1]
    mouth_y = y[face_mesh.INNER_LIP_UPPER[0]]
    follows = np.clip((mouth_y - y) / _CHIN_REACH_CM, 0, 1)
    return _OVAL[y[_OVAL] < mouth_y], follows.astype(np.float32)
