"""How much of an expression a frame gets: decided here, applied elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES, resting_level
from livexpr.types import FaceTrack

# The effect fades out between these angles of yaw or pitch: further round, the far cheek is
# hidden and its landmarks are guesses.
_TURN_RANGE_RAD = (math.radians(25), math.radians(45))
# A real expression is topped up to the full one; this much of it is taken off the filter's.
_ALREADY_SHOWN_WEIGHT = 0.85
_OVAL = np.array(face_mesh.FACE_OVAL)
_RESTING = np.array([resting_level(name) for name in BLENDSHAPE_NAMES], np.float32)
# The face may stick out of the frame by this part of its height before the effect is gone.
_OUTSIDE_RANGE = (0.02, 0.15)

# An easing has come to within 5 % of its goal after the time that the preset states.
_EASING_TIME_CONSTANTS = 3.0


def easing_step(dt_s: float, easing_s: float) -> float:
    """Return what part of the way to its goal an eased value goes in `dt_s`, in [0, 1].

    Parameters
    ----------
    dt_s : float
        Since the last frame, s; at least 0.
    easing_s : float
        After which the value is within 5 % of its goal; 0 jumps there at once.
    """
    if easing_s <= 0:
        return 1.0
    return 1 - math.exp(-dt_s * _EASING_TIME_CONSTANTS / easing_s)


def _fade(value: float, start: float, stop: float) -> float:
    """Return 1 below `start`, 0 above `stop`, smooth between (cubic)."""
    t = min(max((value - start) / (stop - start), 0.0), 1.0)
    return 1 - t * t * (3 - 2 * t)


def visibility(track: FaceTrack, width: int, height: int) -> float:
    """Return how well a face can carry the effect, in [0, 1].

    1 for a face that looks about into the camera and lies inside the frame; less as it turns
    beyond 25 degrees or leaves the frame; 0 from 45 degrees on, or far outside.
    """
    yaw, pitch, _ = head_pose.angles_rad(track.frame_from_head)
    turned = _fade(math.hypot(yaw, pitch), *_TURN_RANGE_RAD)
    oval = track.landmarks_px.take(_OVAL, axis=0)
    (left, top, _), (right, bottom, _) = oval.min(axis=0).tolist(), oval.max(axis=0).tolist()
    outside_px = max(-left, -top, right - (width - 1), bottom - (height - 1), 0.0)
    outside = _fade(outside_px / max(bottom - top, 1.0), *_OUTSIDE_RANGE)
    return turned * outside


def signature(raised: Mapping[str, float]) -> NDArray[np.float32]:
    """Return by what an expression is known, (52,), float32, for :func:`already_shown`.

    Parameters
    ----------
    raised : Mapping of str to float
        By how much the whole expression raises each blendshape. What exceeds what faces at rest
        show counts.
    """
    whole = np.array([raised.get(name, 0.0) for name in BLENDSHAPE_NAMES], np.float32)
    wanted = np.maximum(whole - _RESTING, 0)
    square = float(wanted @ wanted)
    return np.asarray(wanted / square if square >= 1e-6 else 0 * wanted, np.float32)


def already_shown(blendshapes: NDArray[np.float32], of: NDArray[np.float32]) -> float:
    """Return how much of an expression the user shows without the filter, in [0, 1].

    Parameters
    ----------
    blendshapes : ndarray of shape (52,), float32
        Of the live face, in [0, 1].
    of : ndarray of shape (52,), float32
        From :func:`signature`.

    Returns
    -------
    float
        The live blendshapes projected on the signature, both as far as they exceed what faces
        at rest show.
    """
    shown = float(np.maximum(blendshapes - _RESTING, 0) @ of)
    return min(max(shown, 0.0), 1.0)


def topped_up(amount: float, shown: float) -> float:
    """Return what the filter adds of `amount` to a user who shows `shown` of it already.

    Negative amounts take the expression away, so what is shown does not lessen them.
    """
    if amount <= 0:
        return amount
    return amount - _ALREADY_SHOWN_WEIGHT * shown * min(amount, 1.0)
