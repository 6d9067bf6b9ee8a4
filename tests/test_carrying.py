"""Everybody carried on, and detection that never queues."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
import weakref
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from livexpr import head_pose
from livexpr.carrying import Beside, Carrier, Pace
from livexpr.detection import DetectionThread
from livexpr.prediction import LIMIT_S
from livexpr.stopping import Stop
from livexpr.types import FaceTrack, Frame, NoFace, Person
from tests.made_up_world import FakeCamera, FakeSource, World, wait_until

FRAME_S = 1 / 30
BLANK = np.zeros((240, 240, 3), np.uint8)


def shifted(track: FaceTrack, x: float) -> FaceTrack:
    landmarks = track.landmarks_px + np.array([x, 0, 0], np.float32)
    return replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))


def test_nothing_is_carried_before_anything_was_noted() -> None:
    assert Carrier().carried(BLANK, 0.0) == ((), True)


def test_who_was_not_found_is_not_made_up(synthetic_face) -> None:
    carrier = Carrier()
    lost = Person(2, NoFace("away"))
    carrier.note((Person(1, synthetic_face.track()), lost), BLANK, 0.0)
    (one, other), _ = carrier.carried(BLANK, FRAME_S)
    assert isinstance(one.track, FaceTrack)
    assert other is lost


def test_each_goes_on_at_their_own_speed_though_they_change_places(synthetic_face) -> None:
    """On a blank picture there is only speed to go by."""
    carrier, face = Carrier(), synthetic_face.track()
    for step in range(12):
        people = [Person(1, shifted(face, 4.0 * step)), Person(2, shifted(face, -4.0 * step))]
        carrier.note(people if step % 2 else people[::-1], BLANK, step * FRAME_S)
    carried = {one.number: one.track for one in carrier.carried(BLANK, 12 * FRAME_S)[0]}
    for number, sign in ((1, 1), (2, -1)):
        went = carried[number].landmarks_px[4, 0] - shifted(face, sign * 44.0).landmarks_px[4, 0]
        assert went * sign == pytest.approx(4, abs=0.8)


def test_somebody_new_in_a_place_has_nobodys_speed(synthetic_face) -> None:
    carrier, face = Carrier(), synthetic_face.track()
    carrier.note((Person(1, shifted(face, -40.0)),), BLANK, 0.0)
    carrier.note((Person(2, face),), BLANK, FRAME_S)
    (one,), _ = carrier.carried(BLANK, 2 * FRAME_S)
    np.testing.assert_allclose(one.track.landmarks_px, face.landmarks_px, atol=1e-3)


@pytest.mark.parametrize(
    ("picture", "time_s"),
    [("other", 4 * FRAME_S), ("smaller", 4 * FRAME_S), ("same", 2.5 * FRAME_S)],
    ids=["a cut", "another size", "a picture from before the last"],
)
def test_nobody_is_carried_into_another_scene(synthetic_face, rng, picture, time_s) -> None:
    carrier, face = Carrier(), Person(1, synthetic_face.track())
    scene = rng.integers(0, 256, (240, 240, 3), np.uint8)
    for step in range(3):
        carrier.note((face,), scene, step * FRAME_S)
        carrier.carried(scene, (step + 1) * FRAME_S)
    then = {"other": 255 - scene, "smaller": scene[:200].copy(), "same": scene}[picture]
    assert carrier.carried(then, time_s) == ((), False)
    # What is found on the last frame before counts no more.
    carrier.note((face,), scene, 3 * FRAME_S)
    assert carrier.carried(then, time_s + FRAME_S) == ((), False)
    carrier.note((face,), then, time_s + 2 * FRAME_S)
    (one,), _ = carrier.carried(then, time_s + 3 * FRAME_S)
    assert isinstance(one.track, FaceTrack)


SIZE = (360, 300)


@pytest.fixture(scope="module")
def seen(synthetic_face) -> tuple[FaceTrack, np.ndarray]:
    """A face and its picture, with the grain that skin and cameras have."""
    track = synthetic_face.track(size=SIZE)
    picture = synthetic_face.draw(track, size=SIZE).astype(np.float32)
    grain = np.random.default_rng(5).normal(0, 6, picture.shape[:2])
    picture += cv2.GaussianBlur(grain, (0, 0), 1.5)[..., None] * 3
    return track, np.clip(picture, 0, 255).astype(np.uint8)


def sure_for(carrier: Carrier, pixels: np.ndarray, found: list[FaceTrack | NoFace]) -> list[bool]:
    """Carry, then find, on frames of one picture; return on which of them it was relied on."""
    sure = []
    for index, track in enumerate(found):
        sure.append(carrier.carried(pixels, index * FRAME_S)[1])
        carrier.note((Person(1, track),), pixels, index * FRAME_S)
    return sure


def test_a_face_that_is_seen_to_stay_is_relied_on(seen) -> None:
    assert all(sure_for(Carrier(), seen[1], [seen[0]] * 6))


def test_a_picture_that_shows_nothing_of_the_face_is_not(seen) -> None:
    carrier = Carrier()
    carrier.note((Person(1, seen[0]),), seen[1], 0.0)
    assert not carrier.carried(np.zeros_like(seen[1]), FRAME_S)[1]


def test_who_was_carried_wrong_is_not_relied_on_for_a_while(seen) -> None:
    """The picture stands still; the model says otherwise, then no more."""
    track, pixels = seen
    found = [track] * 3 + [shifted(track, 12.0), track] + [track] * 30
    sure = sure_for(Carrier(), pixels, found)
    assert all(sure[:4])
    assert not any(sure[4:7])
    assert all(sure[-10:])


def test_who_was_lost_a_moment_ago_is_looked_for(seen) -> None:
    frames = int(LIMIT_S / FRAME_S) + 4
    sure = sure_for(Carrier(), seen[1], [seen[0], seen[0]] + [NoFace("away")] * frames)
    assert all(sure[:3])
    assert not any(sure[3:12])
    assert all(sure[-2:])


def test_places_that_are_nobodys_are_no_reason_to_wait(seen) -> None:
    carrier = Carrier()
    for index in range(4):
        assert carrier.carried(seen[1], index * FRAME_S)[1]
        people = (Person(1, seen[0]), Person(0, NoFace("nobody")))
        carrier.note(people, seen[1], index * FRAME_S)


@pytest.mark.parametrize(
    ("detect_s", "wait_s"), [(0.010, 0.0333), (0.019, 0.0333), (0.025, 0.0), (0.2, 0.0)]
)
def test_frames_may_wait_where_detection_is_quick(detect_s: float, wait_s: float) -> None:
    pace = Pace()
    assert pace.wait_s == 0.0, "nothing is known yet"
    for index in (0, 1, 2, 5):  # some were lost
        pace.came(frame(index))
    assert pace.wait_s == 0.0, "nor how long it takes"
    pace.took(detect_s)
    assert pace.wait_s == pytest.approx(wait_s, abs=1e-3)


def test_detection_that_becomes_slow_ends_all_waiting() -> None:
    pace = Pace()
    pace.came(frame(0))
    pace.came(frame(1))
    pace.took(0.01)
    for _ in range(10):
        pace.took(0.04)
    assert pace.wait_s == 0.0


def frame(index: int) -> Frame:
    return Frame(BLANK, index, index * FRAME_S)


def test_what_is_done_beside_takes_the_newest_and_never_queues() -> None:
    done: list[int] = []
    go_on, begun = threading.Event(), threading.Event()

    def work(one: Frame) -> None:
        done.append(one.index)
        begun.set()
        go_on.wait(30)

    beside = Beside(work, lambda: None)
    beside.offer(frame(0))
    assert begun.wait(30)
    for index in range(1, 9):
        beside.offer(frame(index))
    go_on.set()
    wait_until(lambda: len(done) == 2, "the newest frame")
    assert beside.close(10)
    assert done == [0, 8]


def test_who_waits_has_it_done_and_it_is_done_once() -> None:
    done: list[int] = []
    beside = Beside(lambda one: done.append(one.index), lambda: None)
    assert beside.done(frame(3), 30.0)
    beside.offer(frame(3))
    assert not beside.done(frame(4), 0.0)
    assert beside.done(frame(5), 30.0)
    assert beside.close(10)
    assert done == [3, 5]


def test_nobody_waits_for_what_takes_long_or_behind_others() -> None:
    done: list[int] = []
    go_on = threading.Event()

    def work(one: Frame) -> None:
        go_on.wait(30)
        done.append(one.index)

    beside = Beside(work, lambda: None)
    assert not beside.done(frame(0), 0.01)
    assert not beside.done(frame(1), 30.0), "that one is at work still"
    go_on.set()
    wait_until(lambda: done, "the first")
    assert beside.close(10)
    assert done == [0]


def test_a_bug_beside_is_kept_and_ends_it() -> None:
    def work(one: Frame) -> None:
        raise KeyError("bug")

    beside = Beside(work, lambda: None)
    beside.offer(frame(0))
    wait_until(lambda: beside.bug is not None, "the bug")
    assert beside.close(10)
    assert isinstance(beside.bug, KeyError)


def test_a_picture_that_was_looked_at_beside_is_let_go() -> None:
    beside = Beside(lambda one: None, lambda: None)
    pixels = BLANK.copy()
    shown = weakref.ref(pixels)
    assert beside.done(Frame(pixels, 0, 0.0), 30.0)
    del pixels
    wait_until(lambda: shown() is None, "the picture's memory")
    assert beside.close(10)


class Fed:
    """Frames as a test hands them in, one by one; pictures are remembered without keeping them."""

    live, ended, dropped = True, False, 0

    def __init__(self) -> None:
        self.given: queue.Queue[Frame] = queue.Queue()
        self.pictures: list[weakref.ref[np.ndarray]] = []

    def get(self, timeout_s: float) -> Frame | None:
        with contextlib.suppress(queue.Empty):
            return self.given.get(timeout=timeout_s)
        return None

    def give(self) -> None:
        pixels, index = BLANK.copy(), len(self.pictures)
        self.pictures.append(weakref.ref(pixels))
        self.given.put(Frame(pixels, index, index * FRAME_S))


def test_no_picture_is_kept_once_every_frame_is_detected_again() -> None:
    world, supply, stop = World(), Fed(), Stop()
    looked_at: list[int] = []

    def detect_all(one: Frame) -> tuple[FaceTrack, ...]:
        looked_at.append(one.index)
        return (world.engine.track,)

    world.engine.detect_all = detect_all
    detection = DetectionThread(
        supply, SimpleNamespace(engine=world.engine), fps=None, stop=stop, say=world.said.append
    )

    def pass_on(frames: int) -> None:
        for _ in range(frames):
            supply.give()
            wait_until(lambda: detection.slot.get(0.01) is not None, "the frame")

    try:
        detection.detect_every = 2
        pass_on(6)
        wait_until(lambda: looked_at[2:], "faces found beside")
        detection.detect_every = 1
        pass_on(4)
        wait_until(lambda: not any(one() is not None for one in supply.pictures[:7]), "memory")
    finally:
        stop.request()
        assert detection.join(10)


class Slow:
    """A detector's work that takes so long, or for ever."""

    def __init__(self, engine, go_on: threading.Event):
        self.engine, self.go_on, self.all = engine, go_on, engine.detect_all

    def __call__(self, one: Frame):
        self.go_on.wait(30)
        return self.all(one)


