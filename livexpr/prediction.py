"""A face that was found on one frame, carried forward to a later one.

Two things are known of its motion: how it has moved until now (*speed*), and, from the pictures
themselves, how points on it have moved since (*flow*). Speed alone trembles on a still head and is
late when a head turns back; flow alone does not know what lips are about to do. So the head goes
where flow says, held a little by its speed where the two agree; lips and lids go on at part of
their own speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose, skin_flow
from livexpr.skin_flow import View
from livexpr.types import FaceTrack, NoFace

LIMIT_S = 0.5
"""A face is carried for at most so long."""

_BLIND_LIMIT_S = 0.15
"""By its speed alone, for so long."""

# Speed between two detections that are further apart is none of the face's now; nearer than this,
# it is noise.
_SPEED_RANGE_S = (0.004, 0.5)
# Cut-off of the head's speed, Hz.
_SPEED_CUTOFF_HZ = 8.0
# What of the face's own speed goes on, and with which time constant, s, even that fades: lips turn
# back soon. Slower than this, cm/s, it is noise.
_OWN_SPEED, _OWN_FADES_S, _OWN_NOISE_CM_S = 0.6, 0.08, 1.0

# All in parts of the face's height. How far points may be off the head's motion and still count
# for it; and to be in step with it at all, as so many of them must be.
_MISFIT, _IN_STEP, _MOST_OUT = 0.004, 0.03, 0.65
# How far speed may be off flow and still count, up to this share; motion below is noise.
_AGREEING, _SPEED_SHARE, _STILL = 0.004, 0.4, 0.0012
# So often at most, and but once where most points go along, they are weighed anew.
_ROUNDS = 4
# Ridge on turning, shearing and growing, in points; none to speak of on shifting.
_RIDGE = np.diag([1.0, 1.0, 1.0, 1e-3])


@dataclass(frozen=True, slots=True)
class Anchor:
    """A face as it was found, with all that can be worked out before it has to be carried.

    Attributes
    ----------
    track : FaceTrack
    time_s : float
        Of its frame.
    height_px : float
    head_cm : ndarray of shape (478, 3), float32
        Its landmarks in head space.
    pose_per_s : ndarray of shape (4, 4), float32
        Speed of ``frame_from_head``.
    head_speed : ndarray of shape (4, 2), float64
        That speed in px per second, from a landmark's place.
    places : ndarray of shape (478, 6), float32
        Landmarks about the middle of those that are followed, in quarters of the height, and 1;
        then how fast the face's own motion moves them, px per second.
    followed : ndarray of shape (P, 6), float64
        The same of those that are followed.
    fitting : ndarray of shape (4, P), float64
        How :func:`_affine` fits the motion of all that are followed.
    view : View or None
        None where the face is too small, or outside the picture, to be followed in it.
    """

    track: FaceTrack
    time_s: float
    height_px: float
    head_cm: NDArray[np.float32]
    pose_per_s: NDArray[np.float32]
    head_speed: NDArray[np.float64]
    places: NDArray[np.float32]
    followed: NDArray[np.float64]
    fitting: NDArray[np.float64]
    view: View | None


@dataclass(frozen=True, slots=True)
class Carried:
    """Where a face is taken to be on a later frame.

    Attributes
    ----------
    track : FaceTrack or NoFace
    doubt : float
        How far the picture disagrees, the median of the points that are followed, in parts of the
        face's height; infinite where it was not asked, or is no help.
    """

    track: FaceTrack | NoFace
    doubt: float


def anchored(
    track: FaceTrack, pixels: NDArray[np.uint8], time_s: float, before: Anchor | None
) -> Anchor:
    """Prepare a face that was found for being carried.

    Parameters
    ----------
    track : FaceTrack
        As found.
    pixels : ndarray of shape (H, W, 3), uint8
        The frame it was found on, BGR.
    time_s : float
        Of that frame.
    before : Anchor or None
        The same person's face when it was last found.
    """
    head_cm = head_pose.to_head(track.landmarks_px, track.frame_from_head)
    speed = np.zeros_like(head_cm)
    pose_per_s = np.zeros_like(track.frame_from_head)
    since_s = 0.0 if before is None else time_s - before.time_s
    least_s, most_s = _SPEED_RANGE_S
    if before is not None and least_s <= since_s <= most_s:
        speed = (head_cm - before.head_cm) / np.float32(since_s)
        newest = (track.frame_from_head - before.track.frame_from_head) / np.float32(since_s)
        step = np.float32(1 / (1 + 1 / (2 * np.pi * _SPEED_CUTOFF_HZ * since_s)))
        pose_per_s = before.pose_per_s + step * (newest - before.pose_per_s)
    pace = np.sum(speed**2, axis=1, keepdims=True)
    speed *= pace / (pace + np.float32(_OWN_NOISE_CM_S**2))
    landmarks = track.landmarks_px
    height_px = max(float(np.ptp(landmarks[: face_mesh.N_LANDMARKS, 1])), 1.0)
    middle = landmarks[skin_flow.points()].mean(axis=0)
    places = np.ones((len(landmarks), 6), np.float32)
    places[:, :3] = (landmarks - middle) * np.float32(4 / height_px)
    places[:, 4:] = speed @ track.frame_from_head[:2, :3].T
    followed = places[skin_flow.points()].astype(np.float64)
    basis = followed[:, :4]
    return Anchor(
        track=track,
        time_s=time_s,
        height_px=height_px,
        head_cm=head_cm,
        pose_per_s=pose_per_s,
        head_speed=_by_places(pose_per_s, track.frame_from_head, middle, height_px / 4),
        places=places,
        followed=followed,
        fitting=np.linalg.solve(basis.T @ basis + _RIDGE, basis.T),
        view=skin_flow.view(landmarks, height_px, pixels),
    )


def _by_places(
    pose_per_s: NDArray[np.float32],
    frame_from_head: NDArray[np.float32],
    middle: NDArray[np.float32],
    unit_px: float,
) -> NDArray[np.float64]:
    """Return the speed of a pose, (4, 2), by places in units about a middle, and 1."""
    frame_from_place = np.diag([unit_px, unit_px, unit_px, 1.0])
    frame_from_place[:3, 3] = middle
    head_from_place = np.linalg.solve(frame_from_head.astype(np.float64), frame_from_place)
    return np.asarray((pose_per_s[:2] @ head_from_place).T, np.float64)


def carried(anchor: Anchor, pixels: NDArray[np.uint8], time_s: float) -> Carried:
    """Return where a face is on a later frame.

    Parameters
    ----------
    anchor : Anchor
        The face when it was last found.
    pixels : ndarray of shape (H, W, 3), uint8
        The later frame, BGR.
    time_s : float
        Of the later frame.

    Returns
    -------
    Carried
        With a NoFace where it was found too long ago, or the picture has changed too much.
    """
    later_s = time_s - anchor.time_s
    if later_s <= 0:
        return Carried(anchor.track, 0.0)
    if later_s > LIMIT_S:
        return Carried(NoFace("detection is late"), math.inf)
    own_s = _OWN_SPEED * _OWN_FADES_S * (1 - math.exp(-later_s / _OWN_FADES_S))
    motion = later_s * anchor.head_speed
    doubt = math.inf
    flow = None if anchor.view is None else skin_flow.flow(anchor.view, pixels)
    fitted = None if flow is None else _affine(anchor, flow, motion, own_s)
    if fitted is not None:
        correction, doubt = fitted
        off = _rms(anchor, correction)
        motion = motion + (1 - _SPEED_SHARE / (1 + (off / _AGREEING) ** 2)) * correction
    elif later_s > _BLIND_LIMIT_S:
        return Carried(NoFace("the face was lost from sight before it was found again"), math.inf)
    moved = _rms(anchor, motion) ** 2
    affine = np.zeros((6, 3), np.float32)
    affine[:4, :2] = moved / (moved + _STILL**2) * motion
    affine[4, 0] = affine[5, 1] = own_s
    landmarks = anchor.track.landmarks_px + anchor.places @ affine
    pose = head_pose.fit_pose(landmarks)
    return Carried(FaceTrack(landmarks, anchor.track.blendshapes, pose), doubt)


def _rms(anchor: Anchor, affine: NDArray[np.float64]) -> float:
    """Return how far a motion moves the points that are followed, in parts of the height."""
    offsets_px = anchor.followed[:, :4] @ affine
    return math.sqrt(float(np.vdot(offsets_px, offsets_px)) / len(offsets_px)) / anchor.height_px


def _affine(
    anchor: Anchor, flow: NDArray[np.float32], guess: NDArray[np.float64], own_s: float
) -> tuple[NDArray[np.float64], float] | None:
    """Return what the flow of its points adds to a guess of the head's motion, and the misfit.

    A head that turns moves its landmarks by an affine map of their places in three dimensions,
    (4, 2) px. The misfit is the median of the points', in parts of the height. None where too few
    go along with any.
    """
    height_px, basis = anchor.height_px, anchor.followed[:, :4]
    wanted = flow - basis @ guess - own_s * anchor.followed[:, 4:]
    lost = np.isnan(wanted[:, 0])
    wanted[lost] = 0.0
    n_seen = len(basis) - int(np.count_nonzero(lost))
    least = (1 - _MOST_OUT) * len(basis)
    if n_seen < least:
        return None
    # All count alike at first, then the less the farther they are off.
    affine = anchor.fitting @ wanted
    for _ in range(_ROUNDS):
        misfits = _misfits(wanted, basis, affine, lost)
        middle = sorted(misfits)[n_seen // 2]
        usual = max(1.5 * middle, _MISFIT * height_px)
        weights = np.array([1 / (1 + (misfit / usual) ** 2) ** 2 for misfit in misfits])
        weighted = weights[:, None] * basis
        affine = _solved(weighted.T @ basis + _RIDGE, weighted.T @ wanted)
        if 1.5 * middle < _MISFIT * height_px:
            break
    misfits = sorted(_misfits(wanted, basis, affine, lost))
    if misfits[math.ceil(least) - 1] > _IN_STEP * height_px:
        return None
    return affine, misfits[n_seen // 2] / height_px


def _misfits(
    wanted: NDArray[np.float64],
    basis: NDArray[np.float64],
    affine: NDArray[np.float64],
    lost: NDArray[np.bool_],
) -> list[float]:
    """Return how far each point is off a motion, px; those that were lost, infinitely."""
    off = wanted - basis @ affine
    misfits = np.hypot(off[:, 0], off[:, 1])
    misfits[lost] = math.inf
    found: list[float] = misfits.tolist()
    return found


def _solved(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve for each column of `right`, (4, N); `matrix`, (4, 4), is positive definite.

    References
    ----------
    Golub & Van Loan (2013), Matrix Computations, 4.1.2: the factors L D L^T.
    """
    # In plain numbers: 33 ms after the last frame LAPACK takes five times as long for so few, its
    # code having left the caches.
    (a, b, c, d), (_, e, f, g), (_, _, h, i), (_, _, _, j) = matrix.tolist()
    ba, ca, da = b / a, c / a, d / a
    e, f, g = e - ba * b, f - ba * c, g - ba * d
    fe, ge = f / e, g / e
    h, i = h - ca * c - fe * f, i - ca * d - fe * g
    ih = i / h
    j -= da * d + ge * g + ih * i
    columns = []
    for one, two, three, four in right.T.tolist():
        two -= ba * one
        three -= ca * one + fe * two
        four = (four - da * one - ge * two - ih * three) / j
        three = three / h - ih * four
        two = two / e - fe * three - ge * four
        columns.append((one / a - ba * two - ca * three - da * four, two, three, four))
    solution: NDArray[np.float64] = np.array(columns).T
    return solution
