"""The preview window, and finding out whether there can be one."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livexpr import display, window
from livexpr.display import why_no_window
from livexpr.window import fitted_size, key_name

HOME = Path(__file__).resolve().parents[1]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="X displays")
NEEDS_XVFB = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="Xvfb is not installed (apt install xvfb)"
)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (-1, None),
        (ord("q"), "q"),
        (ord("+"), "+"),
        (ord(" "), " "),
        (27, "esc"),
        (0xFF52, "up"),
        (0x10FF54, "down"),
        (0x260000, "up"),
        (0xF701, "down"),
        (0xFFAB, "+"),
        (0x100071, "q"),
        (0xFFE1, None),
        (13, None),
    ],
)
def test_keys_of_all_toolkits(code, name):
    assert key_name(code) == name


@pytest.mark.parametrize(
    ("size", "room", "fitted"),
    [
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((1080, 1920), (1280, 720), (405, 720)),
        ((320, 240), (1280, 720), (320, 240)),
        ((10_000, 1), (100, 100), (100, 1)),
    ],
)
def test_large_pictures_are_shown_smaller(size, room, fitted):
    assert fitted_size(size, room) == fitted


@LINUX
@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({}, "there is no display"),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "xwayland"),
        ({"DISPLAY": ":9876"}, "the display :9876 cannot be used"),
        ({"DISPLAY": "nonsense"}, "no name of a display"),
        ({"DISPLAY": "localhost:9"}, "cannot be used"),
    ],
)
def test_a_missing_display_is_one_line_that_says_what_to_do(environment, reason):
    problem = why_no_window(environment)
    assert problem is not None
    assert reason in problem
    assert "\n" not in problem


@LINUX
def test_a_window_that_cannot_be_had_is_an_error_not_an_abort(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":9876")
    with pytest.raises(window.VirtualCameraError, match="display :9876"):
        window.PreviewWindow("test", (640, 480))


@LINUX
@pytest.mark.parametrize(("answer", "let_in"), [(b"\1", True), (b"\0", False), (b"", False)])
def test_the_server_is_shown_the_users_cookie(tmp_path, answer, let_in):
    cookie = bytes(range(16))
    data = _authority(LOCAL, "host", b"7", b"other") + _authority(LOCAL, "host", b"93", cookie)
    authority = tmp_path / "authority"
    received = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(1000))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        # X displays begin at port 6000.
        number = server.getsockname()[1] - 6000
        authority.write_bytes(data.replace(b"\0\x0293", _field(str(number).encode())))
        problem = display._why_not_connected(f"127.0.0.1:{number}", {"XAUTHORITY": str(authority)})
        thread.join(10)
    assert (problem is None) == let_in
    assert received[0].startswith(b"l\0\x0b\0\0\0\x12\0\x10\0")
    assert received[0].endswith(b"MIT-MAGIC-COOKIE-1\0\0" + cookie)


LOCAL, WILD = 256, 65535


def _authority(family: int, address: str, number: bytes, value: bytes) -> bytes:
    """Return an entry of an Xauthority file."""
    fields = (address.encode(), number, b"MIT-MAGIC-COOKIE-1", value)
    return struct.pack(">H", family) + b"".join(map(_field, fields))


def _field(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


@LINUX
@pytest.mark.parametrize("family", [LOCAL, WILD])
def test_another_machines_cookie_for_the_same_display_is_not_shown(tmp_path, family):
    address = socket.gethostname() if family == LOCAL else ""
    others = [_authority(LOCAL, "renamed", b"0", each) for each in (b"stale", b"staler")]
    own = _authority(family, address, b"0", b"own")
    authority = tmp_path / "authority"
    for entries, expected in ([*others, own], b"own"), ([own, *others], b"own"), (others, b"stale"):
        authority.write_bytes(b"".join(entries))
        assert display._cookie("0", {"XAUTHORITY": str(authority)})[1] == expected


@LINUX
def test_a_broken_authority_file_is_no_crash(tmp_path):
    (tmp_path / "authority").write_bytes(b"\x01\x00\xff")
    assert display._cookie("0", {"XAUTHORITY": str(tmp_path / "authority")}) == (b"", b"")


def test_a_window_that_was_closed_since_it_was_asked_is_no_crash(monkeypatch):
    def gone(*arguments):
        raise window.cv2.error("NULL window")

    monkeypatch.setattr(window, "why_no_window", lambda: None)
    for name in ("namedWindow", "resizeWindow"):
        monkeypatch.setattr(window.cv2, name, lambda *arguments: None)
    monkeypatch.setattr(window.cv2, "getWindowImageRect", gone)
    assert window.PreviewWindow("test", (640, 480)).picture_size((640, 480)) == (640, 480)


@pytest.fixture(scope="module")
def x_display() -> Iterator[str]:
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


def run_python(code: str, x_display: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=os.environ | {"DISPLAY": x_display, "PYTHONPATH": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@LINUX
@NEEDS_XVFB
def test_a_window_opens_shows_and_closes_without_a_word(x_display):
    process = run_python(
        """
        import numpy as np
        from livexpr.window import PreviewWindow
        preview = PreviewWindow("livexpr test", (1920, 1080))
        picture = np.full((1080, 1920, 3), 80, np.uint8)
        for _ in range(20):
            preview.show(picture)
            assert preview.keys() == []
        print(preview.picture_size((1920, 1080)), preview.picture_size((640, 360)))
        assert not preview.closed
        preview.close()
        preview.close()
        assert preview.closed
        """,
        x_display,
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert output == "(1280, 720) (640, 360)\n"


@LINUX
@NEEDS_XVFB
@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed")
def test_real_keys_arrive_and_closing_it_is_noticed(x_display):
    process = run_python(
        """
        import sys, time
        import numpy as np
        from livexpr.window import PreviewWindow
        preview = PreviewWindow("livexpr keys", (640, 480))
        picture = np.full((480, 640, 3), 80, np.uint8)
        for _ in range(20):
            preview.show(picture)
            preview.keys()
        print("ready", flush=True)
        end = time.monotonic() + 40
        while not preview.closed and time.monotonic() < end:
            for key in preview.keys():
                print(repr(key), flush=True)
            # As a run draws, which asks again only then whether the window is closed.
            preview.picture_size((640, 480))
            preview.show(picture)
        print("closed", preview.closed)
        """,
        x_display,
    )
    assert process.stdout is not None
    environment = os.environ | {"DISPLAY": x_display}
    line = process.stdout.readline()
    assert line == "ready\n", line + process.stdout.read()

    def xdotool(*words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    found = xdotool("search", "--sync", "--name", "^livexpr keys$").splitlines()[-1]
    for key, name in (("h", "'h'"), ("plus", "'+'"), ("Up", "'up'"), ("Escape", "'esc'")):
        xdotool("key", "--window", found, key)
        assert process.stdout.readline().strip() == name
    time.sleep(0.1)
    # What a window manager does when its cross is clicked.
    subprocess.run(
        [sys.executable, "-c", _CLOSE_WINDOW, found], env=environment, check=True, timeout=30
    )
    output, _ = process.communicate(timeout=60)
    assert "closed True" in output


_CLOSE_WINDOW = """
import ctypes, ctypes.util, os, sys
name = ctypes.util.find_library("X11") or "libX11.so.6"
x11 = ctypes.CDLL(name)
x11.XOpenDisplay.restype = ctypes.c_void_p
server = ctypes.c_void_p(x11.XOpenDisplay(None))
x11.XInternAtom.restype = ctypes.c_ulong
protocols = x11.XInternAtom(server, b"WM_PROTOCOLS", 0)
delete = x11.XInternAtom(server, b"WM_DELETE_WINDOW", 0)
class Message(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong),
                ("kind", ctypes.c_ulong), ("format", ctypes.c_int), ("data", ctypes.c_long * 5),
                ("room", ctypes.c_long * 24)]
window = int(sys.argv[1])
message = Message(33, 0, 1, server, window, protocols, 32)
message.data[0] = delete
x11.XSendEvent(server, ctypes.c_ulong(window), 0, 0, ctypes.byref(message))
x11.XFlush(server)
x11.XSync(server, 0)
"""
