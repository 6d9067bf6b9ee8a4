"""Threads that help to draw, and that nobody has to wait for until they have begun.

A helper that is late finds nothing left to do: so however busy the processors are, drawing takes
no longer than alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable

import numba
import numpy as np

from kernels import ONE_CALLER
from kernels.drawing import _awaited_jit, _help_jit
from kernels.jobs import CELLS, PATIENCE, SPINS

# Calls that follow each other this closely find the helpers awake.
_SOON_S = 0.002
_NAP_S = 2e-5


class Helpers:
    """Threads for the jobs of one caller at a time.

    Attributes
    ----------
    job : ndarray of shape (CELLS,), int64
        What is drawn, as :mod:`kernels.jobs` has it.
    """

    def __init__(self) -> None:
        self.job = np.zeros(CELLS, np.int64)
        self._bells: list[threading.Lock] = []
        self._threads: list[threading.Thread] = []
        self._called_s = 0.0
        self._left_core = -1

    def call(self, n: int) -> None:
        """Wake `n` helpers for the job that follows."""
        if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
            return
        now_s = time.perf_counter()
        self.job[PATIENCE] = SPINS if now_s - self._called_s < _SOON_S else 0
        self._called_s = now_s
        while len(self._bells) < n:
            self._begin()
        core = _CORE()
        if core != self._left_core:
            self._left_core = core
            self._leave(core)
        for bell in self._bells[:n]:
            # Locked until it is rung.
            if bell.locked():
                bell.release()

    def _leave(self, core: int) -> None:
        """Keep helpers off the caller's core.

        While two threads take turns to wake each other, Linux looks for an idle core the less the
        busier they are, and a thread that is woken where its waker runs stays there for
        milliseconds.
        """
        for thread in self._threads:
            others = os.sched_getaffinity(0) - {core}
            if others and thread.native_id is not None:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(thread.native_id, others)

    def wait(self) -> None:
        """Wait for those that have begun to help with a job that is done otherwise.

        Raises
        ------
        KeyboardInterrupt
            Not before they are done: until then they write to the caller's arrays.
        """
        interrupt = None
        while True:
            try:
                if _awaited_jit(self.job):
                    break
                time.sleep(_NAP_S)
            except KeyboardInterrupt as asked:
                interrupt = asked
        if interrupt is not None:
            raise interrupt

    def _begin(self) -> None:
        bell = threading.Lock()
        bell.acquire()
        self._bells.append(bell)
        worker = len(self._bells)
        # Compiled, or loaded, by the caller.
        _help_jit(self.job, worker, 0)
        name = f"drawing {worker}"
        arguments = (self.job, bell, worker)
        thread = threading.Thread(target=_help, args=arguments, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
        self._left_core = -1

    def forget(self) -> None:
        """Begin anew in a process that has been forked, where there are no helpers."""
        self.job[:] = 0
        self._bells.clear()
        self._threads.clear()
        self._called_s, self._left_core = 0.0, -1


def _help(job: np.ndarray, bell: threading.Lock, worker: int) -> None:
    while True:
        bell.acquire()
        _help_jit(job, worker, SPINS)


def _nowhere() -> int:
    return -1


_CORE: Callable[[], int] = _nowhere
if sys.platform == "linux":
    with contextlib.suppress(AttributeError):
        _CORE = ctypes.CDLL(None).sched_getcpu
HELPERS = Helpers()


def _forked() -> None:
    HELPERS.forget()
    ONE_CALLER.release()


if hasattr(os, "register_at_fork"):
    # Whoever draws is done before another thread forks: the child would wait for ever.
    os.register_at_fork(
        before=ONE_CALLER.acquire,
        after_in_parent=ONE_CALLER.release,
        after_in_child=_forked,
    )
