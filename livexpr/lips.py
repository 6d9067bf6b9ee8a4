"""Lips and lids: pairs of landmarks that open and close, and what an opened mouth shows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.pixel_map import PixelMap

_UPPER, _LOWER = np.array([face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER])
# What opening the lips moves fades away from them over this distance, cm.
_LIP_REACH_CM = 1.3
# The mouth picture gives way to the user's own mouth while that is opened from the first to the
# second of these, cm; before, it covers the user's own upper teeth.
_OWN_MOUTH_SHOWS_CM = (1.4, 2.4)
# Below this amount a mouth that is open anyway shows less of the picture.
_FAINT_AMOUNT = 0.6
# The mouth picture is nowhere lower than this, cm, so that it has rows to show.
_LEAST_PICTURE_CM = 0.02
# Over so many pixels the mouth picture fades in from the edge of a lip.
_LIP_EDGE_PX = 1.5
# A mouth that is open by this much, cm, is not opened further: at rest, and where its user speaks,
# since the lips of a smile that adds the less the more they open hardly tell what is said. Of an
# expression that itself opens the mouth further, by this part more than it does, so that a jaw
# which drops in speech never lifts the target's.
_OPEN_ENOUGH_CM, _OPEN_ENOUGH_PART = (1.2, 2.5), 1.25
# What opens or closes the lips by this much, cm, surely does so; less is limited less.
_SURELY_CM = 0.15
# The lower lip keeps this part of the depth to which it hangs below the corners of the mouth.
_LEAST_SAG = 0.55
_CORNERS, _LOWER_LIP_MIDDLE = (61, 291), 17
# What rounds the lower lip fades away over this distance from its middle and the corners, cm.
_SAG_REACH_CM = 1.1


@lru_cache(maxsize=1)
def _falls() -> NDArray[np.bool_]:
    """Return which landmarks a dropping jaw takes along: those below the corner of the mouth."""
    height = face_mesh.load().rest_cm[:, 1]
    return np.asarray(height < height[_UPPER[0]])


@lru_cache(maxsize=1)
def _mouth_line() -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Return which landmarks lie below the line between the lips, and how far off it they are.

    Two arrays of shape (468,); distances are vertical, cm, 0 on the inner lips.
    """
    rest = face_mesh.load().rest_cm
    line = (rest[_UPPER] + rest[_LOWER]) / 2
    above = rest[:, 1] - np.interp(rest[:, 0], line[:, 0], line[:, 1]).astype(np.float32)
    above[_UPPER] = above[_LOWER] = 0
    below = above < 0
    below[_LOWER[1:-1]] = True
    return below, np.abs(above)


def opened_cm(moved_cm: NDArray[np.float32]) -> float:
    """Return by how much a displacement, (468, 3) cm, opens the mouth where it does so most."""
    height = moved_cm[:, 1]
    return float((height.take(_UPPER) - height.take(_LOWER)).max())


def part_opened(moved_cm: NDArray[np.float32], pixel_map: PixelMap) -> float:
    """Return to what part of the mouth picture's opening a displacement opens the mouth; >= 0."""
    rise, fall = pixel_map.lips_of_mouth_cm()
    whole_cm = max(float((rise - fall).max()), _LEAST_PICTURE_CM)
    return max(opened_cm(moved_cm), 0.0) / whole_cm


def opening_no_further(
    moved_cm: NDArray[np.float32], live_opening_cm: float, speaking: float = 0.0
) -> None:
    """Let lower lip and chin fall less the wider the mouth is open already. In place.

    Parameters
    ----------
    moved_cm : ndarray of shape (468, 3), float32
        Displacement of each landmark in head space.
    live_opening_cm : float
    speaking : float, optional
        How surely its user speaks, in [0, 1].
    """
    opened = opened_cm(moved_cm)
    at_rest_cm, in_speech_cm = _OPEN_ENOUGH_CM
    enough_cm = at_rest_cm + speaking * (in_speech_cm - at_rest_cm)
    enough_cm = max(enough_cm, _OPEN_ENOUGH_PART * opened)
    held = min(max(opened / _SURELY_CM, 0.0), 1.0)
    held *= min(max(live_opening_cm / enough_cm, 0.0), 1.0)
    if held > 0:
        height = moved_cm[:, 1]
        height -= np.float32(held) * np.minimum(height, 0) * _falls()


