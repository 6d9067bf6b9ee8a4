"""Where an expression moves the landmarks of one person."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.teaching.looks import Look

# Of the rigid points this part, the worst, is left out when two looks are laid over each other:
# raised brows take the forehead along.
_LEFT_OUT, _ROUNDS = 0.3, 4
# Corners of the eyes and the ridge of the nose: they neither rise nor sink.
_RIGID_DEPTHS = (33, 133, 362, 263, 6, 197, 195, 5, 4)
# A neutral look counts less the further the head is turned from that of the expression, rad.
_SAME_TURN_RAD = math.radians(6)
# Rounds of Weiszfeld's algorithm, and a distance, cm, below which looks agree.
_MEDIAN_ROUNDS, _AGREEING_CM = 12, 0.02
# Errors of the landmark model in one displacement, cm, on rendered faces whose own displacement is
# known: of most landmarks, of those under hair and at the outline, and of all depths.
_NOISE_CM, _GUESS_NOISE_CM, _DEPTH_NOISE_CM = 0.05, 0.15, 0.2
# By how much people's displacements differ from the shipped one, cm.
_DIFFERENCE_CM = 0.12
_FOREHEAD_CM = 5.3
# Neighbours move alike: differences are shared over this distance of the mesh at rest, cm.
_SHARING_CM = 0.45


def rigid_similarity(
    source_cm: NDArray[np.float32], target_cm: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the similarity that takes a look's landmarks to another's, by rigid points.

    Parameters
    ----------
    source_cm, target_cm : ndarray of shape (468, 3), float32

    Returns
    -------
    target_from_source : ndarray of shape (4, 4), float32
        Least squares over those of :data:`livexpr.face_mesh.STABLE` that agree best.
    """
    stable = np.array(face_mesh.STABLE)
    kept = stable
    for _ in range(_ROUNDS):
        similarity = head_pose.fit_similarity(source_cm[kept], target_cm[kept])
        moved = head_pose.to_frame(source_cm[stable], similarity)
        apart = np.linalg.norm(moved - target_cm[stable], axis=1)
        kept = stable[np.argsort(apart)[: round(len(stable) * (1 - _LEFT_OUT))]]
    return head_pose.fit_similarity(source_cm[kept], target_cm[kept])


def nearness(expressive: Look, neutrals: Sequence[Look]) -> NDArray[np.float64]:
    """Return how much each neutral look counts beside an expressive one, (N,), sum 1."""
    turns = np.array([one.turn_rad for one in neutrals]) - expressive.turn_rad
    away = (turns**2).sum(axis=1) / _SAME_TURN_RAD**2
    weights = np.exp(-(away - away.min()))
    return np.asarray(weights / weights.sum())


def displacement(expressive: Look, neutrals: Sequence[Look]) -> NDArray[np.float32]:
    """Return how far landmarks move from neutral looks to an expressive one, (468, 3), cm."""
    moved = np.zeros((face_mesh.N_LANDMARKS, 3))
    for weight, neutral in zip(nearness(expressive, neutrals), neutrals, strict=True):
        laid_over = rigid_similarity(expressive.head_cm, neutral.head_cm)
        points = head_pose.to_frame(expressive.head_cm, laid_over)
        moved += weight * (points - neutral.head_cm)
    moved[:, 2] -= np.median(moved[list(_RIGID_DEPTHS), 2])
    return moved.astype(np.float32)


def geometric_median(arrays: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the array from which the sum of distances to all is least.

    One odd look of three or more does not pull it away; of two it is the mean.

    References
    ----------
    Weiszfeld (1937), Sur le point pour lequel la somme des distances de n points donnés est
    minimum, Tohoku Mathematical Journal 43.
    """
    stacked = np.stack(arrays).astype(np.float64)
    median = stacked.mean(axis=0)
    axes = tuple(range(1, stacked.ndim))
    for _ in range(_MEDIAN_ROUNDS):
        # Per landmark, so that the unit does not depend on how many there are.
        apart = np.sqrt(((stacked - median) ** 2).mean(axis=axes))
        median = np.average(stacked, axis=0, weights=1 / np.maximum(apart, _AGREEING_CM))
    return np.asarray(median, np.float32)


def amount_of(offset_cm: NDArray[np.float32], like_cm: NDArray[np.float32]) -> float:
    """Return how much of a displacement another one holds: least squares, seen from the front."""
    one, other = (array[:, :2].astype(np.float64) for array in (offset_cm, like_cm))
    return float((one * other).sum() / max(float((other * other).sum()), 1e-9))


@lru_cache(maxsize=1)
def _sharing() -> NDArray[np.float32]:
    """Return how much each landmark takes of the others' differences, (468, 468), rows of sum 1.

    Lips are near each other and move apart: across the mouth nothing is shared.
    """
    rest = face_mesh.load().rest_cm
    apart = ((rest[:, None] - rest[None]) ** 2).sum(axis=2)
    weights = np.exp(-apart / (2 * _SHARING_CM**2))
    below = _below_mouth()
    weights *= below[:, None] == below[None]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


def _below_mouth() -> NDArray[np.bool_]:
    """Return which landmarks lie below the line between the lips, (468,)."""
    rest = face_mesh.load().rest_cm
    upper, lower = (
        rest[list(lip)] for lip in (face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER)
    )
    line = (upper + lower) / 2
    below = rest[:, 1] < np.interp(rest[:, 0], line[:, 0], line[:, 1])
    below[list(face_mesh.INNER_LIP_LOWER[1:-1])] = True
    below[list(face_mesh.INNER_LIP_UPPER)] = False
    return np.asarray(below, np.bool_)


@lru_cache(maxsize=1)
def _noise_cm() -> NDArray[np.float32]:
    """Return the landmark model's error in one displacement, (468, 3), cm."""
    rest = face_mesh.load().rest_cm
    noise = np.full(rest.shape, _NOISE_CM, np.float32)
    noise[rest[:, 1] > _FOREHEAD_CM] = _GUESS_NOISE_CM
    noise[list(face_mesh.FACE_OVAL)] = _GUESS_NOISE_CM
    noise[:, 2] = _DEPTH_NOISE_CM
    return noise


def personal_offset(
    offsets_cm: Sequence[NDArray[np.float32]], like_cm: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the displacement of a person's landmarks, (468, 3), cm.

    Parameters
    ----------
    offsets_cm : sequence of ndarray of shape (468, 3), float32
        Of each expressive look; at least one.
    like_cm : ndarray of shape (468, 3), float32
        What is expected of somebody unknown; zero where nothing is.

    Returns
    -------
    ndarray of shape (468, 3), float32
        What is seen differs from what is expected by what is personal and by noise, both taken
        for normal: the mean of what was personal, given the difference (Wiener).
    """
    seen = geometric_median(offsets_cm)
    difference = _sharing() @ (seen - like_cm)
    noise = _noise_cm() ** 2 / np.float32(len(offsets_cm))
    kept = np.float32(_DIFFERENCE_CM**2) / (np.float32(_DIFFERENCE_CM**2) + noise)
    return np.asarray(like_cm + kept * difference, np.float32)
