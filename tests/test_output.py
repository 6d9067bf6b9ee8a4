"""Sinks: the publisher's threads, films, letterboxing, and the virtual camera's errors."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import pyvirtualcam
import pyvirtualcam.camera
from hypothesis import given
from hypothesis import strategies as st

from livexpr import loopback, output
from livexpr.devices import V4L2_CAP_VIDEO_CAPTURE, V4L2_CAP_VIDEO_OUTPUT, VideoNode
from livexpr.errors import VirtualCameraError
from livexpr.letterbox import letterbox, placeholder
from livexpr.output import NullSink, Publisher, open_film, open_virtual_camera
from livexpr.types import Frame

SIZE = (64, 48)
LIMIT_S = 30.0
"""How long a test waits for an event that comes at once, before it calls it missing."""

ENCODING_TOLERANCE = 2
"""Grey levels that BT.709 in 8 bits, and reading it again, may cost a plain area."""


def frame(index: int, *, at_s: float | None = None, size=SIZE) -> Frame:
    """A frame of one grey level, its index."""
    pixels = np.full((size[1], size[0], 3), index % 256, np.uint8)
    return Frame(pixels, index, time.perf_counter() if at_s is None else at_s)


class RecordingSink:
    """Keeps what it is sent; can be held up and made to fail."""

    def __init__(self, name: str = "recording", *, fails_at: int | None = None) -> None:
        self.name = name
        self.sent: list[np.ndarray] = []
        self.closed = 0
        self.got = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self._fails_at = fails_at

    def send(self, pixels: np.ndarray) -> None:
        if len(self.sent) == self._fails_at:
            raise VirtualCameraError("the disk is full")
        self.sent.append(pixels)
        self.got.release()
        assert self.gate.wait(LIMIT_S)

    def close(self) -> None:
        self.closed += 1

    def wait_for(self, count: int) -> None:
        for _ in range(count):
            assert self.got.acquire(timeout=LIMIT_S)

    @property
    def levels(self) -> list[int]:
        return [int(pixels[0, 0, 0]) for pixels in self.sent]


class RepeatingSink(RecordingSink):
    """A camera's stand-in."""

    repeat_fps = 200.0


class TimedSink(RecordingSink):
    """A film's stand-in."""

    def __init__(self) -> None:
        super().__init__("timed")
        self.times_s: list[float] = []

    def send_at(self, pixels: np.ndarray, time_s: float) -> None:
        self.times_s.append(time_s)
        self.send(pixels)


# --- the publisher -------------------------------------------------------------------------


def test_a_sink_gets_each_frame_once_and_is_closed():
    publisher, sink = Publisher(size=SIZE, fps=30.0, live=False), RecordingSink()
    publisher.add(sink)
    for index in range(20):
        publisher.publish(frame(index))
    publisher.close()
    assert sink.levels == list(range(20))
    assert sink.closed == 1
    assert (publisher.published, publisher.dropped, publisher.repeated) == (20, 0, 0)
    assert publisher.sinks == ()


def test_pixels_of_the_right_size_pass_through_unchanged():
    publisher, sink = Publisher(size=SIZE, fps=30.0, live=True), RecordingSink()
    publisher.add(sink)
    published = frame(7)
    publisher.publish(published)
    publisher.close()
    assert sink.sent[0] is published.pixels


def test_other_sizes_are_letterboxed():
    publisher, sink = Publisher(size=SIZE, fps=30.0, live=False), RecordingSink()
    publisher.add(sink)
    publisher.publish(frame(255, size=(48, 48)))
    publisher.close()
    assert sink.sent[0].shape == (48, 64, 3)
    assert (sink.sent[0][:, :8] == 0).all()
    assert (sink.sent[0][:, 8:56] == 255).all()


def test_a_camera_shows_a_placeholder_until_the_first_frame_then_repeats_the_last():
    publisher, camera = Publisher(size=SIZE, fps=30.0, live=True), RepeatingSink()
    publisher.add(camera)
    camera.wait_for(3)
    assert all((pixels == placeholder(SIZE)).all() for pixels in camera.sent[:3])
    publisher.publish(frame(9))
    while camera.levels.count(9) < 4:
        camera.wait_for(1)
    publisher.close()
    assert camera.levels[-1] == 9
    assert publisher.repeated == len(camera.sent) - 1


def test_live_publishing_never_waits_and_the_camera_gets_the_newest():
    publisher, camera = Publisher(size=SIZE, fps=30.0, live=True), RepeatingSink()
    camera.gate.clear()
    publisher.add(camera)
    camera.wait_for(1)  # it now hangs in the placeholder
    for index in range(50, 100):
        publisher.publish(frame(index))
    camera.gate.set()
    publisher.close()
    assert [level for level in camera.levels if level >= 50] == [99]
    assert publisher.dropped == 49


