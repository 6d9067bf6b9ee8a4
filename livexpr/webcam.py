"""Webcams: the edge where live pictures come in.

The only importer of ``cv2.VideoCapture``.
"""

from __future__ import annotations

import os
import platform
import threading
import time

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.camera_search import describe, why_not_opened
from livexpr.capture_thread import Wishes
from livexpr.devices import CameraInfo, list_cameras, video_nodes
from livexpr.errors import CameraError
from livexpr.types import Frame

DEFAULT_SIZE = (1280, 720)
DEFAULT_FPS = 30.0
SILENCE_LIMIT_S = 5.0
"""A camera that gives no picture for so long is reported as broken."""

_FRESH_S = 0.5
"""The picture by which a camera was found to work is shown if it is no older."""

_RETRY_S = 0.02
_RELEASE_LIMIT_S = 0.5
"""How long the end waits for a read; a read that outlasts it releases the camera itself."""

_BUFFERS = 2
"""One picture is filled while one is decoded. With a single buffer a camera pauses meanwhile and
delivers half its rate; more would only age, though the capture thread empties them at once."""

_BACKENDS: dict[str, tuple[int, ...]] = {
    "Linux": (cv2.CAP_V4L2,),
    # DirectShow starts at once and takes MJPG; Media Foundation knows some cameras more.
    "Windows": (cv2.CAP_DSHOW, cv2.CAP_MSMF),
    "Darwin": (cv2.CAP_AVFOUNDATION,),
}


class Webcam:
    """A camera; attributes as :class:`livexpr.capture_thread.Source`, and ``virtual``.

    Parameters
    ----------
    camera : CameraInfo
        Which one.
    wishes : Wishes
        What to ask it for. It gives what it can, which ``size``, ``fps`` and ``notes`` tell.

    Raises
    ------
    CameraError
        When it is busy, may not be opened, or gives no picture for five seconds.
    """

    live = True

    def __init__(self, camera: CameraInfo, wishes: Wishes) -> None:
        self.name = describe(camera)
        self.virtual = camera.virtual
        self._camera = camera
        self._wishes = wishes
        self._bus = _bus_of(camera)
        self._index = 0
        self._using = threading.Lock()
        self._closing = threading.Event()
        self._capture = _open_capture(camera)
        _ask(self._capture, wishes)
        self._first: Frame | None = None
        try:
            self._first = self.read()
        except CameraError:
            self.close()
            raise
        assert self._first is not None
        height, width = self._first.pixels.shape[:2]
        self.size = (width, height)
        self.fps = self._capture.get(cv2.CAP_PROP_FPS) or wishes.fps or DEFAULT_FPS
        self.notes = wishes.unmet(self.size, self.fps, "the camera")

    def read(self) -> Frame | None:
        """Wait for the next picture.

        Returns
        -------
        Frame or None
            None only once it is closed.

        Raises
        ------
        CameraError
            When it was unplugged, or has given no picture for five seconds.
        """
        first, self._first = self._first, None
        # Whoever opened it may have had to wait for something else since.
        if first is not None and time.perf_counter() - first.captured_at_s < _FRESH_S:
            return first
        patience_ends_s = time.perf_counter() + SILENCE_LIMIT_S
        while not self._closing.is_set():
            with self._using:
                frame = None if self._closing.is_set() else self._grab()
                if self._closing.is_set():
                    self._capture.release()
                    return None
            if frame is not None:
                return frame
            if self._camera.path.startswith("/dev/") and not os.path.exists(self._camera.path):
                raise CameraError(f"{self.name} was unplugged: plug it in again")
            if time.perf_counter() > patience_ends_s:
                raise CameraError(
                    f"{self.name} gives no pictures ({SILENCE_LIMIT_S:g} s waited): open its "
                    "shutter, close other programs that use it, or plug it in again"
                )
            self._closing.wait(_RETRY_S)
        return None

    def close(self) -> None:
        """Release the camera; may be called from any thread, at any time."""
        self._closing.set()
        # A driver that hangs in a read keeps the camera; waiting for it would hang us too. Where
        # the read returns after all, it lets go of the camera.
        if self._using.acquire(timeout=_RELEASE_LIMIT_S):
            try:
                self._capture.release()
            finally:
                self._using.release()

    def reopen(self) -> Webcam:
        """Open the same camera again, wherever it is now: same socket first, else same name.

        Raises
        ------
        CameraError
            While it is away.
        """
        return _opened_again(self._camera, self._bus, self._wishes)

    def _grab(self) -> Frame | None:
        try:
            if not self._capture.grab():
                return None
            captured_at_s = time.perf_counter()
            decoded, picture = self._capture.retrieve()
        except cv2.error:  # a picture that was damaged on its way
            return None
        if not decoded or picture is None:
            return None
        pixels = _as_bgr(np.asarray(picture, np.uint8), mirror=self._wishes.mirror)
        frame = Frame(pixels, self._index, captured_at_s)
        self._index += 1
        return frame


