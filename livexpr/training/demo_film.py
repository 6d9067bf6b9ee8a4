"""The demo source: an average face that moves its head, blinks and speaks a little.

``python -m livexpr.training.demo_film PAIRS_DIR livexpr/assets/demo.mp4``. The same photographs
give the same frames, and the last frame leads on to the first.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray
from rich.progress import Progress

from kernels.apply import apply
from livexpr import face_mesh, head_pose, lighting, lips, margins
from livexpr.errors import LivexprError
from livexpr.training.average_face import average_face
from livexpr.training.canvas import (
    CANVAS_SCALE,
    FACE_HEIGHT,
    GRID_PX,
    between_grid_points,
    canvas_grid,
    look,
    smoothstep,
)
from livexpr.training.demo_head import Head, make_head
from livexpr.training.demo_script import Moment, moment
from livexpr.training.frontal_photographs import read_photographs

FILM_SIZE = (1280, 720)
FPS = 30.0
DURATION_S = 12.0

# One thread, so that the same frames give the same bytes.
_ENCODING = {"preset": "slower", "crf": "14", "aq-mode": "3", "threads": "1"}
_BT709 = 1
_VIDEO_RANGE, _FULL_RANGE = 1, 2

# The mouth picture fades in while the lips part by this much, cm.
_SHOWS_CM = 0.25
# A band along the lid's margin, with the lashes, moves as one; above it the lid is stretched.
_LASHES, _LID_FOLD = 0.011, 0.085
# Beside the eye, so much of the skin gives way; px of the canvas, as are the others.
_BESIDE_EYE_PX, _CORNER_WIDTH_PX, _LIDS_OVERLAP_PX = 16, 4.0, 2.5


def _close_eyes(pixels: NDArray[np.uint8], head: Head, closed: float, gaze_px: float) -> None:
    """Slide the upper lids down over the eyeballs, in place; turn the gaze aside."""
    points = head.track.landmarks_px
    lashes, fold = _LASHES * FACE_HEIGHT, _LID_FOLD * FACE_HEIGHT
    for upper, lower in (
        (face_mesh.RIGHT_LID_UPPER, face_mesh.RIGHT_LID_LOWER),
        (face_mesh.LEFT_LID_UPPER, face_mesh.LEFT_LID_LOWER),
    ):
        margin, lid = points[list(upper), :2], points[list(lower), :2]
        left, right = int(margin[0, 0]) - _BESIDE_EYE_PX, int(margin[-1, 0]) + _BESIDE_EYE_PX
        start, stop = int(margin[:, 1].min() - fold) - 2, int(lid[:, 1].max()) + 6
        x = np.arange(left, right, dtype=np.float32)
        y = np.arange(start, stop, dtype=np.float32)[:, None]
        top = _curve(x, margin)
        bottom = np.maximum(_curve(x, lid), top)
        opening = bottom - top + _LIDS_OVERLAP_PX * (bottom - top > 1)
        # Smooth across the corners, so that the skin beside them gives way too.
        fall = closed * cv2.GaussianBlur(opening[None], (0, 0), _CORNER_WIDTH_PX)[0]
        edge, hinge = top - lashes, top - fold
        # Over the fold nothing moves; on the lid ever more; its margin moves as one.
        t = np.clip((y - hinge) / (edge + fall - hinge), 0, 1)
        stretched = hinge + (edge - hinge) * (t + fall / (edge - hinge) * t * (1 - t) * (1 - t))
        lid_y = np.where(y < edge + fall, np.where(y < hinge, y, stretched), y - fall)
        within = smoothstep((y - top) / 3) * smoothstep((bottom - y) / 3)
        across = smoothstep((x - margin[0, 0]) / 14) * smoothstep((margin[-1, 0] - x) / 14)
        eye_at = np.stack(np.broadcast_arrays(x - gaze_px * within * across, y), axis=-1)
        lid_at = np.stack(np.broadcast_arrays(x, lid_y), axis=-1)
        eye = look(head.pixels, eye_at.astype(np.float32), cv2.INTER_CUBIC).astype(np.float32)
        drawn = look(head.pixels, lid_at.astype(np.float32), cv2.INTER_CUBIC)
        on_eye = smoothstep((y - (top + fall)) / 2.5 + 0.5)[..., None]
        mixed = drawn + on_eye * (eye - drawn)
        pixels[start:stop, left:right] = np.rint(mixed)


def _curve(x: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a lid's margin at every column, smooth between its landmarks."""
    line = np.interp(x, points[:, 0], points[:, 1])
    smooth = np.polynomial.Polynomial.fit(points[:, 0], points[:, 1], 5)(x)
    ends = smoothstep(((x - points[0, 0]) / 8).astype(np.float32))
    ends *= smoothstep(((points[-1, 0] - x) / 8).astype(np.float32))
    return np.asarray(line + ends * (smooth - line), np.float32)