def test_a_hanging_camera_does_not_hold_up_a_film():
    publisher, camera, film = (
        Publisher(size=SIZE, fps=30.0, live=True),
        RepeatingSink(),
        TimedSink(),
    )
    camera.gate.clear()
    publisher.add(camera)
    publisher.add(film)
    camera.wait_for(1)
    for index in range(5):
        publisher.publish(frame(index, at_s=100.0 + index))
        film.wait_for(1)
    assert film.levels == [0, 1, 2, 3, 4]
    assert film.times_s == [100.0, 101.0, 102.0, 103.0, 104.0]
    camera.gate.set()
    publisher.close()


def test_fast_publishing_waits_for_the_slowest_sink():
    publisher, slow = Publisher(size=SIZE, fps=30.0, live=False), TimedSink()
    slow.gate.clear()
    publisher.add(slow)
    done = threading.Event()

    def publish_ten() -> None:
        for index in range(10):
            publisher.publish(frame(index))
        done.set()

    threading.Thread(target=publish_ten, daemon=True).start()
    slow.wait_for(1)
    assert not done.wait(0.2)
    slow.gate.set()
    assert done.wait(LIMIT_S)
    publisher.close()
    assert slow.levels == list(range(10))
    assert slow.times_s == []  # frames of a fast run carry no real times


def test_a_fast_film_loses_nothing_while_the_process_is_stopped(monkeypatch):
    """Whoever waited for room then wakes as if the time were over."""
    publisher, slow = Publisher(size=SIZE, fps=30.0, live=False), RecordingSink()
    slow.gate.clear()
    publisher.add(slow)
    put = threading.current_thread()
    waits: list[bool] = []
    wait_for = threading.Condition.wait_for

    def woken_late(self, predicate, timeout=None):
        if threading.current_thread() is not put or predicate():
            return wait_for(self, predicate, timeout)
        waits.append(True)
        if len(waits) == 1:
            return False
        slow.gate.set()
        return wait_for(self, predicate, LIMIT_S)

    monkeypatch.setattr(threading.Condition, "wait_for", woken_late)
    for index in range(10):
        publisher.publish(frame(index))
    publisher.close()
    assert len(waits) > 1
    assert slow.levels == list(range(10))


def test_a_sink_that_fails_is_dropped_and_reported_once():
    failed = []
    publisher = Publisher(
        size=SIZE, fps=30.0, live=False, on_error=lambda sink, error: failed.append((sink, error))
    )
    bad, good = RecordingSink("bad", fails_at=3), RecordingSink("good")
    publisher.add(bad)
    publisher.add(good)
    for index in range(20):
        publisher.publish(frame(index))
    publisher.close()
    assert good.levels == list(range(20))
    assert bad.levels == [0, 1, 2]
    assert bad.closed == 1
    assert [(sink.name, str(error)) for sink, error in failed] == [("bad", "the disk is full")]


def test_latency_is_measured_from_capture_until_sent():
    publisher, sink = Publisher(size=SIZE, fps=30.0, live=False), RecordingSink()
    publisher.add(sink)
    publisher.add(NullSink())
    for index in range(5):
        publisher.publish(frame(index, at_s=time.perf_counter() - 2.0))
    publisher.close()
    assert publisher.latency_s.shape == publisher.send_s.shape == (5,)
    assert (publisher.latency_s >= 2.0).all()
    assert (publisher.send_s >= 0.0).all()


def test_latency_is_measured_without_any_sink():
    publisher = Publisher(size=SIZE, fps=30.0, live=True)
    publisher.publish(frame(0, at_s=time.perf_counter() - 2.0))
    publisher.close()
    assert publisher.latency_s.shape == (1,)
    assert publisher.latency_s[0] >= 2.0


def test_closed_publisher_takes_nothing_and_closes_again():
    publisher, sink = Publisher(size=SIZE, fps=30.0, live=False), RecordingSink()
    publisher.add(sink)
    publisher.close()
    publisher.publish(frame(0))
    publisher.close()
    assert sink.sent == []
    assert sink.closed == 1


# --- letterbox -----------------------------------------------------------------------------


