"""Lips and lids: pairs of landmarks that open and close, and what an opened mouth shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.pixel_map import PixelMap

# What opening the lips moves fades away from them over this distance, cm.
_LIP_REACH_CM = 1.3
# The mouth picture gives way to the user's own mouth while that is opened from the first to the
# second of these, cm; before, it covers the user's own upper teeth.
_OWN_MOUTH_SHOWS_CM = (1.4, 2.4)
# Below this amount a mouth that is open anyway shows less of the picture.
_FAINT_AMOUNT = 0.6
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
    amount: float,
) -> None:
    """Lay the mouth picture between the moved lips. In place.

    The picture is that of the mouth opened by the whole map from closed. It hangs from the upper
    lip, as upper teeth do, and keeps its size: a smaller opening reveals the rows about the line
    where the lips meet, and in a mouth that its user opens further the user's own inside shows
    below it.

    Parameters
    ----------
    target, values : ndarray of shape (V, 2) and (V, 5), float32
        As in :class:`livexpr.placement.Placement`; rows of the mouth are written to.
    lips_live, lips_moved : ndarray of shape (11,), float32
        Gaps between the pairs of inner lips before and after the expression, px.
    pixel_map : PixelMap
    scale_px_per_cm : float
    amount : float
        Of the expression at the mouth.
    """
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    rise = np.maximum(pixel_map.offset_cm[upper, 1], 0) + 1e-3
    fall = np.maximum(-pixel_map.offset_cm[lower, 1], 0) + 1e-3
    meeting = rise / (rise + fall)
    full_px = (rise + fall) * (scale_px_per_cm * max(amount, 1.0))
    gap = np.maximum(lips_moved, 0)
    top = meeting * (1 - min(max(amount, 0.0), 1.0))
    bottom = top + gap / full_px
    # The corners have no gap of their own and show what their neighbours show.
    for array in (top, bottom):
        array[0], array[-1] = array[1], array[-2]
    shown = _opacity(lips_live, lips_moved, scale_px_per_cm, amount)
    inset = np.minimum(_LIP_EDGE_PX / np.maximum(gap, 1e-3), 0.4)
    for points in (target, values):
        above, below = points[face_mesh.MOUTH_UPPER, :2], points[face_mesh.MOUTH_LOWER, :2]
        points[face_mesh.MOUTH_UPPER_INSET, :2] = above + inset[:, None] * (below - above)
        points[face_mesh.MOUTH_LOWER_INSET, :2] = below + inset[:, None] * (above - below)
    rows = (
        (face_mesh.MOUTH_UPPER, top, 0.0),
        (face_mesh.MOUTH_UPPER_INSET, top + inset * (bottom - top), shown),
        (face_mesh.MOUTH_LOWER_INSET, bottom + inset * (top - bottom), shown),
        (face_mesh.MOUTH_LOWER, bottom, 0.0),
    )
    for row, down, opacity in rows:
        values[row, 3] = down
        values[row, 4] = opacity


def _opacity(
    lips_live: NDArray[np.float32],
    lips_moved: NDArray[np.float32],
    scale_px_per_cm: float,
    amount: float,
) -> float:
    """Return the opacity of the mouth picture, in [0, 1], for the whole mouth at once."""
    live, moved = max(float(lips_live.max()), 0.0), max(float(lips_moved.max()), 1e-3)
    start, stop = _OWN_MOUTH_SHOWS_CM
    closed = min(max((stop - live / scale_px_per_cm) / (stop - start), 0.0), 1.0)
    # Of a faint expression, an open mouth shows no teeth that were not there.
    faint = 1 - min(max(amount / _FAINT_AMOUNT, 0.0), 1.0)
    return closed * (1 - faint * min(live / moved, 1.0))
