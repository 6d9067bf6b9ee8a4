"""A head that can be moved: a still face, its depth, and how its jaw, lips and brows move."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, lighting, pixel_map, presets
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.training.canvas import FACE_HEIGHT, canvas_grid, smoothstep, spline_operator
from livexpr.types import FaceTrack, Frame, NoFace

# The joint of the jaw lies behind the ear's front landmark by this much, cm.
_JOINT_BEHIND_CM = 1.0
# The corners of the mouth follow the jaw by this part; that fades over this distance, cm.
_CORNER_PART, _CORNER_REACH_CM = 0.4, 1.2
_LIP_RISE, _PUCKER_PART, _PUCKER_REACH_CM, _PUCKER_CM = 0.12, 0.3, 2.2, 0.35
_BROW_REACH_CM = 1.3
# The line where the lips meet is sought so far from the landmarks; its shade is the upper
# lip's; px of the canvas.
_LIP_SEARCH_PX, _LIP_SHADE_PX = 7, 0.7
# The mouth picture is of lips this far apart, cm.
_OPEN_CM = 1.3


@dataclass(frozen=True, slots=True)
class Head:
    """A still face on the canvas, and what is needed to move it.

    Attributes
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    track : FaceTrack
        Found on it.
    jaw_cm, pucker_cm, brows_cm : ndarray of shape (468, 3), float32
        Displacements in head space of lips opened by 1 cm, of pursed lips and of raised brows.
    mouth : PixelMap
        Holds the inside of the mouth.
    skin_and_white : pair of ndarray of shape (3,), float32
        Colours of the skin and of the whites of the eyes; the latter may be None.
    height_px : ndarray of shape (h, w), float32
        How far in front of the ears everything lies, at the points of the canvas grid.
    follows : ndarray of shape (h, w), float32
        How much of the head's motion everything takes part in, in [0, 1].
    """

    pixels: NDArray[np.uint8]
    track: FaceTrack
    jaw_cm: NDArray[np.float32]
    pucker_cm: NDArray[np.float32]
    brows_cm: NDArray[np.float32]
    mouth: PixelMap
    skin_and_white: tuple[NDArray[np.float32], NDArray[np.float32] | None]
    height_px: NDArray[np.float32]
    follows: NDArray[np.float32]


def _jaw_offsets() -> NDArray[np.float32]:
    """Return displacements, (468, 3) cm, of a jaw that parts the lips by 1 cm."""
    rest = face_mesh.load().rest_cm
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    line = (rest[upper] + rest[lower]) / 2
    beside = np.abs(rest[:, 0])
    corner_x, corner_y = float(abs(line[0, 0])), float(line[0, 1])
    below = rest[:, 1] < np.interp(rest[:, 0], line[:, 0], line[:, 1])
    below[upper], below[lower] = False, True
    from_corner = np.hypot(beside - corner_x, rest[:, 1] - corner_y)
    near = np.exp(-((from_corner / _CORNER_REACH_CM) ** 2))
    at_mouth = np.where(below, 1 - (1 - _CORNER_PART) * near, _CORNER_PART * near)
    # Beside the mouth the cheek leads over from the still upper to the moving lower face.
    at_cheek = smoothstep((corner_y + 1.4 - rest[:, 1]) / 3.2)
    aside = smoothstep((beside - corner_x) / 1.5)
    part = at_mouth + aside * (at_cheek - at_mouth)
    part[[upper[0], upper[-1]]] = _CORNER_PART
    joint = rest[[234, 454]].mean(axis=0) - np.array([0, 0, _JOINT_BEHIND_CM])
    arm = rest - joint
    turned = np.zeros_like(rest)
    turned[:, 1], turned[:, 2] = -arm[:, 2], arm[:, 1]
    turned *= part[:, None] / float(arm[lower[len(lower) // 2], 2])
    lip_height = np.exp(-((from_corner / 2.0) ** 2)) * ~below * (rest[:, 1] < corner_y + 1.5)
    lip_height *= np.clip(1 - beside / corner_x, 0, 1)
    turned[:, 1] += _LIP_RISE * lip_height
    return turned.astype(np.float32)


def _pucker_offsets() -> NDArray[np.float32]:
    """Return displacements, (468, 3) cm, of pursed lips."""
    rest = face_mesh.load().rest_cm
    middle = rest[[13, 14]].mean(axis=0)
    distance = np.hypot(rest[:, 0], rest[:, 1] - middle[1])
    near = np.exp(-((distance / _PUCKER_REACH_CM) ** 2))
    offsets = np.zeros_like(rest)
    offsets[:, 0] = -_PUCKER_PART * rest[:, 0] * near
    offsets[:, 2] = _PUCKER_CM * near
    return offsets


def _brow_offsets() -> NDArray[np.float32]:
    """Return displacements, (468, 3) cm, of brows raised by 1 cm; the lids stay."""
    rest = face_mesh.load().rest_cm
    seeds = rest[[70, 63, 105, 66, 107, 300, 293, 334, 296, 336]]
    distance = np.linalg.norm(rest[:, None] - seeds[None], axis=2).min(axis=1)
    lids = rest[[*face_mesh.UPPER_LIDS, *face_mesh.LOWER_LIDS]]
    from_lids = np.linalg.norm(rest[:, None] - lids[None], axis=2).min(axis=1)
    offsets = np.zeros_like(rest)
    offsets[:, 1] = np.exp(-((distance / _BROW_REACH_CM) ** 2))
    offsets[:, 1] *= smoothstep((from_lids - 0.3) / 0.8)
    return offsets


def _speaking_mouth(smile: PixelMap, jaw_cm: NDArray[np.float32]) -> PixelMap:
    """Return the inside of a speaking mouth: the tips of the smile's teeth, and dark below."""
    size = smile.mouth.shape[0]
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    tips_rows = np.float32(size - 1) * np.clip(0.45 + 1.55 * down[:, 0] * np.ones((1, size)), 0, 1)
    columns = np.tile(np.linspace(0.06, 0.94, size, dtype=np.float32) * (size - 1), (size, 1))
    colour = np.ascontiguousarray(smile.mouth[..., :3])
    tips = cv2.remap(colour, columns, tips_rows.astype(np.float32), cv2.INTER_LINEAR)
    dark = colour[size // 2, size // 24] * np.float32(0.55)
    tongue = colour[-2, size // 2] * np.array([0.95, 0.9, 1.15], np.float32)
    across = np.linspace(-1, 1, size, dtype=np.float32)[None, :, None]
    inside = dark + smoothstep((down - 0.5) / 0.4) * (1 - across**2) * (tongue - dark)
    teeth = 1 - smoothstep((down + 0.15 * across**2 - 0.2) / 0.12)
    teeth = teeth * (1 - smoothstep((np.abs(across) - 0.3) / 0.5))
    picture = inside + teeth * (tips * np.array([0.68, 0.7, 0.73], np.float32) - inside)
    picture *= 0.3 + 0.7 * smoothstep(down / 0.2)
    opacity = smoothstep(down / 0.04) * smoothstep((1 - down) / 0.05)
    opacity = opacity * smoothstep((1 - np.abs(across)) / 0.35)
    mouth = np.dstack([picture, np.broadcast_to(opacity, (size, size, 1))]).astype(np.float32)
    still = np.zeros_like(smile.log_gain)
    return replace(
        smile, offset_cm=_OPEN_CM * jaw_cm, log_gain=still, bias=still[..., 0], mouth=mouth
    )


def _shape(track: FaceTrack) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return height before the ears and part in the head's motion, at the grid's points."""
    points = track.landmarks_px[: face_mesh.N_LANDMARKS]
    unit = np.float32(FACE_HEIGHT)
    ears = points[[234, 454]].mean(axis=0)
    chin, top = points[152], points[10]
    middle = np.array([ears[0], (chin[1] + top[1]) / 2 - 0.08 * unit], np.float32)
    radii = np.array([0.52, 0.74], np.float32) * unit
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rim = middle + radii * np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)
    throat = np.array([chin[0], chin[1] + 0.17 * unit], np.float32)
    where = np.vstack([points[:, :2], throat])
    heights = np.append(ears[2] - points[:, 2], 0.12 * unit).astype(np.float64)
    grid = canvas_grid()
    operator = spline_operator(where, rim[rim[:, 1] < chin[1]])
    height = (operator @ heights).reshape(grid.shape[:2]).astype(np.float32)
    height = np.maximum(cv2.GaussianBlur(height, (0, 0), 1.0), 0).astype(np.float32)
    away = np.hypot(*np.moveaxis((grid - middle) / radii, -1, 0)).astype(np.float32)
    below = ((grid[..., 1] - chin[1]) / unit).astype(np.float32)
    follows = (1 - smoothstep((away - 1.05) / 0.9)) * (1 - smoothstep((below + 0.02) / 0.42))
    return height, follows.astype(np.float32)


def _with_lips_closed(
    average: NDArray[np.uint8], landmarks_px: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the landmarks with the inner lips on the dark line where the lips meet."""
    upper, lower = list(face_mesh.INNER_LIP_UPPER), list(face_mesh.INNER_LIP_LOWER)
    grey = cv2.GaussianBlur(cv2.cvtColor(average, cv2.COLOR_BGR2GRAY), (0, 0), 1)
    line = (landmarks_px[upper, :2] + landmarks_px[lower, :2]) / 2
    shifts = np.arange(-_LIP_SEARCH_PX, _LIP_SEARCH_PX + 1, dtype=np.float32)
    x = np.repeat(line[:, :1], len(shifts), axis=1)
    y = line[:, 1:] + shifts
    found = cv2.remap(grey, x, y, cv2.INTER_LINEAR).astype(np.float32)
    darkest = np.take_along_axis(y, found.argmin(axis=1)[:, None], axis=1)[:, 0]
    smooth = np.polynomial.Polynomial.fit(line[:, 0], darkest, 4)(line[:, 0]) + _LIP_SHADE_PX
    closed: NDArray[np.float32] = landmarks_px.copy()
    closed[upper[1:-1], 1] = closed[lower[1:-1], 1] = smooth[1:-1]
    closed[lower[1:-1], 0] = closed[upper[1:-1], 0]
    return closed


def make_head(average: NDArray[np.uint8]) -> Head:
    """Prepare a still face for moving.

    Raises
    ------
    LivexprError
        If no face is found on it.
    """
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(Frame(average, 0, 0.0))
    if isinstance(track, NoFace):
        raise LivexprError("no face found on the average of the photographs")
    track = replace(track, landmarks_px=_with_lips_closed(average, track.landmarks_px))
    skin = lighting.skin_bgr(average, track.landmarks_px)
    white = lighting.eye_white_bgr(average, track.landmarks_px)
    height, follows = _shape(track)
    jaw = _jaw_offsets()
    return Head(
        pixels=average,
        track=track,
        jaw_cm=jaw,
        pucker_cm=_pucker_offsets(),
        brows_cm=_brow_offsets(),
        mouth=_speaking_mouth(pixel_map.load(presets.map_path("happy")), jaw),
        skin_and_white=(skin, white),
        height_px=height,
        follows=follows,
    )