@given(
    source=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_letterbox_keeps_the_whole_picture_and_its_shape(source, size):
    boxed = letterbox(np.full((source[1], source[0], 3), 255, np.uint8), size)
    assert boxed.shape == (size[1], size[0], 3)
    assert boxed.flags.c_contiguous
    rows, columns = np.flatnonzero(boxed.any((1, 2))), np.flatnonzero(boxed.any((0, 2)))
    scale = min(size[0] / source[0], size[1] / source[1])
    assert abs(len(columns) - source[0] * scale) <= 1
    assert abs(len(rows) - source[1] * scale) <= 1
    assert abs(rows[0] - (size[1] - 1 - rows[-1])) <= 1
    assert abs(columns[0] - (size[0] - 1 - columns[-1])) <= 1


@given(size=st.tuples(st.integers(16, 400), st.integers(16, 400)))
def test_placeholder_is_dark_and_has_the_size(size):
    pixels = placeholder(size)
    assert pixels.shape == (size[1], size[0], 3)
    assert np.median(pixels) < 64


def test_placeholder_says_something():
    assert placeholder((640, 480)).max() > 150


# --- films ---------------------------------------------------------------------------------


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize("suffix", output.FILM_SUFFIXES)
@pytest.mark.parametrize("colour", [(200, 40, 30), (20, 60, 220), (30, 200, 60), (128, 128, 128)])
def test_film_is_h264_with_the_colours_of_bt709(tmp_path, suffix, colour):
    path = tmp_path / f"film{suffix}"
    film = open_film(path, SIZE, 30.0)
    pixels = np.empty((48, 64, 3), np.uint8)
    pixels[:] = colour
    film.send(pixels)
    film.close()
    picture = decoded(path)[0]
    assert (picture.width, picture.height, picture.format.name) == (64, 48, "yuv420p")
    assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (1, 1, 1)
    blue, green, red = (value / 255 for value in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = [
        16 + 219 * luma,
        128 + 224 * (blue - luma) / 1.8556,
        128 + 224 * (red - luma) / 1.5748,
    ]
    planes = picture.to_ndarray()
    got = [planes[24, 32], planes[48 + 6, 8], planes[48 + 12 + 6, 8]]
    np.testing.assert_allclose(got, expected, atol=ENCODING_TOLERANCE)


@pytest.mark.parametrize("suffix", output.FILM_SUFFIXES)
def test_live_film_keeps_real_times(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    film = open_film(path, SIZE, 30.0)
    for time_s in (50.0, 50.1, 50.1, 50.15, 50.9):
        film.send_at(frame(100).pixels, time_s)
    film.close()
    times_s = [picture.time for picture in decoded(path)]
    np.testing.assert_allclose(times_s, [0.0, 0.1, 0.1, 0.15, 0.9], atol=0.002)
    assert (np.diff(times_s) > 0).all()


@given(steps_s=st.lists(st.floats(-0.5, 2.0), min_size=1, max_size=8))
def test_film_survives_any_clock(tmp_path_factory, steps_s):
    path = tmp_path_factory.mktemp("clock") / "film.mp4"
    film = open_film(path, SIZE, 30.0)
    for time_s in np.cumsum(steps_s):
        film.send_at(frame(100).pixels, float(time_s))
    film.close()
    assert len(decoded(path)) == len(steps_s)


def test_film_of_known_rate(tmp_path):
    film = open_film(tmp_path / "film.mp4", SIZE, 30000 / 1001)
    for index in range(60):
        film.send(frame(index).pixels)
    film.close()
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(30000 / 1001, rel=1e-4)
        assert float(stream.duration * stream.time_base) == pytest.approx(2.002, abs=0.01)


def test_odd_sides_are_extended_by_one_pixel(tmp_path):
    film = open_film(tmp_path / "odd.mp4", (65, 49), 30.0)
    film.send(frame(200, size=(65, 49)).pixels)
    film.close()
    picture = decoded(tmp_path / "odd.mp4")[0]
    assert (picture.width, picture.height) == (66, 50)
    assert abs(int(picture.to_ndarray(format="gray")[-1, -1]) - 200) <= ENCODING_TOLERANCE


def test_film_of_one_frame_lasts_as_long(tmp_path):
    film = open_film(tmp_path / "one.mp4", SIZE, 25.0)
    film.send(frame(1).pixels)
    film.close()
    film.close()
    with av.open(str(tmp_path / "one.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == Fraction(1, 25)


def test_film_without_a_frame_leaves_no_file(tmp_path):
    open_film(tmp_path / "none.mp4", SIZE, 25.0).close()
    assert not (tmp_path / "none.mp4").exists()
    (tmp_path / "older.mp4").write_bytes(b"an older film")
    open_film(tmp_path / "older.mp4", SIZE, 25.0).close()
    assert (tmp_path / "older.mp4").read_bytes() == b"an older film"


KILLED = """
import os, signal, sys, numpy as np
from livexpr.film import open_film
film = open_film(sys.argv[1], (64, 48), 30.0)
for index in range(300):
    film.send(np.full((48, 64, 3), index % 200, np.uint8))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_film_of_a_killed_program_can_be_read(tmp_path):
    path = tmp_path / "film.mp4"
    root = Path(__file__).resolve().parents[1]
    subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=root, check=False, timeout=120)
    count = 0
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            try:
                count += len(packet.decode())
            except av.FFmpegError:
                break
    assert count >= 300 - 3 * 60


@pytest.mark.parametrize("name", ["film.xyz", "film", "missing/film.mp4"])
def test_film_that_cannot_be_written_is_one_line(tmp_path, name):
    with pytest.raises(VirtualCameraError, match="film") as caught:
        open_film(tmp_path / name, SIZE, 30.0)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_film_whose_name_looks_like_an_address_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    film = open_film("12:30.mp4", SIZE, 30.0)
    film.send(frame(1).pixels)
    film.close()
    assert len(decoded(tmp_path / "12:30.mp4")) == 1


def test_without_an_encoder_a_film_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    with pytest.raises(VirtualCameraError, match="has none of libx264, libopenh264") as caught:
        open_film(tmp_path / "film.mp4", SIZE, 30.0)
    assert "\n" not in str(caught.value)


def test_folder_in_place_of_a_film_is_one_line(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VirtualCameraError, match=r"directory|denied") as caught:
        open_film(tmp_path / "folder.mp4", SIZE, 30.0)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk_is_an_error_of_the_sink(tmp_path):
    (tmp_path / "film.mkv").symlink_to("/dev/full")

    def write() -> None:
        film = open_film(tmp_path / "film.mkv", SIZE, 30.0)
        try:
            for index in range(100):
                film.send(frame(index).pixels)
        finally:
            film.close()

    with pytest.raises(VirtualCameraError, match="No space left"):
        write()


# --- the virtual camera --------------------------------------------------------------------


class FakeBackend:
    """A pyvirtualcam backend that keeps what it gets."""

    refuses: str | None = None

    def __init__(self, *, width, height, fps, fourcc, device) -> None:
        if self.refuses is not None:
            raise RuntimeError(self.refuses)
        self.size = (width, height)
        self.fourcc = fourcc
        self.sent: list[np.ndarray] = []
        self.closed = False
        self._device = device or "Fake Camera"
        type(self).last = self

    def send(self, pixels: np.ndarray) -> None:
        self.sent.append(pixels.copy())

    def device(self) -> str:
        return self._device

    def native_fourcc(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def backends(monkeypatch):
    """A machine with OBS and UnityCapture, both fake."""
    fakes = {
        "obs": type("Obs", (FakeBackend,), {}),
        "unitycapture": type("Unity", (FakeBackend,), {}),
    }
    monkeypatch.setattr(output.platform, "system", lambda: "Windows")
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", fakes)
    return fakes


def test_virtual_camera_sends_bgr_letterboxed_to_its_size(backends):
    camera = open_virtual_camera(None, (64, 48), 30.0)
    camera.send(np.full((48, 48, 3), (10, 20, 30), np.uint8))
    fake = backends["obs"].last
    assert (fake.size, camera.size, camera.name) == (
        (64, 48),
        (64, 48),
        "virtual camera Fake Camera",
    )
    assert fake.fourcc == pyvirtualcam.camera.encode_fourcc(pyvirtualcam.PixelFormat.BGR.value)
    sent = fake.sent[0].reshape(48, 64, 3)
    assert tuple(sent[24, 32]) == (10, 20, 30)
    assert tuple(sent[24, 2]) == (0, 0, 0)
    camera.close()
    camera.close()
    assert fake.closed
    with pytest.raises(VirtualCameraError, match="is closed"):
        camera.send(np.zeros((48, 64, 3), np.uint8))


def test_second_backend_is_tried(backends):
    backends["obs"].refuses = "OBS is not installed"
    assert open_virtual_camera(None, (64, 48), 30.0).device == "Fake Camera"
    assert backends["unitycapture"].last.size == (64, 48)


def test_without_any_backend_each_says_why_and_what_to_do(backends):
    backends["obs"].refuses = "OBS is\nnot installed"
    backends["unitycapture"].refuses = "no capture filter"
    with pytest.raises(VirtualCameraError) as caught:
        open_virtual_camera(None, (64, 48), 30.0)
    message = str(caught.value)
    assert "obs: OBS is not installed; unitycapture: no capture filter" in message
    assert "winget install OBSProject.OBSStudio" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("asked", "given"), [((641, 363), (640, 362)), ((64, 48), (64, 48)), ((20, 20), (48, 32))]
)
def test_virtual_camera_has_a_size_that_readers_accept(backends, asked, given):
    assert open_virtual_camera(None, asked, 30.0).size == given


def node(path="/dev/video10", *, driver="v4l2 loopback", capabilities=V4L2_CAP_VIDEO_OUTPUT):
    return VideoNode(path, "VirtualCam", driver, "platform:0", capabilities, readable=True)


@pytest.fixture
def linux(monkeypatch):
    """A Linux with one v4l2loopback device that is free."""
    backend = type("V4l2loopback", (FakeBackend,), {})
    monkeypatch.setattr(output.platform, "system", lambda: "Linux")
    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {"v4l2loopback": backend})
    monkeypatch.setattr(loopback, "video_nodes", lambda: [node()])
    monkeypatch.setattr(loopback, "query_node", lambda path: node(path))
    monkeypatch.setattr(loopback, "restore_output", lambda path: None)
    monkeypatch.setattr(output, "restore_output", lambda path: None)
    monkeypatch.setattr(output, "output_format", lambda path: None)
    return backend


def test_loopback_device_is_found(linux):
    assert open_virtual_camera(None, SIZE, 30.0).device == "/dev/video10"


def test_no_loopback_device_says_how_to_get_one(linux, monkeypatch):
    monkeypatch.setattr(loopback, "video_nodes", lambda: [node(driver="uvcvideo")])
    with pytest.raises(VirtualCameraError) as caught:
        open_virtual_camera(None, SIZE, 30.0)
    # The same words as doctor's, so that whoever follows either gets one camera.
    command = "sudo modprobe v4l2loopback devices=1 video_nr=10 card_label=livexpr exclusive_caps=1"
    assert f"`{command}`" in str(caught.value)


def test_device_that_lost_its_output_side_is_mended(linux, monkeypatch):
    capabilities = [0]
    monkeypatch.setattr(loopback, "query_node", lambda path: node(capabilities=capabilities[0]))
    monkeypatch.setattr(
        loopback, "restore_output", lambda path: capabilities.append(capabilities.pop() | 2)
    )
    assert open_virtual_camera("/dev/video10", SIZE, 30.0).device == "/dev/video10"


def test_busy_device_says_who_writes_to_it(linux, monkeypatch):
    monkeypatch.setattr(
        loopback, "query_node", lambda path: node(capabilities=V4L2_CAP_VIDEO_CAPTURE)
    )
    monkeypatch.setattr(loopback, "is_written", lambda found: True)
    monkeypatch.setattr(loopback, "holders", lambda path: ["obs (process 7)"])
    with pytest.raises(VirtualCameraError, match=r"busy, obs \(process 7\) writes to it"):
        open_virtual_camera(None, SIZE, 30.0)


def test_device_that_is_still_read_keeps_its_size(linux, monkeypatch):
    monkeypatch.setattr(output, "output_format", lambda path: ((320, 240), "YU12"))
    camera = open_virtual_camera(None, SIZE, 30.0)
    assert camera.size == linux.last.size == (320, 240)
    camera.send(np.full((48, 64, 3), 9, np.uint8))
    assert linux.last.sent[0].size == 320 * 240 * 3


def test_device_that_is_still_read_in_another_format_is_refused(linux, monkeypatch):
    monkeypatch.setattr(output, "output_format", lambda path: (SIZE, "YUYV"))
    with pytest.raises(VirtualCameraError, match="is set to YUYV pictures, expected YU12"):
        open_virtual_camera(None, SIZE, 30.0)
    assert linux.last.closed


def test_other_devices_are_refused(linux, monkeypatch):
    monkeypatch.setattr(loopback, "query_node", lambda path: node(path, driver="uvcvideo"))
    with pytest.raises(VirtualCameraError, match=r"not a v4l2loopback device: take /dev/video10"):
        open_virtual_camera("/dev/video0", SIZE, 30.0)


def test_a_device_that_was_removed_is_noticed(linux, monkeypatch):
    monkeypatch.setattr(output, "_LOOK_EVERY_S", 0.0)
    nodes = iter([(81, 7), (81, 7), None])
    monkeypatch.setattr(output, "_node", lambda device: next(nodes))
    camera = open_virtual_camera(None, SIZE, 30.0)
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    camera.send(picture)
    with pytest.raises(VirtualCameraError, match=r"/dev/video10 was removed: run `sudo modprobe"):
        camera.send(picture)
    camera.close()
