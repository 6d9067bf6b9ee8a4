"""Where every vertex goes: the live face, moved by the map, kept from tearing.

The live shape is moved, never replaced, so speech, blinks and gaze are the user's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.lips import closing_no_further, gaps, keep_apart, open_mouth, opening_no_further
from livexpr.outline import kept_at_outline
from livexpr.pixel_map import PixelMap
from livexpr.types import FaceTrack

# Lids may close an open eye to this part of its opening, so that skin never hides the iris.
_LEAST_LID_OPENING = 0.45


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

    Returns
    -------
    Placement
    """
    mesh = face_mesh.load()
    live = np.ascontiguousarray(track.landmarks_px[: face_mesh.N_LANDMARKS, :2])
    projection = track.frame_from_head[:2, :3]
    down = -projection[:, 1] / max(float(np.linalg.norm(projection[:, 1])), 1e-6)
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    lips_live = gaps(live, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down)
    opening_cm = float(lips_live.max()) / scale
    mouth_amount = float(amounts[face_mesh.INNER_LIP_UPPER[0]])
    if mouth_amount >= 0:
        offset_cm = opening_no_further(pixel_map.offset_cm, opening_cm)
    else:
        offset_cm = closing_no_further(pixel_map.offset_cm, opening_cm / -mouth_amount)
    kept = amounts[:, None] * kept_at_outline(track.frame_from_head)
    moved = live + (kept * offset_cm) @ projection.T

    lids_live = gaps(live, face_mesh.UPPER_LIDS, face_mesh.LOWER_LIDS, down)
    keep_apart(
        moved,
        face_mesh.UPPER_LIDS,
        face_mesh.LOWER_LIDS,
        down,
        np.where(lids_live > 0, np.float32(_LEAST_LID_OPENING) * lids_live, lids_live),
    )
    keep_apart(
        moved, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down, np.zeros_like(lips_live)
    )

    lips_moved = gaps(moved, face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER, down)
    target = face_mesh.all_vertices(moved)
    source = face_mesh.all_vertices(live)
    # The collar stays where the live oval puts it: only the face inside it moves.
    target[face_mesh.COLLAR] = source[face_mesh.COLLAR]
    _hold_eyeballs(source, target)

    values = np.zeros((face_mesh.N_VERTICES, 5), np.float32)
    values[:, :2] = source
    values[:, 2:4] = mesh.uv
    values[: face_mesh.N_LANDMARKS, 4] = amounts if shaded is None else amounts * shaded
    # The mask is 0 there: without an amount, the kernel does not look at the map in the collar.
    values[list(face_mesh.FACE_OVAL), 4] = 0
    open_mouth(target, values, lips_live, lips_moved, pixel_map, scale, mouth_amount)
    return Placement(
        target_px=target,
        values=values,
        triangles=_far_first(track, mesh),
        n_mouth_triangles=mesh.n_mouth_triangles,
        mouth_opening_cm=float(lips_moved.max()) / scale,
    )


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


def _far_first(track: FaceTrack, mesh: face_mesh.FaceMesh) -> NDArray[np.int32]:
    """Order the triangles by depth, so that a nose hides the cheek behind it.

    The collar comes first and the mouth last; they hide nothing and are hidden by nothing.
    """
    n_face, n_mouth = mesh.n_face_triangles, mesh.n_mouth_triangles
    face, collar, mouth = np.split(mesh.triangles, [n_face, len(mesh.triangles) - n_mouth])
    depth = face_mesh.all_vertices(track.landmarks_px[:, 2:])[:, 0]
    order = np.argsort(-depth[face].sum(axis=1), kind="stable")
    return np.concatenate([collar, face[order], mouth])
