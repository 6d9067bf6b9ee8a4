"""Real cameras: found, opened by what people call them, busy, silent, unplugged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from livexpr.capture import CaptureThread, list_cameras, open_source, reopen_source
from livexpr.devices import query_node
from livexpr.errors import CameraError
from livexpr.output import open_virtual_camera

pytestmark = pytest.mark.hardware

NOTHING_ASKED = {"size": None, "fps": None, "mirror": False, "loop": False, "fast": False}

HOLD = """
import sys, cv2
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)
print(capture.read()[0], flush=True)
sys.stdin.read()
"""


def test_webcam_is_listed_by_name(webcam):
    listed = {camera.path: camera for camera in list_cameras()}
    assert listed[webcam.path].name == webcam.name
    assert all(query_node(path).captures for path in listed)


@pytest.mark.parametrize("way", ["number", "name", "path"])
def test_webcam_opens_by(webcam, way):
    specs = {
        "number": webcam.path.removeprefix("/dev/video"),
        "name": webcam.name[:-1].swapcase(),
        "path": webcam.path,
    }
    source = open_source(specs[way], **NOTHING_ASKED)
    try:
        assert webcam.path in source.name
        frames = [source.read() for _ in range(5)]
    finally:
        source.close()
    assert [frame.index for frame in frames] == list(range(5))
    for frame in frames:
        assert frame.pixels.shape == (source.size[1], source.size[0], 3)
        assert frame.pixels.dtype == np.uint8
    assert frames[-1].pixels.std() > 1.0  # not one plain colour


def test_other_size_than_asked_is_reported(webcam):
    source = open_source(webcam.path, **{**NOTHING_ASKED, "size": (1000, 700)})
    source.close()
    if source.size != (1000, 700):
        assert f"asked for 1000x700 at {source.fps:g}" in source.notes[0]
        assert "{}x{}".format(*source.size) in source.notes[0]
    else:
        assert source.notes == ()


def test_camera_is_free_again_after_closing(webcam):
    for _ in range(3):
        thread = CaptureThread(open_source(webcam.path, **NOTHING_ASKED))
        assert thread.get(60.0) is not None
        thread.close()
        assert thread.error is None


def test_auto_never_takes_a_virtual_camera(webcam, virtual_camera):
    sink = open_virtual_camera(virtual_camera.path, (640, 480), 30.0)
    try:
        sink.send(np.zeros((480, 640, 3), np.uint8))
        assert query_node(virtual_camera.path).captures
        assert any(camera.virtual for camera in list_cameras())
        source = open_source("auto", **NOTHING_ASKED)
        source.close()
        assert virtual_camera.path not in source.name
    finally:
        sink.close()


def test_device_that_gives_no_pictures_is_told_apart(virtual_camera):
    with pytest.raises(CameraError, match="into which no program writes"):
        open_source(virtual_camera.path, **NOTHING_ASKED)


def read_until_it_breaks(path: str) -> None:
    source = open_source(path, **NOTHING_ASKED)
    try:
        while True:
            source.read()
    finally:
        source.close()


def test_silent_camera_breaks_after_a_while(virtual_camera):
    sink = open_virtual_camera(virtual_camera.path, (640, 480), 30.0)
    try:
        sink.send(np.zeros((480, 640, 3), np.uint8))
        with pytest.raises(CameraError, match="gives no pictures"):
            read_until_it_breaks(virtual_camera.path)
    finally:
        sink.close()


def test_busy_camera_says_who_holds_it(webcam, start):
    if webcam.loopback:
        pytest.skip("v4l2loopback serves several programs at once")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    holder = start(sys.executable, "-c", HOLD, webcam.path, **pipes)
    assert holder.stdout.readline() == b"True\n"
    with pytest.raises(CameraError, match=rf"is busy, .*process {holder.pid}\)") as caught:
        open_source(webcam.path, **NOTHING_ASKED)
    assert "\n" not in str(caught.value)


def test_unplugged_camera_is_found_again_under_its_new_number(webcam, wait_for):
    driver = Path("/sys/bus/platform/drivers/vivid")
    if webcam.driver != "vivid" or not os.access(driver / "unbind", os.W_OK):
        pytest.skip("pulling out needs the vivid test driver and root")
    source = open_source(webcam.path, **NOTHING_ASKED)
    thread = CaptureThread(source)
    assert thread.get(60.0) is not None
    (driver / "unbind").write_text("vivid.0")
    try:
        wait_for(lambda: thread.get(0.1) is None and thread.ended, "the end of the source")
        assert "was unplugged" in str(thread.error)
        with pytest.raises(CameraError, match="is away"):
            reopen_source(source)
    finally:
        (driver / "bind").write_text("vivid.0")
    wait_for(lambda: any(c.name == webcam.name for c in list_cameras()), "the camera")
    again = reopen_source(source)
    thread.close()
    try:
        assert again.read().pixels.shape == (source.size[1], source.size[0], 3)
        assert webcam.path not in again.name
    finally:
        again.close()
