"""The figures of docs/how-it-works.md, drawn from what livexpr ships.

``python -m livexpr.training.method_figures docs/method`` writes them; nobody's own face is on them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose, maps, pipeline, presets
from livexpr.capture import open_source
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.training.sheet_layout import BACKGROUND, Image, write_sheet
from livexpr.types import FaceTrack, Frame

EXPRESSION = "happy"
_SIDE = 320
_GAP = 12
# Of all vertices, so few have an arrow; the mouth of a mouth picture is so flat.
_ARROW_EVERY = 2
_MOUTH_FLATNESS = 3
_MESH, _ARROW = (150, 190, 120), (60, 90, 235)
_SHIFT = 4


def _demo_face() -> tuple[Frame, FaceTrack]:
    """Return the demo's first frame and its face."""
    source = open_source("demo", size=None, fps=None, mirror=False, loop=False, fast=True)
    try:
        frame = source.read()
    finally:
        source.close()
    assert frame is not None
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(frame)
    if not isinstance(track, FaceTrack):
        raise LivexprError("no face on the demo's first frame: make the demo again")
    return frame, track


def _cut(picture: Image, track: FaceTrack) -> Image:
    """Return the face of a picture in a square of `_SIDE` px."""
    low, high = track.landmarks_px[:, :2].min(axis=0), track.landmarks_px[:, :2].max(axis=0)
    (x, y), half = (low + high) / 2, 0.62 * float((high - low).max())
    from_picture = np.array([[1.0, 0.0, half - x], [0.0, 1.0, half - y]]) * _SIDE / (2 * half)
    return np.asarray(
        cv2.warpAffine(picture, from_picture, (_SIDE, _SIDE), flags=cv2.INTER_CUBIC), np.uint8
    )


def _points(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Return points in px as OpenCV draws them to a fraction of a pixel."""
    return np.asarray(np.rint(points * (1 << _SHIFT)), np.int32)


def where(picture: Image, track: FaceTrack, pixel_map: PixelMap) -> Image:
    """Draw the mesh on a face, and where the map moves its vertices.

    Parameters
    ----------
    picture : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    track : FaceTrack
        The face on it.
    pixel_map : PixelMap
    """
    drawn: Image = picture.copy()
    n = face_mesh.N_LANDMARKS
    live = track.landmarks_px[:n]
    head = head_pose.to_head(live, track.frame_from_head) + pixel_map.offset_cm
    moved = head_pose.to_frame(head.astype(np.float32), track.frame_from_head)
    mesh = face_mesh.load()
    # Eyes have vertices beyond the landmarks.
    known = mesh.triangles[(mesh.triangles < n).all(axis=1)]
    triangles = _points(live[:, :2][known])
    cv2.polylines(drawn, list(triangles), True, _MESH, 1, cv2.LINE_AA, _SHIFT)
    steps = (moved - live)[::_ARROW_EVERY, :2]
    for start, step in zip(live[::_ARROW_EVERY, :2], steps, strict=True):
        if np.linalg.norm(step) > 1.5:
            tail, tip = _points(np.array([start, start + step])).tolist()
            cv2.arrowedLine(drawn, tail, tip, _ARROW, 2, cv2.LINE_AA, _SHIFT, 0.35)
    return drawn


def gain(pixel_map: PixelMap) -> Image:
    """Return the gain in face space, (`_SIDE`, `_SIDE`, 3), uint8: grey is 1, light is more."""
    shade = pixel_map.log_gain * pixel_map.mask[..., None]
    return _face_space(128.0 + 350.0 * shade)


def bias(pixel_map: PixelMap) -> Image:
    """Return the bias in face space likewise: grey is none."""
    return _face_space(128.0 + 350.0 * np.repeat(pixel_map.bias[..., None], 3, axis=2))


def mouth(pixel_map: PixelMap) -> Image:
    """Return the mouth picture on grey, likewise."""
    alpha = pixel_map.mouth[..., 3:]
    shown = _face_space(150.0 * pixel_map.mouth[..., :3] * alpha + 128.0 * (1 - alpha))
    flat = cv2.resize(shown, (_SIDE, _SIDE // _MOUTH_FLATNESS), interpolation=cv2.INTER_AREA)
    above = (_SIDE - flat.shape[0]) // 2
    figure = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
    figure[above : above + flat.shape[0]] = flat
    return figure


def _face_space(values: NDArray[np.floating]) -> Image:
    whole = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(whole, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def _filtered(frame: Frame, track: FaceTrack, intensity: float) -> Image:
    effect = pipeline.load_effect(presets.from_expressions([f"{EXPRESSION}={intensity:g}"]))
    return pipeline.process(frame, track, effect, pipeline.settled_state(effect)).frame.pixels


def side_by_side(pictures: list[Image]) -> Image:
    """Return pictures of one height in a row with gaps between."""
    gap = np.full((pictures[0].shape[0], _GAP, 3), BACKGROUND, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)][1:]
    return np.concatenate(parts, axis=1)


def write_figures(folder: Path) -> None:
    """Write ``where.png``, ``how.png`` and ``result.png`` into a folder, made when missing.

    Raises
    ------
    LivexprError
        If the demo has no face, or a figure cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame, track = _demo_face()
    pixel_map = maps.load(presets.map_path(EXPRESSION))
    assert isinstance(pixel_map, PixelMap)
    pipeline.warm_up()
    face = _cut(frame.pixels, track)
    happy = _filtered(frame, track, 1.0)
    arrows = _cut(where(frame.pixels, track, pixel_map), track)
    weak, strong = (_cut(_filtered(frame, track, amount), track) for amount in (0.5, 1.5))
    opposite = _cut(_filtered(frame, track, -0.5), track)
    write_sheet(folder / "where.png", side_by_side([face, arrows]))
    write_sheet(
        folder / "how.png", side_by_side([gain(pixel_map), bias(pixel_map), mouth(pixel_map)])
    )
    write_sheet(
        folder / "result.png", side_by_side([opposite, face, weak, _cut(happy, track), strong])
    )


if __name__ == "__main__":
    write_figures(Path(sys.argv[1]))
