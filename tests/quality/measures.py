"""What calm is, in numbers; arrays in, one number out.

High-passed means: the second difference in time, over sqrt(6), which leaves the standard deviation
of white noise as it is and of smooth motion hardly anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.carrying import Carrier
from livexpr.smoothing import SmoothingState, smooth
from livexpr.types import FaceTrack, Person

UPPER_LIP, LOWER_LIP = 13, 14
# What moves by less than this part of the face's height from frame to frame is still.
_STILL = 0.004
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


def still_triples(landmarks_px: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the frames between two others from which head and lips hardly moved.

    Parameters
    ----------
    landmarks_px : ndarray of shape (T, N, 2 or more), float32
        N at least 468; of the camera's own face.
    """
    stable = landmarks_px[:, list(face_mesh.STABLE), :2].mean(axis=1)
    height = np.ptp(landmarks_px[:, : face_mesh.N_LANDMARKS, 1], axis=1)
    step = np.linalg.norm(np.diff(stable, axis=0), axis=1) / height[1:]
    step = np.maximum(step, np.abs(np.diff(lip_opening(landmarks_px))))
    return 1 + np.flatnonzero((step[:-1] < _STILL) & (step[1:] < _STILL))


def high_passed(values: NDArray[np.float32], middles: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the high-passed values at some frames; the first axis is time."""
    return (values[middles - 1] - 2 * values[middles] + values[middles + 1]) / np.sqrt(6)


def jitter(target_px: NDArray[np.float32], height_px: float, middles: NDArray[np.intp]) -> float:
    """Return how much drawn vertices tremble, in thousandths of the face's height.

    Parameters
    ----------
    target_px : ndarray of shape (T, V, 2), float32
    height_px : float
        Of the face.
    middles : ndarray of int
        Frames on which the head is still.
    """
    trembling = high_passed(target_px, middles)
    rms = np.sqrt((trembling**2).sum(axis=2).mean(axis=0))
    return float(np.median(rms)) / height_px * 1000


def lag(followed: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    """Return by how many frames a path follows the true one.

    Parameters
    ----------
    followed, truth : ndarray of shape (T, D), float64
        The same up to a constant, noise and the lag.
    """
    times = np.arange(len(truth), dtype=np.float64)
    inner = slice(8, -8)
    candidates = np.arange(-2, 5, 0.02)
    errors = []
    for candidate in candidates:
        late = np.stack([np.interp(times - candidate, times, one) for one in truth.T], axis=1)
        off = (followed - late)[inner]
        errors.append(float(((off - off.mean(axis=0)) ** 2).sum()))
    return float(candidates[np.argmin(errors)])


def flicker(
    before: Sequence[NDArray[np.uint8]],
    after: Sequence[NDArray[np.uint8]],
    middles: NDArray[np.intp],
) -> float:
    """Return the flicker of the filtered picture over the camera's own, where it was changed.

    Root mean square over pixels and frames of the high-passed luma.
    """
    squares = np.zeros(2)
    for middle in middles:
        triples = [
            [one[middle + step].astype(np.float32) @ _LUMA for step in (-1, 0, 1)]
            for one in (before, after)
        ]
        changed = np.any([a != b for a, b in zip(*triples, strict=True)], axis=0)
        for index, (first, second, third) in enumerate(triples):
            passed = (first - 2 * second + third)[changed] / np.sqrt(6)
            squares[index] += float((passed**2).sum())
    return float(np.sqrt(squares[1] / squares[0]))


def seam(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float | None:
    """Return how much more the filtered picture jumps at the border of the change, grey levels.

    Mean over neighbours of which one was changed and the other not; None without any.
    """
    changed = (before != after).any(axis=2).astype(np.uint8)
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    jumps = []
    for axis in (0, 1):
        border = np.diff(changed.astype(np.int8), axis=axis) != 0
        steps = [
            np.abs(np.diff(one.astype(np.float32) @ _LUMA, axis=axis))[border]
            for one in (before, after)
        ]
        jumps.append(steps[1] - steps[0])
    every = np.concatenate(jumps)
    return float(every.mean()) if len(every) else None


def lip_opening(landmarks_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the gap of the inner lips on each frame, in parts of the face's height, (T,)."""
    apart = landmarks_px[:, LOWER_LIP, :2] - landmarks_px[:, UPPER_LIP, :2]
    height = np.ptp(landmarks_px[:, : face_mesh.N_LANDMARKS, 1], axis=1)
    return np.asarray(np.linalg.norm(apart, axis=1) / height, np.float64)


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return Pearson's correlation."""
    return float(np.corrcoef(a, b)[0, 1])


def prediction_errors(
    pixels: Sequence[NDArray[np.uint8]],
    tracks: Sequence[FaceTrack],
    times_s: Sequence[float],
    smoothing: float = 0.5,
) -> tuple[NDArray[np.float32], int]:
    """Return how far what ``--sync predict`` shows is from the exact landmarks, in px.

    Parameters
    ----------
    pixels : sequence of ndarray of shape (H, W, 3), uint8
    tracks : sequence of FaceTrack
        What was found on each.
    times_s : sequence of float
    smoothing : float
        Both are smoothed, as the filter does.

    Returns
    -------
    errors_px : ndarray of shape (N - 1, 468), float32
        Of each frame but the first. A frame that waits is shown with what was found on it.
    waiting : int
        How many of them wait.
    """
    carrier = Carrier()
    exact: SmoothingState | None = None
    early: SmoothingState | None = None
    errors = []
    waiting = 0
    for index, (track, picture, time_s) in enumerate(zip(tracks, pixels, times_s, strict=True)):
        found, exact = smooth(track, time_s, exact, smoothing)
        people, sure = carrier.carried(picture, time_s)
        carrier.note((Person(1, track),), picture, time_s)
        if index == 0:
            continue
        waiting += not sure
        shown = people[0].track if sure else track
        assert isinstance(shown, FaceTrack)
        shown, early = smooth(shown, time_s, early, smoothing)
        off = (shown.landmarks_px - found.landmarks_px)[: face_mesh.N_LANDMARKS, :2]
        errors.append(np.linalg.norm(off, axis=1))
    return np.array(errors, np.float32), waiting
