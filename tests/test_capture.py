"""Sources: films, pictures, the capture thread, and webcams as OpenCV shows them."""

from __future__ import annotations

import threading
import wave
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import camera_search, capture, devices, recordings, webcam
from livexpr.capture import CaptureThread, open_source, read_image, reopen_source
from livexpr.capture_thread import Wishes
from livexpr.devices import CameraInfo
from livexpr.errors import CameraError
from livexpr.film import open_film
from livexpr.film_opening import RisingTimes
from livexpr.types import Frame

BLUE_BGR = (200, 40, 30)
RED_BGR = (20, 60, 220)
COLOUR_TOLERANCE = 4
"""Grey levels that 4:2:0 video loses on plain areas."""


def halves(size: tuple[int, int]) -> np.ndarray:
    """A picture, blue on its left and red on its right."""
    pixels = np.empty((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2] = BLUE_BGR
    pixels[:, size[0] // 2 :] = RED_BGR
    return pixels


def write_film(path: Path, *, frames: int = 6, size=(64, 48), fps: float = 25.0) -> Path:
    """A film of coloured halves; on frame n the first rows are grey of level 20 n."""
    film = open_film(path, size, fps)
    for number in range(frames):
        pixels = halves(size)
        pixels[:16] = 20 * (number % 12)
        film.send(pixels)
    film.close()
    return path


def opened(spec: object, **options: object) -> capture.Source:
    """`open_source` as fast as possible, with nothing asked."""
    asked = {"size": None, "fps": None, "mirror": False, "loop": False, "fast": True, **options}
    return open_source(str(spec), **asked)


def read_all(source: capture.Source, limit: int = 1000) -> list[Frame]:
    """All frames of a source, at most `limit`."""
    frames = []
    while len(frames) < limit and (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


def level(frame: Frame) -> int:
    """The number that `write_film` hid in a frame."""
    return round(float(frame.pixels[4:12].mean()) / 20)


# --- films ---------------------------------------------------------------------------------


def test_film_gives_each_frame_once_and_in_order(tmp_path):
    source = opened(write_film(tmp_path / "clip.mp4", frames=7))
    assert (source.name, source.size, source.fps) == ("clip.mp4", (64, 48), pytest.approx(25))
    assert not source.live
    frames = read_all(source)
    assert [level(frame) for frame in frames] == list(range(7))
    assert [frame.index for frame in frames] == list(range(7))
    for frame in frames:
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.flags.c_contiguous
    times = [frame.captured_at_s for frame in frames]
    assert times == sorted(times)


def test_film_has_right_colours_and_sides(tmp_path):
    frame = opened(write_film(tmp_path / "clip.mp4")).read()
    assert np.abs(frame.pixels[32, 8].astype(int) - BLUE_BGR).max() <= COLOUR_TOLERANCE
    assert np.abs(frame.pixels[32, 56].astype(int) - RED_BGR).max() <= COLOUR_TOLERANCE


def test_mirror_exchanges_left_and_right(tmp_path):
    path = write_film(tmp_path / "clip.mp4")
    plain, mirrored = opened(path).read(), opened(path, mirror=True).read()
    np.testing.assert_array_equal(mirrored.pixels, plain.pixels[:, ::-1])
    assert mirrored.pixels.flags.c_contiguous


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_loop_starts_again_with_rising_index(tmp_path, suffix):
    source = opened(write_film(tmp_path / f"clip{suffix}", frames=3), loop=True)
    frames = read_all(source, limit=8)
    assert [level(frame) for frame in frames] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert [frame.index for frame in frames] == list(range(8))


def turned(path: Path, matrix: tuple[int, ...]) -> Path:
    """Rewrite the matrix of an MP4's first track header, as a phone held upright does."""
    content = bytearray(path.read_bytes())
    matrix_at = content.rindex(b"tkhd") + 4 + 40
    content[matrix_at : matrix_at + 36] = b"".join(
        value.to_bytes(4, "big", signed=True) for value in matrix
    )
    path.write_bytes(content)
    return path


ONE, ONE_FINE = 1 << 16, 1 << 30


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ((0, ONE, 0, -ONE, 0, 0, 48 * ONE, 0, ONE_FINE), cv2.ROTATE_90_CLOCKWISE),
        ((-ONE, 0, 0, 0, -ONE, 0, 64 * ONE, 48 * ONE, ONE_FINE), cv2.ROTATE_180),
        ((0, -ONE, 0, ONE, 0, 0, 0, 64 * ONE, ONE_FINE), cv2.ROTATE_90_COUNTERCLOCKWISE),
    ],
)
def test_film_is_turned_as_it_says(tmp_path, matrix, turn):
    path = write_film(tmp_path / "clip.mp4")
    upright = opened(path).read().pixels
    source = opened(turned(path, matrix))
    np.testing.assert_array_equal(source.read().pixels, cv2.rotate(upright, turn))
    assert source.size == cv2.rotate(upright, turn).shape[1::-1]
    assert cv2.VideoCapture(str(path)).read()[1].shape[1::-1] == source.size


@pytest.mark.parametrize(
    ("shape", "width"),
    [(Fraction(64, 45), 1024), (Fraction(1281, 1280), 720), (Fraction(1, 100), 720)],
    ids=["DVD", "nearly square", "nonsense"],
)
def test_film_is_stretched_as_it_says(tmp_path, shape, width):
    path = tmp_path / "dvd.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 720, 576, "yuv420p"
        stream.codec_context.sample_aspect_ratio = shape
        out.mux(stream.encode(av.VideoFrame.from_ndarray(halves((720, 576)), format="bgr24")))
        out.mux(stream.encode(None))
    source = opened(path)
    assert source.size == (width, 576)
    pixels = source.read().pixels
    assert pixels.shape == (576, width, 3)
    assert pixels[300, width // 2 - 12, 0] > 150
    assert pixels[300, width // 2 + 12, 2] > 150


@pytest.mark.parametrize(
    ("own_s", "due_s"),
    [
        ([5.0, 5.04, 5.12], [0.0, 0.04, 0.12]),
        ([None, None, None], [0.0, 0.04, 0.08]),
        ([5.0, 5.04, 5.02, 5.08], [0.0, 0.04, 0.04, 0.08]),
        ([5.0, 5.04, 0.0, 5.12, 5.16], [0.0, 0.04, 0.04, 0.12, 0.16]),
        ([5.0, 5.04, 0.5, 0.54, 0.58], [0.0, 0.04, 0.04, 0.12, 0.16]),
        ([5.0, 5.04, 5000.0, 5000.04], [0.0, 0.04, 0.08, 0.12]),
        ([5.0, 5.04, 5000.0, 5.12, 5.16, 5.2], [0.0, 0.04, 0.08, 0.08, 0.16, 0.2]),
    ],
    ids=["uneven", "none", "a step back", "one wrong", "set back", "set forward", "one far off"],
)
def test_times_of_a_film_rise_whatever_it_says(own_s, due_s):
    times = RisingTimes(0.04)
    assert [times.due_s(each) for each in own_s] == pytest.approx(due_s)


def test_damaged_film_gives_what_can_be_read(tmp_path):
    path = write_film(tmp_path / "clip.mkv", frames=60)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    frames = read_all(opened(path))
    assert 5 < len(frames) < 60
    assert level(frames[0]) == 0


def test_note_says_what_a_file_cannot_give(tmp_path):
    path = write_film(tmp_path / "clip.mp4")
    asked = opened(path, size=(1280, 720), fps=30.0)
    assert asked.notes == ("asked for 1280x720 at 30, clip.mp4 gives 64x48 at 25",)
    assert opened(path).notes == ()
    assert opened(path, size=(64, 48), fps=25.0).notes == ()


def test_closed_film_ends(tmp_path):
    source = opened(write_film(tmp_path / "clip.mp4"))
    source.close()
    source.close()
    assert source.read() is None


def silence(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(1600))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.mp4", b"", r"empty \(0 bytes\)"),
        ("empty.png", b"", r"empty \(0 bytes\)"),
        ("text.mp4", b"no film at all\n" * 50, "cannot be read as a film"),
        ("text.png", b"no picture at all\n" * 50, "cannot be read as a picture"),
        ("head.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be read as a picture"),
    ],
)
def test_unreadable_file_is_one_line(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CameraError, match=reason) as caught:
        opened(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cut_off_mp4_is_one_line(tmp_path):
    path = write_film(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(CameraError, match=r"clip\.mp4") as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_other_bad_files(tmp_path):
    silence(tmp_path / "sound.wav")
    with pytest.raises(CameraError, match="no picture"):
        opened(tmp_path / "sound.wav")
    with pytest.raises(CameraError, match="no file"):
        opened(tmp_path / "absent.mp4")
    with pytest.raises(CameraError, match="is a folder"):
        opened(tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["speech_1.mpg", "head_turns_1.mp4", "neutral_and_smile.mp4"])
def test_real_clips(name):
    path = Path(__file__).resolve().parents[2] / "shared" / "clips" / name
    count = 0
    reader = cv2.VideoCapture(str(path))
    while reader.read()[0]:
        count += 1
    assert len(read_all(opened(path), limit=10_000)) == count


# --- pace ----------------------------------------------------------------------------------


@dataclass
class FakeClock:
    """A clock that only waiting moves."""

    now_s: float = 100.0
    waits_s: list[float] = field(default_factory=list)

    def perf_counter(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> bool:
        self.waits_s.append(seconds)
        self.now_s += seconds
        return False


@pytest.fixture
def clock(monkeypatch) -> FakeClock:
    fake = FakeClock()
    monkeypatch.setattr(recordings.time, "perf_counter", fake.perf_counter)
    return fake


def test_pace_follows_the_times_of_the_film(clock):
    pace = recordings.Pace(clock)
    for time_s in (0.0, 0.04, 0.12, 0.16):
        pace.wait_until(time_s)
        assert clock.now_s == pytest.approx(100.0 + time_s)


def test_pace_does_not_drift_when_reading_takes_time(clock):
    pace = recordings.Pace(clock)
    for number in range(100):
        pace.wait_until(number * 0.04)
        clock.now_s += 0.03
    assert clock.now_s == pytest.approx(100.0 + 99 * 0.04 + 0.03)


def test_pace_goes_on_from_where_it_fell_behind(clock):
    pace = recordings.Pace(clock)
    pace.wait_until(0.0)
    clock.now_s += 5.0
    pace.wait_until(0.04)
    assert clock.now_s == pytest.approx(105.0)
    pace.wait_until(0.08)
    assert clock.now_s == pytest.approx(105.04)


def test_live_film_is_paced(tmp_path, monkeypatch, clock):
    monkeypatch.setattr(recordings.Pace, "wait_until", lambda self, time_s: due_s.append(time_s))
    due_s: list[float] = []
    source = opened(write_film(tmp_path / "clip.mp4", frames=4), fast=False, loop=True)
    assert source.live
    read_all(source, limit=10)
    # Between two pictures it rests before it decodes the next.
    pictures_s = [due_s[0], *due_s[2::2]]
    assert pictures_s == pytest.approx(np.arange(10) * 0.04)
    assert all(np.array(due_s[1::2]) <= np.array(pictures_s[:-1]) + 0.6 * 0.04 + 1e-9)


def test_live_film_goes_on_at_its_pace_after_decoding_took_long(tmp_path, monkeypatch, clock):
    source = opened(write_film(tmp_path / "clip.mp4", frames=9), fast=False, loop=True)
    source._pace = recordings.Pace(clock)
    decode = source._next_picture

    def suspended() -> object:
        clock.now_s += 2.0
        monkeypatch.setattr(source, "_next_picture", decode)
        return decode()

    for _ in range(3):
        source.read()
    monkeypatch.setattr(source, "_next_picture", suspended)
    times_s = [source.read().captured_at_s for _ in range(6)]
    source.close()
    assert np.diff(times_s) == pytest.approx(np.full(5, 0.04))


def test_pictures_that_come_in_a_burst_come_at_its_pace(tmp_path, clock):
    film = open_film(tmp_path / "burst.mp4", (64, 48), 30.0)
    for time_s in (*np.arange(10) / 30, 20.0):
        film.send_at(halves((64, 48)), time_s)
    film.close()
    source = opened(tmp_path / "burst.mp4", fast=False)
    source._pace = recordings.Pace(clock)
    times_s = [source.read().captured_at_s for _ in range(10)]
    source.close()
    assert source.fps < 1
    assert np.diff(times_s) == pytest.approx(np.full(9, 1 / 30), abs=1e-3)


# --- pictures ------------------------------------------------------------------------------


def test_picture_is_read_bit_for_bit(tmp_path, astronaut):
    cv2.imwrite(str(tmp_path / "plain.png"), astronaut)
    np.testing.assert_array_equal(read_image(tmp_path / "plain.png"), astronaut)


def test_grey_picture_becomes_bgr(tmp_path, astronaut):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), np.dstack([grey] * 3))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_16_bit_picture_keeps_its_brightness(tmp_path, astronaut, suffix):
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), astronaut.astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(path), astronaut)


