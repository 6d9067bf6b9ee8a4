"""Somebody who has just installed livexpr: programs are started and keys pressed as they would."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kernels import cache

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
_KEY_NAMES = {"+": "plus", "-": "minus"}


def _take_terminal() -> None:
    """Make the standard input the terminal of this session: keys go to who is in front of it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _type(terminal: int, key: str) -> None:
    os.write(terminal, key.encode())


class Program:
    """A filter that runs.

    Attributes
    ----------
    log : Path
        What it says.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def said(self) -> str:
        """All of it so far."""
        return self.log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Wait until it has said something; return what."""
        end_s = time.monotonic() + LIMIT_S
        while not (found := re.search(pattern, self.said)):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end_s, self.said
            time.sleep(0.02)
        return found

    def end(self) -> int:
        """Wait for its end; return its exit code."""
        code = self.process.wait(LIMIT_S)
        assert "Traceback" not in self.said, self.said
        return code


class Person:
    """Has a home folder of their own, and nothing in it.

    Parameters
    ----------
    home : Path
    display : str or None
        An X display that can be seen; without one, keys are typed in a terminal.
    """

    def __init__(self, home: Path, display: str | None) -> None:
        self.home = home
        self.display = display
        unset = ("DISPLAY", "WAYLAND_DISPLAY")
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in unset and not name.startswith("XDG_")
        }
        # Compiled kernels are kept: compiling takes a minute, once per machine.
        self.environment = {
            **kept,
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "NUMBA_CACHE_DIR": str(cache.folder()),
            **({} if display is None else {"DISPLAY": display}),
        }

    def livexpr(self, *words: object) -> str:
        """Run a command to its end; return what it printed and said."""
        done = subprocess.run(
            [sys.executable, "-m", "livexpr", *map(str, words)],
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        """What the running filter shows, asked from a second terminal."""
        answer: dict[str, Any] = json.loads(self.livexpr("ctl", "status", "--json"))
        return answer

    def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the status is so."""
        end_s = time.monotonic() + LIMIT_S
        while not condition(status := self.status()):
            assert time.monotonic() < end_s, status
        return status

    @contextlib.contextmanager
    def running(self, *words: str, terminal: int | None = None) -> Iterator[Program]:
        """Run the filter on the demo, until it ends by itself or, after that, by a signal."""
        log = self.home / f"said-{time.monotonic_ns()}.txt"
        command = [sys.executable, str(ROOT / "run_cam.py"), "--source", "demo", "--loop"]
        with log.open("w") as said:
            process = subprocess.Popen(
                [*command, *words],
                env=self.environment,
                cwd=self.home,
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=None if terminal is None else _take_terminal,
            )
        program = Program(process, log)
        try:
            program.wait_for("is live: ")
            yield program
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(LIMIT_S)

    @contextlib.contextmanager
    def at_the_keys(self) -> Iterator[tuple[Program, Callable[[str], None]]]:
        """Run the filter where keys can be pressed: in its window, or in a terminal."""
        if self.display is None:
            own, its = pty.openpty()
            try:
                with self.running("--output", "null", "--no-preview", terminal=its) as program:
                    yield program, lambda key: _type(own, key)
            finally:
                os.close(own)
                os.close(its)
            return
        with self.running("--output", "window") as program:
            window = self._xdotool("search", "--sync", "--name", "livexpr").splitlines()[-1]
            yield program, lambda key: self._press(window, key)

    def _press(self, window: str, key: str) -> None:
        self._xdotool("key", "--window", window, _KEY_NAMES.get(key, key))

    def _xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=LIMIT_S,
        )
        return done.stdout.strip()


@contextlib.contextmanager
def x_display() -> Iterator[str | None]:
    """Start a display that nobody sees; None where that cannot be done."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        yield None
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)
