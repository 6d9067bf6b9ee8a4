"""Ctrl-C and SIGTERM at any moment of a real run: quick, quiet, films closed, devices free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import av
import numpy as np
import pytest

from livexpr.film import open_film

HOME = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

RUN = """
    import sys
    from livexpr import runtime
    from livexpr.presets import Preset
    from livexpr.settings import Settings
    preset = Preset("plain", {{}})
    settings = Settings(source="clip.mp4", loop=True, preset=preset, **{options})
    sys.stderr.write("begins\\n")
    sys.stderr.flush()
    sys.exit(runtime.run(settings))
"""
FILM = {"outputs": ("out.mp4",)}
FAST = {"outputs": ("out.mp4",), "fast": True}
NOISE = ("W0000", "I0000", "WARNING: All log messages", "INFO: Created TensorFlow")


@pytest.fixture
def folder(tmp_path: Path, astronaut) -> Path:
    """A folder with a short clip of a face."""
    film = open_film(tmp_path / "clip.mp4", (320, 320), 30.0)
    for shift in range(30):
        film.send(np.ascontiguousarray(astronaut[shift : shift + 320, 64:384]))
    film.close()
    return tmp_path


def start(folder: Path, options: dict[str, object]) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    environment.pop("DISPLAY", None)
    environment.pop("WAYLAND_DISPLAY", None)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUN.format(options=options))],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "begins\n"
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; return exit code and what was said, without the libraries' noise."""
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    lines = [line for line in errors.splitlines() if not line.startswith(NOISE)]
    return process.returncode, "\n".join(lines)


def frames_of(path: Path) -> int:
    with av.open(str(path)) as film:
        return sum(1 for _ in film.decode(video=0))


@pytest.mark.parametrize("after_s", [0.02, 0.3, 0.8, 1.6])
def test_ctrl_c_while_starting(folder, after_s):
    process = start(folder, FILM)
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    assert code == 130, said
    assert "Traceback" not in said
    if (folder / "out.mp4").exists():
        assert frames_of(folder / "out.mp4") > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [FILM, FAST], ids=["live", "fast"])
def test_ending_while_live_leaves_a_film_that_plays(folder, number, options):
    process = start(folder, options | {"stats": None})
    film = folder / "out.mp4"
    assert process.stderr is not None
    while " is live" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    time.sleep(0.7)
    process.send_signal(number)
    code, said = finish(process)
    assert code == 128 + number, said
    assert said == ""
    assert frames_of(film) > 3


def test_a_second_ctrl_c_does_no_harm(folder):
    process = start(folder, FAST)
    assert process.stderr is not None
    while " is live" not in (line := process.stderr.readline()):
        assert line, "it ended by itself"
    time.sleep(0.3)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    code, said = finish(process)
    assert code == 130, said
    assert "Traceback" not in said
    assert frames_of(folder / "out.mp4") > 0


@pytest.mark.parametrize("after_s", [0.05, 0.1, 0.15, 0.2, 0.3])
def test_ctrl_c_while_modules_load(after_s):
    # Python's own start, before the first line of ours, takes a part of the first moment.
    starts = "import sys; sys.stderr.write('begins\\n'); sys.stderr.flush(); "
    process = subprocess.Popen(
        [sys.executable, "-c", f"{starts}from livexpr.__main__ import main; main(['run', '-h'])"],
        cwd=HOME,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "begins\n"
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    code, said = finish(process)
    # 0: the help was out already. Killed by the signal, which a shell calls 130 too: Python itself
    # was ending, and had put the system's own handler back.
    assert code in (130, 0, -signal.SIGINT), said
    assert "Traceback" not in said
