"""How well a face found now fits a person seen before: by where it is, its size and its shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.types import FaceTrack

FACE_HEIGHT_CM = 18.0

# Corners of the eyes, the nose, forehead, temples and cheekbones: what neither speech nor a smile
# moves much in head space.
_SHAPE = np.array(
    (
        *(33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 129, 358),
        *(127, 356, 234, 454, 162, 389, 21, 251, 54, 284, 10, 93, 323),
    )
)

# Tolerances: from one frame to the next, and what each second adds, up to a limit.
_POSITION, _POSITION_PER_S, _POSITION_MOST = 0.12, 0.35, 0.5
"""In heights of the face. Whoever turns away for a moment comes back near by."""
_LOG_SIZE, _LOG_SIZE_PER_S, _LOG_SIZE_MOST = 0.08, 0.1, 0.16
_SHAPE_CM, _SHAPE_CM_PER_RAD = 0.2, 0.5
"""Frontal faces of one person differ by 0.15 cm, neutral and smiling (RMS of `_SHAPE`; 81 people of
the London set), of two people by 0.30 cm, medians. The model bends a head that turns."""

MISFIT_LIMIT = 9.0
"""What fits worse than this sum of squared tolerances is somebody else."""

_VELOCITY_S, _SHAPE_S = 0.1, 2.0
_COASTING_S = 0.3
"""A face goes on as it moved for about so long, s; then it is taken to stay."""


@dataclass(frozen=True, slots=True)
class Looks:
    """Where somebody is, and of what shape.

    Attributes
    ----------
    centre_px, velocity_px_s : ndarray of shape (2,), float64
    height_px : float
        Of a face turned to the camera at this distance.
    shape_cm : ndarray of shape (K, 2), float64
        In head space, from the rest face; a slow mean.
    turn_rad : float
        How far the head was turned from the camera when its shape was seen; the same mean.
    """

    centre_px: NDArray[np.float64]
    velocity_px_s: NDArray[np.float64]
    height_px: float
    shape_cm: NDArray[np.float64]
    turn_rad: float

    def near(self, other: Looks, within: float) -> bool:
        """Whether two faces are so near, in heights, and so alike in size, that they are one."""
        smaller, larger = sorted((self.height_px, other.height_px))
        distance = float(np.linalg.norm(self.centre_px - other.centre_px))
        return distance < within * larger and smaller > (1 - within) * larger

    def may_be(self, track: FaceTrack, within: float) -> bool:
        """Whether a face is so near, in heights, and so alike in size, that it may be this one."""
        smaller, larger = sorted((self.height_px, _height_px(track)))
        x, y = self.centre_px.tolist()
        distance = math.hypot(
            x - float(track.frame_from_head[0, 3]), y - float(track.frame_from_head[1, 3])
        )
        return distance < within * larger and smaller > (1 - within) * larger


def of(track: FaceTrack) -> Looks:
    """Return how a face looks that is seen for the first time."""
    shape_cm = head_pose.to_head(track.landmarks_px.take(_SHAPE, axis=0), track.frame_from_head)
    shape_cm -= face_mesh.load().rest_cm.take(_SHAPE, axis=0)
    yaw, pitch, _ = head_pose.angles_rad(track.frame_from_head)
    return Looks(
        centre_px=track.frame_from_head[:2, 3].astype(np.float64),
        velocity_px_s=np.zeros(2),
        height_px=_height_px(track),
        shape_cm=shape_cm[:, :2].astype(np.float64),
        turn_rad=math.hypot(yaw, pitch),
    )


def misfit(before: Looks, now: Looks, dt: float) -> float:
    """Return how badly `now` fits a person who looked like `before`, `dt` seconds ago.

    The sum of the squares of what differs in place, size and shape, each in its tolerance; more
    than :data:`MISFIT_LIMIT` is somebody else.
    """
    height_px = max(before.height_px, 1e-6)
    expected_px = before.centre_px + before.velocity_px_s * _coasted_s(dt)
    position = math.dist(now.centre_px.tolist(), expected_px.tolist()) / height_px
    log_size = math.log(max(now.height_px, 1e-6) / height_px)
    off_cm = now.shape_cm - before.shape_cm
    shape_cm = math.sqrt(float(np.vdot(off_cm, off_cm)) / len(off_cm))
    turn_rad = max(now.turn_rad, before.turn_rad)
    return (
        (position / min(_POSITION + _POSITION_PER_S * dt, _POSITION_MOST)) ** 2
        + (log_size / min(_LOG_SIZE + _LOG_SIZE_PER_S * dt, _LOG_SIZE_MOST)) ** 2
        + (shape_cm / (_SHAPE_CM + _SHAPE_CM_PER_RAD * turn_rad)) ** 2
    )


def updated(before: Looks, now: Looks, dt: float, known_s: float) -> Looks:
    """Return how a person looks who was found again.

    Parameters
    ----------
    before, now : Looks
        As remembered; as :func:`of` the face just found.
    dt, known_s : float
        Since the person was seen last, and first, s.
    """
    velocity_px_s = before.velocity_px_s
    if dt > 0:
        step = 1 - math.exp(-dt / _VELOCITY_S)
        seen_px_s = (now.centre_px - before.centre_px) / dt
        velocity_px_s = velocity_px_s + step * (seen_px_s - velocity_px_s)
    # At first the mean of all that was seen, later that of the last seconds.
    step = max(1 - math.exp(-dt / _SHAPE_S), dt / known_s if known_s > 0 else 1.0)
    return Looks(
        centre_px=now.centre_px,
        velocity_px_s=velocity_px_s,
        height_px=now.height_px,
        shape_cm=before.shape_cm + step * (now.shape_cm - before.shape_cm),
        turn_rad=before.turn_rad + step * (now.turn_rad - before.turn_rad),
    )


def assigned(misfits: NDArray[np.float64]) -> dict[int, int]:
    """Return which person each face belongs to, so that all together fit best.

    Parameters
    ----------
    misfits : ndarray of shape (P, F), float64
        Of each person to each face. A pair above :data:`MISFIT_LIMIT` is never made; a face left
        over costs as much.

    Returns
    -------
    dict of int to int
        From faces to people.

    Notes
    -----
    The best of all ways: for each set of faces that the first people could have, the best is
    kept (Held & Karp 1962, A dynamic programming approach to sequencing problems). There are
    never more than a few faces.

    >>> assigned(np.array([[1.0, 0.5], [2.0, 8.0]]))
    {1: 0, 0: 1}
    """
    best: dict[frozenset[int], tuple[float, dict[int, int]]] = {frozenset(): (0.0, {})}
    for person, row in enumerate(misfits.tolist()):
        for taken, (cost, pairs) in list(best.items()):
            for face, one in enumerate(row):
                if face in taken or not one < MISFIT_LIMIT:
                    continue
                key, total = taken | {face}, cost + one - MISFIT_LIMIT
                if key not in best or total < best[key][0]:
                    best[key] = total, {**pairs, face: person}
    return min(best.values(), key=lambda way: way[0])[1]


def _height_px(track: FaceTrack) -> float:
    return FACE_HEIGHT_CM * head_pose.scale_px_per_cm(track.frame_from_head)


def _coasted_s(dt: float) -> float:
    """Return for how long the last velocity would lead to where a slowing face is by now."""
    return _COASTING_S * (1 - math.exp(-dt / _COASTING_S))
