"""The virtual camera, as other programs see it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from livexpr.devices import query_node
from livexpr.errors import VirtualCameraError
from livexpr.letterbox import placeholder
from livexpr.output import Publisher, open_virtual_camera
from livexpr.types import Frame

pytestmark = pytest.mark.hardware

SIZE = (640, 480)
LEFT_BGR, RIGHT_BGR = (200, 40, 30), (20, 60, 220)
COLOUR_TOLERANCE = 6
"""Grey levels that 4:2:0 with BT.601 in 8 bits costs plain colours, there and back."""


def halves(size=SIZE) -> np.ndarray:
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = LEFT_BGR
    pixels[:, size[0] // 2 :] = RIGHT_BGR
    return pixels


def has_halves(pixels: np.ndarray) -> bool:
    """Whether a picture is blue on its left and red on its right, and nothing else."""
    row, quarter = pixels[pixels.shape[0] // 2].astype(int), pixels.shape[1] // 4
    return (
        np.abs(row[quarter] - LEFT_BGR).max() <= COLOUR_TOLERANCE
        and np.abs(row[-quarter] - RIGHT_BGR).max() <= COLOUR_TOLERANCE
    )


def is_placeholder(pixels: np.ndarray) -> bool:
    expected = placeholder(pixels.shape[1::-1]).astype(int)
    return bool(np.abs(pixels - expected).mean() < 6.0)


@pytest.fixture
def publisher(virtual_camera):
    """A publisher with the virtual camera that is shown the halves once."""
    published = Publisher(size=SIZE, fps=30.0, live=True)
    published.add(open_virtual_camera(virtual_camera.path, SIZE, 30.0))
    yield published
    published.close()


def show_halves(publisher: Publisher) -> None:
    publisher.publish(Frame(halves(), 0, time.perf_counter()))


def test_opencv_reads_the_right_colours_and_size(virtual_camera, publisher, seen_on):
    show_halves(publisher)
    assert seen_on(virtual_camera.path, has_halves).shape == (480, 640, 3)


def test_placeholder_is_shown_first_and_the_last_picture_again_and_again(
    virtual_camera, publisher, seen_on
):
    assert seen_on(virtual_camera.path).shape == (480, 640, 3)
    assert is_placeholder(seen_on(virtual_camera.path))
    show_halves(publisher)  # once; whoever comes later sees it all the same
    for _ in range(2):
        seen_on(virtual_camera.path, has_halves)
    assert publisher.repeated > 10


def test_ffmpeg_reads_the_right_colours(virtual_camera, publisher, seen_on, tmp_path):
    if (ffmpeg := shutil.which("ffmpeg")) is None:
        pytest.skip("no ffmpeg on this machine")
    show_halves(publisher)
    seen_on(virtual_camera.path, has_halves)
    command = [ffmpeg, "-nostdin", "-loglevel", "error", "-f", "v4l2", "-i", virtual_camera.path]
    command += ["-frames:v", "5", "-pix_fmt", "bgr24", "-f", "rawvideo", str(tmp_path / "seen")]
    subprocess.run(command, check=True, timeout=300)
    pictures = np.fromfile(tmp_path / "seen", np.uint8).reshape(-1, 480, 640, 3)
    assert len(pictures) == 5
    assert has_halves(pictures[-1])


def test_v4l2_ctl_reads_the_right_colours(virtual_camera, publisher, seen_on, tmp_path):
    if (control := shutil.which("v4l2-ctl")) is None:
        pytest.skip("no v4l2-ctl on this machine (v4l-utils)")
    show_halves(publisher)
    seen_on(virtual_camera.path, has_halves)
    command = [control, "-d", virtual_camera.path, "--stream-mmap", "--stream-count=5"]
    command += [f"--stream-to={tmp_path / 'seen'}"]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    planes = np.fromfile(tmp_path / "seen", np.uint8).reshape(-1, 720, 640)
    assert has_halves(cv2.cvtColor(planes[-1], cv2.COLOR_YUV2BGR_I420))


def test_readers_come_and_go_without_disturbing_the_publisher(virtual_camera, publisher, seen_on):
    show_halves(publisher)
    for _ in range(3):
        seen_on(virtual_camera.path, has_halves)
    assert len(publisher.sinks) == 1


def test_second_start_works_and_leaves_the_device_to_others(virtual_camera):
    for _ in range(3):
        sink = open_virtual_camera(virtual_camera.path, SIZE, 30.0)
        sink.send(halves())
        sink.close()
        assert query_node(virtual_camera.path).outputs


KILLED = """
import os, signal, sys, numpy as np
from livexpr.output import open_virtual_camera
sink = open_virtual_camera(sys.argv[1], (640, 480), 30.0)
sink.send(np.zeros((480, 640, 3), np.uint8))
os.kill(os.getpid(), signal.SIGKILL)
"""

WRITER = """
import sys, time, numpy as np
from livexpr.output import open_virtual_camera
sink = open_virtual_camera(sys.argv[1], (640, 480), 30.0)
while True:
    sink.send(np.zeros((480, 640, 3), np.uint8))
    print("sent", flush=True)
    time.sleep(0.03)
"""


def test_start_after_a_killed_program_works(virtual_camera, start, seen_on):
    assert start(sys.executable, "-c", KILLED, virtual_camera.path).wait(300) == -9
    publisher = Publisher(size=SIZE, fps=30.0, live=True)
    publisher.add(open_virtual_camera(virtual_camera.path, SIZE, 30.0))
    show_halves(publisher)
    try:
        seen_on(virtual_camera.path, has_halves)
    finally:
        publisher.close()


def test_busy_device_says_who_writes_to_it(virtual_camera, start):
    writer = start(sys.executable, "-c", WRITER, virtual_camera.path, stdout=subprocess.PIPE)
    # Read on, or the writer would stop when the pipe is full.
    assert writer.stdout.readline() == b"sent\n"
    threading.Thread(target=writer.stdout.read, daemon=True).start()
    with pytest.raises(VirtualCameraError, match=rf"busy, .*process {writer.pid}\)") as caught:
        open_virtual_camera(virtual_camera.path, SIZE, 30.0)
    assert "\n" not in str(caught.value)


def test_program_that_reads_on_survives_our_restart(virtual_camera, publisher, pictures_of):
    """It keeps the size it knows; the next, larger pictures are letterboxed into it."""
    show_halves(publisher)
    with contextlib.closing(pictures_of(virtual_camera.path)) as pictures:
        assert any(has_halves(picture) for picture in pictures)
        publisher.close()
        second = Publisher(size=(1280, 720), fps=30.0, live=True)
        second.add(open_virtual_camera(virtual_camera.path, (1280, 720), 30.0))
        second.publish(Frame(halves((1280, 720))[:, ::-1], 0, time.perf_counter()))
        try:
            assert any(has_halves(picture[:, ::-1]) for picture in pictures)
        finally:
            second.close()


def test_device_is_found_by_its_driver(virtual_camera):
    sink = open_virtual_camera(None, SIZE, 30.0)
    sink.send(halves())
    sink.close()
    assert query_node(sink.device).loopback


def test_other_devices_are_refused(webcam, virtual_camera):
    if webcam.loopback:
        pytest.skip("the webcam here is a v4l2loopback device itself")
    with pytest.raises(VirtualCameraError, match=rf"take {virtual_camera.path}"):
        open_virtual_camera(webcam.path, SIZE, 30.0)
