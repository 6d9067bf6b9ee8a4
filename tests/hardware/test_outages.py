"""Devices that come, go and are taken by others while the program runs; and its sudden ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from livexpr import awaited_camera
from livexpr.awaited_camera import AwaitedCamera
from livexpr.devices import holders, query_node
from livexpr.output import open_virtual_camera
from tests.hardware.program import LIMIT_S, shows

pytestmark = pytest.mark.hardware

WRITER = """
import sys, time, numpy as np
from livexpr.output import open_virtual_camera
sink = open_virtual_camera(sys.argv[1], (640, 480), 30.0)
while True:
    sink.send(np.zeros((480, 640, 3), np.uint8))
    print("sent", flush=True)
    time.sleep(0.03)
"""
"""Another program that writes into the virtual camera, black."""

READER = """
import sys, cv2
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)
while True:
    capture.read()
"""


class Lines:
    """What a program says, line by line, while it runs."""

    def __init__(self, program: subprocess.Popen[bytes]) -> None:
        self.said: list[str] = []
        self._program = program
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._program.stdout:
            self.said.append(line.decode(errors="replace").rstrip())

    def have(self, text: str, times: int = 1) -> bool:
        """Whether so many lines with a text were said."""
        return sum(text in line for line in self.said) >= times


def is_held(path: str, program: subprocess.Popen[bytes]) -> bool:
    return any(f"process {program.pid}" in who for who in holders(path))


def assert_well(program: subprocess.Popen[bytes], lines: Lines) -> None:
    assert program.poll() is None, lines.said
    assert not lines.have("Traceback"), lines.said


def test_a_webcam_pulled_out_twice_comes_back_twice(
    scene, webcam, vivid, run_cam, virtual_camera, pictures_of, wait_for
):
    """Under another number each time that something still holds the old one."""
    program = run_cam()
    lines, matches = Lines(program), shows(scene[1])
    with contextlib.closing(pictures_of(virtual_camera.path)) as pictures:
        size = next(picture for picture in pictures if matches(picture)).shape
        for time_no in (1, 2):
            held = os.open(next(iter(held_nodes(program))), os.O_RDONLY)
            vivid("unbind")
            try:
                assert next(p for p in pictures if not matches(p)).shape == size
            finally:
                vivid("bind")
            assert next(p for p in pictures if matches(p)).shape == size
            os.close(held)
            wait_for(lambda n=time_no: lines.have("is back", 2 * n), f"return no. {time_no}")
    assert_well(program, lines)
    program.terminate()
    assert program.wait(LIMIT_S) == 143, lines.said


def held_nodes(program: subprocess.Popen[bytes]) -> list[str]:
    """The webcams that a program has open."""
    nodes = [str(path) for path in Path("/dev").glob("video*")]
    return [path for path in nodes if is_held(path, program) and not query_node(path).loopback]


def test_readers_that_come_go_and_die_disturb_nothing(
    scene, run_cam, virtual_camera, pictures_of, start, wait_for
):
    program = run_cam()
    lines, matches = Lines(program), shows(scene[1])
    with contextlib.closing(pictures_of(virtual_camera.path)) as steady:
        size = next(picture for picture in steady if matches(picture)).shape
        for kind in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            reader = start(sys.executable, "-c", READER, virtual_camera.path)
            wait_for(lambda r=reader: is_held(virtual_camera.path, r), "the reader")
            reader.send_signal(kind)
            reader.wait(LIMIT_S)
            assert_well(program, lines)
    # v4l2loopback serves one reader at a time well; the next one has it to itself.
    with contextlib.closing(pictures_of(virtual_camera.path)) as pictures:
        assert next(picture for picture in pictures if matches(picture)).shape == size
    assert_well(program, lines)
    assert not lines.have("is tried again"), lines.said


def test_a_virtual_camera_that_vanishes_while_running_is_taken_again(
    scene, run_cam, vivid, virtual_camera, seen_on, wait_for
):
    """Its module is unloaded, as far as the kernel lets it, and loaded again."""
    if shutil.which("modprobe") is None or shutil.which("rmmod") is None:
        pytest.skip("unloading a driver needs modprobe and rmmod")
    program = run_cam()
    lines, matches = Lines(program), shows(scene[1])
    seen_on(virtual_camera.path, matches)
    # A module in use stays, and nothing is disturbed.
    assert subprocess.run(["rmmod", "v4l2loopback"], capture_output=True).returncode != 0
    node = os.stat(virtual_camera.path)
    os.unlink(virtual_camera.path)
    loaded = True
    try:
        wait_for(lambda: lines.have("was removed"), "the removal to be noticed")
        wait_for(unloaded, "the module to be unloaded")
        loaded = False
        assert_well(program, lines)
        number = virtual_camera.path.removeprefix("/dev/video")
        options = [f"video_nr={number}", "exclusive_caps=1", f"card_label={virtual_camera.name}"]
        subprocess.run(["modprobe", "v4l2loopback", *options], check=True)
        loaded = True
        if not Path(virtual_camera.path).exists():  # where nobody makes nodes
            os.mknod(virtual_camera.path, stat.S_IFCHR | 0o660, node.st_rdev)
        wait_for(lambda: lines.have("takes pictures again"), "the virtual camera")
        seen_on(virtual_camera.path, matches)
    finally:
        if not loaded:
            subprocess.run(["modprobe", "v4l2loopback"], check=False)
    assert_well(program, lines)
    program.send_signal(signal.SIGINT)
    assert program.wait(LIMIT_S) == 130, lines.said


def unloaded() -> bool:
    return subprocess.run(["rmmod", "v4l2loopback"], capture_output=True).returncode == 0


def test_a_camera_that_another_program_has_is_taken_when_it_ends(
    virtual_camera, start, seen_on, wait_for, monkeypatch
):
    monkeypatch.setattr(awaited_camera, "_RETRY_S", 0.0)
    writer = start(sys.executable, "-c", WRITER, virtual_camera.path, stdout=subprocess.PIPE)
    assert writer.stdout.readline() == b"sent\n"
    threading.Thread(target=writer.stdout.read, daemon=True).start()
    said: list[str] = []
    size = (640, 480)
    awaited = AwaitedCamera(
        lambda: open_virtual_camera(virtual_camera.path, size, 30.0), said.append, 30.0
    )
    white = np.full((480, 640, 3), 255, np.uint8)
    awaited.send(white)
    assert not awaited.here
    writer.kill()
    writer.wait(LIMIT_S)
    wait_for(lambda: awaited.send(white) or awaited.here, "the camera")
    assert len(said) == 1
    ending = threading.Event()

    def keep_sending() -> None:
        while not ending.wait(0.03):
            awaited.send(white)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        seen_on(virtual_camera.path, lambda picture: bool(picture.mean() > 200))
    finally:
        ending.set()
        sender.join()
        awaited.close()


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_devices_are_free_at_once_after_a_signal(
    kind, webcam, run_cam, virtual_camera, wait_for, capsys
):
    """And the next start works, right away, twice in a row."""
    for _ in range(2):
        program = run_cam()
        lines = Lines(program)
        wait_for(lambda said=lines: said.have("is live"), f"the filter; {lines.said}")
        asked_s = time.monotonic()
        program.send_signal(kind)
        code = program.wait(LIMIT_S)
        took_s = time.monotonic() - asked_s
        assert code == (-kind if kind == signal.SIGKILL else 128 + kind), lines.said
        assert holders(webcam.path) == []
        assert holders(virtual_camera.path) == []
        assert not lines.have("Traceback"), lines.said
        with capsys.disabled():
            sys.stdout.write(f"\n{kind.name}: devices free after {took_s:.2f} s\n")


def test_a_signal_while_starting_frees_the_devices_too(webcam, run_cam, virtual_camera, wait_for):
    program = run_cam()
    lines = Lines(program)
    wait_for(lambda: is_held(virtual_camera.path, program), "the virtual camera")
    program.send_signal(signal.SIGTERM)
    assert program.wait(LIMIT_S) == 143, lines.said
    assert holders(webcam.path) == []
    assert holders(virtual_camera.path) == []
    assert query_node(virtual_camera.path).outputs
    assert not lines.have("Traceback"), lines.said
