"""Hotkeys from the terminal, for when there is no window."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from types import TracebackType
from typing import TextIO

if sys.platform == "win32":
    import msvcrt
else:
    import termios

_ESCAPE_WAIT_S = 0.02
"""An arrow comes as three bytes at once; a lone escape is the key of that name."""

_MOST_BYTES = 1024
_SEQUENCES = {"[A": "up", "OA": "up", "[B": "down", "OB": "down"}
_WINDOWS_ARROWS = {"H": "up", "P": "down"}


class TerminalKeys:
    """Keys that are pressed in the terminal; none where there is no terminal.

    A context manager: within it the terminal gives each key at once and shows none; afterwards
    it is as before, whatever happened. Ctrl-C interrupts as ever.

    Parameters
    ----------
    stream : text stream, optional
        The terminal; standard input by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._descriptor: int | None = None
        with contextlib.suppress(AttributeError, OSError, ValueError):
            descriptor = (stream or sys.stdin).fileno()
            self._descriptor = descriptor if os.isatty(descriptor) else None
        self._gone = False
        self._modes: list[object] | None = None

    def __enter__(self) -> TerminalKeys:
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def usable(self) -> bool:
        """Whether there is a terminal that keys could come from."""
        return self._descriptor is not None and not self._gone

    def read(self) -> list[str]:
        """Return the keys pressed since the last call, without waiting: ``a``, ``up``, ``esc``."""
        if self._descriptor is None or self._gone:
            return []
        if sys.platform == "win32":
            return _read_windows()
        # The shell takes its own modes back while we are stopped by Ctrl-Z.
        if not self._listen() or not _ready(self._descriptor, 0.0):
            return []
        try:
            data = os.read(self._descriptor, _MOST_BYTES)
        except OSError:
            data = b""
        if not data:
            self._gone = True
            return []
        if data.endswith(b"\x1b") and _ready(self._descriptor, _ESCAPE_WAIT_S):
            data += os.read(self._descriptor, _MOST_BYTES)
        return parse_keys(data.decode("utf-8", errors="ignore"))

    def close(self) -> None:
        """Give the terminal back as it was. A second call does nothing."""
        modes, self._modes = self._modes, None
        if sys.platform != "win32" and modes is not None and self._descriptor is not None:
            with contextlib.suppress(OSError, termios.error):
                # In the background the shell has it back already, and we would be stopped.
                if os.tcgetpgrp(self._descriptor) == os.getpgrp():
                    termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)  # type: ignore[arg-type]

    def _listen(self) -> bool:
        """Have each key come at once; False while the terminal is not ours to ask."""
        if sys.platform == "win32" or self._descriptor is None:
            return self._descriptor is not None
        try:
            # Changing a terminal from the background would stop the whole program.
            if os.tcgetpgrp(self._descriptor) != os.getpgrp():
                return False
            modes = termios.tcgetattr(self._descriptor)
            if modes[3] & termios.ICANON:
                if self._modes is None:
                    self._modes = list(modes)
                modes[3] &= ~(termios.ICANON | termios.ECHO)
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)
        except (OSError, termios.error):
            self._gone = True
            return False
        return True


def _ready(descriptor: int, wait_s: float) -> bool:
    return bool(select.select([descriptor], [], [], wait_s)[0])


def parse_keys(text: str) -> list[str]:
    """Tell keys apart in what a terminal sends.

    >>> parse_keys("n\\x1b[A+\\x1b")
    ['n', 'up', '+', 'esc']
    """
    keys = []
    while text:
        head, text = text[0], text[1:]
        if head != "\x1b":
            keys.append(head)
        elif not text or text[0] == "\x1b":
            keys.append("esc")
        elif text[0] in "[O":
            # A sequence ends with its first letter or tilde; its parameters come before.
            end = next((i for i, c in enumerate(text[1:], 1) if "@" <= c <= "~"), len(text) - 1)
            sequence, text = text[: end + 1], text[end + 1 :]
            keys.extend([_SEQUENCES[sequence]] if sequence in _SEQUENCES else [])
        else:
            text = text[1:]  # Alt and a key: not one of ours
    return keys


def _read_windows() -> list[str]:
    keys: list[str] = []
    if sys.platform == "win32":
        while msvcrt.kbhit():
            key = msvcrt.getwch()
            if _is_half(key):
                arrow = _WINDOWS_ARROWS.get(msvcrt.getwch())
                keys.extend([arrow] if arrow else [])
            else:
                keys.append("esc" if key == "\x1b" else key)
    return keys


def _is_half(key: str) -> bool:
    """Whether what was read is the first half of a key without a character; à looks like one.

    The second half lies where a character is put back, and there is room for one only.
    """
    if sys.platform == "win32" and key in "\x00\xe0":
        try:
            msvcrt.ungetwch(key)
        except OSError:
            return True
        msvcrt.getwch()
    return False
