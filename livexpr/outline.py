"""The outline of the face: what lies at its edge stays where it is."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# On the sides of the head, displacement fades out between these cosines of the angle between
# skin and viewer; the sides begin and are reached at these distances from the middle, cm.
_EDGE_ON_RANGE = (0.22, 0.55)
_SIDE_RANGE_CM = (3.5, 5.5)

# Displacement away from the face may use up this part of the collar's width; it is held back from
# the first part on and never reaches the second, beyond which skin would fold over the collar.
_COLLAR_RANGE = (0.5, 0.8)
# From the line of the mouth down to this far below it, cm, a chin that is held back holds back
# the face above it.
_CHIN_REACH_CM = 3.0
_OVAL = np.array(face_mesh.FACE_OVAL)


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
def _below_hairline() -> NDArray[np.float32]:
    """Return 0 for the landmarks of the face oval from the temples up, or else 1, (468,)."""
    below = np.ones(face_mesh.N_LANDMARKS, np.float32)
    below[_OVAL[face_mesh.load().rest_cm[_OVAL, 1] > 0]] = 0
    return below


def kept_at_outline(frame_from_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what part of its displacement each landmark keeps, (468, 1), float32.

    Where the side of the head turns away from the viewer, the mesh ends in mid-picture and what
    lies behind it cannot follow: a cheek that moved there would cut hard into the background.
    """
    depth_axis = frame_from_head[2, :3]
    start, stop = _EDGE_ON_RANGE
    towards = -depth_axis / np.float32((stop - start) * max(math.hypot(*depth_axis), 1e-6))
    t = _rest_normals() @ towards - np.float32(start / (stop - start))
    t = np.minimum(np.maximum(t, 0), 1)
    # No expression moves the hair; where nothing moves, the collar need not be drawn either.
    kept = (1 - _beside_face() * (1 - t * t * (3 - 2 * t))) * _below_hairline()
    return np.asarray(kept[:, None], np.float32)


@lru_cache(maxsize=1)
def _chin() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the oval below the mouth, and how much each landmark goes with it, (468, 1)."""
    y = face_mesh.load().rest_cm[:, 1]
    mouth_y = y[face_mesh.INNER_LIP_UPPER[0]]
    follows = np.clip((mouth_y - y) / _CHIN_REACH_CM, 0, 1)
    return _OVAL[y[_OVAL] < mouth_y], follows.astype(np.float32)[:, None]


def hold_in_collar(displacement: NDArray[np.float32], source: NDArray[np.float32]) -> None:
    """Hold back a chin that would leave the collar, which stays where it is. In place.

    Parameters
    ----------
    displacement : ndarray of shape (468, 2), float32
        Of each landmark, px.
    source : ndarray of shape (V, 2), float32
        The live vertices, px.
    """
    oval, follows = _chin()
    out = source.take(oval, axis=0) - source.take(_OVAL, axis=0).sum(axis=0) / len(_OVAL)
    width = np.maximum(np.einsum("ij,ij->i", out, out) * face_mesh.COLLAR_REACH, 1e-6)
    used = float((np.einsum("ij,ij->i", displacement.take(oval, axis=0), out) / width).max())
    start, stop = _COLLAR_RANGE
    if used <= start:
        return
    allowed = start + (stop - start) * math.tanh((used - start) / (stop - start))
    displacement *= 1 - (1 - allowed / used) * follows
