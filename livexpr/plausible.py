"""Whether what a landmark model gave can be a face: asked before anything is drawn with it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.types import Faces, FaceTrack, NoFace

_FACE_HEIGHT_CM = 18.0
_SMALLEST_PX = 8.0
_LARGEST_OF_FRAME = 4.0
"""A face may be so many times as tall as the longer side of its frame."""

_MOST_MISFIT_CM = 2.5
"""Root mean square distance of the landmarks from the rest face in the head's pose. People who
speak, laugh and grimace with their heads turned stay below 1.5."""

_FRONTAL = 0.5
_MOST_FOLDED = 0.2
"""Part of the triangles that face the viewer by the pose and are turned over in the picture."""


def real_faces(faces: Faces, size: tuple[int, int]) -> Faces:
    """Return those of the faces that can be drawn on; `size` is the frame's (width, height), px."""
    if isinstance(faces, NoFace):
        return faces
    reasons = [why_not_a_face(face, size) for face in faces]
    real = tuple(face for face, why in zip(faces, reasons, strict=True) if not why)
    return real or NoFace(f"what was found is no face: {reasons[0]}")


def why_not_a_face(track: FaceTrack, size: tuple[int, int]) -> str:
    """Say what is wrong with a track.

    Parameters
    ----------
    track : FaceTrack
        As detected; its numbers may be anything.
    size : tuple of int
        (width, height) of its frame in px.

    Returns
    -------
    str
        Empty for a face that can be drawn on.
    """
    arrays = (track.landmarks_px, track.blendshapes, track.frame_from_head)
    if not all(np.isfinite(array).all() for array in arrays):
        return "its numbers are not finite"
    linear = track.frame_from_head[:3, :3].astype(np.float64)
    height_px = _FACE_HEIGHT_CM * abs(head_pose.scale_px_per_cm(track.frame_from_head))
    if height_px < _SMALLEST_PX:
        return "it has no size"
    if height_px > _LARGEST_OF_FRAME * max(size):
        return "it is far larger than the picture"
    return _why_misshapen(track, linear, height_px / _FACE_HEIGHT_CM)


def _why_misshapen(track: FaceTrack, linear: NDArray[np.float64], px_per_cm: float) -> str:
    rest_cm, triangles, normals = _rest()
    expected = linear[:2] @ rest_cm.T + track.frame_from_head[:2, 3:]
    found = track.landmarks_px[: face_mesh.N_LANDMARKS, :2].T.astype(np.float64, order="C")
    misses = found - expected
    misfit_px = math.sqrt(np.vdot(misses, misses) / misses.shape[1])
    if misfit_px > _MOST_MISFIT_CM * px_per_cm:
        return "its shape is not that of a face"
    towards_viewer = normals @ (linear[2] / px_per_cm)
    frontal = np.abs(towards_viewer) > _FRONTAL
    x, y = found[0].take(triangles), found[1].take(triangles)
    areas = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0])
    folded = frontal & (areas * towards_viewer <= 0)
    if np.count_nonzero(folded) > _MOST_FOLDED * np.count_nonzero(frontal):
        return "its mesh is folded"
    return ""


@lru_cache(maxsize=1)
def _rest() -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float64]]:
    """Return the rest face: points (468, 3) cm, triangles (3, T), their normals (T, 3)."""
    mesh = face_mesh.load()
    rest_cm = mesh.rest_cm[: face_mesh.N_LANDMARKS].astype(np.float64)
    triangles = mesh.triangles[: mesh.n_face_triangles]
    triangles = triangles[(triangles < face_mesh.N_LANDMARKS).all(axis=1)]
    a, b, c = rest_cm[triangles].transpose(1, 0, 2)
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return rest_cm, np.ascontiguousarray(triangles.T), normals