def take_back_opening(moved_cm: NDArray[np.float32], part: float) -> None:
    """Bring lips that a displacement parts together again by a part of that. In place.

    Parameters
    ----------
    moved_cm : ndarray of shape (468, 3), float32
        Displacement of each landmark in head space.
    part : float
        From 0 to 1, which leaves them as far apart as they were.
    """
    opened = np.maximum(moved_cm[_UPPER, 1] - moved_cm[_LOWER, 1], 0)
    if part <= 0 or not opened.any():
        return
    height = moved_cm[:, 1]
    # The jaw takes its chin along; what it does not take back, the lips do.
    surely = min(float(opened.max()) / _SURELY_CM, 1.0)
    height -= np.float32(part * surely) * np.minimum(height, 0) * _falls()
    left = np.maximum(height[_UPPER] - height[_LOWER] - np.float32(1 - part) * opened, 0)
    height += _towards_each_other(left / 2).astype(np.float32)


def _towards_each_other(half_cm: NDArray[np.float32]) -> NDArray[np.floating]:
    """Return heights, (468,), cm, that bring each pair of inner lips together by twice `half_cm`.

    They fade away from the lips, and beyond the corners of the mouth.
    """
    return np.asarray(_meeting() @ half_cm)


@lru_cache(maxsize=1)
def _meeting() -> NDArray[np.float32]:
    """Return by how much each landmark goes up with the lower lip's way to each pair, (468, 11)."""
    below, beside = _mouth_line()
    rest_x = face_mesh.load().rest_cm[:, 0]
    pairs = np.eye(len(_UPPER))
    across = np.stack(
        [np.interp(rest_x, rest_x[_UPPER], pair, left=0, right=0) for pair in pairs], axis=1
    )
    fading = np.exp(-((beside / _LIP_REACH_CM) ** 2)) * np.where(below, 1, -1)
    return np.asarray(across * fading[:, None], np.float32)


def closing_no_further(moved_cm: NDArray[np.float32], live_opening_cm: float) -> None:
    """Take away that part of the lips' closing for which they are not open. In place.

    A reversed expression closes the mouth that it opened; lips that already meet would cross, and
    a jaw that is shut cannot rise.

    Parameters
    ----------
    moved_cm : ndarray of shape (468, 3), float32
        Displacement of each landmark in head space.
    live_opening_cm : float
    """
    closed = opened_cm(-moved_cm)
    if closed <= 0:
        return
    below, _ = _mouth_line()
    open_cm = max(live_opening_cm, 0.0)
    rising = below & (moved_cm[:, 1] > 0)
    moved_cm[rising, 1] *= 1 - min(closed / _SURELY_CM, 1.0) * (1 - min(open_cm / closed, 1.0))

    half_closing = np.maximum(moved_cm[_LOWER, 1] - moved_cm[_UPPER, 1], 0) / 2
    whole = max(2 * float(half_closing.max()), 1e-6)
    part = 1 - min(open_cm / whole, 1.0)
    moved_cm[:, 1] -= (part * _towards_each_other(half_closing)).astype(np.float32)


@lru_cache(maxsize=1)
def _sag_fields() -> NDArray[np.float32]:
    """Return how much each landmark goes down with the lower lip less up with the corners."""
    rest = face_mesh.load().rest_cm

    def near(landmark: int) -> NDArray[np.float32]:
        distance = np.linalg.norm(rest - rest[landmark], axis=1)
        return np.asarray(np.exp(-((distance / _SAG_REACH_CM) ** 2)), np.float32)

    corners = near(_CORNERS[0]) + near(_CORNERS[1])
    return np.asarray((near(_LOWER_LIP_MIDDLE) - corners)[:, None], np.float32)


def keep_sag(
    moved: NDArray[np.float32], live: NDArray[np.float32], down: NDArray[np.float32]
) -> None:
    """Keep the lower lip from being drawn straight between lowered corners. In place.

    Parameters
    ----------
    moved, live : ndarray of shape (468, 2), float32
        Landmarks of the target and of the live face, px.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    """
    right, left = _CORNERS
    sag_live, sag = (
        float((points[_LOWER_LIP_MIDDLE] - (points[right] + points[left]) / 2) @ down)
        for points in (live, moved)
    )
    missing = _LEAST_SAG * max(sag_live, 0.0) - sag
    if missing > 0:
        moved += (missing / 2) * _sag_fields() * down


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
        Part of the picture's own opening to which the expression opens the mouth; not negative.
    """
    rise, fall = pixel_map.lips_of_mouth_cm()
    opened = np.maximum(rise - fall, _LEAST_PICTURE_CM)
    meeting = np.minimum(np.maximum(rise / opened, 0), 1)
    full_px = opened * (scale_px_per_cm * max(amount, 1.0))
    gap = np.maximum(lips_moved, 0)
    top = meeting * (1 - min(amount, 1.0))
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
    faint = 1 - min(amount / _FAINT_AMOUNT, 1.0)
    return closed * (1 - faint * min(live / moved, 1.0))
