"""Calm landmarks: a One-Euro filter in the head's own frame.

The head's motion is taken out before filtering and put back after it, so that only the face's own
motion is smoothed and a moving head is never lagged. State is passed in and returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels import calming
from livexpr import regions
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


@lru_cache(maxsize=1)
def _mouth() -> NDArray[np.float32]:
    """Return how much each landmark belongs to the mouth, (468,), float32, in [0, 1]."""
    return regions.region_fields()[:, regions.REGIONS.index("mouth")].astype(np.float32)


@lru_cache(maxsize=4)
def _calm(smoothing: float) -> NDArray[np.float32]:
    """Return how much is smoothed, as the kernel takes it."""
    least, most = _REST_CUTOFF_HZ
    quick, slow = _CUTOFF_PER_SPEED
    calm = calming.Calm(
        rest_hz=least * (most / least) ** smoothing,
        per_speed_hz=quick + (slow - quick) * smoothing,
        speed_hz=_SPEED_CUTOFF_HZ,
        quick=_SPEECH_CM_S,
        quicker=_MOUTH_PACE - 1,
    )
    return np.array(calm, np.float32)


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
    last, dt = None, 0.0
    if state is not None and 0 < time_s - state.time_s <= _MAX_GAP_S:
        last, dt = (state.head_cm, state.speed_cm_s), time_s - state.time_s
    landmarks, head_cm, speed_cm_s = calming.calm_down(
        track.landmarks_px, track.frame_from_head, last, _mouth(), _calm(smoothing), dt
    )
    now = SmoothingState(time_s, head_cm, speed_cm_s)
    if last is None:
        return track, now
    return FaceTrack(landmarks, track.blendshapes, track.frame_from_head), now
