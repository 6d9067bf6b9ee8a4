"""Lids that would part further than what is known of the eye: held back.

What a parted lid then uncovers, and how lids slide over the eye, is in :mod:`livexpr.eyes`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.eyes import IRIS_CENTRES, IRIS_RADIUS_CM

_IRIS_OF_LID = np.array(IRIS_CENTRES * 2)
_PER_EYE = len(face_mesh.RIGHT_LID_UPPER)
# Lids part no further than to show this much beyond the iris, as part of its radius: nobody's
# white of the eye is known that far.
_BEYOND_IRIS = 1.18
# A lid always has this much room, cm; how suddenly it is held back; and what need not be seen to.
_LEAST_ROOM_CM = 0.02
_SOFTNESS = 3
_HARDLY = 1e-3
# Eyes open no further than the first of these are shut and stay so; from the second on they are
# open, cm.
_BLINK_CM = (0.15, 0.45)
# Skin beside a lid that is held back is held back over this distance, cm.
_LID_REACH_CM = 0.8


@lru_cache(maxsize=1)
def _beside_lids() -> NDArray[np.float32]:
    """Return how much each landmark goes with each lid, (4, 468), in the order of _lids_outwards.

    Skin above the eye goes with the upper lid, skin below with the lower.
    """
    rest = face_mesh.load().rest_cm
    lids, outwards = _lids_outwards()
    fields = []
    for number, (lid, side) in enumerate(zip(lids, outwards[:, 0], strict=True)):
        middle = (rest[lid] + rest[lids[(number + 2) % 4]])[:, :2] / 2
        order = np.argsort(middle[:, 0])
        line = np.interp(rest[:, 0], middle[order, 0], middle[order, 1])
        distance = np.linalg.norm(rest[:, None] - rest[lid][None], axis=2).min(axis=1)
        field = np.exp(-((distance / _LID_REACH_CM) ** 2)) * (side * (rest[:, 1] - line) > 0)
        field[lid] = 1
        fields.append(field)
    return np.asarray(fields, np.float32)


@lru_cache(maxsize=1)
def _lids_outwards() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the lids without their corners, (4, 7), and whether they open up or down, (4, 1).

    Upper right, upper left, lower right, lower left.
    """
    whole = np.array([face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS], np.intp)
    lids = whole.reshape(4, _PER_EYE)[:, 1:-1]
    return lids, np.array([[1], [1], [-1], [-1]], np.float32)


def _held(lift_px: float, stands_px: float, opening_px: float, scale_px_per_cm: float) -> float:
    """Return what part of its way a lid is held back.

    Parameters
    ----------
    lift_px, stands_px, opening_px : float
        How far the lid is to part, how far it stands off the middle of its iris, and how far the
        lids of its eye are apart.
    scale_px_per_cm : float
    """
    if lift_px <= 0:
        return 0.0
    reach = _BEYOND_IRIS * IRIS_RADIUS_CM * scale_px_per_cm
    room = max(reach - stands_px, _LEAST_ROOM_CM * scale_px_per_cm)
    kept = (1 + (lift_px / room) ** _SOFTNESS) ** (-1 / _SOFTNESS)
    # Lids that the user shuts stay shut: who blinks, blinks.
    shut, opened = _BLINK_CM
    awake = (opening_px / scale_px_per_cm - shut) / (opened - shut)
    return float(1 - kept * min(max(awake, 0.0), 1.0))


def hold_back_lids(
    displacement: NDArray[np.float32],
    live: NDArray[np.float32],
    down: NDArray[np.float32],
    scale_px_per_cm: float,
) -> None:
    """Let lids part only a little further than the iris reaches, and shut ones not. In place.

    Parameters
    ----------
    displacement : ndarray of shape (468, 2), float32
        Of each landmark, px.
    live : ndarray of shape (478, 2), float32
        Landmarks and irises, px.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    scale_px_per_cm : float
    """
    lids, outwards = _lids_outwards()
    # How high each lid stands over the middle of its iris, and how much further it is to go. The
    # iris lies where the lid stands highest.
    up = -down
    heights = live @ up
    of_lids = heights.take(lids)
    stands = (of_lids - heights.take(_IRIS_OF_LID)[:, None]) * outwards
    way = displacement @ up
    lifts = (way.take(lids) * outwards).max(axis=1).tolist()
    openings = (of_lids[:2] - of_lids[2:]).max(axis=1).tolist()
    held = np.array(
        [
            _held(lift, stand, opening, scale_px_per_cm)
            for lift, stand, opening in zip(
                lifts, stands.max(axis=1).tolist(), openings * 2, strict=True
            )
        ],
        np.float32,
    )
    if held.max() <= _HARDLY:
        return
    upwards, downwards = (held[half] @ _beside_lids()[half] for half in (slice(2), slice(2, 4)))
    taken = np.maximum(way, 0) * upwards + np.minimum(way, 0) * downwards
    displacement += taken[:, None] * down
