"""Lips and lids: pairs of landmarks that open and close, and what an opened mouth shows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels import strips
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
OPEN_ENOUGH_CM, OPEN_ENOUGH_PART = (1.2, 2.5), 1.25
# What opens or closes the lips by this much, cm, surely does so; less is limited less.
SURELY_CM = 0.15
# The lower lip keeps this part of the depth to which it hangs below the corners of the mouth.
LEAST_SAG = 0.55
CORNERS, LOWER_LIP_MIDDLE = (61, 291), 17
# What rounds the lower lip fades away over this distance from its middle and the corners, cm.
_SAG_REACH_CM = 1.1

_EYES = slice(face_mesh.LID_UPPER.start, face_mesh.LID_LOWER.stop)
_MOUTH = slice(face_mesh.MOUTH_UPPER.start, face_mesh.MOUTH_LOWER_INSET.stop)
_SHOWING = np.array(
    strips.Showing(_LIP_EDGE_PX, _LEAST_PICTURE_CM, *_OWN_MOUTH_SHOWS_CM, _FAINT_AMOUNT),
    np.float32,
)


@lru_cache(maxsize=1)
def falls() -> NDArray[np.bool_]:
    """Return which landmarks a dropping jaw takes along: those below the corner of the mouth."""
    height = face_mesh.load().rest_cm[:, 1]
    return np.asarray(height < height[_UPPER[0]])


@lru_cache(maxsize=1)
def mouth_line() -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
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


@lru_cache(maxsize=1)
def meeting() -> NDArray[np.float32]:
    """Return by how much each landmark goes up with the lower lip's way to each pair, (468, 11)."""
    below, beside = mouth_line()
    rest_x = face_mesh.load().rest_cm[:, 0]
    pairs = np.eye(len(_UPPER))
    across = np.stack(
        [np.interp(rest_x, rest_x[_UPPER], pair, left=0, right=0) for pair in pairs], axis=1
    )
    fading = np.exp(-((beside / _LIP_REACH_CM) ** 2)) * np.where(below, 1, -1)
    return np.asarray(across * fading[:, None], np.float32)


@lru_cache(maxsize=1)
def sag_fields() -> NDArray[np.float32]:
    """Return how much each landmark goes down with the lower lip less up with the corners."""
    rest = face_mesh.load().rest_cm

    def near(landmark: int) -> NDArray[np.float32]:
        distance = np.linalg.norm(rest - rest[landmark], axis=1)
        return np.asarray(np.exp(-((distance / _SAG_REACH_CM) ** 2)), np.float32)

    corners = near(CORNERS[0]) + near(CORNERS[1])
    return np.asarray(near(LOWER_LIP_MIDDLE) - corners, np.float32)


def part_opened(opened_cm: float, pixel_map: PixelMap) -> float:
    """Return to what part of the mouth picture's opening one of so many cm opens it; >= 0."""
    rise, fall = pixel_map.lips_of_mouth_cm().tolist()
    whole_cm = max(map(float.__sub__, rise, fall))
    return max(opened_cm, 0.0) / max(whole_cm, _LEAST_PICTURE_CM)


def open_mouth(
    target: NDArray[np.float32],
    values: NDArray[np.float32],
    down: NDArray[np.float32],
    pixel_map: PixelMap,
    scale_px_per_cm: float,
    amount: float,
    *,
    sliding_lids: bool = False,
) -> float:
    """Lay the mouth picture between the moved lips. In place.

    The picture is that of the mouth opened by the whole map from closed. It hangs from the upper
    lip, as upper teeth do, and keeps its size: a smaller opening reveals the rows about the line
    where the lips meet, and in a mouth that its user opens further the user's own inside shows
    below it.

    Parameters
    ----------
    target, values : ndarray of shape (N, 2) and (N, 5), float32
        As in :class:`livexpr.placement.Placement`; rows of mouth and lids are written to.
    down : ndarray of shape (2,), float32
        The head's downward direction in the frame, of length 1.
    pixel_map : PixelMap
    scale_px_per_cm : float
    amount : float
        Part of the picture's own opening to which the expression opens the mouth; not negative.
    sliding_lids : bool, optional
        Whether lids are laid over eyes that stay: inside the live opening an eye pixel observes
        itself. A lid that rises above it still observes the eye's own edge, since nothing is known
        of what lies behind the lid.

    Returns
    -------
    float
        How far the lips are apart in the target, cm.
    """
    lips_cm, eyes = pixel_map.lips_of_mouth_cm(), _EYES if sliding_lids else slice(0, 0)
    return (
        strips.show(target, values, eyes, _MOUTH, lips_cm, down, scale_px_per_cm, amount, _SHOWING)
        / scale_px_per_cm
    )