def test_with_predict_frames_go_out_while_detection_is_at_work() -> None:
    """One that never ends, here: nobody has a face then, and nothing waits."""
    world = World(camera=FakeCamera(), source=FakeSource(fps=100.0))
    go_on = threading.Event()
    world.engine.detect_all = Slow(world.engine, go_on)
    try:
        assert world.run(sync="predict", max_frames=30) == 0
    finally:
        go_on.set()
    assert len(world.engine.effects) >= 20, "frames went through the filter"
    assert world.camera.blues, "and out"


def test_with_predict_faces_found_beside_are_filtered() -> None:
    world = World(camera=FakeCamera(), source=FakeSource(fps=60.0))
    assert world.run(sync="predict", max_frames=60) == 0
    assert world.engine.detected, "detection ran"
    assert sum(blue >= 100 for blue in world.camera.blues) >= 20


class Told:
    """A face whose blendshapes, which nobody carries on, tell on which frame it was found."""

    def __init__(self, world: World, take_s: float = 0.0):
        self.take_s, self.of = take_s, []
        self.face, self.process = world.engine.track, world.engine.process
        world.engine.detect_all, world.engine.process = self.detect_all, self.processed

    def detect_all(self, one: Frame):
        time.sleep(self.take_s)
        return (replace(self.face, blendshapes=np.full(52, one.index, np.float32)),)

    def processed(self, one, people, effect, state):
        if isinstance(people[0].track, FaceTrack):
            self.of.append((one.index, int(people[0].track.blendshapes[0])))
        return self.process(one, people, effect, state)