def test_16_bit_grey_picture(tmp_path):
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "ramp.png"), ramp)
    expected = np.rint(ramp / 257.0)
    assert np.abs(read_image(tmp_path / "ramp.png")[..., 0] - expected).max() <= 1


def test_transparent_picture_lies_on_white(tmp_path):
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, :16] = (*BLUE_BGR, 255)
    pixels[:, 16:] = (*RED_BGR, 0)
    cv2.imwrite(str(tmp_path / "clear.png"), pixels)
    read = read_image(tmp_path / "clear.png")
    assert tuple(read[5, 5]) == BLUE_BGR
    assert tuple(read[5, 25]) == (255, 255, 255)


def test_orientation_of_a_photograph_is_applied(tmp_path):
    from PIL import Image

    photograph = Image.fromarray(np.ascontiguousarray(halves((64, 32))[..., ::-1]))
    exif = photograph.getexif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter turn clockwise
    photograph.save(tmp_path / "upright.jpg", exif=exif, quality=95)
    read = read_image(tmp_path / "upright.jpg")
    assert read.shape == (64, 32, 3)
    assert read[4, 16, 0] > 150  # blue is on top


def test_one_pixel_is_too_small(tmp_path):
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(CameraError, match=r"dot\.png is 1x1 px: too small") as caught:
        read_image(tmp_path / "dot.png")
    assert "\n" not in str(caught.value)


