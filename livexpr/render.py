"""Filter pictures, films and folders of them: ``livexpr render``."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from livexpr import crowd, pipeline
from livexpr.errors import CameraError, LivexprError, VirtualCameraError
from livexpr.film import FILM_SUFFIXES, open_film
from livexpr.film_opening import open_container
from livexpr.following import Following
from livexpr.landmarks import Landmarker
from livexpr.pictures import PICTURE_SUFFIXES, read_image
from livexpr.pipeline import Effect
from livexpr.presets import Preset
from livexpr.recordings import Film
from livexpr.stopping import ending_on_signals
from livexpr.types import Frame, NoFace

WRITTEN_PICTURES: dict[str, list[int]] = {
    ".png": [],
    ".jpg": [
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 95],
}
"""Kinds of pictures that are written, with the options of their encoders."""
WRITTEN_PICTURES[".jpeg"] = WRITTEN_PICTURES[".jpg"]

# What is taken for a film in a folder; a single file is tried whatever it is called.
_FILMS = frozenset({*FILM_SUFFIXES, ".avi", ".mpg", ".mpeg", ".webm", ".wmv", ".ts", ".flv"})


@dataclass(frozen=True, slots=True)
class _Job:
    """What all files of one command have in common."""

    effect: Effect
    compare: bool
    faces: int
    progress: Progress

    def say(self, line: str) -> None:
        """Print a line above the progress bar."""
        self.progress.console.print(line, highlight=False, markup=False, soft_wrap=True)


@ending_on_signals()
def render(
    source: Path, target: Path, preset: Preset, *, compare: bool = False, faces: int = 1
) -> int:
    """Filter a picture, a film, or a folder of them, with a progress bar on stderr.

    Parameters
    ----------
    source : Path
        File or folder to read.
    target : Path
        File to write, replaced; or the folder, made when missing.
    preset : Preset
        What to show. A still picture, and the start of a film, have all of it at once.
    compare : bool
        Put before (left) and after (right) side by side.
    faces : int
        How many people are filtered at most: the largest faces of a picture; in a film, whoever
        is there first.

    Returns
    -------
    int
        Exit code: 1 if files of a folder could not be done, which are named, else 0.

    Raises
    ------
    LivexprError
        If the preset's maps, the file or the folder cannot be read, or nothing can be written.
    """
    _check_ends(source, target)
    effect = pipeline.load_effect(preset)
    console = Console(stderr=True)
    hidden = not console.is_terminal
    with Progress(console=console, transient=True, disable=hidden) as progress:
        job = _Job(effect, compare, faces, progress)
        if source.is_dir():
            return _render_folder(job, source, target)
        _render_file(job, source, target)
        job.say(f"wrote {target}")
    return 0


def _check_ends(source: Path, target: Path) -> None:
    """Raise a LivexprError unless `target` may be made from `source`."""
    if not source.exists():
        raise CameraError(f"there is no file or folder {source}: check its name")
    _refuse_own_source(source, target)
    if source.is_dir():
        if target.exists() and not target.is_dir():
            raise VirtualCameraError(f"{source} is a folder, so {target} must be one, not a file")
        if target.suffix.lower() in {*WRITTEN_PICTURES, *FILM_SUFFIXES} and not target.exists():
            raise VirtualCameraError(
                f"{source} is a folder: expected a folder to write, not {target}"
            )
        return
    if target.is_dir():
        raise VirtualCameraError(f"{target} is a folder, expected the name of a file to write")
    kinds = tuple(WRITTEN_PICTURES) if _is_picture(source) else FILM_SUFFIXES
    if target.suffix.lower() not in kinds:
        what = "picture" if _is_picture(source) else "film"
        raise VirtualCameraError(
            f"cannot make {target} from the {what} {source.name}: "
            f"expected a name that ends in {', '.join(kinds)}"
        )
    if not target.parent.is_dir():
        raise VirtualCameraError(f"there is no folder {target.parent}: create it first")


def _refuse_own_source(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        raise VirtualCameraError(f"{target} would replace its own source: choose another name")


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES


def _render_folder(job: _Job, source: Path, target: Path) -> int:
    files = sorted(
        path
        for path in source.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and path.suffix.lower() in PICTURE_SUFFIXES | _FILMS
    )
    if not files:
        raise CameraError(f"{source} holds neither pictures nor films")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(target, error) from None
    failed, names = 0, _written_names(files)
    for path in job.progress.track(files, description="files"):
        try:
            _refuse_own_source(path, target / names[path])
            _render_file(job, path, target / names[path])
        except LivexprError as error:
            failed += 1
            job.say(f"left out {path.name}: {error}")
    job.say(f"wrote {len(files) - failed} of {len(files)} files into {target}")
    return int(failed > 0)


def _written_names(files: list[Path]) -> dict[Path, str]:
    """Return the name to write each file under: its own wherever its kind is written."""
    written = {*WRITTEN_PICTURES, *FILM_SUFFIXES}
    names = {path: path.name for path in files if path.suffix.lower() in written}
    # `a.tif` beside `a.png`: neither may replace the other. Some disks take `A.png` for the same.
    taken = {name.casefold() for name in names.values()}
    for path in files:
        if path not in names:
            suffix = ".png" if _is_picture(path) else ".mp4"
            name = f"{path.stem}{suffix}"
            if name.casefold() in taken:
                name = f"{path.name}{suffix}"
            while name.casefold() in taken:
                name += suffix
            names[path] = name
            taken.add(name.casefold())
    return names


def _render_file(job: _Job, source: Path, target: Path) -> None:
    if _is_picture(source):
        _render_picture(job, source, target)
    else:
        _render_film(job, source, target)


def _render_picture(job: _Job, source: Path, target: Path) -> None:
    frame = Frame(read_image(source), 0, 0.0)
    with Landmarker(video=False, max_faces=job.faces) as landmarker:
        people = Following(job.faces).found(frame, landmarker.detect_all(frame), 0.0)
    result = crowd.process(frame, people, job.effect, crowd.settled_state(job.effect))
    if isinstance(people[0].track, NoFace):
        job.say(f"{source.name}: {people[0].track.reason}, left as it is")
    unchanged = result.frame is frame and not job.compare
    with _written_whole(target) as unfinished:
        if unchanged and source.suffix.lower() == target.suffix.lower():
            shutil.copyfile(source, unfinished)
        else:
            pixels = _shown(job, frame, result.frame)
            unfinished.write_bytes(_encoded(pixels, target))


def _encoded(pixels: NDArray[np.uint8], target: Path) -> bytes:
    suffix = target.suffix.lower()
    try:
        done, content = cv2.imencode(suffix, pixels, WRITTEN_PICTURES[suffix])
    except cv2.error:
        done = False
    if not done:
        height, width = pixels.shape[:2]
        raise VirtualCameraError(
            f"cannot write {width}x{height} px as {suffix}: choose a name that ends in .png"
        )
    return content.tobytes()


def _render_film(job: _Job, source: Path, target: Path) -> None:
    import av

    from livexpr.soundtrack import add_sound, has_sound

    with _written_whole(target) as unfinished:
        silent = unfinished.with_name(f"silent{target.suffix}")
        zeros_s = _filter_pictures(job, source, silent, target)
        try:
            if has_sound(source):
                add_sound(silent, source, unfinished, zeros_s)
            else:
                silent.replace(unfinished)
        except av.FFmpegError as error:
            reason = error.strerror or error
            raise VirtualCameraError(f"cannot put the sound into {target}: {reason}") from None


def _filter_pictures(job: _Job, source: Path, silent: Path, target: Path) -> tuple[float, ...]:
    """Filter each picture of a film at its own time; return what its clock shows at time 0."""
    film = Film(source, name=source.name, mirror=False, loop=False, fast=True)
    width, height = film.size
    sink = open_film(silent, (width * (1 + job.compare), height), film.fps, called=target)
    state, following = crowd.settled_state(job.effect), Following(job.faces)
    faces = count = 0
    task = job.progress.add_task(source.name, total=_expected_frames(source, film.fps))
    try:
        with Landmarker(video=True, max_faces=job.faces) as landmarker:
            for count, (pixels, time_s) in enumerate(film.timed_pictures(), 1):
                frame = Frame(pixels, count - 1, time_s)
                found = landmarker.detect_all(following.to_look_at(frame))
                people = following.found(frame, found, time_s)
                faces += any(one.track for one in people)
                result = crowd.process(frame, people, job.effect, state)
                state = result.state
                sink.send_at(_shown(job, frame, result.frame), time_s)
                job.progress.advance(task)
        sink.close()
    finally:
        job.progress.remove_task(task)
        film.close()
        with contextlib.suppress(LivexprError):
            sink.close()
    if faces < count:
        job.say(f"{source.name}: no face on {count - faces} of {count} frames, left as they are")
    return film.zeros_s


def _expected_frames(path: Path, fps: float) -> int | None:
    import av

    with open_container(path) as container:
        stream = container.streams.video[0]
        if stream.frames:
            return int(stream.frames)
        return round(container.duration / av.time_base * fps) if container.duration else None


def _shown(job: _Job, before: Frame, after: Frame) -> NDArray[np.uint8]:
    if not job.compare:
        return after.pixels
    return np.ascontiguousarray(np.concatenate([before.pixels, after.pixels], axis=1))


@contextlib.contextmanager
def _written_whole(target: Path) -> Iterator[Path]:
    """Give a path to write to; what is there in the end takes the place of `target`."""
    try:
        with tempfile.TemporaryDirectory(prefix=".livexpr-", dir=target.parent) as folder:
            unfinished = Path(folder) / f"unfinished{target.suffix}"
            yield unfinished
            os.replace(unfinished, target)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(target: Path, error: OSError) -> VirtualCameraError:
    return VirtualCameraError(
        f"cannot write {target}: {error.strerror or error}; choose another place"
    )
