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
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
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

# Points that are followed, spread over the face but for its outline, which is no piece of skin.
_N_POINTS = 40
# The face is about so tall where they are followed, px, and this much of its height around it.
_VIEW_HEIGHT_PX, _VIEW_MARGIN = 130.0, 0.2
_LEAST_SIDE_PX = 24
_WINDOW_PX, _LEVELS = 13, 3
_FLOW_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.02)

# All in parts of the face's height. How far points may be off the head's motion and still count
# for it; and to be in step with it at all, as so many of them must be.
_MISFIT, _IN_STEP, _MOST_OUT = 0.004, 0.03, 0.65
# How far speed may be off flow and still count, up to this share; motion below is noise.
_AGREEING, _SPEED_SHARE, _STILL = 0.004, 0.4, 0.0012
_ROUNDS = 3
# Ridge on turning, shearing and growing, in points; none to speak of on shifting.
_RIDGE = np.diag([1.0, 1.0, 1.0, 1e-3])


@dataclass(frozen=True, slots=True)
class View:
    """A face as its points are followed: grey, coarse, cut out.

    Attributes
    ----------
    grey : ndarray of shape (h, w), uint8
    corner_px : tuple of int
        x and y of its first pixel in the frame.
    step_px : int
        How far its pixels are apart in the frame.
    frame_size : tuple of int
        (width, height) of the frame.
    """

    grey: NDArray[np.uint8]
    corner_px: tuple[int, int]
    step_px: int
    frame_size: tuple[int, int]


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
    own_px_per_s, head_px_per_s : ndarray of shape (478, 2), float32
        How fast the face's own motion, and the head's, move the landmarks.
    places : ndarray of shape (478, 4), float64
        Landmarks about the middle of those that are followed, in quarters of the height, and 1.
    view : View or None
        None where the face is too small, or outside the picture, to be followed in it.
    """

    track: FaceTrack
    time_s: float
    height_px: float
    head_cm: NDArray[np.float32]
    pose_per_s: NDArray[np.float32]
    own_px_per_s: NDArray[np.float32]
    head_px_per_s: NDArray[np.float32]
    places: NDArray[np.float64]
    view: View | None


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
    places = np.ones((len(landmarks), 4))
    places[:, :3] = (landmarks - landmarks[_points()].mean(axis=0)) * (4 / height_px)
    return Anchor(
        track=track,
        time_s=time_s,
        height_px=height_px,
        head_cm=head_cm,
        pose_per_s=pose_per_s,
        own_px_per_s=speed @ track.frame_from_head[:2, :3].T,
        head_px_per_s=head_cm @ pose_per_s[:2, :3].T + pose_per_s[:2, 3],
        places=places,
        view=_view(landmarks, height_px, pixels),
    )


def carried(anchor: Anchor, pixels: NDArray[np.uint8], time_s: float) -> FaceTrack | NoFace:
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
    FaceTrack or NoFace
        NoFace where it was found too long ago, or the picture has changed too much.

    References
    ----------
    Lucas & Kanade (1981), An iterative image registration technique, IJCAI; in the pyramids of
    Bouguet (2001), as OpenCV has it.
    """
    later_s = time_s - anchor.time_s
    if later_s <= 0:
        return anchor.track
    if later_s > LIMIT_S:
        return NoFace("detection is late")
    lasting_s = _OWN_FADES_S * (1 - math.exp(-later_s / _OWN_FADES_S))
    own = np.float32(_OWN_SPEED * lasting_s) * anchor.own_px_per_s
    motion = np.float32(later_s) * anchor.head_px_per_s
    flow = None if anchor.view is None else _flow(anchor, anchor.view, pixels)
    correction = None if flow is None else _fitted(anchor, flow, own + motion)
    if correction is not None:
        off = _rms(correction) / anchor.height_px
        motion = motion + (1 - _SPEED_SHARE / (1 + (off / _AGREEING) ** 2)) * correction
    elif later_s > _BLIND_LIMIT_S:
        return NoFace("the face was lost from sight before it was found again")
    moved = (_rms(motion) / anchor.height_px) ** 2
    motion = motion * (moved / (moved + _STILL**2))
    landmarks = anchor.track.landmarks_px.copy()
    landmarks[:, :2] += own + motion
    pose = head_pose.fit_pose(landmarks)
    return FaceTrack(landmarks, anchor.track.blendshapes, pose)


