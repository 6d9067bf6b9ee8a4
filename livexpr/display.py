"""Whether a window can be opened here. Asked first: without a display the toolkit aborts."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import re
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

_TIMEOUT_S = 2.0
_X11_PORT = 6000
_COOKIE = b"MIT-MAGIC-COOKIE-1"
_ANY_MACHINE = 65535
"""The address family of a cookie that holds wherever the server is."""

_DISPLAY_NAME = re.compile(r"(?:unix/)?(?P<host>[^:]*):(?P<number>\d+)(?:\.\d+)?")


def why_no_window(environment: Mapping[str, str] | None = None) -> str | None:
    """Tell why no window can be opened on this machine now.

    Parameters
    ----------
    environment : mapping of str to str, optional
        The environment variables; those of this process by default.

    Returns
    -------
    str or None
        None when a window can be opened, else why not and what to do, in one line.
    """
    if platform.system() != "Linux":
        return None
    environment = os.environ if environment is None else environment
    display = environment.get("DISPLAY", "")
    if not display:
        if environment.get("WAYLAND_DISPLAY"):
            return "this Wayland session has no X display: run `sudo apt install xwayland`"
        return "there is no display: run it in a desktop session, or over `ssh -X`"
    problem = _why_not_connected(display, environment)
    if problem is not None:
        return f"the display {display} cannot be used ({problem}): run it in a desktop session"
    return _missing_library()


def _why_not_connected(display: str, environment: Mapping[str, str]) -> str | None:
    """Greet the X server as every program does, and hear whether we are let in."""
    match = _DISPLAY_NAME.fullmatch(display)
    if match is None:
        return "that is no name of a display"
    number = match["number"]
    name, cookie = _cookie(number, environment)
    pad = [b"\0" * (-len(text) % 4) for text in (name, cookie)]
    greeting = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(name), len(cookie))
    try:
        with _connect(match["host"], int(number)) as server:
            server.sendall(greeting + name + pad[0] + cookie + pad[1])
            answer = server.recv(1)
    except OSError as error:
        return error.strerror or str(error)
    return None if answer == b"\1" else "it lets only its own user in"


def _connect(host: str, number: int) -> socket.socket:
    if host not in ("", "unix"):
        return socket.create_connection((host, _X11_PORT + number), _TIMEOUT_S)
    path = f"/tmp/.X11-unix/X{number}"
    failure: OSError | None = None
    for address in (f"\0{path}", path):
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(_TIMEOUT_S)
        try:
            server.connect(address)
        except OSError as error:
            server.close()
            failure = error
        else:
            return server
    assert failure is not None
    raise failure


def _cookie(number: str, environment: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return name and value of what lets us in, as far as the user has any.

    This machine's go first: a home that is shared, or whose machine was renamed, has others of the
    same number.
    """
    path = Path(environment.get("XAUTHORITY") or Path.home() / ".Xauthority")
    cookies: dict[bool, bytes] = {}
    with contextlib.suppress(OSError, struct.error):
        for here, display, name, value in _authorities(path.read_bytes()):
            if name == _COOKIE and display in (number.encode(), b""):
                cookies.setdefault(here, value)
    if not cookies:
        return b"", b""
    return _COOKIE, cookies[max(cookies)]


def _authorities(data: bytes) -> Iterator[tuple[bool, bytes, bytes, bytes]]:
    """Yield (holds here, display number, name, value) of each entry of an Xauthority file."""
    machine = socket.gethostname().encode()
    place = 0
    while place < len(data):
        (family,) = struct.unpack_from(">H", data, place)
        place += 2
        fields = []
        for _ in range(4):
            (length,) = struct.unpack_from(">H", data, place)
            fields.append(data[place + 2 : place + 2 + length])
            place += 2 + length
        here = family == _ANY_MACHINE or fields[0] == machine
        yield here, fields[1], fields[2], fields[3]


def _missing_library() -> str | None:
    """Load what OpenCV's toolkit would load, since it aborts where that fails."""
    import cv2

    plugin = Path(cv2.__file__).parent / "qt" / "plugins" / "platforms" / "libqxcb.so"
    if not plugin.exists():
        return None
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return f"a library for windows is missing ({error}): run `livexpr doctor`"
    return None
