"""Compiles the kernels in a process of its own, while NumPy stands in for them.

Compiling takes twenty seconds or more on a machine that has never done it, in which Python's
interpreter would be held for long moments: another process has one of its own, and a processor,
where there are two. What it compiles it leaves in Numba's cache, from where it is loaded here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable

from livexpr import memory
from livexpr.errors import one_line

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from kernels.warmup import main; main()"
"""With the very packages of this process, and nothing from the folder that it happens to be in."""

_JOIN_S = 1.0


class _Ended(Exception):
    """Nobody needs the kernels any more."""


class Compiling:
    """Has the kernels compiled, from now on; until then they are awaited.

    Where no process can be started, or it fails, they are compiled in this one, by a thread.

    Parameters
    ----------
    tell : callable
        Told how many functions are compiled, and of how many.
    say : callable
        Takes a line for the user.

    Attributes
    ----------
    at_work : bool
        Whether they may still come.
    """

    def __init__(self, tell: Callable[[int, int], None], say: Callable[[str], None]) -> None:
        from kernels import warmup

        self.at_work = True
        self._tell = tell
        self._say = say
        self._ended = False
        self._warmup = warmup
        for step in warmup.STEPS:
            step.awaited.begin()
        self._process = _started()
        self._thread = threading.Thread(target=self._run, name="compiling", daemon=True)
        self._thread.start()

    def close(self) -> bool:
        """End it, done or not; False when a thread still compiles. Nothing is awaited then."""
        self._ended = True
        for step in self._warmup.STEPS:
            step.awaited.end()
        if self._process is not None:
            self._process.kill()
        self._thread.join(_JOIN_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with self._process or contextlib.nullcontext(), self._warmup.telling(self._go_on):
                for step in self._warmup.STEPS:
                    self._follow()
                    if self._ended:
                        return
                    with step.awaited.loading():
                        step.run()
                    step.awaited.end()
                    memory.settle()
        except _Ended:
            return
        except Exception as error:
            # What stands in goes on doing so.
            self._say(f"the filter stays slow, for its kernels do not compile: {one_line(error)}")
        else:
            self._say("the kernels are compiled")
        finally:
            self.at_work = False

    def _follow(self) -> None:
        """Pass on how far the process is, until it has done a step, or has ended."""
        if self._process is None:
            return
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if not line.strip():
                return
            done, _, total = line.partition(" ")
            with contextlib.suppress(ValueError):
                self._tell(int(done), int(total))

    def _go_on(self, done: int, total: int) -> None:
        if self._ended:
            raise _Ended
        self._tell(done, total)


def _started() -> subprocess.Popen[str] | None:
    """Start the process that compiles; None where that cannot be."""
    import numba

    if not sys.executable:  # Python inside another program
        return None
    folder = str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *sys.path],
            env={**os.environ, "NUMBA_CACHE_DIR": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            creationflags=flags,
        )
    except (OSError, ValueError):
        return None