def _rms(offsets_px: NDArray[np.float32]) -> float:
    return math.sqrt(float(np.vdot(offsets_px, offsets_px)) / len(offsets_px))


@lru_cache(maxsize=1)
def _points() -> NDArray[np.intp]:
    """Return the landmarks that are followed, (P,): each the farthest from those before it."""
    rest_cm = face_mesh.load().rest_cm
    inner = np.setdiff1d(np.arange(face_mesh.N_LANDMARKS), face_mesh.FACE_OVAL)
    chosen = [int(inner[0])]
    away = np.linalg.norm(rest_cm[inner] - rest_cm[chosen[0]], axis=1)
    while len(chosen) < _N_POINTS:
        chosen.append(int(inner[np.argmax(away)]))
        away = np.minimum(away, np.linalg.norm(rest_cm[inner] - rest_cm[chosen[-1]], axis=1))
    return np.array(chosen)


def _view(
    landmarks_px: NDArray[np.float32], height_px: float, pixels: NDArray[np.uint8]
) -> View | None:
    height, width = pixels.shape[:2]
    points = landmarks_px[: face_mesh.N_LANDMARKS, :2]
    margin = _VIEW_MARGIN * height_px
    left, top = np.maximum(points.min(axis=0) - margin, 0).astype(int)
    right, bottom = np.minimum(points.max(axis=0) + margin, (width, height)).astype(int)
    step = max(round(height_px / _VIEW_HEIGHT_PX), 1)
    if min(right - left, bottom - top) < _LEAST_SIDE_PX * step:
        return None
    grey = _grey(
        pixels, (left, top), step, (-(-(bottom - top) // step), -(-(right - left) // step))
    )
    return View(grey, (int(left), int(top)), step, (width, height))


def _grey(
    pixels: NDArray[np.uint8], corner: tuple[int, int], step: int, shape: tuple[int, int]
) -> NDArray[np.uint8]:
    """Cut every step-th pixel out of the green channel, which has most of the luma."""
    left, top = corner
    rows, columns = (
        slice(top, top + shape[0] * step, step),
        slice(left, left + shape[1] * step, step),
    )
    return np.ascontiguousarray(pixels[rows, columns, 1])


def _flow(anchor: Anchor, view: View, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return how far each point has moved, (P, 2) px of the frame, NaN where it was lost."""
    height, width = pixels.shape[:2]
    if view.frame_size != (width, height):
        return None
    now = _grey(pixels, view.corner_px, view.step_px, view.grey.shape)
    points = anchor.track.landmarks_px[_points(), :2] - np.array(view.corner_px, np.float32)
    points = np.ascontiguousarray(points / np.float32(view.step_px))
    found, seen, _ = cv2.calcOpticalFlowPyrLK(
        view.grey,
        now,
        points,
        np.empty_like(points),
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=_LEVELS - 1,
        criteria=_FLOW_STOP,
    )
    flow = (found - points) * np.float32(view.step_px)
    flow[seen[:, 0] == 0] = np.nan
    return np.asarray(flow, np.float32)


def _fitted(
    anchor: Anchor, flow: NDArray[np.float32], guess: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return what the head's motion adds to a guess, (478, 2) px, by the flow of its points.

    A head that turns moves its landmarks by an affine map of their places in three dimensions.
    None where too few points go along with any.
    """
    points = _points()
    height_px = anchor.height_px
    seen = np.isfinite(flow[:, 0])
    n_seen = int(np.count_nonzero(seen))
    if n_seen < (1 - _MOST_OUT) * len(points):
        return None
    basis = anchor.places[points]
    wanted = np.where(seen[:, None], flow - guess[points], 0.0).astype(np.float64)
    weights = seen.astype(np.float64)
    for _ in range(_ROUNDS):
        weighted = basis * weights[:, None]
        affine = np.linalg.solve(weighted.T @ basis + _RIDGE, weighted.T @ wanted)
        misfit = np.hypot(*(wanted - basis @ affine).T)
        usual = max(1.5 * float(np.sort(misfit[seen])[n_seen // 2]), _MISFIT * height_px)
        weights = seen / (1 + (misfit / usual) ** 2) ** 2
    in_step = seen & (misfit <= _IN_STEP * height_px)
    if np.count_nonzero(in_step) < (1 - _MOST_OUT) * len(points):
        return None
    correction: NDArray[np.float32] = (anchor.places @ affine).astype(np.float32)
    return correction
