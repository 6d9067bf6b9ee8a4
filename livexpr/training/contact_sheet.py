"""A picture of many filtered faces side by side, to be looked at.

Each row is a photograph or a frame of a clip; its columns are the input, the filtered picture at
each intensity and, where asked, the real expression of the same person. Faces are cut out with a
margin and shown pixel for pixel: ``python -m livexpr.training.contact_sheet OUT.png INPUTS...``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import progress
from rich.console import Console

from livexpr import pipeline, presets
from livexpr.capture import open_source
from livexpr.errors import CameraError, LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pictures import PICTURE_SUFFIXES, read_image
from livexpr.pipeline import Effect
from livexpr.training.judges import Box, crop
from livexpr.training.sheet_layout import BACKGROUND, Cell, Image, make_sheet, write_sheet
from livexpr.types import FaceTrack, Frame, NoFace

Detect = Callable[[Frame], FaceTrack | NoFace]
"""Finds the face on a frame."""
Filter = Callable[[Frame, FaceTrack | NoFace], Image]
"""Filters the frames of one source, one after the other."""

# How far the cut reaches beyond the landmarks, of their box's longer side.
_MARGIN = 0.25


class Crop(str, Enum):
    """What of each picture is shown."""

    FACE = "face"
    NONE = "none"


def face_box(track: FaceTrack | NoFace, shape: tuple[int, ...], crop_to: Crop) -> Box:
    """Return (left, top, width, height) of what is shown of a picture, px, inside it.

    That is the face with a margin; without a face, or if asked for, the whole picture.
    """
    height, width = shape[:2]
    if crop_to is Crop.NONE or isinstance(track, NoFace):
        return 0, 0, width, height
    points = track.landmarks_px[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * float((high - low).max())
    left, top = np.clip(np.floor(low - margin), 0, [width - 1, height - 1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), 1, [width, height]).astype(int).tolist()
    return left, top, max(right - left, 1), max(bottom - top, 1)


def picture_row(
    path: Path,
    detect: Detect,
    filters: Sequence[tuple[str, Filter]],
    crop_to: Crop = Crop.FACE,
    truth_dir: Path | None = None,
) -> list[Cell]:
    """Return the row of a photograph; `filters` come with the label of their column.

    Raises
    ------
    CameraError
        If the photograph, or the real expression in `truth_dir`, cannot be read.
    """
    frame = Frame(read_image(path), 0, 0.0)
    row = _row(path.stem, frame, detect(frame), filters, crop_to)
    if truth_dir is not None:
        row.append(_truth(path, truth_dir, detect, crop_to, row[0].pixels.shape))
    return row


def clip_rows(
    path: Path,
    n_rows: int,
    detect: Detect,
    filters: Sequence[tuple[str, Filter]],
    crop_to: Crop = Crop.FACE,
) -> Iterator[list[Cell]]:
    """Yield the rows of `n_rows` frames spread evenly over a clip.

    All frames up to the last one shown go through `detect` and the filters in order, at the
    clip's own pace, so that tracking, smoothing and easing are those of a live run.

    Raises
    ------
    CameraError
        If the clip cannot be read.
    """
    last = sum(1 for _ in _frames(path)) - 1
    steps = (np.arange(n_rows) + 0.5) / n_rows
    chosen = set(np.floor(steps * (last + 1)).astype(int).tolist())
    for frame in _frames(path):
        row = _row(f"{path.stem} #{frame.index}", frame, detect(frame), filters, crop_to)
        if frame.index in chosen:
            yield row
        if frame.index >= max(chosen):
            return


def _frames(path: Path) -> Iterator[Frame]:
    """Yield all frames of a clip, with the times that they have in it."""
    # An absolute path is never taken for the name of a camera.
    source = open_source(
        str(path.absolute()), size=None, fps=None, mirror=False, loop=False, fast=True
    )
    try:
        while (frame := source.read()) is not None:
            yield Frame(frame.pixels, frame.index, frame.index / source.fps)
    finally:
        source.close()


def _row(
    name: str,
    frame: Frame,
    track: FaceTrack | NoFace,
    filters: Sequence[tuple[str, Filter]],
    crop_to: Crop,
) -> list[Cell]:
    label = name if track else f"{name}: no face"
    box = face_box(track, frame.pixels.shape, crop_to)
    row = [Cell(label, crop(frame.pixels, box))]
    for column, apply in filters:
        row.append(Cell(column, crop(apply(frame, track), box)))
    return row


def _truth(
    path: Path, truth_dir: Path, detect: Detect, crop_to: Crop, shape: tuple[int, ...]
) -> Cell:
    """Return the real expression: same name, same size of cut, about its own face."""
    found = sorted(file for file in truth_dir.glob(f"{path.stem}.*") if _is_picture(file))
    if not found:
        return Cell("no real one", np.full((*shape[:2], 3), BACKGROUND, np.uint8))
    frame = Frame(read_image(found[0]), 0, 0.0)
    left, top, width, height = face_box(detect(frame), frame.pixels.shape, crop_to)
    left, top = left + (width - shape[1]) // 2, top + (height - shape[0]) // 2
    return Cell("real", crop(frame.pixels, (left, top, shape[1], shape[0])))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def list_files(inputs: Iterable[Path]) -> list[Path]:
    """Return the files meant: a folder stands for the pictures in it, in order of their names.

    Raises
    ------
    CameraError
        If a folder holds no picture.
    """
    files: list[Path] = []
    for path in inputs:
        inside = (
            sorted(file for file in path.iterdir() if _is_picture(file))
            if path.is_dir()
            else [path]
        )
        if not inside:
            raise CameraError(f"there is no picture in {path}")
        files += inside
    return files


def effect_filter(effect: Effect, *, settled: bool) -> Filter:
    """Return a filter that carries its own state from frame to frame.

    Parameters
    ----------
    effect : Effect
        What to do to the face.
    settled : bool
        True for a photograph: at full strength from the first frame. False for a clip: eased in.
    """
    state = pipeline.settled_state(effect) if settled else pipeline.initial_state()

    def apply(frame: Frame, track: FaceTrack | NoFace) -> Image:
        nonlocal state
        result = pipeline.process(frame, track, effect, state)
        state = result.state
        return result.frame.pixels

    return apply


def _main(
    out: Annotated[Path, typer.Argument(help="The sheet to write, a PNG.")],
    inputs: Annotated[list[Path], typer.Argument(help="Photographs, clips, folders of pictures.")],
    expression: Annotated[list[str], typer.Option(help="NAME or NAME=AMOUNT; repeatable.")],
    intensity: Annotated[
        list[float] | None, typer.Option(help="One column each; repeatable; 1 by default.")
    ] = None,
    crop_to: Annotated[Crop, typer.Option("--crop", help="What of each picture.")] = Crop.FACE,
    frames: Annotated[int, typer.Option(min=1, help="Frames shown of each clip.")] = 6,
    zoom: Annotated[float, typer.Option(help="1: pixel for pixel.")] = 1.0,
    truth: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Real ones, same names.")
    ] = None,
) -> None:
    """Write a contact sheet of filtered faces."""
    try:
        base = pipeline.load_effect(presets.from_expressions(expression))
        title = " + ".join(expression)
        effects = {f"{title}, {a:g}": replace(base, intensity=a) for a in intensity or [1.0]}
        rows: list[list[Cell]] = []
        console = Console(stderr=True)
        with Landmarker(video=False) as photographs:
            for path in progress.track(list_files(inputs), "Filtering", console=console):
                if _is_picture(path):
                    filters = _filters(effects, settled=True)
                    rows.append(picture_row(path, photographs.detect, filters, crop_to, truth))
                    continue
                with Landmarker() as clip:
                    filters = _filters(effects, settled=False)
                    rows += clip_rows(path, frames, clip.detect, filters, crop_to)
        write_sheet(out, make_sheet(rows, zoom))
    except LivexprError as error:
        sys.exit(str(error))


def _filters(effects: dict[str, Effect], *, settled: bool) -> list[tuple[str, Filter]]:
    return [(name, effect_filter(effect, settled=settled)) for name, effect in effects.items()]


if __name__ == "__main__":
    typer.run(_main)
