"""The edge where pictures go out: the virtual camera, films, nothing.

The only importer of pyvirtualcam.
"""

from __future__ import annotations

import os
import platform
import time

import numpy as np
from numpy.typing import NDArray

from livexpr.devices import holders
from livexpr.errors import VirtualCameraError
from livexpr.film import FILM_SUFFIXES, open_film
from livexpr.letterbox import letterbox
from livexpr.loopback import (
    LOAD_COMMAND,
    RELOAD_COMMAND,
    loopback_nodes,
    make_writable,
    missing_hint,
    output_format,
    restore_output,
)
from livexpr.publisher import NullSink, Publisher, RepeatingSink, Sink, TimedSink

__all__ = [
    "FILM_SUFFIXES",
    "NullSink",
    "Publisher",
    "RepeatingSink",
    "Sink",
    "TimedSink",
    "VirtualCamera",
    "open_film",
    "open_virtual_camera",
]

_BACKENDS = {
    "Linux": ("v4l2loopback",),
    "Windows": ("obs", "unitycapture"),
    "Darwin": ("obs",),
}
_HINTS = {
    "Windows": "install OBS Studio (`winget install OBSProject.OBSStudio`), start it once, "
    "press Start Virtual Camera, then Stop",
    "Darwin": "install OBS 30 or newer (`brew install --cask obs`), start it once, press Start "
    "Virtual Camera, allow it in System Settings, then Stop",
}
_PIXEL_FORMAT = "YU12"
"""What pyvirtualcam turns BGR into (planar 4:2:0)."""

_MIN_SIDE_PX = (48, 32)
"""Smallest picture that v4l2loopback announces to its readers."""

_LOOK_EVERY_S = 1.0


def open_virtual_camera(device: str | None, size: tuple[int, int], fps: float) -> VirtualCamera:
    """Open a virtual camera to write to.

    Parameters
    ----------
    device : str or None
        ``/dev/videoN`` on Linux, a camera's name on Windows; None takes the first that is free.
    size : tuple of int
        (width, height) of the pictures in px, kept for life. Odd sides lose a pixel. A program
        that still reads the device keeps the size it knows; pictures are then letterboxed.
    fps : float
        Rate to announce, and at which the last picture is repeated.

    Returns
    -------
    VirtualCamera
        A sink for :class:`livexpr.publisher.Publisher`.

    Raises
    ------
    VirtualCameraError
        When there is none or none is free: each one's reason, and the command that mends it.
    """
    size = _even(size)
    if platform.system() == "Linux":
        return _open_on_linux(device, size, fps)
    reasons = []
    for backend in _BACKENDS.get(platform.system(), ()):
        try:
            return VirtualCamera(backend, device, size, fps)
        except VirtualCameraError as error:
            reasons.append(f"{backend}: {error}")
    hint = _HINTS.get(platform.system(), "there is none for this operating system")
    raise VirtualCameraError(f"no virtual camera ({'; '.join(reasons) or 'none known'}): {hint}")


def _open_on_linux(device: str | None, size: tuple[int, int], fps: float) -> VirtualCamera:
    paths = [device] if device is not None else [node.path for node in loopback_nodes()]
    if not paths:
        raise VirtualCameraError(f"no virtual camera on this machine: {missing_hint()}")
    reasons = []
    for path in paths:
        # Checked first: pyvirtualcam leaves a device that it refuses open.
        if (reason := make_writable(path)) is not None:
            reasons.append(reason)
            continue
        try:
            return _open_loopback(path, size, fps)
        except VirtualCameraError as error:
            reasons.append(str(error))
    raise VirtualCameraError("; ".join(reasons))


def _open_loopback(path: str, size: tuple[int, int], fps: float) -> VirtualCamera:
    """Open a device that is free to be written to, in the format its readers know."""
    camera = VirtualCamera("v4l2loopback", path, size, fps)
    kept = output_format(path)
    if kept is None or kept == (size, _PIXEL_FORMAT):
        return camera
    camera.close()
    kept_size, kept_pixel_format = kept
    if kept_pixel_format != _PIXEL_FORMAT:
        who = " and ".join(holders(path)) or "another program"
        raise VirtualCameraError(
            f"{path} is set to {kept_pixel_format} pictures, expected {_PIXEL_FORMAT}: close "
            f"{who}, which reads it, or run `{RELOAD_COMMAND}`"
        )
    return VirtualCamera("v4l2loopback", path, kept_size, fps)


class VirtualCamera:
    """A camera that other programs see; made by :func:`open_virtual_camera`.

    Attributes
    ----------
    size : tuple of int
        (width, height) in px, for life.
    repeat_fps : float
        How often it wants a picture.
    """

    def __init__(self, backend: str, device: str | None, size: tuple[int, int], fps: float) -> None:
        import pyvirtualcam

        self.size = size
        self.repeat_fps = fps
        try:
            self._camera: pyvirtualcam.Camera | None = pyvirtualcam.Camera(
                width=size[0],
                height=size[1],
                fps=fps,
                fmt=pyvirtualcam.PixelFormat.BGR,
                device=device,
                backend=backend,
            )
        except (RuntimeError, ValueError) as error:
            raise VirtualCameraError(_one_line(error, backend)) from None
        self._backend = backend
        self.device: str = self._camera.device
        self._node = _node(self.device)
        self._looked_s = time.perf_counter()
        self.name = f"virtual camera {self.device}"

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture: (H, W, 3) uint8 BGR, letterboxed if it has another size."""
        if self._camera is None:
            raise VirtualCameraError(f"{self.name} is closed")
        self._check_device()
        try:
            self._camera.send(letterbox(pixels, self.size))
        except RuntimeError as error:
            raise VirtualCameraError(f"{self.name} takes no pictures: {error}") from None

    def _check_device(self) -> None:
        """Notice a device that was removed: what is written to it vanishes without an error."""
        now_s = time.perf_counter()
        if self._node is None or now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        if _node(self.device) != self._node:
            raise VirtualCameraError(f"{self.name} was removed: run `{LOAD_COMMAND}`")

    def close(self) -> None:
        """Let go of the device, and leave it ready for whoever writes to it next."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        camera.close()
        if self._backend == "v4l2loopback":
            restore_output(self.device)


def _node(device: str) -> tuple[int, int] | None:
    """Return what tells a device node from another of the same name, where there are nodes."""
    try:
        found = os.stat(device)
    except OSError:
        return None
    return found.st_rdev, found.st_ino


def _one_line(error: Exception, backend: str) -> str:
    text = " ".join(str(error).split())
    return text.removeprefix(f"'{backend}' backend: ")


def _even(size: tuple[int, int]) -> tuple[int, int]:
    """Round down to whole chroma samples (4:2:0), and up to what readers accept."""
    return max(_MIN_SIDE_PX[0], size[0] // 2 * 2), max(_MIN_SIDE_PX[1], size[1] // 2 * 2)
