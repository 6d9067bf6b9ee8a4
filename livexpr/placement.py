"""Where every vertex goes: the live face, moved by the map, kept from tearing.

The live shape is moved, never replaced, so speech, blinks and gaze are the user's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, folds, head_pose
from livexpr.eyes import eye_mesh
from livexpr.lids import hold_back_lids
from livexpr.lips import (
    closing_no_further,
    keep_sag,
    open_mouth,
    opening_no_further,
    part_opened,
    take_back_opening,
)
from livexpr.margins import gaps, keep_margins, keep_open, least_gaps
from livexpr.outline import hold_in_collar, kept_at_outline
from livexpr.pixel_map import PixelMap
from livexpr.types import FaceTrack

# Rounds in which what folds nevertheless is held back little by little.
_GENTLE_ROUNDS = 16
# Triangles of the mesh between the lids of one eye.
_PER_EYE = 2 * len(face_mesh.RIGHT_LID_UPPER) - 4
_INNER_UPPER, _INNER_LOWER = np.array([face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER])
_OVAL = np.array(face_mesh.FACE_OVAL)
_EYE_VERTICES = slice(face_mesh.LID_UPPER.start, face_mesh.LID_LOWER.stop)
# Depths are told apart in so many steps: enough for triangles, and integers sort quickly.
_DEPTH_STEPS = np.float32(2**16 - 1)


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


def place(
    track: FaceTrack,
    pixel_map: PixelMap,
    amounts: NDArray[np.float32],
    shaded: NDArray[np.bool_] | None = None,
    added_cm: NDArray[np.float32] | None = None,
    closing: float = 0.0,
    speaking: float = 0.0,
) -> Placement:
    """Move the live mesh by the map.

    Parameters
    ----------
    track : FaceTrack
        The live face.
    pixel_map : PixelMap
        Gives displacements and what an opened mouth shows.
    amounts : ndarray of shape (468,), float32
        Amount of the expression at each landmark, as from :func:`landmark_amounts`.
    shaded : ndarray of shape (468,), bool, optional
        Landmarks near which gain or bias change anything; all of them by default. Elsewhere the
        kernel need not look at the map.
    added_cm : ndarray of shape (468, 3), float32, optional
        Displacement in head space besides that of the map.
    closing : float, optional
        What part of the opening of the lips is taken back; from :func:`livexpr.speech.closing`.
    speaking : float, optional
        How surely the user speaks; from :func:`livexpr.speech.speaking`.

    Returns
    -------
    Placement
    """
    mesh = face_mesh.load()
    live = np.ascontiguousarray(track.landmarks_px[: face_mesh.N_LANDMARKS, :2])
    projection = track.frame_from_head[:2, :3]
    down = -projection[:, 1] / np.float32(max(math.hypot(*projection[:, 1]), 1e-6))
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    lips_live = gaps(live, _INNER_UPPER, _INNER_LOWER, down)
    opening_cm = float(lips_live.max()) / scale
    moved_cm = amounts[:, None] * pixel_map.offset_cm
    if added_cm is not None:
        moved_cm += added_cm
    take_back_opening(moved_cm, closing)
    mouth_amount = part_opened(moved_cm, pixel_map)
    opening_no_further(moved_cm, opening_cm, speaking)
    closing_no_further(moved_cm, opening_cm)
    moved_cm *= kept_at_outline(track.frame_from_head)
    displacement = np.asarray(moved_cm @ projection.T, np.float32)
    source = face_mesh.all_vertices(live)
    hold_in_collar(displacement, source)
    hold_back_lids(displacement, track.landmarks_px[:, :2], down, scale)
    moved = live + displacement

    keep_sag(moved, live, down)
    target = _unfolded(moved, source, down, scale)
    moved = target[: face_mesh.N_LANDMARKS]
    lips_moved = gaps(moved, _INNER_UPPER, _INNER_LOWER, down)
    _hold_eyeballs(source, target)
    eyes = eye_mesh(track.landmarks_px[:, :2], moved, down, scale)

    n = face_mesh.N_VERTICES
    values = np.zeros((n if eyes is None else n + len(eyes.source_px), 5), np.float32)
    values[:n, :2] = source
    values[:n, 2:4] = mesh.uv
    values[: face_mesh.N_LANDMARKS, 4] = amounts if shaded is None else amounts * shaded
    # The mask is 0 there: without an amount, the kernel does not look at the map in the collar.
    values[_OVAL, 4] = 0
    open_mouth(target, values, lips_live, lips_moved, pixel_map, scale, mouth_amount)
    if eyes is not None:
        target = np.concatenate([target, eyes.target_px])
        values[n:, :2] = eyes.source_px
    return Placement(
        target_px=target,
        values=values,
        triangles=_far_first(track, None if eyes is None else eyes.triangles),
        n_mouth_triangles=mesh.n_mouth_triangles,
        mouth_opening_cm=float(lips_moved.max()) / scale,
    )


def _unfolded(
    moved: NDArray[np.float32],
    source: NDArray[np.float32],
    down: NDArray[np.float32],
    scale_px_per_cm: float,
) -> NDArray[np.float32]:
    """Return the target's vertices: lips and lids on their own sides, and nothing folded."""
    least = least_gaps(source, down)
    keep_margins(moved, least, down)
    target = moved.take(face_mesh.LANDMARK_OF_VERTEX, axis=0)
    # The collar stays where the live oval puts it: only the face inside it moves.
    target[face_mesh.COLLAR] = source[face_mesh.COLLAR]
    areas = folds.least_areas(source, scale_px_per_cm)
    # Lips and lids may fold what was unfolded, so they are seen to in turn; that lips be thick
    # counts for less than that nothing folds.
    for keep in (keep_margins, keep_open, keep_open):
        if not folds.unfold(target, areas):
            break
        keep(target, least, down)
    else:
        for gentle_rounds in (_GENTLE_ROUNDS, 0):
            folds.hold_back(target, source, areas, gentle_rounds)
            keep_open(target, least, down)
    # The vertices of mouth and eyes lie on the landmarks that they are made from.
    loose = slice(face_mesh.MOUTH_UPPER.start, None)
    target[loose] = target[face_mesh.LANDMARK_OF_VERTEX[loose]]
    return target


