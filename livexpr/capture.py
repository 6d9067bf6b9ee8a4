"""From what a user calls a source to the source: webcam, film, still picture, the demo."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from livexpr.camera_search import find_camera, is_number
from livexpr.capture_thread import CaptureThread, Source, Wishes
from livexpr.devices import CameraInfo, list_cameras
from livexpr.errors import CameraError
from livexpr.ordinary_files import expanded, may_exist
from livexpr.pictures import read_image
from livexpr.recordings import Film, Still, open_recording
from livexpr.webcam import DormantWebcam, Webcam

__all__ = [
    "CameraInfo",
    "CaptureThread",
    "DormantWebcam",
    "Source",
    "Webcam",
    "list_cameras",
    "open_source",
    "read_image",
    "reopen_source",
]


def open_source(
    spec: str,
    *,
    size: tuple[int, int] | None,
    fps: float | None,
    mirror: bool,
    loop: bool,
    fast: bool,
    dormant: bool = False,
) -> Source:
    """Open a source of frames.

    Parameters
    ----------
    spec : str
        ``auto`` (the first real webcam; with none, the demo, which the notes say), ``demo``,
        a camera's number, part of its name, its ``/dev/videoN``, or a film or picture file.
    size : tuple of int, optional
        (width, height) in px to ask a webcam for; 1280x720 by default.
    fps : float, optional
        Rate to ask a webcam for; 30 by default.
    mirror : bool
        Exchange left and right.
    loop, fast : bool
        Of a file: start again after its end; do not wait for its own pace.
    dormant : bool
        Of a webcam: leave it off; :func:`reopen_source` opens it.

    Returns
    -------
    Source
        Opened, and known to deliver pictures, unless it is dormant.

    Raises
    ------
    CameraError
        When there is no such source, or it is busy, unreadable, empty or delivers nothing.
    """
    wishes = Wishes(size, fps, mirror)
    if spec == "auto":
        return _open_auto(wishes, fast=fast, dormant=dormant)
    if spec == "demo":
        return _open_demo(wishes, fast=fast)
    if not is_number(spec) and not spec.startswith("/dev/"):
        path = expanded(spec)
        # Not by a suffix: cameras are called "USB2.0 HD".
        if may_exist(path) or path.name != spec:
            return _open_file(path, path.name, wishes, loop=loop, fast=fast)
    return (DormantWebcam if dormant else Webcam)(find_camera(spec), wishes)


def reopen_source(source: Source) -> Source:
    """Open again what was closed or broke: a webcam, under whatever number it is back, or a film.

    Parameters
    ----------
    source : Source
        What :func:`open_source` gave, closed since.

    Raises
    ------
    CameraError
        While the camera, or the film's file, is still away, and for a still picture.
    """
    if not isinstance(source, Webcam | DormantWebcam | Film):
        raise CameraError(f"{source.name} ended and cannot be opened again")
    return source.reopen()


def _open_auto(wishes: Wishes, *, fast: bool, dormant: bool) -> Source:
    real = [camera for camera in list_cameras() if not camera.virtual]
    problems = []
    if real and dormant:
        return DormantWebcam(real[0], wishes)
    for camera in real:
        try:
            return Webcam(camera, wishes)
        except CameraError as error:
            problems.append(str(error))
    if problems:
        raise CameraError("; ".join(problems))
    demo = _open_demo(wishes, fast=fast)
    demo.notes = ("no webcam found, playing the demo: plug one in or name a --source", *demo.notes)
    return demo


def _open_demo(wishes: Wishes, *, fast: bool) -> Film | Still:
    path = Path(str(resources.files("livexpr") / "assets" / "demo.mp4"))
    if not path.is_file():
        raise CameraError(f"the demo film {path} is missing: install livexpr again")
    return _open_file(path, "demo", wishes, loop=True, fast=fast)


def _open_file(path: Path, name: str, wishes: Wishes, *, loop: bool, fast: bool) -> Film | Still:
    source = open_recording(
        path, name=name, fps=wishes.fps, mirror=wishes.mirror, loop=loop, fast=fast
    )
    source.notes = wishes.unmet(source.size, source.fps, name)
    return source
