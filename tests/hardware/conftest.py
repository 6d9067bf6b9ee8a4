"""Devices of this machine, and other programs that read them.

Only ``/dev/video*`` is needed. ``WEBCAM`` and ``VIRTUALCAM`` name the devices to use where
there are several; otherwise they are told by their drivers. Tests wait for events, never for
a time to pass, and give up after five minutes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from livexpr.capture import open_source
from livexpr.devices import VideoNode, holders, query_node, video_nodes
from livexpr.loopback import loopback_nodes
from tests.hardware.program import mosaic

LIMIT_S = 300.0
ROOT = Path(__file__).resolve().parents[2]

READER = """
import sys, time, cv2
capture, end_s = None, time.monotonic() + float(sys.argv[2])
while time.monotonic() < end_s:
    if capture is None or not capture.isOpened():
        time.sleep(0.1)
        capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)
        continue
    good, picture = capture.read()
    if good:
        sys.stdout.buffer.write(b"%d %d\\n" % picture.shape[1::-1] + picture.tobytes())
        sys.stdout.buffer.flush()
"""
"""Another program: writes what it sees to its output until that is closed."""


def hint(variable: str) -> VideoNode | None:
    """The device that an environment variable names."""
    path = os.environ.get(variable)
    return query_node(path) if path else None


@pytest.fixture
def virtual_camera() -> VideoNode:
    """A v4l2loopback device that nobody uses."""
    webcam = hint("WEBCAM")
    there = [node for node in loopback_nodes() if webcam is None or node.path != webcam.path]
    node = hint("VIRTUALCAM") or (there[0] if there else None)
    if node is None or not node.loopback:
        pytest.skip("no v4l2loopback device (sudo modprobe v4l2loopback exclusive_caps=1)")
    # A program of the test before may take a moment to end; while it reads, the size is kept.
    end_s = time.monotonic() + 30.0
    while others := holders(node.path):
        if time.monotonic() > end_s:
            pytest.skip(f"{node.path} is in use by {', '.join(others)}")
        time.sleep(0.05)
    return node


@pytest.fixture
def webcam() -> VideoNode:
    """A device that gives pictures: a real one, or what WEBCAM names."""
    real = [node for node in video_nodes() if node.captures and not node.virtual]
    node = hint("WEBCAM") or (real[0] if real else None)
    if node is None or not node.captures:
        pytest.skip("no webcam (plug one in, or name a device in WEBCAM)")
    return node


@contextlib.contextmanager
def running(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program, with those it starts itself, while the block lasts."""
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **options)
    try:
        yield process
    finally:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, kind)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def read_pictures(path: str) -> Iterator[NDArray[np.uint8]]:
    """What another program sees on a device, BGR; ends when the limit is over."""
    command = (sys.executable, "-c", READER, path, str(LIMIT_S))
    with running(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
        while size := reader.stdout.readline():
            width, height = map(int, size.split())
            content = reader.stdout.read(width * height * 3)
            yield np.frombuffer(content, np.uint8).reshape(height, width, 3)


@pytest.fixture
def pictures_of() -> Callable[[str], Iterator[NDArray[np.uint8]]]:
    """Function that gives what another program sees on a device, one picture after another."""
    return read_pictures


@pytest.fixture
def seen_on() -> Callable[..., NDArray[np.uint8]]:
    """Function that returns the first picture on a device that fulfils a condition."""

    def seen(
        path: str, condition: Callable[[NDArray[np.uint8]], bool] = lambda _: True
    ) -> NDArray[np.uint8]:
        last = None
        with contextlib.closing(read_pictures(path)) as pictures:
            for last in pictures:
                if condition(last):
                    return last
        pytest.fail(f"never seen on {path}; last: {'nothing' if last is None else last.shape}")

    return seen


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool], str], None]:
    """Function that waits until a condition holds."""

    def wait(condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end_s:
                pytest.fail(f"waited in vain for {what}")
            time.sleep(0.05)

    return wait


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Function that starts a program, which is ended after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda *command, **options: stack.enter_context(running(*command, **options))


@pytest.fixture
def scene(webcam: VideoNode) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """What the webcam shows, and in which size, before the program takes it."""
    source = open_source(webcam.path, size=None, fps=None, mirror=False, loop=False, fast=False)
    frames = [source.read().pixels for _ in range(10)]
    source.close()
    return source.size, np.mean([mosaic(pixels) for pixels in frames], axis=0)


@pytest.fixture
def run_cam(
    start: Callable[..., subprocess.Popen[bytes]], webcam: VideoNode, virtual_camera: VideoNode
) -> Callable[..., subprocess.Popen[bytes]]:
    """Function that starts ``run_cam.py --expression happy`` from the webcam."""

    def run(*options: str) -> subprocess.Popen[bytes]:
        return start(
            *(sys.executable, "run_cam.py", "--expression", "happy"),
            *("--source", webcam.path, "--output", f"camera:{virtual_camera.path}"),
            "--no-preview",
            *options,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    return run


@pytest.fixture
def vivid(webcam: VideoNode) -> Callable[[str], None]:
    """Function that pulls the test webcam out ("unbind") and plugs it in again ("bind")."""
    driver = Path("/sys/bus/platform/drivers/vivid")
    if webcam.driver != "vivid" or not os.access(driver / "unbind", os.W_OK):
        pytest.skip("pulling out needs the vivid test driver and root")
    return lambda action: (driver / action).write_text("vivid.0") and None
