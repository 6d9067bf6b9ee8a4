"""Head pose by a similarity transform between the rest face and its landmarks."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh

# A rotation is sought in so many steps at most; it is one where its squares add up to 3.
_STEPS, _ORTHOGONAL = 12, 1e-12


def fit_similarity(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the similarity transform that takes `source` nearest to `target`.

    Parameters
    ----------
    source, target : ndarray of shape (N, 3), float32
        Corresponding points; N at least 3, not all on one line.

    Returns
    -------
    target_from_source : ndarray of shape (4, 4), float32
        Rotation, one scale and translation; least squares.

    References
    ----------
    Umeyama (1991), Least-squares estimation of transformation parameters between two point
    patterns, IEEE TPAMI 13(4), eq. 40-43.
    """
    return _fitted(_centred(source), target)


class _Centred(NamedTuple):
    """Points less their mean, (N, 3) float64; the mean; the sum of the squares."""

    points: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: float


def _centred(points: NDArray[np.float32]) -> _Centred:
    mean = points.mean(axis=0, dtype=np.float64)
    centred = points - mean
    return _Centred(centred, mean, float(np.vdot(centred, centred)))


def _fitted(source: _Centred, target: NDArray[np.float32]) -> NDArray[np.float32]:
    target_mean = target.mean(axis=0, dtype=np.float64)
    # The source is centred: whatever is added to all of the target counts for nothing here.
    correlation = (target - target_mean).T @ source.points
    rotation = _nearest_rotation(correlation)
    linear = float(np.vdot(rotation, correlation)) / max(source.squares, 1e-12) * rotation
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = linear
    matrix[:3, 3] = target_mean - linear @ source.mean
    return matrix


def _nearest_rotation(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation nearest to a matrix, (3, 3).

    References
    ----------
    Higham (1986), Computing the polar decomposition, SIAM J. Sci. Stat. Comput. 7(4), eq. 3.1.
    """
    # In plain numbers: 33 ms after the last frame a singular value decomposition takes four times
    # as long, its code having left the caches.
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    for step in range(_STEPS):
        one, two, three = e * i - f * h, f * g - d * i, d * h - e * g
        volume = a * one + b * two + c * three
        squares = a * a + b * b + c * c + d * d + e * e + f * f + g * g + h * h + i * i
        if step and squares - 3 < _ORTHOGONAL:
            return np.array([[a, b, c], [d, e, f], [g, h, i]])
        if not volume > 0:
            break
        # Scaled by its volume at first, which makes long and short axes meet sooner.
        half = 0.5 if step else 0.5 * volume ** (-1 / 3)
        part = 0.25 / (half * volume)
        a, b, c, d, e, f, g, h, i = (
            half * a + part * one,
            half * b + part * two,
            half * c + part * three,
            half * d + part * (c * h - b * i),
            half * e + part * (a * i - c * g),
            half * f + part * (b * g - a * h),
            half * g + part * (b * f - c * e),
            half * h + part * (c * d - a * f),
            half * i + part * (a * e - b * d),
        )
    u, _, vt = np.linalg.svd(matrix)
    # A reflection would fit a mirrored face; the third axis is turned back.
    if _determinant(u) * _determinant(vt) < 0:
        u[:, 2] *= -1
    return np.asarray(u @ vt, np.float64)


def _determinant(matrix: NDArray[np.floating]) -> float:
    """Return the determinant of a (3, 3) in plain numbers: a third of NumPy's time for so few."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return float(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))


def fit_pose(landmarks_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``frame_from_head`` of a face, from landmarks that expressions hardly move.

    Parameters
    ----------
    landmarks_px : ndarray of shape (N, 3), float32
        N at least 468; x right, y down, z away from the viewer, px.

    Returns
    -------
    frame_from_head : ndarray of shape (4, 4), float32
        Scaled orthographic pose: px of the frame from cm of head space.
    """
    stable, rest = _stable()
    pose = _fitted(rest, landmarks_px.take(stable, axis=0))
    pose[:3, 1:3] *= -1
    return pose


@lru_cache(maxsize=1)
def _stable() -> tuple[NDArray[np.intp], _Centred]:
    """Return the landmarks that expressions hardly move, and where they rest, turned.

    Head space has y up and z towards the viewer: both are turned before the rotation is sought.
    """
    stable = np.array(face_mesh.STABLE, np.intp)
    return stable, _centred(face_mesh.load().rest_cm[stable] * np.array([1, -1, -1], np.float32))


def to_head(
    landmarks_px: NDArray[np.float32], frame_from_head: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return points of the frame, (N, 3) px, in head space, (N, 3) cm, float32."""
    centred = landmarks_px - frame_from_head[:3, 3]
    return np.asarray(centred @ _inverse_transposed(frame_from_head), np.float32)


def _inverse_transposed(frame_from_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the transposed inverse of the linear part of a pose, (3, 3): cofactors by volume."""
    (a, b, c), (d, e, f), (g, h, i) = frame_from_head[:3, :3].tolist()
    one, two, three = e * i - f * h, f * g - d * i, d * h - e * g
    part = 1 / (a * one + b * two + c * three)
    return np.array(
        [
            [part * one, part * two, part * three],
            [part * (c * h - b * i), part * (a * i - c * g), part * (b * g - a * h)],
            [part * (b * f - c * e), part * (c * d - a * f), part * (a * e - b * d)],
        ],
        np.float32,
    )


def to_frame(
    head_cm: NDArray[np.float32], frame_from_head: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return points of head space, (N, 3) cm, in the frame, (N, 3) px, float32."""
    points: NDArray[np.float32] = head_cm @ frame_from_head[:3, :3].T + frame_from_head[:3, 3]
    return points


def scale_px_per_cm(frame_from_head: NDArray[np.float32]) -> float:
    """Return the scale of a pose, px of the frame per cm of the head."""
    volume = _determinant(frame_from_head[:3, :3])
    return math.copysign(abs(volume) ** (1 / 3), volume)


def angles_rad(frame_from_head: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) of a pose in radians.

    Zero when the face looks into the camera. Yaw is positive when the subject turns to
    the subject's left, pitch when looking down, roll when tilting clockwise as seen.
    """
    # The scale is in all of them, and no angle's.
    (right, _, x), (down, _, y), (_, _, z) = frame_from_head[:3, :3].tolist()
    return math.atan2(x, math.hypot(y, z)), math.atan2(y, -z), math.atan2(down, right)
