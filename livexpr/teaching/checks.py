"""What is wrong with a live face before it is taken for a lesson; the first thing wrong is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from livexpr import face_mesh, head_pose, lighting
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.types import FaceTrack, Frame

_MAX_TURN_RAD = math.radians(15)
# The head may turn by so much, and come nearer or go away by this factor, between the looks.
_SAME_TURN_RAD, _SAME_SCALE = math.radians(8), 1.25
_LEAST_HEIGHT_PX = 120.0
# Skin luma, grey levels; and the factor within which it is the same light.
_DARK, _BRIGHT, _SAME_LIGHT = 45.0, 235.0, 1.5
# Landmarks of a face at rest tremble less than this, cm.
_STILL_CM = 0.06
_SHUT_MOUTH_CM, _SHUT_EYES = 0.3, 0.6
_BLINKS = [BLENDSHAPE_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
_LIPS = face_mesh.INNER_LIP_UPPER[5], face_mesh.INNER_LIP_LOWER[5]


@dataclass(frozen=True, slots=True)
class Bearing:
    """How a head is held and lit.

    Attributes
    ----------
    turn_rad : tuple of float
        Yaw and pitch.
    px_per_cm : float
    skin_luma : float
        Grey levels.
    """

    turn_rad: tuple[float, float]
    px_per_cm: float
    skin_luma: float


def bearing(frame: Frame, track: FaceTrack) -> Bearing:
    """Return how the head on a frame is held and lit."""
    yaw, pitch, _ = head_pose.angles_rad(track.frame_from_head)
    skin = lighting.skin_bgr(frame.pixels, track.landmarks_px)
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    return Bearing((yaw, pitch), scale, lighting.luma(skin))


def ill_placed(frame: Frame, track: FaceTrack, held: Bearing) -> str:
    """Return what a user is to do about place, pose or light; '' if all is well."""
    height, width = frame.pixels.shape[:2]
    points = track.landmarks_px[list(face_mesh.FACE_OVAL), :2]
    low, high = points.min(axis=0), points.max(axis=0)
    if low.min() < 0 or high[0] > width - 1 or high[1] > height - 1:
        return "move into the middle of the picture"
    if high[1] - low[1] < _LEAST_HEIGHT_PX:
        return "come nearer"
    if max(map(abs, held.turn_rad)) > _MAX_TURN_RAD:
        return "look into the camera"
    if held.skin_luma < _DARK:
        return "too dark: more light on your face"
    if held.skin_luma > _BRIGHT:
        return "too bright: less light on your face"
    return ""


def unlike_before(held: Bearing, before: Bearing) -> str:
    """Return what has changed since the neutral look, and is to be undone; '' if nothing."""
    turned = math.dist(held.turn_rad, before.turn_rad)
    if turned > _SAME_TURN_RAD:
        return "turn your head back to where it was"
    nearer = held.px_per_cm / before.px_per_cm
    if not 1 / _SAME_SCALE <= nearer <= _SAME_SCALE:
        return "move back a little" if nearer > 1 else "come as near as before"
    lighter = held.skin_luma / max(before.skin_luma, 1.0)
    if not 1 / _SAME_LIGHT <= lighter <= _SAME_LIGHT:
        return "the light has changed: as before, please"
    return ""


def restless(tracks: Sequence[FaceTrack]) -> str:
    """Return that a face should hold still, if over some frames it did not; '' if it did."""
    n = face_mesh.N_LANDMARKS
    first = tracks[0]
    scale = head_pose.scale_px_per_cm(first.frame_from_head)
    # On the picture, so that a head that moves is not still either.
    points = np.stack([track.landmarks_px[:n, :2] for track in tracks]) / scale
    trembling = float(np.sqrt(points.var(axis=0).sum(axis=1).mean()))
    return "hold still" if trembling > _STILL_CM else ""


def not_neutral(track: FaceTrack) -> str:
    """Return what keeps a face from being a neutral one; '' if nothing does."""
    head = head_pose.to_head(track.landmarks_px[list(_LIPS)], track.frame_from_head)
    if float(head[0, 1] - head[1, 1]) > _SHUT_MOUTH_CM:
        return "close your mouth"
    if float(track.blendshapes[_BLINKS].max()) > _SHUT_EYES:
        return "open your eyes"
    return ""