def test_with_predict_a_frame_waits_where_nothing_can_be_followed() -> None:
    """The made-up pictures are blank: every frame is shown with its own face, in order."""
    world = World(camera=FakeCamera(), source=FakeSource(fps=25.0))
    told = Told(world)
    assert world.run(sync="predict", max_frames=40) == 0
    frames = [index for index, _ in told.of]
    assert frames == sorted(frames)
    own = [index == found for index, found in told.of[3:]]
    assert np.mean(own) > 0.7


def test_with_predict_no_frame_waits_for_slow_detection() -> None:
    world = World(camera=FakeCamera(), source=FakeSource(fps=50.0))
    told = Told(world, take_s=0.05)
    assert world.run(sync="predict", max_frames=60) == 0
    frames = [index for index, _ in told.of]
    assert frames == sorted(frames)
    assert not any(index == found for index, found in told.of[3:])


def test_a_film_that_is_not_live_stays_exact_and_says_so() -> None:
    world = World(source=FakeSource(20, live=False), camera=FakeCamera())
    assert world.run(sync="predict") == 0
    assert len(world.engine.detected) == 20
    assert sum("--sync predict changes nothing" in line for line in world.said) == 1


@pytest.mark.parametrize("sync", ["exact", "predict"])
def test_a_bug_in_who_is_who_is_raised(sync, monkeypatch) -> None:
    from livexpr.following import Following

    def broken(*args, **keywords):
        raise ZeroDivisionError

    monkeypatch.setattr(Following, "found", broken)
    world = World(camera=FakeCamera(), source=FakeSource(fps=100.0))
    with pytest.raises(ZeroDivisionError):
        world.run(sync=sync, max_frames=200)
