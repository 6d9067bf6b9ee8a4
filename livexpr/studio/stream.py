"""Pictures for the page: the newest only, made when a page is ready for one."""

from __future__ import annotations

import json
import os
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.occlusion import landmark_factors
from livexpr.preset_file import Preset
from livexpr.published import Published
from livexpr.types import FaceTrack

MOST_PER_SECOND = 10.0
"""Enough to judge an expression by; each takes some milliseconds of one processor."""

_JPEG_QUALITY = 80
_WIDEST_PX = 720
_NICER_BY = 10
"""On one processor that others fill, that is a tenth of it; with 19 nothing would be shown."""

_RATE_FRAMES = 60
_PARTS = 10_000
"""Landmarks and how free they are, are told in parts of one."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a page wants to see.

    Attributes
    ----------
    before : bool
        Also the picture without the filter.
    overlay : bool
        Also where the faces are.
    """

    before: bool = True
    overlay: bool = False


class Stream:
    """Takes frames as an observer and makes packets of them, in a thread of its own.

    Parameters
    ----------
    deliver : callable
        Takes each packet, in that thread: a header's length in 4 bytes (little-endian), the header
        in JSON, and a JPEG with the filtered picture, above it the plain one where it is wanted.
    lesson : callable
        Returns what to tell of a lesson, in the header; None for nothing.
    """

    def __init__(
        self,
        deliver: Callable[[bytes], None],
        lesson: Callable[[], Mapping[str, Any] | None] = lambda: None,
    ) -> None:
        self._deliver = deliver
        self._lesson = lesson
        self._changed = threading.Condition()
        self._wishes: Wishes | None = None
        self._waiting: tuple[Published, Wishes, dict[str, Any]] | None = None
        self._closed = False
        self._taken_s = 0.0
        self._times_s: deque[float] = deque(maxlen=_RATE_FRAMES)
        self._said: deque[str] = deque(maxlen=20)
        self._thread = threading.Thread(target=self._run, name="studio pictures", daemon=True)
        self._thread.start()

    def want(self, wishes: Wishes) -> None:
        """Have one more packet made, of the next frame that may be one.

        All pages that wait get the same one, so that it holds what any of them wants.
        """
        with self._changed:
            others = self._wishes or Wishes(before=False, overlay=False)
            self._wishes = Wishes(others.before or wishes.before, others.overlay or wishes.overlay)

    def saw(self, published: Published) -> None:
        """Take a frame, if a page is ready for one."""
        now_s = time.perf_counter()
        self._times_s.append(now_s)
        wishes = self._wishes
        if wishes is None or now_s - self._taken_s < 1.0 / MOST_PER_SECOND:
            return
        readings = {
            "fps": self._fps(),
            "latency_ms": round(1000 * (now_s - published.after.captured_at_s), 2),
        }
        with self._changed:
            self._taken_s, self._wishes = now_s, None
            self._waiting = published, wishes, readings
            self._changed.notify_all()

    def tell(self, message: str) -> None:
        """Take a message for the pages."""
        self._said.append(message)

    def close(self) -> None:
        """End the thread. A second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(1.0)

    def _fps(self) -> float | None:
        times = self._times_s
        if len(times) < 2 or times[-1] <= times[0]:
            return None
        return round((len(times) - 1) / (times[-1] - times[0]), 1)

    def _run(self) -> None:
        be_nice()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._closed)
                if self._closed:
                    return
                assert self._waiting is not None
                (published, wishes, readings), self._waiting = self._waiting, None
            said = [self._said.popleft() for _ in range(len(self._said))]
            told = {**readings, "said": said, "lesson": self._lesson()}
            self._deliver(packet(published, wishes, told))


def packet(published: Published, wishes: Wishes, readings: Mapping[str, Any]) -> bytes:
    """Return a frame as pages read it; see :class:`Stream`."""
    after = _small(published.after.pixels)
    rows = [after]
    if wishes.before:
        before = _small(published.before.pixels)
        rows.insert(
            0, np.asarray(cv2.flip(before, 1), np.uint8) if published.controls.mirrored else before
        )
    ok, jpeg = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert ok
    header = {
        **readings,
        "width": after.shape[1],
        "height": after.shape[0],
        "before": wishes.before,
        "strength": round(published.strength, 3),
        "presence": None if published.presence is None else round(published.presence, 3),
        "stages_ms": {name: round(1000 * s, 2) for name, s in published.stages_s.items()},
        "preset": _preset(published.preset),
        "controls": asdict(published.controls),
        "n_faces": len(published.tracks),
    }
    if wishes.overlay:
        height, width = published.before.pixels.shape[:2]
        header["faces"] = [_points(track, width, height) for track in published.tracks]
        header["free"] = [_whole_parts(landmark_factors(cover)) for cover in published.covers]
    text = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack("<I", len(text)) + text + jpeg.tobytes()


def _preset(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "mix": dict(preset.mix),
        "regions": asdict(preset.regions),
        "feel": asdict(preset.feel),
        "damping": preset.damping,
    }


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture made smaller by a whole number, which is 25 times as quick as by others."""
    height, width = pixels.shape[:2]
    by = -(-width // _WIDEST_PX)
    if by == 1 or height < by:
        return pixels
    size = width // by, height // by
    whole = pixels[: size[1] * by, : size[0] * by]
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def _points(track: FaceTrack, width: int, height: int) -> list[int]:
    """Return x and y of all landmarks in turn, in parts of the picture's width and height."""
    points = track.landmarks_px[:, :2] / np.array([width, height], np.float32)
    return _whole_parts(np.asarray(points, np.float32))


def _whole_parts(values: NDArray[np.float32]) -> list[int]:
    """Return values in parts of one.

    Whole numbers are written as JSON in a fifth of the time that others take, in which the filter
    would have to wait for the interpreter.
    """
    whole: list[int] = np.rint(_PARTS * values).astype(int).ravel().tolist()
    return whole


def be_nice() -> None:
    """Let the filter go first, where a thread can be told to (Linux)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICER_BY)
