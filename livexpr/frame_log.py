"""What was shown on each frame, written line by line as JSON: ``--log FILE.jsonl``.

The first line tells what the others hold. Then there is one line for each published frame, and one
before it whenever what is wanted has changed::

    {"event": "start", "version": "0.3.0", "wall_time": "2026-01-31T12:00:00+00:00", ...}
    {"event": "change", "frame": 0, "time_s": 0.0, "preset": "happy", "intensity": 1.0, ...}
    {"event": "frame", "frame": 0, "time_s": 0.0, "strength": 0.0, "landmarks_px": [...], ...}
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from livexpr import __version__
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.published import Published
from livexpr.types import FaceTrack

_BACKLOG = 120
"""Frames that may wait for the disk, at 30 fps for four seconds; then a live call loses lines."""

_STUCK_LIMIT_S, _SLICES = 10.0, 10
"""A disk that takes nothing for so long ends the log, where no line is to be lost. It is waited for
bit by bit: a process that was stopped meanwhile has lost no more than one of them."""

_END_LIMIT_S = 5.0
"""So long the end waits for a disk: camera and films are yet to be closed."""

_NO_PIXELS: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)


class FrameLog:
    """Writes each published frame to a file, in a thread of its own, as an observer.

    Parameters
    ----------
    path : Path
        Replaced.
    say : callable
        Takes a line for the user.
    live : bool
        Whether lines are lost rather than the picture held up; lost ones are counted in the file.
        Else the picture waits, but for a disk that does not answer at all.

    Raises
    ------
    LivexprError
        If the file cannot be begun.
    """

    def __init__(self, path: Path, say: Callable[[str], None], *, live: bool) -> None:
        self._path = path
        self._say = say
        self._live = live
        self._lost = 0
        self._failed = False
        self._closed = False
        self._waiting: queue.Queue[tuple[Published | None, int]] = queue.Queue(_BACKLOG)
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise LivexprError(f"cannot write the log {path}: {error.strerror or error}") from None
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def saw(self, published: Published) -> None:
        """Have a frame written."""
        if self._failed or self._closed or not self._thread.is_alive():
            return
        # Pictures are not written: a hundred that waited for the disk would fill the memory.
        frame = replace(published.before, pixels=_NO_PIXELS)
        written = replace(published, before=frame, after=frame, covers=())
        for _ in range(1 if self._live else _SLICES):
            with contextlib.suppress(queue.Full):
                self._waiting.put((written, self._lost), not self._live, _STUCK_LIMIT_S / _SLICES)
                self._lost = 0
                return
        self._lost += 1
        if not self._live:
            self._end("ends early: its disk does not answer")

    def tell(self, message: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Write what waits, and end the file. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        end_s = time.perf_counter() + _END_LIMIT_S
        with contextlib.suppress(queue.Full):
            self._waiting.put((None, self._lost), timeout=_END_LIMIT_S)
        self._thread.join(max(0.0, end_s - time.perf_counter()))
        if self._thread.is_alive():
            self._end("ends early: its disk does not answer")

    def _run(self) -> None:
        lines = _Lines()
        self._write(lines.start())
        while True:
            published, lost = self._waiting.get()
            if lost:
                self._write({"event": "lost", "frames": lost})
            if published is None:
                break
            for line in lines.of(published):
                self._write(line)
        try:
            self._file.close()
        except OSError as error:
            self._end(f"ends here: {error.strerror or error}")

    def _write(self, line: dict[str, Any]) -> None:
        if self._failed:
            return
        try:
            self._file.write(json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n")
        except OSError as error:
            self._end(f"ends here: {error.strerror or error}")

    def _end(self, how: str) -> None:
        """Write nothing more, and say so once."""
        if not self._failed:
            self._failed = True
            self._say(f"the log {self._path} {how}")


class _Lines:
    """Frames as plain values, with a line of its own for each change."""

    def __init__(self) -> None:
        self._wanted: dict[str, object] = {}

    def start(self) -> dict[str, Any]:
        return {
            "event": "start",
            "version": __version__,
            "wall_time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "blendshapes": list(BLENDSHAPE_NAMES),
            "units": {
                "time_s": "s, of the frame's capture on the monotonic clock; in a file its place",
                "landmarks_px": "x, y of 478 landmarks in px of the unfiltered picture, smoothed",
                "strength": "amount of the expression that was applied; 0 is none",
                "stages_ms": "ms spent on the frame",
            },
        }

    def of(self, published: Published) -> list[dict[str, Any]]:
        """Return the lines of one frame."""
        frame, time_s = published.before.index, round(published.time_s, 6)
        controls = published.controls
        wanted = {
            "preset": published.preset.name,
            "mix": dict(published.preset.mix),
            "regions": asdict(published.preset.regions),
            "feel": asdict(published.preset.feel),
            "damping": published.preset.damping,
            "intensity": controls.intensity,
            "on": controls.on,
            "mirrored": controls.mirrored,
            "frozen": controls.frozen,
        }
        lines: list[dict[str, Any]] = []
        if wanted != self._wanted:
            self._wanted = wanted
            lines.append({"event": "change", "frame": frame, "time_s": time_s, **wanted})
        lines.append(
            {
                "event": "frame",
                "frame": frame,
                "time_s": time_s,
                "preset": published.preset.name,
                "intensity": controls.live_intensity,
                "strength": round(published.strength, 4),
                "stages_ms": {
                    name: round(1000 * seconds, 3) for name, seconds in published.stages_s.items()
                },
                "faces": [_face(track) for track in published.tracks],
            }
        )
        return lines


def _face(track: FaceTrack) -> dict[str, Any]:
    return {
        "landmarks_px": np.round(track.landmarks_px[:, :2].astype(np.float64), 2).tolist(),
        "blendshapes": np.round(track.blendshapes.astype(np.float64), 4).tolist(),
        "frame_from_head": np.round(track.frame_from_head.astype(np.float64), 4).tolist(),
    }
