"""What a source of frames is, and the thread that reads one and keeps its newest frame."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from livexpr.errors import CameraError, one_line
from livexpr.types import Frame

_HANDING_S = 0.001
"""After a live frame the interpreter is left to whoever takes it for so long: decoding the next one
would keep it."""

_CLOSE_LIMIT_S = 0.7
"""A read that a driver does not return from must not hold up the end of the program."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of a source: (width, height) in px, frames per second, left for right."""

    size: tuple[int, int] | None = None
    fps: float | None = None
    mirror: bool = False

    def unmet(self, size: tuple[int, int], fps: float, giver: str) -> tuple[str, ...]:
        """Say what came instead, in one line, if it is not what was asked."""
        asked_size, asked_fps = self.size or size, self.fps or fps
        if asked_size == size and abs(asked_fps - fps) <= 0.05 * fps:
            return ()
        asked = f"{asked_size[0]}x{asked_size[1]} at {asked_fps:g}"
        return (f"asked for {asked}, {giver} gives {size[0]}x{size[1]} at {fps:g}",)


class Source(Protocol):
    """Where frames come from: a webcam, a film, a still picture.

    ``read`` is for one thread; ``close`` may be called from any, also during a ``read``.
    """

    @property
    def name(self) -> str:
        """For people: ``webcam "HD Pro" (/dev/video0)``, ``clip.mp4``, ``demo``."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in px of the frames it delivers."""

    @property
    def fps(self) -> float:
        """Frames per second it delivers, as far as it is known."""

    @property
    def live(self) -> bool:
        """Whether it goes on by itself, so that late frames are better dropped."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs from what was asked, each in one line."""

    def read(self) -> Frame | None:
        """Return the next frame, waiting until it is due; None after the last.

        Raises
        ------
        CameraError
            When the source broke.
        """

    def close(self) -> None:
        """Release the device or file. A second call does nothing."""


class CaptureThread:
    """Reads a source in a thread of its own, from now on.

    Of a live source only the newest frame is kept. Of any other, each frame waits until it
    was fetched, so that none is lost.

    Parameters
    ----------
    source : Source
        Is closed by :meth:`close`.

    Attributes
    ----------
    frames_in : int
        Frames read so far.
    dropped : int
        Frames that a newer one replaced before they were fetched.
    error : CameraError or None
        Why the source broke, if it did.
    """

    def __init__(self, source: Source) -> None:
        self.frames_in = 0
        self.dropped = 0
        self.error: CameraError | None = None
        self._source = source
        self._live = source.live
        self._newest: Frame | None = None
        self._finished = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether no further frame will come, after the end or after an error."""
        with self._changed:
            return self._finished and self._newest is None

    def get(self, timeout_s: float) -> Frame | None:
        """Fetch the newest frame that was not fetched before.

        Parameters
        ----------
        timeout_s : float
            How long to wait for it.

        Returns
        -------
        Frame or None
            None when nothing new came in time, and at once when the source has ended.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._finished or self._closing, timeout_s
            )
            frame, self._newest = self._newest, None
            self._changed.notify_all()
            return frame

    def close(self) -> bool:
        """Stop reading and close the source, within two seconds whatever the driver does.

        Returns
        -------
        bool
            False when the thread still hangs in the driver.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._source.close()
        if self._thread is not threading.current_thread():
            self._thread.join(_CLOSE_LIMIT_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._closing and (frame := self._source.read()) is not None:
                self._put(frame)
                if self._live:
                    time.sleep(_HANDING_S)
        except CameraError as error:
            if not self._closing:
                self.error = error
        except Exception as error:
            # Not swallowed: reported, and a live source is opened anew.
            self.error = CameraError(f"{self._source.name} failed: {one_line(error)}")
        finally:
            with self._changed:
                self._finished = True
                self._changed.notify_all()

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self.frames_in += 1
            if self._live:
                self.dropped += self._newest is not None
            else:
                self._changed.wait_for(lambda: self._newest is None or self._closing)
            self._newest = frame
            self._changed.notify_all()
