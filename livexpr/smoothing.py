"""Calm landmarks: a One-Euro filter in the head's own frame.

The head's motion is taken out before filtering and put back after it, so that only the face's own
motion is smoothed and a moving head is never lagged. State is passed in and returned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose, regions
from livexpr.types import FaceTrack

# Cut-off of the filter at rest, Hz, for the least and the most smoothing.
_REST_CUTOFF_HZ = (8.0, 0.8)
# By how much the cut-off rises with speed, Hz per cm/s, likewise: lips in speech move at 5 to
# 20 cm/s.
_CUTOFF_PER_SPEED = (1.8, 0.6)
# What a mouth moves faster than this, cm/s, is speech, not noise, and counts so many times: lips
# meet within a tenth of a second.
_SPEECH_CM_S, _MOUTH_PACE = 3.0, 4.0
# Cut-off of the speed estimate itself, Hz. At the paper's 1 Hz, the to and fro of speaking lips
# averages to no speed at all, and half of a 5 Hz motion is lost; at 4 Hz three quarters stay.
_SPEED_CUTOFF_HZ = 4.0
# After a longer gap the face is a new one.
_MAX_GAP_S = 0.5


@dataclass(frozen=True, slots=True)
class SmoothingState:
    """What the filter remembers: the last face in head space (cm), its speed (cm/s), its time."""

    time_s: float
    head_cm: NDArray[np.float32]
    speed_cm_s: NDArray[np.float32]


def _factor(cutoff_hz: NDArray[np.float32] | float, dt_s: float) -> NDArray[np.float32]:
    """Return the weight of the newest sample in a first-order low-pass."""
    turned = np.float32(2 * np.pi * dt_s) * cutoff_hz
    return np.asarray(turned / (1 + turned), np.float32)


@lru_cache(maxsize=1)
def _mouth() -> NDArray[np.float32]:
    """Return how much each landmark belongs to the mouth, (468, 1), float32, in [0, 1]."""
    return regions.region_fields()[:, regions.REGIONS.index("mouth")][:, None]


def smooth(
    track: FaceTrack, time_s: float, state: SmoothingState | None, smoothing: float
) -> tuple[FaceTrack, SmoothingState]:
    """Filter one frame's landmarks.

    Parameters
    ----------
    track : FaceTrack
        As detected.
    time_s : float
        When its frame was captured, s.
    state : SmoothingState or None
        What the last call returned; None for a new face.
    smoothing : float
        From 0, nearly none, to 1, strongest.

    Returns
    -------
    track : FaceTrack
        With smoothed landmarks; pose and blendshapes as they came.
    state : SmoothingState
        For the next call.

    References
    ----------
    Casiez, Roussel & Vogel (2012), 1 EUR Filter, CHI, algorithm 1.
    """
    n = face_mesh.N_LANDMARKS
    head = head_pose.to_head(track.landmarks_px[:n], track.frame_from_head)
    dt = time_s - state.time_s if state is not None else 0.0
    if state is None or not 0 < dt <= _MAX_GAP_S:
        return track, SmoothingState(time_s, head, np.zeros_like(head))
    speed = state.speed_cm_s + _factor(_SPEED_CUTOFF_HZ, dt) * (
        (head - state.head_cm) / np.float32(dt) - state.speed_cm_s
    )
    least, most = _REST_CUTOFF_HZ
    rest_hz = least * (most / least) ** smoothing
    quick, slow = _CUTOFF_PER_SPEED
    per_speed = quick + (slow - quick) * smoothing
    # One cut-off a landmark, not an axis: a point that moves is followed in every direction.
    pace = np.sqrt(np.einsum("ij,ij->i", speed, speed))[:, None]
    pace += (_MOUTH_PACE - 1) * _mouth() * np.maximum(pace - np.float32(_SPEECH_CM_S), 0)
    filtered = state.head_cm + _factor(rest_hz + per_speed * pace, dt) * (head - state.head_cm)
    landmarks = track.landmarks_px.copy()
    landmarks[:n] = head_pose.to_frame(filtered, track.frame_from_head)
    return replace(track, landmarks_px=landmarks), SmoothingState(time_s, filtered, speed)
