"""The landmark model on one of two cores, and everything else on the other.

Left to itself Linux wakes the other threads on the model's core whenever two of them are at work at
once, and there the model waits for them, with its caches full of what is theirs.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Set
from pathlib import Path

_TASKS = Path("/proc/self/task")
_MODEL_THREADS = "mediapipe"
"""So the names of the threads begin that MediaPipe starts by itself."""

_SPAN = 32
"""Frames after which it is seen whether the other core keeps up."""


class Apart:
    """Keeps the model's threads and all others of this process apart, while that is of use.

    Only where two cores may be used, and where the system lets threads be kept to one: with more
    of them none is in another's way. For one thread.
    """

    def __init__(self) -> None:
        self._cores: Set[int] = frozenset()
        if sys.platform == "linux":
            self._cores = os.sched_getaffinity(0)
        self._given_up = len(self._cores) != 2
        self._model_thread: int | None = None
        self._seen = self._late = 0

    def look(self, model_thread: int | None, *, late: bool) -> None:
        """Keep them apart from now on; given up where all else together is slower than the model.

        Parameters
        ----------
        model_thread : int or None
            The system's number of the thread that calls the model; None while there is none.
        late : bool
            Whether the model had nothing to do when it was given its last frame.
        """
        if self._given_up or model_thread is None:
            return
        if model_thread != self._model_thread:
            self._model_thread = model_thread
            self._part(model_thread)
        self._seen += 1
        self._late += late
        if self._seen == _SPAN:
            if 2 * self._late > _SPAN:
                self.end()
            self._seen = self._late = 0

    def end(self) -> None:
        """Let every thread run on either core again, for good."""
        if self._model_thread is not None and not self._given_up:
            for thread in _threads():
                _keep(thread, self._cores)
        self._given_up = True

    def _part(self, model_thread: int) -> None:
        for_others, for_model = ({core} for core in sorted(self._cores))
        for thread in _threads():
            of_model = thread == model_thread or _name(thread).startswith(_MODEL_THREADS)
            _keep(thread, for_model if of_model else for_others)


def _threads() -> list[int]:
    return [int(task.name) for task in _TASKS.iterdir()]


def _name(thread: int) -> str:
    try:
        return (_TASKS / str(thread) / "comm").read_text(errors="replace")
    except OSError:  # it has just ended
        return ""


def _keep(thread: int, cores: Set[int]) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setaffinity(thread, cores)
