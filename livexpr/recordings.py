"""Films and still pictures as sources of frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import CameraError
from livexpr.film_opening import RisingTimes, decoded, frame_rate, open_container, pixel_width
from livexpr.pictures import (
    MAX_PIXELS,
    MIN_SIDE_PX,
    PICTURE_SUFFIXES,
    check_file,
    check_size,
    read_image,
)
from livexpr.types import Frame

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_STILL_FPS = 30.0
_LAG_LIMIT_S = 0.25
"""A film that fell behind by more goes on from there, instead of hurrying to catch up."""

_REST, _LONGEST_REST_S, _DECODINGS = 0.6, 0.02, 4.0
"""After a live picture the next is left alone, since it would be in the way of whoever filters: for
this part of the time between two, or so long, s, as pictures may come in bursts, or until so many
times what decoding takes are left; whichever ends first."""

_RELEASE_LIMIT_S = 2.0


def open_recording(
    path: Path, *, name: str, fps: float | None, mirror: bool, loop: bool, fast: bool
) -> Film | Still:
    """Open a film or a still picture.

    Parameters
    ----------
    path : Path
        The file; its suffix tells pictures from films.
    name : str
        What to call it.
    fps : float, optional
        At what rate to repeat a still picture, 30 by default. A film has its own.
    mirror : bool
        Exchange left and right.
    loop : bool
        Start again after the end.
    fast : bool
        Deliver as fast as frames are fetched, instead of at the film's own pace.

    Raises
    ------
    CameraError
        When the file is missing, empty, unreadable or too small.
    """
    check_file(path)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return Still(
            read_image(path), name=name, fps=fps or _STILL_FPS, mirror=mirror, loop=loop, fast=fast
        )
    return Film(path, name=name, mirror=mirror, loop=loop, fast=fast)


class Still:
    """A picture that is shown again and again; attributes as :class:`livexpr.capture.Source`."""

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        *,
        name: str,
        fps: float,
        mirror: bool,
        loop: bool,
        fast: bool,
    ) -> None:
        self.name = name
        self.size = (pixels.shape[1], pixels.shape[0])
        self.fps = fps
        self.live = not fast
        self.notes: tuple[str, ...] = ()
        self._pixels = np.ascontiguousarray(pixels[:, ::-1]) if mirror else pixels
        self._once = fast and not loop
        self._index = 0
        self._closing = threading.Event()
        self._pace = Pace(self._closing)

    def read(self) -> Frame | None:
        """Return the picture when it is due again; None when it is to be shown once only."""
        if self._once and self._index > 0:
            return None
        if self.live:
            self._pace.wait_until(self._index / self.fps)
        if self._closing.is_set():
            return None
        frame = Frame(self._pixels, self._index, time.perf_counter())
        self._index += 1
        return frame

    def close(self) -> None:
        """End a waiting read."""
        self._closing.set()


class Film:
    """A video file; attributes as :class:`livexpr.capture.Source`.

    Frames are turned and stretched as the file says, carry the colours its tags ask for, and come
    at the times that it gives them. Damaged parts are skipped.

    Raises
    ------
    CameraError
        When there is no picture in the file.
    """

    def __init__(self, path: Path, *, name: str, mirror: bool, loop: bool, fast: bool) -> None:
        from av.video.reformatter import VideoReformatter

        self.name = name
        self.live = not fast
        self.notes: tuple[str, ...] = ()
        self._path = path
        self._mirror = mirror
        self._loop = loop
        self._index = 0
        self._decoding_s = 0.0
        self._using = threading.Lock()
        self._closing = threading.Event()
        self._pace = Pace(self._closing)
        self._container: InputContainer = open_container(path)
        stream = self._container.streams.video[0]
        self.fps = frame_rate(stream)
        self._pixel_width = pixel_width(stream)
        self._times = RisingTimes(1.0 / self.fps)
        self._converter = VideoReformatter()
        self._pictures = self._one_pass()
        self._ready = next(self._pictures, None)
        if self._ready is None:
            self.close()
            raise CameraError(f"{path} holds no readable picture: it is damaged or cut short")
        height, width = self._ready[0].shape[:2]
        self.size = (width, height)
        check_size(name, self.size)

    @property
    def zeros_s(self) -> tuple[float, ...]:
        """What the file's own clock shows at time 0, once for each time that it was set so far."""
        return tuple(self._times.zeros_s)

    def read(self) -> Frame | None:
        """Return the next frame when it is due, None after the last."""
        if self.live and self._ready is None:
            period_s = 1.0 / self.fps
            rest_s = min(
                _REST * period_s, _LONGEST_REST_S, period_s - _DECODINGS * self._decoding_s
            )
            # Not for a moment that is past: to the pace the film would be behind.
            self._pace.wait_until(self._times.last_s + max(rest_s, 0.0))
        with self._using:
            if self._closing.is_set():
                return None
            started_s = time.perf_counter()
            picture, self._ready = self._ready or self._next_picture(), None
            self._decoding_s = max(time.perf_counter() - started_s, 0.9 * self._decoding_s)
        if picture is None:
            return None
        pixels, time_s = picture
        if self.live:
            self._pace.wait_until(time_s)
            if self._closing.is_set():
                return None
        frame = Frame(pixels, self._index, time.perf_counter())
        self._index += 1
        return frame

    def reopen(self) -> Film:
        """Open the same film again, from its beginning.

        Raises
        ------
        CameraError
            While its file is away.
        """
        check_file(self._path)
        return Film(
            self._path, name=self.name, mirror=self._mirror, loop=self._loop, fast=not self.live
        )

    def timed_pictures(self) -> Iterator[tuple[NDArray[np.uint8], float]]:
        """Yield the rest of one pass, instead of :meth:`read`: pictures, without waiting.

        Yields
        ------
        tuple of ndarray of shape (H, W, 3), uint8, and float
            BGR, and the time since the first picture in s.
        """
        if self._ready is not None:
            ready, self._ready = self._ready, None
            yield ready
        yield from self._pictures

    def close(self) -> None:
        """Close the file and end a waiting read."""
        self._closing.set()
        # A decoder must not lose its file while it works.
        if self._using.acquire(timeout=_RELEASE_LIMIT_S):
            try:
                self._container.close()
            finally:
                self._using.release()

    def _next_picture(self) -> tuple[NDArray[np.uint8], float] | None:
        picture = next(self._pictures, None)
        if picture is not None or not self._loop:
            return picture
        self._container.close()
        self._container = open_container(self._path)
        self._times.zeros_s.clear()
        self._pictures = self._one_pass()
        return next(self._pictures, None)

    def _one_pass(self) -> Iterator[tuple[NDArray[np.uint8], float]]:
        """Yield each picture of the film once, with its time since the very first in s."""
        for picture in decoded(self._container):
            pixels = self._upright(picture)
            if pixels is not None:
                yield pixels, self._times.due_s(_time_s(picture))

    def _upright(self, picture: av.VideoFrame) -> NDArray[np.uint8] | None:
        """Return the pixels of a picture, None where it is damaged."""
        import av

        width = round(picture.width * self._pixel_width)
        if width * picture.height > MAX_PIXELS:
            return None
        try:
            # Not by itself, which would start threads anew for each picture.
            converted = self._converter.reformat(picture, width, format="bgr24", threads=1)
            pixels = converted.to_ndarray()
        except (av.FFmpegError, ValueError, MemoryError):
            return None
        if self._index and min(pixels.shape[:2]) < MIN_SIDE_PX:
            return None
        pixels = np.rot90(pixels, round(picture.rotation / 90.0) % 4)
        return np.ascontiguousarray(pixels[:, ::-1] if self._mirror else pixels)


class Pace:
    """Waits until moments of a film are due on the clock; the first is due at once."""

    def __init__(self, interrupt: threading.Event) -> None:
        self._interrupt = interrupt
        self._start_s: float | None = None

    def wait_until(self, time_s: float) -> None:
        """Wait for a moment `time_s` seconds into the film, or until interrupted."""
        now_s = time.perf_counter()
        if self._start_s is None or now_s - self._start_s - time_s > _LAG_LIMIT_S:
            self._start_s = now_s - time_s
        if (ahead_s := self._start_s + time_s - now_s) > 0:
            self._interrupt.wait(ahead_s)


def _time_s(picture: av.VideoFrame) -> float | None:
    if picture.pts is None or picture.time_base is None:
        return None
    return float(picture.pts * picture.time_base)
