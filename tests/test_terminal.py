"""Keys from a terminal, and the terminal as it was afterwards."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.terminal import TerminalKeys, parse_keys

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
HOME = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("q", ["q"]),
        ("+-", ["+", "-"]),
        ("\x1b", ["esc"]),
        ("\x1b\x1b", ["esc", "esc"]),
        ("\x1b[A", ["up"]),
        ("\x1bOB", ["down"]),
        ("n\x1b[Ap", ["n", "up", "p"]),
        ("\x1b[C", []),
        ("\x1b[1;5A", []),
        ("\x1b[15~q", ["q"]),
        ("\x1bx", []),
        ("\x1b[", []),
    ],
)
def test_keys_are_told_apart(sent, keys):
    assert parse_keys(sent) == keys


@given(st.text(max_size=30))
def test_no_input_breaks_it(text):
    assert all(isinstance(key, str) and key for key in parse_keys(text))


def test_no_terminal_no_keys(tmp_path):
    with (tmp_path / "input").open("w+") as file, TerminalKeys(file) as keys:
        assert not keys.usable
        assert keys.read() == []
    with TerminalKeys(io.StringIO("q")) as keys:
        assert keys.read() == []


def test_a_closed_input_gives_no_keys():
    file = io.StringIO()
    file.close()
    with TerminalKeys(file) as keys:
        assert keys.read() == []


def run_in_terminal(code: str, typed: bytes) -> tuple[int, str, bool]:
    """Run Python code on a terminal of its own; return its exit code, output, and modes kept."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        start_new_session=True,
        preexec_fn=lambda: take_terminal(theirs),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    listening = termios.tcgetattr(theirs)
    assert not listening[3] & (termios.ICANON | termios.ECHO)
    os.write(ours, typed)
    output, _ = process.communicate(timeout=30)
    after = termios.tcgetattr(theirs)
    os.close(ours)
    os.close(theirs)
    return process.returncode, output.decode(), after == before


def take_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


READ_UNTIL_Q = """
    import time
    from livexpr.terminal import TerminalKeys
    with TerminalKeys() as keys:
        print("ready", flush=True)
        got = []
        end = time.monotonic() + 20
        while "q" not in got and time.monotonic() < end:
            got += keys.read()
            time.sleep(0.01)
        print(got)
        {after}
"""


@POSIX
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize(("after", "code"), [("pass", 0), ("raise SystemExit(3)", 3), ("1 / 0", 1)])
def test_keys_come_at_once_and_the_terminal_is_given_back(after, code):
    returned, output, kept = run_in_terminal(READ_UNTIL_Q.format(after=after), b"n\x1b[A+q")
    assert returned == code
    assert "['n', 'up', '+', 'q']" in output
    assert kept


@POSIX
def test_a_terminal_that_goes_away_ends_the_keys_quietly():
    import pty

    ours, theirs = pty.openpty()
    with os.fdopen(theirs) as stream, TerminalKeys(stream) as keys:
        os.close(ours)
        for _ in range(3):
            assert keys.read() == []
            time.sleep(0.01)


@POSIX
def test_in_the_background_the_terminal_stays_as_the_shell_has_it(monkeypatch):
    """Ctrl-Z and `bg`: whoever changes the terminal from there is stopped."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    foreground = [os.getpgrp()]
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: foreground[-1])
    with os.fdopen(theirs) as stream:
        before = termios.tcgetattr(theirs)
        with TerminalKeys(stream):
            now = termios.tcgetattr(theirs)
            assert now != before
            foreground.append(os.getpgrp() + 1)
        assert termios.tcgetattr(theirs) == now
    os.close(ours)
