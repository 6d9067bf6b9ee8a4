"""A channel between programs of one user on Windows: a named pipe, which only its maker may write.

Messages are bytes; nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from multiprocessing.connection import Connection, Listener
from typing import Any
from urllib.parse import quote

if sys.platform == "win32":
    import _winapi
    from multiprocessing.connection import PipeConnection

_SECURITY_IDENTIFICATION = 0x00110000
"""Whoever listens may learn who calls, but not act in the caller's name."""

_PIPE_BUSY, _WAITED_IN_VAIN = 231, 121


class PipeEnd:
    """One end of a conversation, as :class:`livexpr.unix_channel.UnixConnection`."""

    def __init__(self, connected: Connection[Any, Any]) -> None:
        self._connection = connected

    def receive(self, most_bytes: int, wait_s: float) -> bytes:
        """Return a line, without its end."""
        if not self._connection.poll(wait_s):
            raise TimeoutError("no line came in time")
        try:
            received = self._connection.recv_bytes(most_bytes + 1)
        except EOFError:
            raise ConnectionError("the other end has gone") from None
        line = received.partition(b"\n")[0]
        if len(line) > most_bytes:
            raise ValueError(f"a line has at most {most_bytes} bytes")
        return line

    def send(self, line: bytes, wait_s: float) -> None:
        """Send a line, which the pipe keeps until it is read."""
        self._connection.send_bytes(line + b"\n")

    def close(self) -> None:
        """End it. A second call does nothing."""
        self._connection.close()


class PipeListener:
    """Waits for others to call, as :class:`livexpr.unix_channel.UnixListener`."""

    def __init__(self, number: int, listening: Listener) -> None:
        self._number = number
        self._listener = listening
        self._closed = False

    def accept(self) -> PipeEnd | None:
        """Return who has called; raises OSError when it was closed."""
        connected = self._listener.accept()
        if self._closed:
            connected.close()
            raise OSError("the channel was closed")
        return PipeEnd(connected)

    def close(self) -> None:
        """Take it away. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):  # wakes whoever waits in it
            call(_address(self._number), 0.5).close()
        self._listener.close()


def listen(number: int) -> PipeListener | None:
    """Open the channel of that number; None when another filter has it."""
    try:
        return PipeListener(number, open_listener(_address(number)))
    except PermissionError:
        return None


def connect(number: int, wait_s: float) -> PipeEnd | None:
    """Call the filter of that number; None when there is none."""
    try:
        return PipeEnd(call(_address(number), wait_s))
    except FileNotFoundError:
        return None


def open_listener(address: str) -> Listener:
    """Make the pipe; raises PermissionError when there is one of that name."""
    return Listener(address, family="AF_PIPE")


def call(address: str, wait_s: float) -> Connection[Any, Any]:
    """Open the pipe from the other end; raises FileNotFoundError when there is none."""
    if sys.platform == "win32":
        end_s = time.monotonic() + wait_s
        while True:
            try:
                _winapi.WaitNamedPipe(address, 1000)
                handle = _winapi.CreateFile(
                    address,
                    _winapi.GENERIC_READ | _winapi.GENERIC_WRITE,
                    0,
                    _winapi.NULL,
                    _winapi.OPEN_EXISTING,
                    _winapi.FILE_FLAG_OVERLAPPED | _SECURITY_IDENTIFICATION,
                    _winapi.NULL,
                )
                break
            except OSError as error:
                waits = error.winerror in (_PIPE_BUSY, _WAITED_IN_VAIN)
                if not waits or time.monotonic() > end_s:
                    raise
        _winapi.SetNamedPipeHandleState(handle, _winapi.PIPE_READMODE_MESSAGE, None, None)
        return PipeConnection(handle)
    raise OSError("named pipes are of Windows")


def _address(number: int) -> str:
    user = quote(os.environ.get("USERNAME", "user"), safe="")
    return rf"\\.\pipe\livexpr-{user}-{number}"
