"""Head pose by a similarity transform between the rest face and its landmarks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh


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
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a = (source - source_mean).astype(np.float64)
    b = (target - target_mean).astype(np.float64)
    u, singular, vt = np.linalg.svd(b.T @ a)
    # A reflection would fit a mirrored face; the third axis is turned back.
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = (singular * signs).sum() / max(float((a * a).sum()), 1e-12)
    linear = scale * (u * signs) @ vt
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = target_mean - linear @ source_mean
    return matrix.astype(np.float32)


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
    stable = list(face_mesh.STABLE)
    # Head space has y up and z towards the viewer: both are turned before the rotation is sought.
    rest = face_mesh.load().rest_cm[stable] * np.array([1, -1, -1], np.float32)
    pose = fit_similarity(rest, landmarks_px[stable])
    pose[:3, 1:3] *= -1
    return pose


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
    # In plain numbers, which takes a third of NumPy's time for so few.
    (a, b, c), (d, e, f), (g, h, i) = frame_from_head[:3, :3].tolist()
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return math.copysign(abs(volume) ** (1 / 3), volume)


def angles_rad(frame_from_head: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) of a pose in radians.

    Zero when the face looks into the camera. Yaw is positive when the subject turns to
    the subject's left, pitch when looking down, roll when tilting clockwise as seen.
    """
    # The scale is in all of them, and no angle's.
    (right, _, x), (down, _, y), (_, _, z) = frame_from_head[:3, :3].tolist()
    return math.atan2(x, math.hypot(y, z)), math.atan2(y, -z), math.atan2(down, right)
