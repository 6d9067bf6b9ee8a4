"""Calm noisy points of a body that moves: a One-Euro filter in the body's own space.

References
----------
Casiez, Roussel & Vogel (2012), 1 EUR Filter, CHI, algorithm 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from kernels.awaited import awaited_in
from kernels.checks import check_floats, plain
from kernels.options import INNER, OUTER


class Calm(NamedTuple):
    """How much is smoothed.

    Attributes
    ----------
    rest_hz : float
        Cut-off of points at rest, Hz.
    per_speed_hz : float
        By how much it rises with speed, Hz for each unit a second.
    speed_hz : float
        Cut-off of the speed itself, Hz.
    quick : float
        Lively points that move faster than this, in units a second, count as faster still:
    quicker : float
        what is beyond it so many times more.
    """

    rest_hz: float
    per_speed_hz: float
    speed_hz: float
    quick: float
    quicker: float


@numba.njit(**INNER)
def _inverse_jit(inverse, m):  # type: ignore[no-untyped-def]
    """Write the inverse of the linear part of a pose: cofactors by volume."""
    for row in range(3):
        a, b = (row + 1) % 3, (row + 2) % 3
        for column in range(3):
            c, d = (column + 1) % 3, (column + 2) % 3
            inverse[column, row] = m[a, c] * m[b, d] - m[a, d] * m[b, c]
    volume = m[0, 0] * inverse[0, 0] + m[0, 1] * inverse[1, 0] + m[0, 2] * inverse[2, 0]
    for row in range(3):
        for column in range(3):
            inverse[row, column] /= volume


@numba.njit(**OUTER)
def _calm_jit(  # type: ignore[no-untyped-def]
    out, place, speed, points, pose, last_place, last_speed, lively, calm, dt, inverse
):
    """Write calm points, their places in space and their speeds; with dt 0 the first ones."""
    one = np.float32(1)
    _inverse_jit(inverse, pose)
    turn = np.float32(2 * np.pi) * dt
    follow = turn * calm[2] / (one + turn * calm[2])
    for i in range(place.shape[0]):
        x, y = points[i, 0] - pose[0, 3], points[i, 1] - pose[1, 3]
        z = points[i, 2] - pose[2, 3]
        square = np.float32(0)
        for k in range(3):
            place[i, k] = inverse[k, 0] * x + inverse[k, 1] * y + inverse[k, 2] * z
            speed[i, k] = np.float32(0)
            if dt > 0:
                now = (place[i, k] - last_place[i, k]) / dt
                speed[i, k] = last_speed[i, k] + follow * (now - last_speed[i, k])
            square += speed[i, k] * speed[i, k]
        if dt > 0:
            # One cut-off a point, not an axis: one that moves is followed in every direction.
            pace = np.sqrt(square)
            pace += calm[4] * lively[i] * max(pace - calm[3], np.float32(0))
            part = turn * (calm[0] + calm[1] * pace)
            part = part / (one + part)
            for k in range(3):
                place[i, k] = last_place[i, k] + part * (place[i, k] - last_place[i, k])
            for k in range(3):
                out[i, k] = pose[k, 3] + (
                    pose[k, 0] * place[i, 0] + pose[k, 1] * place[i, 1] + pose[k, 2] * place[i, 2]
                )


@awaited_in("kernels.calming_reference")
def calm_down(
    points: NDArray[np.float32],
    pose: NDArray[np.float32],
    last: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    lively: NDArray[np.float32],
    calm: NDArray[np.float32],
    dt: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Filter the points of a body.

    Parameters
    ----------
    points : ndarray of shape (L, 3), float32
        The first N are filtered.
    pose : ndarray of shape (4, 4), float32
        Takes the body's space to that of the points.
    last : tuple of two ndarray of shape (N, 3), float32, or None
        Places in the body's space and speeds, units a second, as returned last; None to begin.
    lively : ndarray of shape (N,), float32
        How much a point is lively, in [0, 1].
    calm : ndarray of shape (5,), float32
        :class:`Calm`, in that order.
    dt : float
        Since then, s; positive.

    Returns
    -------
    points : ndarray of shape (L, 3), float32
        The very input to begin with.
    place, speed : ndarray of shape (N, 3), float32
        For the next call.

    Raises
    ------
    ValueError
        If an array has another shape or type.
    """
    n = len(lively)
    for array, shape in (
        (points, (max(len(points), n), 3)),
        (pose, (4, 4)),
        (lively, (n,)),
        (calm, (5,)),
        *((each, (n, 3)) for each in last or ()),
    ):
        check_floats(array, shape)
    place, speed = np.empty((2, n, 3), np.float32)
    out = points if last is None else points.copy()
    before = (place, speed) if last is None else last
    dt = 0.0 if last is None else dt
    _calm_jit(
        plain(out), place, speed, plain(points), plain(pose), *map(plain, before), lively, calm,
        np.float32(dt), np.empty((3, 3), np.float32),
    )  # fmt: skip
    return out, place, speed
