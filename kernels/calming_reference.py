"""What :mod:`kernels.calming` computes, in plain NumPy: the oracle of its tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kernels.calming import Calm


def calm_down(
    points: NDArray[np.float32],
    pose: NDArray[np.float32],
    last: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    lively: NDArray[np.float32],
    calm: NDArray[np.float32],
    dt: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Filter points as :func:`kernels.calming.calm_down`."""
    n, how = len(lively), Calm(*calm.tolist())
    inverse = np.linalg.inv(pose[:3, :3].astype(np.float64)).T
    place = np.asarray((points[:n] - pose[:3, 3]) @ inverse, np.float32)
    if last is None:
        return points, place, np.zeros_like(place)
    last_place, last_speed = last
    speed = last_speed + _factor(how.speed_hz, dt) * ((place - last_place) / dt - last_speed)
    pace = np.sqrt((speed * speed).sum(axis=1))[:, None]
    pace += how.quicker * lively[:, None] * np.maximum(pace - how.quick, 0)
    part = _factor(how.rest_hz + how.per_speed_hz * pace, dt)
    calmed = np.asarray(last_place + part * (place - last_place), np.float32)
    out = points.copy()
    out[:n] = calmed @ pose[:3, :3].T + pose[:3, 3]
    return out, calmed, np.asarray(speed, np.float32)


def _factor(cutoff_hz: NDArray[np.floating] | float, dt_s: float) -> NDArray[np.floating]:
    """Return the weight of the newest sample in a first-order low-pass."""
    turned = 2 * np.pi * dt_s * np.asarray(cutoff_hz)
    return turned / (1 + turned)
