"""Whether a face is alive or a picture of one: whoever lives moves and blinks within seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr import head_pose
from livexpr.likeness import FACE_HEIGHT_CM
from livexpr.types import FaceTrack

_STILL_S = 5.0
"""People blink every three or four seconds, and hold their heads still for hardly one."""

_MOVED = 0.02
"""Heights of the face; landmarks on a photograph before a webcam tremble by a tenth of that."""

_TURNED_RAD = math.radians(2.0)
_GRIMACED = 0.25
"""Of any blendshape."""


@dataclass(frozen=True, slots=True)
class Stillness:
    """How a face was when it last showed a sign of life, and since when it has not.

    Attributes
    ----------
    pose : ndarray of shape (6,), float64
        Centre and height, px, and the angles in rad.
    blendshapes : ndarray of shape (52,), float32
    since_s : float
    alive : bool
        Whether it ever showed one.
    """

    pose: NDArray[np.float64]
    blendshapes: NDArray[np.float32]
    since_s: float
    alive: bool

    def is_picture(self, time_s: float) -> bool:
        """Whether it has been still for so long that it can be no living face."""
        return time_s - self.since_s >= _STILL_S


def first_seen(track: FaceTrack, time_s: float) -> Stillness:
    """Return the state for a new face."""
    return Stillness(_pose(track), track.blendshapes, time_s, alive=False)


def watched(stillness: Stillness, track: FaceTrack, time_s: float) -> Stillness:
    """Return the state after a further frame."""
    pose = _pose(track)
    change = np.abs(pose - stillness.pose)
    if (
        change[:3].max() > _MOVED * max(pose[2], 1e-6)
        or change[3:].max() > _TURNED_RAD
        or np.abs(track.blendshapes - stillness.blendshapes).max() > _GRIMACED
    ):
        return Stillness(pose, track.blendshapes, time_s, alive=True)
    return stillness


def _pose(track: FaceTrack) -> NDArray[np.float64]:
    pose = track.frame_from_head
    height_px = FACE_HEIGHT_CM * head_pose.scale_px_per_cm(pose)
    return np.array([pose[0, 3], pose[1, 3], height_px, *head_pose.angles_rad(pose)], np.float64)