def _speak(pixels: NDArray[np.uint8], head: Head, now: Moment) -> NDArray[np.uint8]:
    """Return the face with its jaw dropped, its lips pursed and its brows raised."""
    mesh, track = face_mesh.load(), head.track
    offset = now.lips_cm * head.jaw_cm + now.pucker * head.pucker_cm + now.brows_cm * head.brows_cm
    projection = track.frame_from_head[:2, :3]
    down = -projection[:, 1] / np.linalg.norm(projection[:, 1])
    live = np.ascontiguousarray(track.landmarks_px[: face_mesh.N_LANDMARKS, :2])
    moved = (live + offset @ projection.T).astype(np.float32)
    pairs = face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER
    margins.keep_apart(moved, *pairs, down, np.zeros(len(pairs[0]), np.float32))
    source, target = face_mesh.all_vertices(live), face_mesh.all_vertices(moved)
    target[face_mesh.COLLAR] = source[face_mesh.COLLAR]
    values = np.zeros((face_mesh.N_VERTICES, 5), np.float32)
    values[:, :2], values[:, 2:4] = source, mesh.uv
    scale = head_pose.scale_px_per_cm(track.frame_from_head)
    gaps_moved = margins.gaps(moved, *pairs, down)
    upper, lower = (ring[len(ring) // 2] for ring in pairs)
    whole_cm = float(head.mouth.offset_cm[upper, 1] - head.mouth.offset_cm[lower, 1])
    amount = min(float(gaps_moved.max()) / (whole_cm * scale), 1.0)
    lips.open_mouth(target, values, down, head.mouth, scale, amount)
    # Lips that barely part show nothing but their own shade.
    strip = slice(face_mesh.MOUTH_UPPER.start, face_mesh.MOUTH_LOWER_INSET.stop)
    values[strip, 4] *= min(now.lips_cm / _SHOWS_CM, 1.0)
    face, rest = np.split(mesh.triangles, [mesh.n_face_triangles])
    rest, mouth = np.split(rest, [len(rest) - mesh.n_mouth_triangles])
    light = lighting.mouth_light(*head.skin_and_white, float(gaps_moved.max()) / scale)
    out: NDArray[np.uint8] = pixels.copy()
    apply(
        out,
        pixels,
        target,
        values,
        np.concatenate([rest, face, mouth]),
        len(mouth),
        head.mouth.gain_bias(),
        head.mouth.mouth,
        np.append(light, 0).astype(np.float32),
    )
    return out


def _moved(head: Head, now: Moment) -> NDArray[np.float32]:
    """Return by how much the grid's points are displaced, (h, w, 2), px of the canvas."""
    points = head.track.landmarks_px
    unit = FACE_HEIGHT
    ears, chin = points[[234, 454]].mean(axis=0), points[152]
    grid = canvas_grid()
    x, y = grid[..., 0] - ears[0], grid[..., 1] - ears[1]
    z = head.height_px.astype(np.float64)
    turned_x = x * np.cos(now.yaw) + z * np.sin(now.yaw)
    turned_z = z * np.cos(now.yaw) - x * np.sin(now.yaw)
    # The head nods on the neck, below the ears, and tilts lower still.
    y = y - 0.2 * unit
    nodded_y = y * np.cos(now.pitch) + turned_z * np.sin(now.pitch)
    y, nodded_y = y + 0.2 * unit, nodded_y + 0.2 * unit
    root = chin[1] + 0.15 * unit - ears[1]
    dx = turned_x * np.cos(now.roll) - (nodded_y - root) * np.sin(now.roll) - x
    dy = turned_x * np.sin(now.roll) + (nodded_y - root) * np.cos(now.roll) + root - y
    follows = head.follows
    sway = (0.45 + 0.55 * follows)[..., None] * np.array(now.sway_px) * CANVAS_SCALE
    moved: NDArray[np.float64] = follows[..., None] * np.stack([dx, dy], axis=-1) + sway
    return moved.astype(np.float32)


def _to_film(pixels: NDArray[np.uint8], moved: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the canvas, displaced, at the film's size."""
    grid = canvas_grid().astype(np.float32)
    source = grid - moved
    for _ in range(6):
        at = (source / GRID_PX).astype(np.float32)
        source = np.subtract(grid, between_grid_points(moved, at[..., 0], at[..., 1]))
    rows, columns = np.mgrid[: FILM_SIZE[1], : FILM_SIZE[0]].astype(np.float32)
    x, y = (((axis + 0.5) * CANVAS_SCALE - 0.5) / GRID_PX for axis in (columns, rows))
    return look(pixels, between_grid_points(source, x, y), cv2.INTER_CUBIC)


def frame_at(head: Head, time_s: float) -> NDArray[np.uint8]:
    """Return the film's picture at a time, (720, 1280, 3) uint8 BGR."""
    now = moment(time_s, DURATION_S)
    pixels = head.pixels.copy()
    eyeball_px = 0.065 * FACE_HEIGHT
    _close_eyes(pixels, head, now.closed, -now.gaze * eyeball_px)
    return _to_film(_speak(pixels, head, now), _moved(head, now))


def frames(head: Head) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the film."""
    for index in range(round(DURATION_S * FPS)):
        yield frame_at(head, index / FPS)


def write_film(pictures: Iterable[NDArray[np.uint8]], out: Path) -> None:
    """Write pictures as H.264; carefully rather than fast, for it is done once.

    Raises
    ------
    LivexprError
        If the file cannot be written.
    """
    reformatter = VideoReformatter()
    try:
        with av.open(str(out), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("libx264", rate=round(FPS), options=_ENCODING)
            stream.width, stream.height = FILM_SIZE
            stream.pix_fmt = "yuv420p"
            context = stream.codec_context
            context.color_range = _VIDEO_RANGE
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            for picture in pictures:
                frame = reformatter.reformat(
                    av.VideoFrame.from_ndarray(picture, format="bgr24"),
                    format="yuv420p",
                    dst_colorspace=_BT709,
                    src_color_range=_FULL_RANGE,
                    dst_color_range=_VIDEO_RANGE,
                )
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise LivexprError(f"cannot write the film {out}: {error.strerror or error}") from None


def make_film(pairs_dir: Path, out: Path) -> None:
    """Write the demo film from the neutral photographs of `pairs_dir`.

    Raises
    ------
    LivexprError
        If there are too few photographs, or the film cannot be written.
    """
    with Progress() as progress:
        task = progress.add_task("reading", total=None)

        def tell(what: str) -> None:
            progress.update(task, description=what)

        average = average_face(read_photographs(pairs_dir / "neutral", tell), tell)
        head = make_head(average)
        tell("drawing")
        write_film(frames(head), out)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs_dir", type=Path, help="folder that holds neutral/*.jpg")
    parser.add_argument("out", type=Path, help="film to write, .mp4")
    arguments = parser.parse_args()
    try:
        make_film(arguments.pairs_dir, arguments.out)
    except LivexprError as error:
        raise SystemExit(f"demo_film: {error}") from None


if __name__ == "__main__":
    main()