class DormantWebcam:
    """A camera that is not opened before somebody wants its pictures; gives none itself.

    Parameters
    ----------
    camera : CameraInfo
        Which one.
    wishes : Wishes
        What to ask it for. They are also what ``size`` and ``fps`` tell: what the camera gives
        is not known yet.
    """

    live = True
    notes: tuple[str, ...] = ()

    def __init__(self, camera: CameraInfo, wishes: Wishes) -> None:
        self.name = describe(camera)
        self.size = wishes.size or DEFAULT_SIZE
        self.fps = wishes.fps or DEFAULT_FPS
        self._camera = camera
        self._bus = _bus_of(camera)
        self._wishes = wishes

    def read(self) -> Frame | None:
        """Return None: it is not open."""
        return None

    def close(self) -> None:
        """Do nothing."""

    def reopen(self) -> Webcam:
        """Open it; raises CameraError as :class:`Webcam` does."""
        return _opened_again(self._camera, self._bus, self._wishes)


def _opened_again(camera: CameraInfo, bus: str, wishes: Wishes) -> Webcam:
    same = [known for known in list_cameras() if known.name == camera.name]
    same.sort(key=lambda known: _bus_of(known) != bus)
    if not same:
        raise CameraError(f"{describe(camera)} is away: plug it in again")
    return Webcam(same[0], wishes)


def _as_bgr(picture: NDArray[np.uint8], *, mirror: bool) -> NDArray[np.uint8]:
    if picture.ndim == 2:  # infrared cameras
        picture = np.repeat(picture[..., np.newaxis], 3, axis=2)
    return np.ascontiguousarray(picture[:, ::-1] if mirror else picture)


def _bus_of(camera: CameraInfo) -> str:
    """Return the socket a camera is plugged into, '' where the system does not tell."""
    if platform.system() != "Linux":
        return ""
    return next((node.bus for node in video_nodes() if node.path == camera.path), "")


def _open_capture(camera: CameraInfo) -> cv2.VideoCapture:
    # OpenCV waits 10 s for a silent camera, and could not be stopped meanwhile.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # Its warnings would surround our one line of what went wrong.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    for backend in _BACKENDS.get(platform.system(), (cv2.CAP_ANY,)):
        # By path on Linux, where a camera may have a name and no number.
        device = camera.path if backend == cv2.CAP_V4L2 else camera.index
        capture = cv2.VideoCapture(device, backend)
        if capture.isOpened():
            return capture
        capture.release()
    raise CameraError(why_not_opened(camera))


def _ask(capture: cv2.VideoCapture, wishes: Wishes) -> None:
    """Ask for compressed pictures first: raw ones of this size do not fit through USB 2."""
    width, height = wishes.size or DEFAULT_SIZE
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    capture.set(cv2.CAP_PROP_FPS, wishes.fps or DEFAULT_FPS)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, _BUFFERS)
