"""Looks that no camera took: of any shape, with plain skin."""

from __future__ import annotations

import numpy as np

from livexpr import face_mesh, head_pose
from livexpr.teaching.looks import CANVAS_SIZE, MOUTH_SIZE, Look
from livexpr.types import FaceTrack


def _shut() -> np.ndarray:
    """Return the mesh at rest with its lips, which are a little apart there, together."""
    points = face_mesh.load().rest_cm.copy()
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    points[upper] = points[lower] = (points[upper] + points[lower]) / 2
    return points


REST = _shut()


def plain_skin(luma: float = 150.0) -> np.ndarray:
    return np.full((CANVAS_SIZE, CANVAS_SIZE, 3), luma, np.uint8)


def look_of(
    head_cm: np.ndarray = REST,
    *,
    face: np.ndarray | None = None,
    mouth: np.ndarray | None = None,
    opening_cm: float = 0.0,
    skin_luma: float = 150.0,
    eye_white_luma: float | None = 140.0,
    blendshapes: np.ndarray | None = None,
    turn_rad: tuple[float, float] = (0.0, 0.0),
) -> Look:
    white = None if eye_white_luma is None else np.full(3, eye_white_luma, np.float32)
    return Look(
        head_cm=head_cm.astype(np.float32),
        face=plain_skin() if face is None else face,
        mouth=np.zeros((MOUTH_SIZE, MOUTH_SIZE, 3), np.uint8) if mouth is None else mouth,
        skin_bgr=np.full(3, skin_luma, np.float32),
        eye_white_bgr=white,
        opening_cm=opening_cm,
        opening_px=20 * opening_cm,
        blendshapes=np.zeros(52, np.float32) if blendshapes is None else blendshapes,
        turn_rad=turn_rad,
    )


def track_of(
    offset_cm: np.ndarray | float = 0.0,
    *,
    size: tuple[int, int] = (320, 320),
    px_per_cm: float = 12.0,
    shift_px: tuple[float, float] = (0.0, 0.0),
    yaw_rad: float = 0.0,
    blendshapes: np.ndarray | None = None,
) -> FaceTrack:
    """Return the mesh at rest, displaced, in the middle of a frame of `size`."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    linear = px_per_cm * np.diag([1.0, -1.0, -1.0]) @ turn
    centre = np.array([size[0] / 2 + shift_px[0], size[1] / 2 + shift_px[1], 0.0])
    points = (REST + offset_cm) @ linear.T + centre
    irises = np.repeat(points[33:34], 10, axis=0)
    landmarks = np.vstack([points, irises]).astype(np.float32)
    shown = np.zeros(52, np.float32) if blendshapes is None else blendshapes
    return FaceTrack(landmarks, shown, head_pose.fit_pose(landmarks))
