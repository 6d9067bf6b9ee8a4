"""Faults, each injected where it would come in: what must happen to the call goes on happening."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livexpr import (
    edges,
    freezing,
    pipeline,
    plausible,
    presets,
    retrying,
    standing_in,
    supply,
    watchdog,
)
from livexpr.errors import CameraError, ModelError, VirtualCameraError
from livexpr.letterbox import placeholder
from livexpr.types import FaceTrack, Frame, NoFace
from tests.made_up_world import (
    SIZE,
    TRACK,
    FakeCamera,
    FakeSource,
    FakeWindow,
    RecordingSink,
    World,
    wait_until,
)

pty = pytest.importorskip("pty", reason="terminals as POSIX has them")

HOME = Path(__file__).resolve().parents[1]
FILTERED = 100
"""What the made-up filter makes of blue is at least so bright; unfiltered it is below 50."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    """Waits as short as they can be: no test is to judge the clock, nor to sleep for long."""
    monkeypatch.setattr(supply, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(retrying, "FIRST_RETRY_S", 0.02)
    monkeypatch.setattr(freezing, "FIRST_LIMIT_S", 0.1)
    monkeypatch.setattr(watchdog, "_STALL_LIMIT_S", 0.4)


def call(**changes: object) -> tuple[World, FakeCamera]:
    """A call that is under way once it runs: a webcam, a virtual camera, a window."""
    camera = FakeCamera()
    world = World(camera=camera, webcam=True, **changes)
    world.window = FakeWindow([lambda: filtered(camera)])
    return world, camera


def filtered(camera: FakeCamera) -> bool:
    return bool(camera.sent) and camera.blues[-1] >= FILTERED


def until(world: World, *steps: object) -> None:
    """Run a call; each step is a thing to do, which gives None, or a condition to wait for."""

    def done(step):
        return lambda: step() is not False

    world.window.pressing.extend([*(done(step) for step in steps), "q"])
    assert world.run() == 0
    shapes = {pixels.shape for pixels in world.camera.sent}
    assert shapes == {(SIZE[1], SIZE[0], 3)}, "the virtual camera never changes size"


def said(world: World, words: str) -> int:
    return sum(words in line for line in world.said)


# --- the webcam ----------------------------------------------------------------------------


class StubbornSource(FakeSource):
    """May freeze, break with any error, or come in another size."""

    frozen: np.ndarray | None = None
    bug: Exception | None = None
    side = 1

    def read(self) -> Frame | None:
        if self.bug is not None:
            raise self.bug
        frame = super().read()
        if frame is not None and self.frozen is not None:
            frame = replace(frame, pixels=self.frozen.copy())
        if frame is not None and self.side > 1:
            frame = replace(frame, pixels=np.repeat(frame.pixels, self.side, axis=0))
        return frame


def test_a_frozen_webcam_is_opened_anew_until_it_moves(monkeypatch):
    monkeypatch.setattr(standing_in, "_LAST_S", 0.3)
    first, opened = StubbornSource(), []
    world, camera = call(source=first)
    still = np.full((SIZE[1], SIZE[0], 3), 33, np.uint8)

    def reopen():
        again = StubbornSource(name="the webcam")
        again.frozen = still if len(opened) < 2 else None
        opened.append(again)
        return again

    world.reopen = reopen
    away = placeholder(SIZE, "the camera is away")
    until(
        world,
        lambda: setattr(first, "frozen", still),
        lambda: said(world, "shows the same picture for ever") == 1,
        first.closed.is_set,
        lambda: np.array_equal(camera.sent[-1], away),
        lambda: said(world, "the webcam is back") == 1,
        lambda: filtered(camera),
    )
    assert len(opened) == 3
    assert said(world, "shows the same picture") == 1, "it is said once"


def test_a_still_scene_is_no_frozen_webcam(rng):
    watch = freezing.FreezeWatch()
    scene = rng.integers(0, 255, (48, 64, 3), np.uint8)
    for index in range(300):
        noisy = scene.copy()
        noisy[index % 48, index % 64, index % 3] ^= 1
        frame = Frame(noisy, index, index / 30)
        assert watch.thawed(frame)
        assert not watch.frozen(frame)


@pytest.mark.parametrize("moves_for_s", [0.0, 0.5])
def test_a_camera_without_noise_is_opened_less_and_less_often(moves_for_s, monkeypatch):
    """A capture card that shows a still picture, after others whenever it is opened."""
    monkeypatch.setattr(freezing, "FIRST_LIMIT_S", 2.0)
    watch, opened_s = freezing.FreezeWatch(), 0.0
    still, times_s = np.zeros((48, 64, 3), np.uint8), []
    for index in range(30 * 120):
        now_s = index / 30
        pixels = still if now_s - opened_s > moves_for_s else still + np.uint8(1 + index % 99)
        frame = Frame(pixels, index, now_s)
        watch.thawed(frame)
        if watch.frozen(frame):
            watch.opened_anew(now_s)
            opened_s = now_s
            times_s.append(now_s)
    waited_s = np.diff(times_s)
    assert 4 <= len(times_s) <= 7
    assert (waited_s[1:] >= 1.8 * waited_s[:-1]).all()


def test_a_camera_that_opening_helped_is_soon_opened_again(rng, monkeypatch):
    monkeypatch.setattr(freezing, "FIRST_LIMIT_S", 2.0)
    watch = freezing.FreezeWatch()
    still = np.zeros((48, 64, 3), np.uint8)
    waited_s, frozen_s, opened_s = [], 0.0, -9.0
    for index in range(30 * 60):
        now_s = index / 30
        moves = 0 <= now_s - opened_s < 3
        pixels = rng.integers(0, 255, still.shape, np.uint8) if moves else still
        frozen_s = now_s if moves else frozen_s
        frame = Frame(pixels, index, now_s)
        watch.thawed(frame)
        if watch.frozen(frame):
            watch.opened_anew(now_s)
            opened_s = now_s + 0.1
            waited_s.append(now_s - frozen_s)
    assert len(waited_s) > 9
    assert max(waited_s) <= freezing.FIRST_LIMIT_S + 0.5


def test_a_bad_plug_makes_nobody_more_patient(rng, monkeypatch):
    monkeypatch.setattr(freezing, "FIRST_LIMIT_S", 2.0)
    watch, now_s = freezing.FreezeWatch(), 0.0
    for index in range(6 * 24):
        now_s = index / 30
        pixels = rng.integers(0, 255, (48, 64, 3), np.uint8)
        frame = Frame(pixels, index, now_s)
        assert watch.thawed(frame)
        if index % 24 == 23:
            watch.opened_anew(now_s)
    for later in range(90):
        frame = Frame(pixels, index + later, now_s + later / 30)
        watch.thawed(frame)
        if watch.frozen(frame):
            break
    assert later / 30 == pytest.approx(2.0, abs=0.1)


def test_pictures_and_films_may_stand_still():
    world = World(source=StubbornSource(60, fps=200.0))
    world.source.frozen = np.full((SIZE[1], SIZE[0], 3), 33, np.uint8)
    assert world.run(outputs=("null",)) == 0
    assert said(world, "same picture") == 0


def test_a_webcam_whose_driver_has_a_bug_is_opened_anew():
    world, camera = call(source=StubbornSource(), reopen=lambda: FakeSource(name="the webcam"))
    first = world.source
    until(
        world,
        lambda: setattr(first, "bug", RuntimeError("bad ioctl")),
        lambda: said(world, "the webcam is back") == 1,
        lambda: filtered(camera),
    )
    assert said(world, "RuntimeError: bad ioctl") == 1


def test_a_webcam_that_comes_back_in_another_size_is_fitted_in():
    def reopen():
        again = StubbornSource(name="the webcam")
        again.side = 3
        return again

    world, camera = call(source=StubbornSource(), reopen=reopen)
    first = world.source
    until(
        world,
        lambda: setattr(first, "bug", CameraError("it was unplugged")),
        lambda: said(world, "the webcam is back") == 1,
        lambda: camera.sent[-1][:, 0].max() == 0 and camera.sent[-1].max() >= FILTERED,
    )


def test_on_demand_the_webcam_is_open_only_while_somebody_watches():
    opened: list[FakeSource] = []

    def reopen():
        opened.append(FakeSource(name="the webcam"))
        return opened[-1]

    world, camera = call(reopen=reopen)
    camera.device = "/dev/video10"
    waits = placeholder(SIZE)
    world.window.pressing.clear()
    world.window.first = 0
    world.window.pressing.extend(
        [
            lambda: len(camera.sent) > 5 and np.array_equal(camera.sent[-1], waits),
            lambda: not opened,
            lambda: setattr(world.viewers, "wanted", True) or True,
            lambda: filtered(camera),
            lambda: setattr(world.viewers, "wanted", False) or True,
            lambda: opened[0].closed.is_set(),
            lambda: np.array_equal(camera.sent[-1], waits),
            lambda: setattr(world.viewers, "wanted", True) or True,
            lambda: filtered(camera),
            "q",
        ]
    )
    assert world.run(on_demand=True) == 0
    assert len(opened) == 2
    assert world.viewers.closed
    assert said(world, "is back") == 0, "nothing was wrong"


def test_on_demand_without_a_virtual_camera_has_the_webcam_on():
    world = World(webcam=True, window=FakeWindow("q"), reopen=lambda: FakeSource(40, fps=300.0))
    assert world.run(on_demand=True) == 0
    assert said(world, "the webcam stays on: there is no virtual camera") == 1


# --- detection and the filter --------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("a bug"), ModelError("it failed"), MemoryError()], ids=repr
)
@pytest.mark.parametrize("attribute", ["detect_error", "process_error"])
def test_whatever_the_filter_raises_the_call_goes_on_and_is_filtered_again(attribute, error):
    world, camera = call()
    until(
        world,
        lambda: setattr(world.engine, attribute, error),
        lambda: not filtered(camera),
        lambda: said(world, "the picture goes on unfiltered") == 1,
        lambda: len(camera.sent) > 40,
        lambda: setattr(world.engine, attribute, None),
        lambda: filtered(camera),
    )
    assert said(world, "the picture goes on unfiltered") == 1, "it is said once"
    assert not any("\n" in line for line in world.said)


def test_an_engine_whose_start_has_a_bug_leaves_the_picture_as_it_is():
    def loading():
        raise ZeroDivisionError("a bug")

    camera = FakeCamera()
    world = World(camera=camera, loading=loading)
    world.window = FakeWindow([lambda: len(camera.sent) > 20, "q"])
    assert world.run() == 0
    assert max(camera.blues[5:]) < 50
    assert said(world, "the picture goes on unfiltered: ZeroDivisionError: a bug (") == 1


def test_detection_that_hangs_is_built_anew_while_the_picture_goes_on():
    world, camera = call()
    hang, answers = threading.Event(), world.engine.detect_all
    hung: list[Frame] = []

    def detect(frame):
        if not hung:
            hung.append(frame)
            hang.wait(30.0)
        return answers(frame)

    seen: list[int] = []
    try:
        until(
            world,
            lambda: setattr(world.engine, "detect_all", detect),
            lambda: setattr(world.engine.last_detector, "detect_all", detect),
            lambda: bool(hung),
            lambda: not filtered(camera),
            lambda: seen.append(len(camera.sent)),
            lambda: said(world, "detection hangs") == 1,
            lambda: len(camera.sent) > seen[0] + 10,
            lambda: filtered(camera),
        )
    finally:
        hang.set()
    assert said(world, "the face is looked for again") == 1


@pytest.mark.parametrize("live", [True, False])
def test_a_detector_is_asked_again_only_when_it_has_answered(live):
    asked: list[int] = []

    class Slow:
        def detect_all(self, frame):
            asked.append(frame.index)
            return (TRACK,)

        def close(self):
            asked.append(-1)

    watched = watchdog.WatchedDetector(Slow, lambda line: None, live=live)
    frames = [Frame(np.zeros((8, 8, 3), np.uint8), index, index / 30) for index in range(20)]
    found = [watched.detect(frame) for frame in frames]
    assert watched.close()
    assert asked == [*range(20), -1]
    assert found == [(TRACK,)] * 20


def test_a_film_is_looked_at_one_frame_ahead_and_each_result_is_its_own():
    asked: list[int] = []
    prepared: list[int] = []

    class Naming:
        def prepare(self, frame):
            prepared.append(frame.index)

        def detect_all(self, frame):
            asked.append(frame.index)
            if frame.index == 7:
                raise ZeroDivisionError
            return NoFace(str(frame.index))

        def close(self):
            pass

    watched = watchdog.WatchedDetector(Naming, lambda line: None, live=False)
    frames = [Frame(np.zeros((8, 8, 3), np.uint8), index, index / 30) for index in range(8)]
    assert not watched.begin(frames[0]), "there is no detector yet"
    found = [watched.detect(frames[0])]
    for now, following in itertools.pairwise(frames[1:]):
        assert watched.begin(now)
        assert watched.begin(following)
        found.append(watched.detect(now))
        # The next one is looked at without being asked for.
        wait_until(lambda last=following.index: asked[-1] == last, "the frame after")
    with pytest.raises(ZeroDivisionError):
        watched.detect(frames[7])
    assert watched.close()
    assert asked == list(range(8))
    assert prepared == asked[1:]
    assert found == [NoFace(str(index)) for index in range(7)]


def test_meanwhile_there_is_time_where_detection_takes_long():
    class Slow:
        def detect_all(self, frame):
            time.sleep(0.01)
            return (TRACK,)

        def close(self):
            pass

    watched, done = watchdog.WatchedDetector(Slow, lambda line: None, live=True), []
    frames = [Frame(np.zeros((8, 8, 3), np.uint8), index, index / 30) for index in range(3)]
    for frame in frames:
        watched.detect(frame, 30.0, meanwhile=lambda frame=frame: done.append(frame.index))
    assert watched.close()
    # How long it takes is known from the first on.
    assert done == [1, 2]


def broken_tracks() -> dict[str, FaceTrack]:
    nan = TRACK.landmarks_px.copy()
    nan[7] = np.nan
    folded = TRACK.landmarks_px.copy()
    folded[:, 0] = 64 - folded[:, 0]
    crumpled = np.random.default_rng(3).permutation(TRACK.landmarks_px)
    huge = TRACK.frame_from_head.copy()
    huge[:3, :3] *= 1e4
    return {
        "not finite": replace(TRACK, landmarks_px=nan),
        "pose not finite": replace(TRACK, frame_from_head=np.full((4, 4), np.inf, np.float32)),
        "shapes not finite": replace(TRACK, blendshapes=np.full(52, np.nan, np.float32)),
        "a point": replace(TRACK, frame_from_head=np.zeros((4, 4), np.float32)),
        "folded": replace(TRACK, landmarks_px=folded),
        "crumpled": replace(TRACK, landmarks_px=crumpled),
        "huge": replace(TRACK, frame_from_head=huge),
    }


@pytest.mark.parametrize("kind", broken_tracks())
def test_what_is_no_face_is_not_drawn_on(kind):
    world, camera = call()
    until(
        world,
        lambda: setattr(world.engine, "track", broken_tracks()[kind]),
        lambda: not filtered(camera),
        lambda: setattr(world.engine, "track", TRACK),
        lambda: filtered(camera),
    )
    assert said(world, "unfiltered") == 0, "a frame without a face is no fault"


@settings(max_examples=60)
@given(
    yaw=st.floats(-1.5, 1.5),
    pitch=st.floats(-1.2, 1.2),
    roll=st.floats(-3.0, 3.0),
    scale=st.floats(0.5, 60.0),
    shift=st.tuples(st.floats(-300, 300), st.floats(-300, 300)),
    noise_cm=st.floats(0.0, 3.0),
)
def test_any_face_that_passes_as_one_can_be_filtered(
    synthetic_face, yaw, pitch, roll, scale, shift, noise_cm
):
    """Half outside, edge-on, tiny, huge, crumpled: no exception, and a picture of the same size."""
    track = synthetic_face.track(px_per_cm=scale, yaw_rad=yaw, pitch_rad=pitch, roll_rad=roll)
    random = np.random.default_rng(round(1e3 * abs(yaw)))
    landmarks = track.landmarks_px + random.normal(0, noise_cm * scale, (478, 3)).astype(np.float32)
    landmarks[:, :2] += np.array(shift, np.float32)
    pose = track.frame_from_head.copy()
    pose[:2, 3] += np.array(shift, np.float32)
    track = replace(track, landmarks_px=landmarks, frame_from_head=pose)
    if plausible.why_not_a_face(track, (240, 240)):
        return
    effect = pipeline.load_effect(presets.load("happy"))
    frame = Frame(np.full((240, 240, 3), 120, np.uint8), 0, 0.0)
    result = pipeline.process(frame, track, effect, pipeline.settled_state(effect))
    assert result.frame.pixels.shape == (240, 240, 3)
    assert np.isfinite(result.strength)


@settings(max_examples=30)
@given(jumps_s=st.lists(st.floats(-1e7, 1e7), min_size=1, max_size=6))
def test_a_clock_that_jumps_harms_nothing(synthetic_face, jumps_s):
    track = synthetic_face.track()
    pixels = synthetic_face.draw(track)
    effect = pipeline.load_effect(presets.load("happy"))
    state, time_s = pipeline.settled_state(effect), 1000.0
    for jump_s in [0.0, *jumps_s, 1 / 30, 1 / 30]:
        time_s += jump_s
        result = pipeline.process(Frame(pixels, 0, time_s), track, effect, state)
        state = result.state
        assert result.track
        assert np.isfinite(result.track.landmarks_px).all()
        assert 0.0 <= result.state.presence <= 1.0
    assert np.abs(result.track.landmarks_px - track.landmarks_px).max() < 0.5


def test_a_map_that_changes_on_disk_leaves_the_running_filter_as_it_is(
    synthetic_face, tmp_path, monkeypatch
):
    own = presets.user_dir() / "maps" / "mine.safetensors"
    own.parent.mkdir(parents=True)
    own.write_bytes(presets.map_path("happy").read_bytes())
    effect = pipeline.load_effect(presets.Preset("mine", {"mine": 1.0}))
    track = synthetic_face.track()
    frame = Frame(synthetic_face.draw(track), 0, 0.0)
    before = pipeline.process(frame, track, effect, pipeline.settled_state(effect)).frame.pixels
    own.write_bytes(b"")  # in place: a file that is mapped into memory would end the process
    after = pipeline.process(frame, track, effect, pipeline.settled_state(effect)).frame.pixels
    own.unlink()
    np.testing.assert_array_equal(before, after)


# --- where pictures go ---------------------------------------------------------------------


def test_a_virtual_camera_that_goes_away_is_opened_again():
    world, camera = call()
    again = FakeCamera("again")
    until(
        world,
        lambda: setattr(world, "camera", VirtualCameraError("there is no device")),
        lambda: setattr(camera, "fail_after", 0),
        lambda: said(world, "is tried again: recorder is full") == 1,
        lambda: said(world, "is tried again: there is no device") == 1,
        lambda: camera.closed,
        lambda: setattr(world, "camera", again),
        lambda: filtered(again),
        lambda: len(again.sent) > 5,
    )
    assert said(world, "takes pictures again") == 1
    assert said(world, "is tried again") == 2, "each reason once"


def test_a_sink_with_a_bug_is_left_and_the_others_go_on():
    class Buggy(RecordingSink):
        def send(self, pixels):
            raise ZeroDivisionError("a bug")

    world, camera = call(films={"a.mp4": Buggy("a.mp4")})
    world.window.pressing.extend([lambda: said(world, "a.mp4 failed: ZeroDivisionError") == 1, "q"])
    assert world.run(outputs=("camera", "a.mp4"), preview=True) == 0
    assert filtered(camera)


def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "a.mkv").symlink_to(full)
    world, camera = call()
    made = replace(world.edges(), open_film=edges.open_film)
    world.edges = lambda: made
    world.window.pressing.extend(
        [lambda: said(world, "No space left") == 1, lambda: filtered(camera), "q"]
    )
    assert world.run(outputs=("camera", str(tmp_path / "a.mkv")), preview=True) == 0


def test_a_sink_that_hangs_holds_nothing_up_and_gathers_nothing():
    hang = threading.Event()

    class Hung(RecordingSink):
        def send(self, pixels):
            hang.wait(30.0)

    world, camera = call(films={"a.mp4": Hung("a.mp4")})
    start: list[int] = []
    world.window.pressing.extend(
        [
            lambda: start.append(len(camera.sent)) or True,
            lambda: len(camera.sent) > start[0] + 60,
            lambda: hang.set() or True,
            "q",
        ]
    )
    assert world.run(outputs=("camera", "a.mp4"), preview=True) == 0


# --- the end -------------------------------------------------------------------------------

RUN = """
    import sys
    from livexpr import runtime
    from livexpr.presets import Preset
    from livexpr.settings import Settings
    sys.stderr.write("begins\\n")
    sys.stderr.flush()
    outputs = ("null", "out.mp4")
    sys.exit(runtime.run(Settings(source="demo", outputs=outputs, preset=Preset("plain", {}))))
"""


@pytest.mark.parametrize("kind", ["SIGTERM", "SIGHUP", "closed"])
def test_a_run_ends_in_order_with_its_terminal(kind, tmp_path):
    """The terminal's window closed: a signal comes, and nothing can be said any more."""
    leader, follower = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUN)],
        cwd=tmp_path,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(follower)
    heard = b""
    try:
        while b"is live" not in heard:
            heard += os.read(leader, 4096)
        # A film without any picture would be taken away again.
        film = tmp_path / "out.mp4"
        wait_until(lambda: film.exists() and film.stat().st_size > 0, "a film")
        if kind == "closed":
            os.close(leader)
            leader = -1
        else:
            process.send_signal(getattr(signal, kind))
        code = process.wait(30)
    finally:
        process.kill()
        if leader >= 0:
            os.close(leader)
    assert code == 128 + (signal.SIGTERM if kind == "SIGTERM" else signal.SIGHUP)
    assert (tmp_path / "out.mp4").stat().st_size > 0
    assert b"Traceback" not in heard


def test_saying_something_to_nobody_is_no_error(monkeypatch):
    class ClosedTerminal:
        def write(self, text):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", ClosedTerminal())
    edges.say("anybody?")
