"""Lips and lids: pairs of landmarks that open and close, and what an opened mouth shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.pixel_map import PixelMap

# What opening the lips moves fades away from them over this distance, cm.
_LIP_REACH_CM = 1.3
# The mouth picture gives way to the user's own mouth while that opens from the first to the
# second part of the target opening.
_OWN_MOUTH_SHOWS = (0.3, 0.65)
# Over so many pixels the mouth picture fades in from the edge of a lip.
_LIP_EDGE_PX = 1.5
# A mouth that is open by this much, cm, is not opened further: speech adds to a smile's opening
# no more than the smile adds to speech's.
_OPEN_ENOUGH_CM = 1.2


def gaps(
    points: NDArray[np.float32],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    down: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return how far each lower landmark lies below its upper one, px."""
    return np.asarray((points[list(lower)] - points[list(upper)]) @ down, np.float32)


def keep_apart(
    points: NDArray[np.float32],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    down: NDArray[np.float32],
    least: NDArray[np.float32],
) -> None:
    """Move pairs of `points` apart, in place, until their gaps are at least `least` px."""
    missing = np.maximum(least - gaps(points, upper, lower, down), 0)[:, None] * down
    points[list(upper)] -= missing / 2
    points[list(lower)] += missing / 2


def opening_no_further(
    offset_cm: NDArray[np.float32], live_opening_cm: float
) -> NDArray[np.float32]:
    """Return the offsets with lower lip and chin falling less the wider the mouth is open."""
    rest = face_mesh.load().rest_cm
    mouth_y = rest[face_mesh.INNER_LIP_UPPER[0], 1]
    falling = (offset_cm[:, 1] < 0) & (rest[:, 1] < mouth_y)
    limited: NDArray[np.float32] = offset_cm.copy()
    limited[falling, 1] *= 1 - min(max(live_opening_cm / _OPEN_ENOUGH_CM, 0.0), 1.0)
    return limited


def closing_no_further(offset_cm: NDArray[np.float32], closable_cm: float) -> NDArray[np.float32]:
    """Return the offsets without that part of the lips' opening that cannot be undone.

    A reversed expression closes the mouth that it opened; lips that already meet would cross.

    Parameters
    ----------
    offset_cm : ndarray of shape (468, 3), float32
    closable_cm : float
        How far the live mouth is open, over the amount by which the expression is reversed.
    """
    rest = face_mesh.load().rest_cm
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    half_opening = np.maximum(offset_cm[upper, 1] - offset_cm[lower, 1], 0) / 2
    line = (rest[upper] + rest[lower]) / 2
    across = np.interp(rest[:, 0], line[:, 0], half_opening, left=0, right=0)
    above = rest[:, 1] - np.interp(rest[:, 0], line[:, 0], line[:, 1])
    side = np.sign(above)
    side[upper], side[lower] = 1, -1
    field = side * across * np.exp(-((above / _LIP_REACH_CM) ** 2))
    whole = max(2 * float(half_opening.max()), 1e-6)
    limited: NDArray[np.float32] = offset_cm.copy()
    limited[:, 1] -= (1 - min(closable_cm / whole, 1.0)) * field
    return limited


def open_mouth(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    lips_live: NDArray[np.float32],
    lips_moved: NDArray[np.float32],
    pixel_map: PixelMap,
    scale_px_per_cm: float,
) -> None:
    """Set what part of the mouth picture each pair of lips reveals, and how much of it. In place.

    The picture is that of the mouth opened by the whole map from closed. A smaller opening
    reveals the rows about the line where the lips meet, so teeth keep their size.
    """
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    rise = np.maximum(pixel_map.offset_cm[upper, 1], 0) + 1e-3
    fall = np.maximum(-pixel_map.offset_cm[lower, 1], 0) + 1e-3
    meeting = rise / (rise + fall)
    full_px = (rise + fall) * scale_px_per_cm
    target_gap, live_gap = np.maximum(lips_moved, 0), np.maximum(lips_live, 0)
    opened = np.clip(target_gap / full_px, 0, 1)
    start, stop = _OWN_MOUTH_SHOWS
    own = live_gap / np.maximum(target_gap, 1e-3)
    shown = np.clip((stop - own) / (stop - start), 0, 1)
    # The corners have no gap of their own and show what their neighbours show.
    for array in (opened, shown, meeting):
        array[0], array[-1] = array[1], array[-2]
    top, bottom = meeting * (1 - opened), meeting + (1 - meeting) * opened
    inset = np.minimum(_LIP_EDGE_PX / np.maximum(target_gap, 1e-3), 0.4)[:, None]
    for points in (target, values):
        above, below = points[face_mesh.MOUTH_UPPER, :2], points[face_mesh.MOUTH_LOWER, :2]
        points[face_mesh.MOUTH_UPPER_INSET, :2] = above + inset * (below - above)
        points[face_mesh.MOUTH_LOWER_INSET, :2] = below + inset * (above - below)
    rows = (
        (face_mesh.MOUTH_UPPER, top, 0.0),
        (face_mesh.MOUTH_UPPER_INSET, top + inset[:, 0] * (bottom - top), 1.0),
        (face_mesh.MOUTH_LOWER_INSET, bottom + inset[:, 0] * (top - bottom), 1.0),
        (face_mesh.MOUTH_LOWER, bottom, 0.0),
    )
    for row, down, opacity in rows:
        values[row, 3] = down
        values[row, 4] = opacity * shown
