"""Looks at photographs of one person."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pictures import read_image
from livexpr.teaching.looks import Look, look
from livexpr.training import face_space
from livexpr.types import FaceTrack, Frame, NoFace

# A photograph is looked at in so many sizes, as it is and mirrored: the landmark model errs
# differently on each, and the mean of all errs less.
_SCALES = (1.0, 0.85, 1.2)
# Mirror images of each other in this order: centre, then around it.
_IRISES = np.array([468, 471, 470, 469, 472]), np.array([473, 476, 475, 474, 477])
# Tracks of one face differ by less than this part of its height.
_SAME_FACE = 0.06
_MAX_TURN_RAD = np.radians(20)
# Larger photographs are made smaller: no map holds so much.
_LARGEST_SIDE_PX = 2400


def looks_at(paths: Sequence[Path], landmarker: Landmarker) -> list[Look]:
    """Return a look at each photograph.

    Parameters
    ----------
    paths : sequence of Path
    landmarker : Landmarker
        For stills, with at least two faces.

    Raises
    ------
    CameraError
        If one cannot be read.
    LivexprError
        If one shows no face, several, or a turned head.
    """
    return [_look_at(path, landmarker) for path in paths]


def _look_at(path: Path, landmarker: Landmarker) -> Look:
    pixels = _not_too_large(read_image(path))
    faces = landmarker.detect_all(Frame(pixels, 0, 0.0))
    if isinstance(faces, NoFace):
        raise LivexprError(f"{path}: {faces.reason}; expected one face that looks into the camera")
    if len(faces) > 1:
        raise LivexprError(f"{path}: {len(faces)} faces, expected one; cut the others off")
    yaw, pitch, _ = head_pose.angles_rad(faces[0].frame_from_head)
    if max(abs(yaw), abs(pitch)) > _MAX_TURN_RAD:
        raise LivexprError(
            f"{path}: the head is turned by {np.degrees(yaw):.0f}° and tipped by "
            f"{np.degrees(pitch):.0f}°, expected one that looks into the camera"
        )
    return close_look(pixels, faces[0], landmarker)


def close_look(pixels: NDArray[np.uint8], first: FaceTrack, landmarker: Landmarker) -> Look:
    """Return a look at a still picture, with the landmarks of :func:`steady_track`."""
    return look(pixels, steady_track(pixels, first, landmarker))


def _not_too_large(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _LARGEST_SIDE_PX / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    smaller = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, np.uint8)


@lru_cache(maxsize=1)
def _mirrored_landmarks() -> NDArray[np.intp]:
    """Return, for each of the 478 landmarks, the one at its mirror image."""
    right, left = _IRISES
    return np.concatenate([face_space.mirrored_landmarks(), left, right])


@lru_cache(maxsize=1)
def _mirrored_blendshapes() -> list[int]:
    def other(name: str) -> str:
        for one, two in (("Left", "Right"), ("Right", "Left")):
            if name.endswith(one):
                return name.removesuffix(one) + two
        return name

    return [BLENDSHAPE_NAMES.index(other(name)) for name in BLENDSHAPE_NAMES]


def steady_track(pixels: NDArray[np.uint8], first: FaceTrack, landmarker: Landmarker) -> FaceTrack:
    """Return the mean of what the landmark model finds on a still picture and on its variants.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR, with one face.
    first : FaceTrack
        What was found on it.
    landmarker : Landmarker
        For stills.
    """
    tracks = [first]
    for scale in _SCALES:
        for flip in (False, True):
            if scale != 1 or flip:
                other = _seen_on_variant(pixels, scale, flip, landmarker)
                if isinstance(other, FaceTrack) and _is_near(other, first):
                    tracks.append(other)
    landmarks = np.asarray(np.mean([one.landmarks_px for one in tracks], axis=0), np.float32)
    blendshapes = np.asarray(np.mean([one.blendshapes for one in tracks], axis=0), np.float32)
    return FaceTrack(landmarks, blendshapes, head_pose.fit_pose(landmarks))


def _seen_on_variant(
    pixels: NDArray[np.uint8], scale: float, flip: bool, landmarker: Landmarker
) -> FaceTrack | NoFace:
    """Return what is found on a scaled, perhaps mirrored picture, in px of the picture itself."""
    changed = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if flip:
        changed = cv2.flip(changed, 1)
    track = landmarker.detect(Frame(np.asarray(changed, np.uint8), 0, 0.0))
    if isinstance(track, NoFace):
        return track
    points, shapes = track.landmarks_px.copy(), track.blendshapes
    if flip:
        points[:, 0] = changed.shape[1] - 1 - points[:, 0]
        points, shapes = points[_mirrored_landmarks()], shapes[_mirrored_blendshapes()]
    # Pixel centres are whole numbers; it is outer edges that scale.
    points[:, :2] = (points[:, :2] + 0.5) / scale - 0.5
    points[:, 2] /= scale
    return FaceTrack(points, shapes, track.frame_from_head)


def _is_near(other: FaceTrack, first: FaceTrack) -> bool:
    """Whether two tracks are of the same face, and neither has slipped off it."""
    apart = np.linalg.norm((other.landmarks_px - first.landmarks_px)[:, :2], axis=1).mean()
    return bool(apart < _SAME_FACE * np.ptp(first.landmarks_px[:, 1]))
