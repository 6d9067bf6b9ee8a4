"""Teaching from the page: a lesson in a thread of its own, fed with the filter's frames."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from livexpr.commands import Answer, Command
from livexpr.errors import one_line
from livexpr.learning import Lesson, OpenLesson, Progress
from livexpr.preset_file import MAP_SUFFIX
from livexpr.published import Published
from livexpr.studio.stream import be_nice
from livexpr.types import FaceTrack, NoFace

ASKS = ("attend", "neutral", "expression", "undo", "learn")
"""What a page may ask for: to be guided, to take a look of either kind, and so on."""

_ATTENTIVE_S = 90.0
"""For so long after it was asked for something, a lesson looks at frames."""

_JOIN_S, _LAST_JOIN_S = 1.0, 10.0
_MOST_WAITING = 20


class Lessons:
    """One lesson, which begins with the first thing that a page asks for.

    Parameters
    ----------
    open_lesson : callable
        Begins it, in the thread of its own.
    post : callable
        Takes a Command; False when too many wait.
    """

    def __init__(self, open_lesson: OpenLesson, post: Callable[[Command], bool]) -> None:
        self._open = open_lesson
        self._post = post
        self._changed = threading.Condition()
        self._asked: deque[tuple[str, str]] = deque(maxlen=_MOST_WAITING)
        self._frame: Published | None = None
        self._attentive_until_s = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._lesson: Lesson | None = None
        self._progress: Progress | None = None
        self._note, self._bad, self._busy = "", False, ""
        self._n_kept = 0

    def ask(self, what: str, name: str = "") -> None:
        """Ask for one of :data:`ASKS`; `name` is that of the preset to learn. From any thread."""
        with self._changed:
            if self._closed:
                return
            self._asked.append((what, name))
            self._attentive_until_s = time.monotonic() + _ATTENTIVE_S
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lesson", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def saw(self, published: Published) -> None:
        """Take a frame, if somebody is being taught."""
        if self._thread is None or time.monotonic() > self._attentive_until_s:
            return
        with self._changed:
            self._frame = published
            self._changed.notify_all()

    def state(self) -> dict[str, Any] | None:
        """Return what to tell on the page; None before anything was asked for."""
        if self._thread is None:
            return None
        progress = self._progress
        return {
            **({} if progress is None else asdict(progress)),
            "note": self._note,
            "bad": self._bad,
            "busy": self._busy,
            "n_kept": self._n_kept,
        }

    def close(self) -> None:
        """End the thread, which may finish what it is at. A second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                # Cameras are let go of meanwhile, but an interpreter that ended beneath the
                # landmark model would crash.
                atexit.register(self._thread.join, _LAST_JOIN_S)

    def _run(self) -> None:
        be_nice()
        try:
            while (work := self._next()) is not None:
                asked, frame = work
                for what, name in asked:
                    self._guarded(partial(self._do, what, name))
                if frame is not None:
                    self._guarded(partial(self._see, frame))
        finally:
            if self._lesson is not None:
                self._lesson.rest()

    def _next(self) -> tuple[list[tuple[str, str]], Published | None] | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            while not (self._closed or self._asked or self._frame):
                left_s = self._attentive_until_s - time.monotonic()
                if left_s <= 0 and self._lesson is not None:
                    self._lesson.rest()
                self._changed.wait(left_s if left_s > 0 else None)
            if self._closed:
                return None
            work = list(self._asked), self._frame
            self._asked.clear()
            self._frame = None
            return work

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            # Not swallowed: told on the page, which asked. The filter goes on whatever happens.
            self._note, self._bad = one_line(error), True
        finally:
            self._busy = ""
            if self._lesson is not None:
                self._progress = self._lesson.progress

    def _do(self, what: str, name: str) -> None:
        if self._lesson is None:
            self._busy = "one moment …"
            self._lesson = self._open()
        if what != "attend":
            self._note, self._bad = "", False
        if what in ("neutral", "expression"):
            self._lesson.take("neutral" if what == "neutral" else "expression")
        elif what == "undo":
            self._lesson.undo()
        elif what == "learn":
            self._busy = "learning …"
            self._note = self._lesson.learn(name)
            self._n_kept += 1
            self._show(name)

    def _show(self, name: str) -> None:
        """Have the filter show a preset, its map read anew."""

        def answer(what: Answer) -> None:
            if not what.ok:
                self._note, self._bad = what.text, True

        self._post(Command("reload", name + MAP_SUFFIX, lambda _: None))
        self._post(Command("preset", name, answer))

    def _see(self, published: Published) -> None:
        if self._lesson is not None:
            self._lesson.see(published.before, _nearest(published.tracks))


def _nearest(tracks: tuple[FaceTrack, ...]) -> FaceTrack | NoFace:
    """Return the largest face."""
    if not tracks:
        return NoFace("no face found")
    return max(tracks, key=lambda track: float(np.ptp(track.landmarks_px[:, 1])))
