"""A channel between programs of one user on one machine: a Unix socket in a private folder."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_WAITING = 50
_KNOCK_S = 0.5
_ACCEPT_S = 0.5
_PART_BYTES = 4096


def folder() -> Path:
    """Return the folder of the sockets, which need not exist."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        return Path(runtime) / "livexpr"
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():  # nobody needs to know what stands in for the variable
        warnings.simplefilter("ignore")
        return user_runtime_path("livexpr", appauthor=False)


class UnixConnection:
    """One end of a conversation.

    Parameters
    ----------
    connected : socket
    """

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def receive(self, most_bytes: int, wait_s: float) -> bytes:
        """Return a line, without its end.

        Raises
        ------
        OSError
            When it does not come in time, or the other end has gone.
        ValueError
            When it is longer than `most_bytes`.
        """
        end_s = time.monotonic() + wait_s
        received = b""
        while b"\n" not in received and len(received) <= most_bytes:
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("no line came in time")
            self._socket.settimeout(left_s)
            part = self._socket.recv(_PART_BYTES)
            if not part:
                break
            received += part
        line = received.partition(b"\n")[0]
        if len(line) > most_bytes:
            raise ValueError(f"a line has at most {most_bytes} bytes")
        return line

    def send(self, line: bytes, wait_s: float) -> None:
        """Send a line; raises OSError when the other end does not take it in time."""
        self._socket.settimeout(wait_s)
        self._socket.sendall(line + b"\n")

    def close(self) -> None:
        """End it. A second call does nothing."""
        self._socket.close()


class UnixListener:
    """Waits for others to call.

    Parameters
    ----------
    path : Path
        Of the socket.
    listening : socket
    """

    def __init__(self, path: Path, listening: socket.socket) -> None:
        self._path = path
        self._made = _identity(path)
        self._socket = listening
        self._socket.settimeout(_ACCEPT_S)
        self._closed = False

    def accept(self) -> UnixConnection | None:
        """Return who has called; None when for a while nobody has, or it was somebody else's.

        Raises
        ------
        OSError
            When it was closed.
        """
        try:
            connected, _ = self._socket.accept()
        except TimeoutError:
            if self._closed:
                raise OSError("the channel was closed") from None
            return None
        if _is_of_another_user(connected):
            connected.close()
            return None
        return UnixConnection(connected)

    def close(self) -> None:
        """Take it away. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError), _locked(self._path.parent):
            # Logging out may have removed ours, and another filter may have made its own since.
            if _identity(self._path) == self._made:
                self._path.unlink()
        with contextlib.suppress(OSError):  # wakes whoever waits in it, on Linux
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def listen(number: int) -> UnixListener | None:
    """Open the channel of that number; None when another filter has it.

    The socket of a filter that was killed is replaced.

    Raises
    ------
    OSError
        When it cannot be opened, or its folder is not private.
    """
    path = _path(number)
    _make_private(path.parent)
    with _locked(path.parent):
        if _answers(path):
            return None
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(str(path))
            path.chmod(0o600)
            listening.listen(_WAITING)
            return UnixListener(path, listening)
        except OSError:
            listening.close()
            raise


def connect(number: int, wait_s: float) -> UnixConnection | None:
    """Call the filter of that number; None when there is none.

    Raises
    ------
    OSError
        When it is there but does not answer, or is somebody else's.
    """
    path = _path(number)
    calling = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    calling.settimeout(wait_s)
    try:
        calling.connect(str(path))
        if _is_of_another_user(calling):
            raise PermissionError(f"{path} belongs to another user")
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        calling.close()
        return None
    except OSError:
        calling.close()
        raise
    return UnixConnection(calling)


def _path(number: int) -> Path:
    return folder() / f"filter-{number}.sock"


def _identity(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from another of the same name; raises OSError if there is none."""
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(_KNOCK_S)
        try:
            knocking.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except (TimeoutError, BlockingIOError):  # a filter that is busy
            return True
    return True


def _make_private(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{path} is not a folder of yours")
    if found.st_mode & 0o077:
        path.chmod(0o700)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other filters from opening and closing meanwhile."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_of_another_user(connected: socket.socket) -> bool:
    """Ask the system who is at the other end; where it cannot say, the folder keeps others out."""
    if sys.platform != "linux":
        return False
    credentials = struct.Struct("3i")  # process, user, group
    found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)
    user: int = credentials.unpack(found)[1]
    return user != os.getuid()
