"""Everybody carried on, and detection that never queues."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from livexpr import head_pose
from livexpr.carrying import Beside, Carrier
from livexpr.types import FaceTrack, Frame, NoFace, Person
from tests.made_up_world import FakeCamera, FakeSource, World, wait_until

FRAME_S = 1 / 30
BLANK = np.zeros((240, 240, 3), np.uint8)


def shifted(track: FaceTrack, x: float) -> FaceTrack:
    landmarks = track.landmarks_px + np.array([x, 0, 0], np.float32)
    return replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))


def test_nothing_is_carried_before_anything_was_noted() -> None:
    assert Carrier().carried(BLANK, 0.0) == ()


def test_who_was_not_found_is_not_made_up(synthetic_face) -> None:
    carrier = Carrier()
    lost = Person(2, NoFace("away"))
    carrier.note((Person(1, synthetic_face.track()), lost), BLANK, 0.0)
    one, other = carrier.carried(BLANK, FRAME_S)
    assert isinstance(one.track, FaceTrack)
    assert other is lost


def test_each_goes_on_at_their_own_speed_though_they_change_places(synthetic_face) -> None:
    """On a blank picture there is only speed to go by."""
    carrier, face = Carrier(), synthetic_face.track()
    for step in range(12):
        people = [Person(1, shifted(face, 4.0 * step)), Person(2, shifted(face, -4.0 * step))]
        carrier.note(people if step % 2 else people[::-1], BLANK, step * FRAME_S)
    carried = {one.number: one.track for one in carrier.carried(BLANK, 12 * FRAME_S)}
    for number, sign in ((1, 1), (2, -1)):
        went = carried[number].landmarks_px[4, 0] - shifted(face, sign * 44.0).landmarks_px[4, 0]
        assert went * sign == pytest.approx(4, abs=0.8)


def test_somebody_new_in_a_place_has_nobodys_speed(synthetic_face) -> None:
    carrier, face = Carrier(), synthetic_face.track()
    carrier.note((Person(1, shifted(face, -40.0)),), BLANK, 0.0)
    carrier.note((Person(2, face),), BLANK, FRAME_S)
    (one,) = carrier.carried(BLANK, 2 * FRAME_S)
    np.testing.assert_allclose(one.track.landmarks_px, face.landmarks_px, atol=1e-3)


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


def test_a_bug_beside_is_kept_and_ends_it() -> None:
    def work(one: Frame) -> None:
        raise KeyError("bug")

    beside = Beside(work, lambda: None)
    beside.offer(frame(0))
    wait_until(lambda: beside.bug is not None, "the bug")
    assert beside.close(10)
    assert isinstance(beside.bug, KeyError)


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
