"""What ``livexpr teach`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.teaching import films, keeping, live, photographs
from livexpr.teaching.lesson import Lesson, learned
from livexpr.teaching.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be learned, and from what: photographs, a film, or a camera.

    Attributes
    ----------
    name : str
    like : str
        See :func:`livexpr.teaching.nearest.chosen_map`.
    force : bool
        Replace what has that name.
    neutrals, expressives : sequence of Path
        Photographs.
    film : Path or None
    source : str
        A camera, where neither photographs nor a film are given.
    """

    name: str
    like: str
    force: bool
    neutrals: Sequence[Path] = ()
    expressives: Sequence[Path] = ()
    film: Path | None = None
    source: str = "auto"


def teach(request: Request) -> None:
    """Learn an expression and keep it as a preset.

    Raises
    ------
    LivexprError
        If the name is taken, a picture is of no use, or nothing can be written.
    """
    keeping.check_name(request.name, force=request.force)
    if request.neutrals:
        lesson = _from_photographs(request)
        fitted: PixelMap | None = learned(lesson, request.name, request.like)
    elif request.film is not None:
        with _stills() as landmarker:
            lesson = films.lesson_from(request.film, landmarker)
        fitted = learned(lesson, request.name, request.like)
    else:
        fitted = _live(request)
    if fitted is None:
        _say("nothing was saved")
        return
    path = keeping.keep(request.name, fitted)
    looks = fitted.metadata
    _say(
        f"learned {request.name} from {looks['neutral_looks']} neutral and "
        f"{looks['expressive_looks']} expressive looks, shrunk towards {looks['shrunk_towards']}; "
        f"wrote {path}; show it with: livexpr run --preset {request.name}"
    )


def _stills() -> Landmarker:
    return Landmarker(video=False, max_faces=2)


def _from_photographs(request: Request) -> Lesson:
    with _stills() as landmarker:
        neutrals, expressives = (
            tuple(photographs.looks_at(paths, landmarker))
            for paths in (request.neutrals, request.expressives)
        )
    return Lesson(neutrals, expressives)


def _live(request: Request) -> PixelMap | None:
    from livexpr import capture
    from livexpr.window import PreviewWindow

    pipeline_ready()
    source = capture.open_source(
        request.source, size=None, fps=None, mirror=False, loop=True, fast=False
    )
    try:
        window = PreviewWindow(f"livexpr teach {request.name}", source.size)
    except BaseException:
        source.close()
        raise
    try:
        with Landmarker() as following, Landmarker(video=False) as stills:
            recorder = Recorder(partial(photographs.close_look, landmarker=stills))
            lesson = live.LiveLesson(request.name, request.like, recorder)
            return live.run(source, window, following.detect, lesson)
    finally:
        window.close()


def pipeline_ready() -> None:
    """Compile the kernels, or load them, before a camera is opened."""
    from livexpr import pipeline

    pipeline.warm_up()


def _say(line: str) -> None:
    typer.echo(f"livexpr: {line}", err=True)
