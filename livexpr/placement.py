"""Where every vertex goes: the live face, moved by the map, kept from tearing.

The live shape is moved, never replaced, so speech, blinks and gaze are the user's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels import moves, ordering
from kernels.surfaces import Limits, Surface, Wish
from livexpr import eyes, face_mesh, folds, head_pose, lids, lips, outline
from livexpr.pixel_map import PixelMap
from livexpr.types import FaceTrack

# Triangles of the mesh between the lids of one eye.
_PER_EYE = 2 * len(face_mesh.RIGHT_LID_UPPER) - 4
_N = face_mesh.N_VERTICES
# The vertices of mouth and eyes lie on the landmarks that they are made from.
_LOOSE = slice(face_mesh.MOUTH_UPPER.start, _N)
_LANDMARK_OF_LOOSE = face_mesh.LANDMARK_OF_VERTEX[_LOOSE]
_SETTLED = slice(0, face_mesh.COLLAR.stop)
_STILL_CM = np.zeros((face_mesh.N_LANDMARKS, 3), np.float32)
_EVERYWHERE = np.ones(face_mesh.N_LANDMARKS, np.bool_)
LIMITS = np.array(
    Limits(
        surely=lips.SURELY_CM,
        enough_at_rest=lips.OPEN_ENOUGH_CM[0],
        enough_moving=lips.OPEN_ENOUGH_CM[1],
        enough_part=lips.OPEN_ENOUGH_PART,
        edge_on=outline.EDGE_ON_RANGE[0],
        facing=outline.EDGE_ON_RANGE[1],
        held_from=outline.COLLAR_RANGE[0],
        held_at=outline.COLLAR_RANGE[1],
        radius=lids.REACH_CM,
        least_room=lids.LEAST_ROOM_CM,
        shut=lids.BLINK_CM[0],
        opened=lids.BLINK_CM[1],
        hardly=lids.HARDLY,
        least_sag=lips.LEAST_SAG,
        reach=face_mesh.COLLAR_REACH,
    ),
    np.float32,
)


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
    *,
    fine_eyes: bool = True,
) -> Placement:
    """Move the live mesh by the map.

    Parameters
    ----------
    track : FaceTrack
        The live face.
    pixel_map : PixelMap
        Gives displacements and what an opened mouth shows.
    amounts : ndarray of shape (468,), float32
        Amount of the expression at each landmark, as from
        :func:`livexpr.regions.landmark_amounts`.
    shaded : ndarray of shape (468,), bool, optional
        Landmarks near which gain or bias change anything; all of them by default. Elsewhere the
        kernel need not look at the map.
    added_cm : ndarray of shape (468, 3), float32, optional
        Displacement in head space besides that of the map.
    closing : float, optional
        What part of the opening of the lips is taken back; from :func:`livexpr.speech.closing`.
    speaking : float, optional
        How surely the user speaks; from :func:`livexpr.speech.speaking`.
    fine_eyes : bool, optional
        Whether the eyes have a mesh of their own, in which irises stay round and lids slide over
        them; the mesh's few triangles else, as slow machines need it.

    Returns
    -------
    Placement
    """
    landmarks, pose = track.landmarks_px, track.frame_from_head
    scale, down = head_pose.scale_px_per_cm(pose), _down(pose)
    values = _unplaced().copy()
    target = np.empty((len(values), 2), np.float32)
    wish = Wish(
        amounts,
        pixel_map.offset_cm,
        _STILL_CM if added_cm is None else added_cm,
        _EVERYWHERE if shaded is None else shaded,
        closing,
        speaking,
    )
    opened_cm = moves.move(target, values, landmarks, pose, scale, wish, surface(), LIMITS)
    # The collar stays where the live oval puts it: only the face inside it moves.
    target[face_mesh.COLLAR] = values[face_mesh.COLLAR, :2]
    folds.keep_whole(target[_SETTLED], values[_SETTLED], down, scale)
    target[_LOOSE] = target.take(_LANDMARK_OF_LOOSE, axis=0)
    mouth_amount = lips.part_opened(opened_cm, pixel_map)
    opening_cm = lips.open_mouth(
        target, values, down, pixel_map, scale, mouth_amount, sliding_lids=True
    )
    finer = None
    if fine_eyes:
        finer = eyes.eye_mesh(target[_N:], values[_N:], landmarks, target, down, scale)
    n = _N if finer is None else len(target)
    mesh, corners = _ordered()
    n_first = len(mesh) - len(corners) - face_mesh.load().n_mouth_triangles
    return Placement(
        target_px=target[:n],
        values=values[:n],
        triangles=ordering.far_first(landmarks, corners, mesh, n_first, _PER_EYE, finer, _N),
        n_mouth_triangles=face_mesh.load().n_mouth_triangles,
        mouth_opening_cm=opening_cm,
    )


def _down(frame_from_head: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the head's downward direction in the frame, (2,), of length 1."""
    x, y = frame_from_head[:2, 1].tolist()
    length = max(math.hypot(x, y), 1e-6)
    return np.array([-x / length, -y / length], np.float32)


@lru_cache(maxsize=1)
def _unplaced() -> NDArray[np.float32]:
    """Return what vertices observe, those of the eyes too, but for where in the frame, (V, 5)."""
    values = np.zeros((_N + eyes.N_VERTICES, 5), np.float32)
    values[:_N, 2:4] = face_mesh.load().uv
    return values


@lru_cache(maxsize=1)
def _ordered() -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the mesh's triangles, and the landmarks that tell how deep those of the face lie.

    A nose hides the cheek behind it. The collar is drawn first and the mouth last; they hide
    nothing and are hidden by nothing.
    """
    mesh = face_mesh.load()
    landmarks = face_mesh.LANDMARK_OF_VERTEX[mesh.triangles[: mesh.n_face_triangles]]
    return mesh.triangles.copy(), np.ascontiguousarray(landmarks, np.int32)


@lru_cache(maxsize=1)
def surface() -> Surface:
    """Return what is known of the landmarks as they move."""
    below, _ = lips.mouth_line()
    oval, (held, follows) = np.array(face_mesh.FACE_OVAL, np.int32), outline.chin()
    inner = np.ones(face_mesh.N_LANDMARKS, np.float32)
    # The mask is 0 there: without an amount, the kernel does not look at the map in the collar.
    inner[oval] = 0
    fields = np.vstack(
        [
            outline.rest_normals().T,
            outline.beside_face(),
            outline.below_hairline(),
            inner,
            lips.falls(),
            below,
            follows,
            lips.sag_fields(),
            lids.beside_lids(),
            lips.meeting().T,
        ]
    )
    return Surface(
        fields=np.ascontiguousarray(fields, np.float32),
        slit=np.array([face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER], np.int32),
        rim=np.concatenate([held, np.setdiff1d(oval, held)]).astype(np.int32),
        covers=lids.lids_with_irises(),
        sagging=np.array([lips.LOWER_LIP_MIDDLE, *lips.CORNERS], np.int32),
        vertices=face_mesh.LANDMARK_OF_VERTEX.astype(np.int32),
        n_held=len(held),
        n_points=max(eyes.IRIS_CENTRES) + 1,
    )