def _hold_eyeballs(source: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Let lids slide: inside the live opening an eye pixel observes itself. In place.

    A lid that rises above the live opening still observes the eye's own edge, since nothing
    is known of what lies behind the lid.
    """
    live, moved = (points[_EYE_VERTICES].reshape(2, -1, 2) for points in (source, target))
    axis = live[1] - live[0]
    length = np.maximum(np.einsum("ij,ij->i", axis, axis), 1e-6)
    along = np.einsum("kij,ij->ki", moved - live[0], axis) / length
    excess = np.minimum(np.maximum(along, 0), 1) - along
    observed = moved + excess[..., None] * axis
    corner = (length < 1.0)[:, None]
    source[_EYE_VERTICES] = np.where(corner, live, observed).reshape(-1, 2)


class _Faces(NamedTuple):
    """The mesh's triangles by their part, and the landmarks of those of the face, (3, T)."""

    face: NDArray[np.int32]
    collar: NDArray[np.int32]
    mouth: NDArray[np.int32]
    landmarks: NDArray[np.intp]


@lru_cache(maxsize=1)
def _faces() -> _Faces:
    mesh = face_mesh.load()
    face, collar, mouth = np.split(
        mesh.triangles, [mesh.n_face_triangles, len(mesh.triangles) - mesh.n_mouth_triangles]
    )
    landmarks = face_mesh.LANDMARK_OF_VERTEX[face.T]
    return _Faces(face, collar, mouth, np.ascontiguousarray(landmarks))


def _far_first(track: FaceTrack, eyes: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """Order the triangles by depth, so that a nose hides the cheek behind it.

    The collar comes first and the mouth last; they hide nothing and are hidden by nothing. With
    `eyes`, (2, M, 3), those take the place of the mesh's own, each eye as a whole; their vertices
    follow the mesh's.
    """
    faces = _faces()
    corners = np.ascontiguousarray(track.landmarks_px[:, 2]).take(faces.landmarks)
    depth = corners[0] + corners[1] + corners[2]
    if eyes is not None:
        n_skin = len(depth) - 2 * _PER_EYE
        of_eyes = depth[n_skin:].reshape(2, _PER_EYE).mean(axis=1)
        depth = np.concatenate([depth[:n_skin], of_eyes])
    farthest = depth.max()
    step = max(float(farthest - depth.min()), 1e-6) / _DEPTH_STEPS
    order = np.argsort(((farthest - depth) / step).astype(np.uint16), kind="stable")
    if eyes is None:
        return np.concatenate([faces.collar, faces.face.take(order, axis=0), faces.mouth])
    finer = eyes + np.int32(face_mesh.N_VERTICES)
    parts, begun = [faces.collar], 0
    for at in np.flatnonzero(order >= n_skin):
        parts += [faces.face.take(order[begun:at], axis=0), finer[order[at] - n_skin]]
        begun = at + 1
    return np.concatenate([*parts, faces.face.take(order[begun:], axis=0), faces.mouth])