@given(width=st.integers(16, 40), height=st.integers(16, 40), channels=st.sampled_from([1, 3, 4]))
def test_pictures_of_odd_sizes(tmp_path_factory, width, height, channels):
    path = tmp_path_factory.mktemp("odd") / "odd.png"
    cv2.imwrite(str(path), np.full((height, width, channels), 255, np.uint8))
    read = read_image(path)
    assert read.shape == (height, width, 3)
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    assert read.min() == 255


def test_still_picture_is_shown_once_when_fast(tmp_path, astronaut):
    cv2.imwrite(str(tmp_path / "face.png"), astronaut)
    frames = read_all(opened(tmp_path / "face.png"))
    assert len(frames) == 1
    np.testing.assert_array_equal(frames[0].pixels, astronaut)
    looped = read_all(opened(tmp_path / "face.png", loop=True), limit=50)
    assert [frame.index for frame in looped] == list(range(50))


def test_still_picture_is_repeated_at_the_rate_asked_for(tmp_path, monkeypatch, astronaut):
    due_s: list[float] = []
    monkeypatch.setattr(recordings.Pace, "wait_until", lambda self, time_s: due_s.append(time_s))
    cv2.imwrite(str(tmp_path / "face.png"), astronaut)
    source = opened(tmp_path / "face.png", fast=False, fps=10.0, mirror=True)
    assert source.live
    frames = read_all(source, limit=4)
    assert due_s == pytest.approx([0.0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(frames[3].pixels, astronaut[:, ::-1])


# --- the capture thread --------------------------------------------------------------------


class FakeSource:
    """Frames on demand: each `give()` lets one more `read()` return."""

    name, size, fps, notes = "fake", (4, 4), 30.0, ()

    def __init__(self, *, live: bool, frames: int, fails: bool = False) -> None:
        self.live = live
        self.closed = False
        self._left = frames
        self._fails = fails
        self._count = 0
        self.asked = threading.Semaphore(0)
        self.allowed = threading.Semaphore(0)

    def give(self) -> None:
        self.allowed.release()

    def read(self) -> Frame | None:
        self.asked.release()
        self.allowed.acquire()
        if self._count == self._left:
            if self._fails:
                raise CameraError("the fake broke")
            return None
        self._count += 1
        return Frame(np.full((4, 4, 3), self._count, np.uint8), self._count - 1, float(self._count))

    def close(self) -> None:
        self.closed = True
        self.allowed.release()


def wait_until_read(source: FakeSource, frames: int) -> None:
    """Wait until the thread asks for the frame after `frames`."""
    for _ in range(frames):
        source.asked.acquire()
        source.give()
    assert source.asked.acquire(timeout=10)


def test_thread_keeps_only_the_newest_frame_of_a_live_source():
    source = FakeSource(live=True, frames=5)
    thread = CaptureThread(source)
    wait_until_read(source, 5)
    assert thread.get(10.0).index == 4
    assert (thread.frames_in, thread.dropped) == (5, 4)
    assert thread.get(0.0) is None
    assert not thread.ended
    source.give()
    assert thread.get(10.0) is None
    assert thread.ended
    assert thread.error is None
    thread.close()
    assert source.closed


def test_thread_loses_nothing_of_a_file():
    source = FakeSource(live=False, frames=20)
    thread = CaptureThread(source)
    for _ in range(21):
        source.give()
    numbers = []
    while not thread.ended:
        if (frame := thread.get(10.0)) is not None:
            numbers.append(frame.index)
    assert numbers == list(range(20))
    assert thread.dropped == 0
    thread.close()


def test_thread_hands_on_the_last_frame_and_then_the_error():
    source = FakeSource(live=True, frames=1, fails=True)
    thread = CaptureThread(source)
    source.give()
    source.give()
    assert thread.get(10.0).index == 0
    assert thread.get(10.0) is None
    assert thread.ended
    assert "broke" in str(thread.error)
    thread.close()


@pytest.mark.parametrize("live", [True, False])
def test_thread_closes_while_a_read_or_a_reader_waits(live):
    source = FakeSource(live=live, frames=9)
    thread = CaptureThread(source)
    source.give()
    source.give()
    thread.close()
    assert source.closed
    assert thread.error is None
    assert not thread._thread.is_alive()


# --- webcams -------------------------------------------------------------------------------


class FakeCapture:
    """What OpenCV would do with a camera of fixed size and rate."""

    opens = True
    silent = False
    picture = halves((640, 480))
    fps = 30.0

    def __init__(self, *where: object) -> None:
        self.asked: list[tuple[int, float]] = []
        self.released = False
        type(self).last = self

    def isOpened(self) -> bool:
        return self.opens

    def set(self, name: int, value: float) -> bool:
        self.asked.append((name, value))
        return True

    def get(self, name: int) -> float:
        assert name == cv2.CAP_PROP_FPS
        return self.fps

    def grab(self) -> bool:
        return not self.silent

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        return True, self.picture.copy()

    def release(self) -> None:
        self.released = True


WEBCAM = CameraInfo(0, "HD Pro Webcam", "/dev/fake-video0", virtual=False)
LOOPBACK = CameraInfo(10, "VirtualCam", "/dev/fake-video10", virtual=True)


@pytest.fixture
def cameras(monkeypatch):
    """Two cameras, one of them virtual, whatever this machine has."""
    there = [LOOPBACK, WEBCAM]
    FakeCapture.opens, FakeCapture.silent = True, False
    for module in (capture, camera_search, webcam):
        monkeypatch.setattr(module, "list_cameras", lambda: list(there))
    monkeypatch.setattr(webcam.cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(webcam.os.path, "exists", lambda path: any(c.path == path for c in there))
    monkeypatch.setattr(webcam, "_bus_of", lambda camera: camera.path)
    return there


def test_webcam_is_asked_for_mjpg_first_then_size_then_rate(cameras):
    opened("hd pro", size=(1920, 1080), fps=60.0)
    names = [name for name, _ in FakeCapture.last.asked]
    assert names[:4] == [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
    ]
    assert FakeCapture.last.asked[0][1] == cv2.VideoWriter.fourcc(*"MJPG")
    assert [value for _, value in FakeCapture.last.asked[1:4]] == [1920, 1080, 60.0]


def test_webcam_reports_what_it_gives_instead(cameras):
    source = opened("webcam", size=(1920, 1080), fps=60.0)
    assert source.size == (640, 480)
    assert source.notes == ("asked for 1920x1080 at 60, the camera gives 640x480 at 30",)
    assert source.live
    assert opened("webcam").notes == ()


def test_webcam_frames_are_numbered_and_mirrored(cameras):
    source = opened("webcam", mirror=True)
    frames = [source.read() for _ in range(3)]
    assert [frame.index for frame in frames] == [0, 1, 2]
    np.testing.assert_array_equal(frames[0].pixels, FakeCapture.picture[:, ::-1])
    source.close()
    assert FakeCapture.last.released
    assert source.read() is None


@pytest.mark.parametrize(("waited_s", "first"), [(0.1, 0), (3.0, 1)])
def test_the_picture_a_webcam_was_opened_with_is_shown_while_it_is_fresh(
    cameras, monkeypatch, waited_s, first
):
    """Else a film would begin with a still of as many seconds as the filter took to load."""
    source = opened("HD Pro")
    now_s = recordings.time.perf_counter()
    monkeypatch.setattr(recordings.time, "perf_counter", lambda: now_s + waited_s)
    assert [source.read().index for _ in range(2)] == [first, first + 1]
    source.close()


def test_infrared_camera_becomes_bgr(cameras, monkeypatch):
    monkeypatch.setattr(FakeCapture, "picture", FakeCapture.picture[..., 0])
    assert opened("webcam").read().pixels.shape == (480, 640, 3)


def test_auto_takes_the_first_real_camera(cameras):
    assert WEBCAM.name in opened("auto").name


def test_auto_without_a_real_camera_plays_the_demo_and_says_so(cameras, monkeypatch, tmp_path):
    cameras.remove(WEBCAM)
    (tmp_path / "assets").mkdir()
    write_film(tmp_path / "assets" / "demo.mp4", frames=3)
    monkeypatch.setattr(capture.resources, "files", lambda package: tmp_path)
    source = opened("auto")
    assert source.name == "demo"
    assert "no webcam found, playing the demo" in source.notes[0]
    assert len(read_all(source, limit=10)) == 10  # it never ends


def test_missing_demo_is_one_line(cameras, monkeypatch, tmp_path):
    monkeypatch.setattr(capture.resources, "files", lambda package: tmp_path)
    with pytest.raises(CameraError, match="install livexpr again"):
        opened("demo")


def test_a_name_with_a_dot_may_be_a_cameras(cameras):
    cameras.append(CameraInfo(2, "USB2.0 HD UVC WebCam", "/dev/fake-video2", virtual=False))
    assert "USB2.0 HD" in opened("usb2.0").name
    with pytest.raises(CameraError, match=r'no camera and no file named "absent\.mp4"'):
        opened("absent.mp4")


def test_unknown_name_offers_the_nearest(cameras):
    with pytest.raises(CameraError, match='did you mean "HD Pro Webcam"'):
        opened("HD Pro Webcom")


def test_busy_camera_says_who_holds_it(cameras, monkeypatch):
    FakeCapture.opens = False
    monkeypatch.setattr(camera_search, "holders", lambda *_, **__: ["zoom (process 7)"])
    for spec in ("webcam", "auto"):
        with pytest.raises(CameraError, match=r"is busy, zoom \(process 7\) has it open"):
            opened(spec)


def test_silent_camera_is_reported_and_released(cameras, monkeypatch):
    FakeCapture.silent = True
    monkeypatch.setattr(webcam, "SILENCE_LIMIT_S", 0.05)
    with pytest.raises(CameraError, match="gives no pictures"):
        opened("webcam")
    assert FakeCapture.last.released


def test_unplugged_camera_breaks_at_once_and_is_found_again(cameras):
    source = opened("webcam", size=(640, 480))
    source.read()
    cameras.remove(WEBCAM)
    FakeCapture.last.silent = True
    with pytest.raises(CameraError, match="was unplugged"):
        source.read()
    source.close()
    with pytest.raises(CameraError, match="is away"):
        reopen_source(source)
    cameras.append(CameraInfo(3, WEBCAM.name, "/dev/fake-video3", virtual=False))
    again = reopen_source(source)
    assert "/dev/fake-video3" in again.name
    assert again.read() is not None


@pytest.mark.parametrize("spec", ["webcam", "auto"])
def test_dormant_webcam_is_off_until_it_is_opened_again(cameras, spec):
    FakeCapture.last = None
    source = opened(spec, dormant=True, size=(640, 480))
    assert (source.name, source.size, source.live) == (
        'webcam "HD Pro Webcam" (/dev/fake-video0)',
        (640, 480),
        True,
    )
    assert source.read() is None
    assert FakeCapture.last is None, "it was not touched"
    awake = reopen_source(source)
    assert awake.read().pixels.shape == (480, 640, 3)
    awake.close()
    assert FakeCapture.last.released
    cameras.remove(WEBCAM)
    with pytest.raises(CameraError, match="is away"):
        reopen_source(source)


def test_damaged_picture_is_left_out(cameras, monkeypatch):
    damaged = iter([True, False])

    def retrieve(self):
        if next(damaged, False):
            raise cv2.error("Premature end of JPEG file")
        return True, self.picture.copy()

    monkeypatch.setattr(FakeCapture, "retrieve", retrieve)
    assert opened("webcam").read() is not None


def test_read_that_hangs_lets_go_of_the_camera_when_it_returns(cameras, monkeypatch):
    monkeypatch.setattr(webcam, "_RELEASE_LIMIT_S", 0.01)
    source = opened("webcam")
    source.read()
    device, hang, hanging = FakeCapture.last, threading.Event(), threading.Event()

    def grab():
        hanging.set()
        return hang.wait(30.0)

    monkeypatch.setattr(device, "grab", grab)
    read = threading.Thread(target=source.read)
    read.start()
    assert hanging.wait(30.0)
    source.close()
    assert not device.released
    hang.set()
    read.join(30.0)
    assert device.released


def test_a_still_picture_cannot_be_opened_again(tmp_path, astronaut):
    cv2.imwrite(str(tmp_path / "face.png"), astronaut)
    with pytest.raises(CameraError, match="cannot be opened again"):
        reopen_source(opened(tmp_path / "face.png"))


def test_a_looping_film_whose_file_was_away_goes_on_when_it_is_back(tmp_path):
    path = write_film(tmp_path / "clip.mp4", frames=3)
    source = opened(path, fast=False, loop=True)
    path.rename(tmp_path / "away.mp4")
    with pytest.raises(CameraError):
        read_all(source, limit=9)
    with pytest.raises(CameraError):
        reopen_source(source)
    (tmp_path / "away.mp4").rename(path)
    again = reopen_source(source)
    assert again.live
    assert len([again.read() for _ in range(5)]) == 5
    again.close()


def test_wishes_tolerate_rates_like_29_97():
    assert Wishes((640, 480), 30.0).unmet((640, 480), 29.97, "it") == ()
    assert Wishes((640, 480)).unmet((640, 480), 15.0, "it") == ()


# --- devices -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "virtual"),
    [
        ("OBS Virtual Camera", True),
        ("Unity Video Capture", True),
        ("Dummy virtual device", True),
        ("HD Pro Webcam C920", False),
        ("Jabra PanaCast", False),
        ("Knobs & Co Camera", False),
    ],
)
def test_programs_are_told_from_cameras_by_name(name, virtual):
    assert devices.is_virtual_name(name) is virtual


def test_no_device_is_no_camera(tmp_path):
    assert devices.query_node(str(tmp_path / "video0")) is None
    (tmp_path / "video0").write_bytes(b"")
    assert devices.query_node(str(tmp_path / "video0")) is None


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_holders_are_found_by_what_they_opened():
    with open("/dev/zero", "rb"):
        mine = devices.holders("/dev/zero", besides_us=False)
        others = devices.holders("/dev/zero")
    assert len(mine) == len(others) + 1
    assert devices.holders("/dev/there-is-no-such-device") == []
