"""What one look at a face tells: its shape in head space, its skin in face space, its mouth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose, lighting
from livexpr.training import face_space
from livexpr.types import FaceTrack

CANVAS_SIZE, MOUTH_SIZE = 224, 128
"""Sides of face space and of the mouth's picture, px; no larger map fits into a map's file."""

_MIDDLE = len(face_mesh.INNER_LIP_UPPER) // 2
_UPPER, _LOWER = face_mesh.INNER_LIP_UPPER[_MIDDLE], face_mesh.INNER_LIP_LOWER[_MIDDLE]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A face as one picture shows it, or several of the same moment on average.

    Attributes
    ----------
    head_cm : ndarray of shape (468, 3), float32
        Landmarks in head space.
    face : ndarray of shape (S, S, 3), uint8
        In face space, BGR.
    mouth : ndarray of shape (M, M, 3), uint8
        Between the inner lips.
    skin_bgr : ndarray of shape (3,), float32
        Median colour of the skin, grey levels.
    eye_white_bgr : ndarray of shape (3,), float32, or None
        Colour of the whites of the eyes; None while they are shut.
    opening_cm : float
        How far the lips are apart in their middle.
    opening_px : float
        The same in the picture: what the mouth's picture was sampled from.
    blendshapes : ndarray of shape (52,), float32
    turn_rad : tuple of float
        Yaw and pitch, as :func:`livexpr.head_pose.angles_rad` has them.
    """

    head_cm: NDArray[np.float32]
    face: NDArray[np.uint8]
    mouth: NDArray[np.uint8]
    skin_bgr: NDArray[np.float32]
    eye_white_bgr: NDArray[np.float32] | None
    opening_cm: float
    opening_px: float
    blendshapes: NDArray[np.float32]
    turn_rad: tuple[float, float]


def look(pixels: NDArray[np.uint8], track: FaceTrack) -> Look:
    """Return what a picture tells of the face on it.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    track : FaceTrack
        The face.
    """
    points = track.landmarks_px[: face_mesh.N_LANDMARKS]
    head = head_pose.to_head(points, track.frame_from_head)
    opening_cm = float(head[_UPPER, 1] - head[_LOWER, 1])
    yaw, pitch, _ = head_pose.angles_rad(track.frame_from_head)
    return Look(
        head_cm=head,
        face=face_space.unwrap_face(pixels, points, CANVAS_SIZE),
        mouth=face_space.unwrap_mouth(pixels, points, MOUTH_SIZE),
        skin_bgr=lighting.skin_bgr(pixels, points),
        eye_white_bgr=lighting.eye_white_bgr(pixels, points),
        opening_cm=opening_cm,
        opening_px=opening_cm * head_pose.scale_px_per_cm(track.frame_from_head),
        blendshapes=track.blendshapes,
        turn_rad=(yaw, pitch),
    )


def average(looks: Sequence[Look]) -> Look:
    """Return the average of looks at a face that holds still; at least one.

    The mouth is that of the middle look: teeth would blur.
    """
    middle = looks[len(looks) // 2]
    if len(looks) == 1:
        return middle
    yaw, pitch = np.mean([one.turn_rad for one in looks], axis=0).tolist()
    return Look(
        head_cm=np.mean([one.head_cm for one in looks], axis=0, dtype=np.float32),
        face=np.rint(np.mean([one.face for one in looks], axis=0)).astype(np.uint8),
        mouth=middle.mouth,
        skin_bgr=middle.skin_bgr,
        eye_white_bgr=middle.eye_white_bgr,
        opening_cm=middle.opening_cm,
        opening_px=middle.opening_px,
        blendshapes=np.mean([one.blendshapes for one in looks], axis=0, dtype=np.float32),
        turn_rad=(yaw, pitch),
    )
