"""The outline of the face: what lies at its edge stays where it is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# On the sides of the head, displacement fades out between these cosines of the angle between
# skin and viewer; the sides begin and are reached at these distances from the middle, cm.
_EDGE_ON_RANGE = (0.22, 0.55)
_SIDE_RANGE_CM = (3.5, 5.5)


@lru_cache(maxsize=1)
def _rest_normals() -> NDArray[np.float32]:
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
def _beside_face() -> NDArray[np.float32]:
    """Return how much each landmark belongs to the sides of the head, (468,), in [0, 1]."""
    start, stop = _SIDE_RANGE_CM
    t = np.clip((np.abs(face_mesh.load().rest_cm[:, 0]) - start) / (stop - start), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


@lru_cache(maxsize=1)
def _hairline() -> NDArray[np.intp]:
    """Return the landmarks of the face oval from the temples up."""
    oval = np.array(face_mesh.FACE_OVAL)
    return np.asarray(oval[face_mesh.load().rest_cm[oval, 1] > 0], np.intp)


def kept_at_outline(frame_from_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what part of its displacement each landmark keeps, (468, 1), float32.

    Where the side of the head turns away from the viewer, the mesh ends in mid-picture and what
    lies behind it cannot follow: a cheek that moved there would cut hard into the background.
    """
    depth_axis = frame_from_head[2, :3]
    facing = _rest_normals() @ (-depth_axis / max(float(np.linalg.norm(depth_axis)), 1e-6))
    start, stop = _EDGE_ON_RANGE
    t = np.clip((facing - start) / (stop - start), 0, 1)
    kept = 1 - _beside_face() * (1 - t * t * (3 - 2 * t))
    # No expression moves the hair; where nothing moves, the collar need not be drawn either.
    kept[_hairline()] = 0
    return np.asarray(kept[:, None], np.float32)
