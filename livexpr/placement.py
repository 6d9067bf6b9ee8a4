"""Where every vertex goes: the live face, moved by the map, kept from tearing.

The live shape is moved, never replaced, so speech, blinks and gaze are the user's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.pixel_map import PixelMap
from livexpr.types import FaceTrack

REGIONS = ("brows", "eyes", "cheeks", "mouth")

# Landmarks around which each region is centred; a region fades over about a finger's breadth.
_REGION_SEEDS = {
    "brows": (*(70, 63, 105, 66, 107, 46, 53, 52, 65, 55), *(300, 293, 334, 296, 336, 276, 283)),
    "eyes": (*face_mesh.RIGHT_LID_UPPER, *face_mesh.RIGHT_LID_LOWER, *face_mesh.LEFT_LID_UPPER),
    "cheeks": (*(50, 101, 36, 205, 187, 123, 117, 118), *(280, 330, 266, 425, 411, 352, 346, 347)),
    "mouth": (*face_mesh.INNER_LIP_UPPER, *face_mesh.INNER_LIP_LOWER, 0, 17, 61, 291, 40, 270),
}
_REGION_SEEDS["eyes"] += face_mesh.LEFT_LID_LOWER
_REGION_SEEDS["brows"] += (282, 295, 285)
_REGION_REACH_CM = 1.6

# On the sides of the head, displacement fades out between these cosines of the angle between
# skin and viewer; the sides begin and are reached at these distances from the middle, cm.
_EDGE_ON_RANGE = (0.12, 0.5)
_SIDE_RANGE_CM = (3.5, 5.5)
# What opening the lips moves fades away from them over this distance, cm.
_LIP_REACH_CM = 1.3

# Lids may close an open eye to this part of its opening, so that skin never hides the iris.
_LEAST_LID_OPENING = 0.45
# The mouth picture gives way to the user's own mouth while that opens from the first to the
# second part of the target opening.
_OWN_MOUTH_SHOWS = (0.3, 0.65)
# Over so many pixels the mouth picture fades in from the edge of a lip.
_LIP_EDGE_PX = 1.5
# A mouth that is open by this much, cm, is not opened further: speech adds to a smile's opening
# no more than the smile adds to speech's.
_OPEN_ENOUGH_CM = 1.2


@dataclass(frozen=True, slots=True)
class Placement:
    """What the kernel needs to know of the mesh on one frame.

    Attributes
    ----------
    target_px : ndarray of shape (V, 2), float32
        Where each vertex is drawn, px of the frame.
    values : ndarray of shape (V, 5), float32
        Source x, y in px; u, v in face space or in the mouth picture; amount.
    triangles : ndarray of shape (T, 3), int32
        In drawing order: far ones first; the mouth last.
    n_mouth_triangles : int
    mouth_opening_cm : float
        How far the lips are apart in the target.
    """

    target_px: NDArray[np.float32]
    values: NDArray[np.float32]
    triangles: NDArray[np.int32]
    n_mouth_triangles: int
    mouth_opening_cm: float


@lru_cache(maxsize=1)
def region_fields() -> NDArray[np.float32]:
    """Return how much each landmark belongs to each region, (468, 4), float32, in [0, 1].

    Rows add up to at most 1; what is missing belongs to no region and has weight 1 always.
    """
    rest = face_mesh.load().rest_cm
    fields = []
    for name in REGIONS:
        seeds = rest[list(_REGION_SEEDS[name])]
        distance = np.linalg.norm(rest[:, None] - seeds[None], axis=2).min(axis=1)
        fields.append(np.exp(-0.5 * (distance / _REGION_REACH_CM) ** 2))
    stacked = np.stack(fields, axis=1)
    result: NDArray[np.float32] = stacked / np.maximum(stacked.sum(axis=1, keepdims=True), 1)
    result.setflags(write=False)
    return result


def landmark_amounts(strength: float, regions: Sequence[float]) -> NDArray[np.float32]:
    """Return the amount of the expression at each landmark, (468,), float32.

    Parameters
    ----------
    strength : float
        Of the whole expression.
    regions : sequence of four float
        Weights of brows, eyes, cheeks and mouth; 1 leaves a region as it is.
    """
    weights = 1 + region_fields() @ (np.array(regions, np.float32) - 1)
    return np.asarray(strength * weights, np.float32)


def place(track: FaceTrack, pixel_map: PixelMap, amounts: NDArray[np.float32]) -> Placement:
    """Move the live mesh by the map.

    Parameters
    ----------
    track : FaceTrack
        The live face.
    pixel_map : PixelMap
        Gives displacements and what an opened mouth shows.
    amounts : ndarray of shape (468,), float32
        Amount of the expression at each landmark, as from :func:`landmark_amounts`.

    Returns
    -------
    Placement
    """
    mesh = face_mesh.load()
    live = np.ascontiguousarray(track.landmarks_px[: face_mesh.N_LANDMARKS, :2])
    projection = track.frame_from_head[:2, :3]
    down = -projection[:, 1] / max(float(np.linalg.norm(projection[:, 1])), 1e-6)
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    lips_live = _gaps(live, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down)
    opening_cm = float(lips_live.max()) / scale
    mouth_amount = float(amounts[face_mesh.INNER_LIP_UPPER[0]])
    if mouth_amount >= 0:
        offset_cm = _opening_no_further(pixel_map.offset_cm, opening_cm)
    else:
        offset_cm = _closing_no_further(pixel_map.offset_cm, opening_cm / -mouth_amount)
    kept = amounts[:, None] * _held_outline(track.frame_from_head)
    moved = live + (kept * offset_cm) @ projection.T

    lids_live = _gaps(live, face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS, down)
    _keep_apart(
        moved,
        face_mesh.UPPER_LIDS,
        face_mesh.LOWER_LIDS,
        down,
        np.where(lids_live > 0, np.float32(_LEAST_LID_OPENING) * lids_live, lids_live),
    )
    _keep_apart(
        moved, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down, np.zeros_like(lips_live)
    )

    lips_moved = _gaps(moved, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down)
    target = face_mesh.all_vertices(moved)
    source = face_mesh.all_vertices(live)
    # The collar stays where the live oval puts it: only the face inside it moves.
    target[face_mesh.COLLAR] = source[face_mesh.COLLAR]
    _hold_eyeballs(source, target)

    values = np.zeros((face_mesh.N_VERTICES, 5), np.float32)
    values[:, :2] = source
    values[:, 2:4] = mesh.uv
    values[: face_mesh.N_LANDMARKS, 4] = amounts
    _open_mouth(target, values, lips_live, lips_moved, pixel_map, scale)
    return Placement(
        target_px=target,
        values=values,
        triangles=_far_first(track, mesh),
        n_mouth_triangles=mesh.n_mouth_triangles,
        mouth_opening_cm=float(lips_moved.max()) / scale,
    )


@lru_cache(maxsize=1)
def _rest_normals() -> NDArray[np.float32]:
    """Return the outward unit normal of each landmark on the rest face, (468, 3), float32."""
    mesh = face_mesh.load()
    skin = mesh.triangles[: mesh.n_face_triangles]
    skin = skin[(skin < face_mesh.N_LANDMARKS).all(axis=1)]
    a, b, c = (mesh.rest_cm[skin[:, corner]] for corner in range(3))
    across = np.cross(c - a, b - a)
    normals = np.zeros_like(mesh.rest_cm)
    for corner in range(3):
        np.add.at(normals, skin[:, corner], across)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals


@lru_cache(maxsize=1)
def _beside_face() -> NDArray[np.float32]:
    """Return how much each landmark belongs to the sides of the head, (468,), in [0, 1]."""
    start, stop = _SIDE_RANGE_CM
    t = np.clip((np.abs(face_mesh.load().rest_cm[:, 0]) - start) / (stop - start), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _held_outline(frame_from_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what part of its displacement each landmark keeps, (468, 1), float32.

    Where the side of the head turns away from the viewer, the mesh ends in mid-picture and what
    lies behind it cannot follow: a cheek that moved there would cut hard into the background.
    """
    depth_axis = frame_from_head[2, :3]
    facing = _rest_normals() @ (-depth_axis / max(float(np.linalg.norm(depth_axis)), 1e-6))
    start, stop = _EDGE_ON_RANGE
    t = np.clip((facing - start) / (stop - start), 0, 1)
    kept = 1 - _beside_face() * (1 - t * t * (3 - 2 * t))
    return np.asarray(kept[:, None], np.float32)


def _opening_no_further(
    offset_cm: NDArray[np.float32], live_opening_cm: float
) -> NDArray[np.float32]:
    """Return the offsets with lower lip and chin falling less the wider the mouth is open."""
    rest = face_mesh.load().rest_cm
    mouth_y = rest[face_mesh.INNER_LIP_UPPER[0], 1]
    falling = (offset_cm[:, 1] < 0) & (rest[:, 1] < mouth_y)
    limited: NDArray[np.float32] = offset_cm.copy()
    limited[falling, 1] *= 1 - min(max(live_opening_cm / _OPEN_ENOUGH_CM, 0.0), 1.0)
    return limited


def _closing_no_further(offset_cm: NDArray[np.float32], closable_cm: float) -> NDArray[np.float32]:
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


def _gaps(
    points: NDArray[np.float32],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    down: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return how far each lower landmark lies below its upper one, px."""
    return np.asarray((points[list(lower)] - points[list(upper)]) @ down, np.float32)


def _keep_apart(
    points: NDArray[np.float32],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    down: NDArray[np.float32],
    least: NDArray[np.float32],
) -> None:
    """Move pairs of `points` apart, in place, until their gaps are at least `least` px."""
    missing = np.maximum(least - _gaps(points, upper, lower, down), 0)[:, None] * down
    points[list(upper)] -= missing / 2
    points[list(lower)] += missing / 2


def _hold_eyeballs(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Let lids slide: inside the live opening an eye pixel observes itself. In place.

    A lid that rises above the live opening still observes the eye's own edge, since nothing
    is known of what lies behind the lid.
    """
    upper, lower = face_mesh.LID_UPPER, face_mesh.LID_LOWER
    axis = source[lower] - source[upper]
    length = np.maximum((axis * axis).sum(axis=1), 1e-6)
    corner = length < 1.0
    updates = []
    for part in (upper, lower):
        along = ((target[part] - source[upper]) * axis).sum(axis=1) / length
        excess = (np.clip(along, 0, 1) - along)[:, None] * axis
        updates.append(np.where(corner[:, None], source[part], target[part] + excess))
    source[upper], source[lower] = updates


def _open_mouth(
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


def _far_first(track: FaceTrack, mesh: face_mesh.FaceMesh) -> NDArray[np.int32]:
    """Order the triangles by depth, so that a nose hides the cheek behind it.

    The collar comes first and the mouth last; they hide nothing and are hidden by nothing.
    """
    n_face, n_mouth = mesh.n_face_triangles, mesh.n_mouth_triangles
    face, collar, mouth = np.split(mesh.triangles, [n_face, len(mesh.triangles) - n_mouth])
    depth = face_mesh.all_vertices(track.landmarks_px[:, 2:])[:, 0]
    order = np.argsort(-depth[face].sum(axis=1), kind="stable")
    return np.concatenate([collar, face[order], mouth])
