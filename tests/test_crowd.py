"""Several people in one frame: each filtered as if alone, one person just as before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr import crowd, pipeline, runtime
from livexpr.following import Following
from livexpr.landmarks import Landmarker
from livexpr.lost_face import Veil, shown, together
from livexpr.pipeline import Effect, load_effect
from livexpr.presets import Feel, Preset
from livexpr.settings import Settings
from livexpr.types import FaceTrack, Frame, NoFace, Person
from tests.conftest import SHARED_DIR
from tests.made_up_world import HAPPY, FakeEngine, FakeSource, World

FRAME_S = 1 / 30
GONE = NoFace("gone")
TWO_FACES = SHARED_DIR / "clips" / "two_faces.mp4"


@pytest.fixture(scope="module")
def happy() -> Effect:
    pipeline.warm_up()
    return load_effect(Preset("happy", {"happy": 1.0}, feel=Feel(easing_s=0.35)))


@pytest.fixture(scope="module")
def pair(synthetic_face):
    """Two faces side by side, with their tracks; and the left one alone beside an empty wall."""
    small = synthetic_face.track(px_per_cm=8.0)
    large = synthetic_face.track(px_per_cm=10.0)
    left, right = synthetic_face.draw(small), synthetic_face.draw(large)
    moved = large.landmarks_px + np.float32([240, 0, 0])
    pose = large.frame_from_head.copy()
    pose[0, 3] += 240
    beside = FaceTrack(moved, large.blendshapes, pose)
    return np.hstack([left, right]), small, beside


def play(effect, steps, state=None) -> list[crowd.CrowdResult]:
    """Filter pictures with people on them, 30 a second."""
    state = state or crowd.initial_state()
    results = []
    for index, (pixels, people) in enumerate(steps):
        result = crowd.process(Frame(pixels, index, index * FRAME_S), people, effect, state)
        state = result.state
        results.append(result)
    return results


def test_one_person_is_filtered_bit_for_bit_as_by_the_pipeline(pair, happy):
    pixels, track, _ = pair
    tracks = [track] * 20 + [GONE] * 3 + [track] * 5 + [GONE] * 60 + [track] * 10
    # Number 0 while nobody is known; the person keeps the number until forgotten.
    numbers = [1] * 78 + [0] * 10 + [1] * 10
    results = play(happy, [(pixels, (Person(*one),)) for one in zip(numbers, tracks, strict=True)])
    state = pipeline.initial_state()
    for index, (one, result) in enumerate(zip(tracks, results, strict=True)):
        frame = Frame(pixels, index, index * FRAME_S)
        expected = pipeline.process(frame, one, happy, state)
        state = expected.state
        assert np.array_equal(result.frame.pixels, expected.frame.pixels)
        assert result.strength == expected.strength
        assert result.stages_s.keys() == expected.stages_s.keys()
        assert result.presences == (
            ((expected.presence if one else None),) if numbers[index] else ()
        )


def test_two_people_are_each_filtered_as_if_alone(pair, happy):
    pixels, left, right = pair
    both = play(happy, [(pixels, (Person(1, left), Person(2, right)))] * 15)[-1]
    only_left = play(happy, [(pixels, (Person(1, left), Person(0, GONE)))] * 15)[-1]
    only_right = play(happy, [(pixels, (Person(0, GONE), Person(2, right)))] * 15)[-1]
    assert np.array_equal(both.frame.pixels[:, :240], only_left.frame.pixels[:, :240])
    assert np.array_equal(both.frame.pixels[:, 240:], only_right.frame.pixels[:, 240:])
    assert not np.array_equal(both.frame.pixels[:, :240], pixels[:, :240])
    assert not np.array_equal(both.frame.pixels[:, 240:], pixels[:, 240:])
    assert len(both.tracks) == 2
    assert both.presences == pytest.approx((1.0, 1.0), abs=0.05)


def test_the_order_of_places_does_not_matter_even_where_faces_overlap(pair, happy):
    pixels, left, right = pair
    onto = right.landmarks_px - np.float32([150, 0, 0])
    pose = right.frame_from_head.copy()
    pose[0, 3] -= 150
    right = FaceTrack(onto, right.blendshapes, pose)
    one = play(happy, [(pixels, (Person(1, left), Person(2, right)))] * 10)[-1]
    other = play(happy, [(pixels, (Person(1, right), Person(2, left)))] * 10)[-1]
    assert np.array_equal(one.frame.pixels, other.frame.pixels)


def test_each_has_an_own_strength(pair, happy, synthetic_face):
    pixels, left, _ = pair
    turned = synthetic_face.track(px_per_cm=8.0, yaw_rad=0.9)
    pose = turned.frame_from_head.copy()
    pose[0, 3] += 240
    turned = FaceTrack(turned.landmarks_px + np.float32([240, 0, 0]), turned.blendshapes, pose)
    result = play(happy, [(pixels, (Person(1, left), Person(2, turned)))] * 20)[-1]
    assert result.presences[0] > 0.95
    assert result.presences[1] < 0.05
    assert np.array_equal(result.frame.pixels[:, 240:], pixels[:, 240:])


def test_somebody_else_in_a_place_begins_without_the_memory_of_the_last(pair, happy):
    pixels, left, right = pair
    state = play(happy, [(pixels, (Person(1, left),))] * 20)[-1].state
    taken_over = play(happy, [(pixels, (Person(2, right),))] * 3, state)
    assert taken_over[0].presences == (None,), "nobody knows yet how well it can be carried"
    assert taken_over[1].presences[0] < 0.5, "the effect eases in"
    memory = taken_over[0].state.states[0]
    assert memory.face is not None
    assert np.array_equal(memory.face.landmarks_px, right.landmarks_px), "nothing is smoothed over"
    assert memory.amounts["happy"] > 0.99, "what is wanted does not begin anew"


@pytest.mark.parametrize("index", [0, 1])
def test_blur_never_shows_somebody_else_in_a_place_unfiltered(pair, happy, index):
    """Whether the next camera's first picture is later than the last one's last, or earlier."""
    pixels, left, right = pair
    veil, state = Veil(), crowd.initial_state()
    people = [Person(1, left)] * 30 + [Person(2, right)] * 3
    for k, person in enumerate(people):
        time_s = (k if k < 30 else k - 2 + index) * FRAME_S
        other = pixels if k < 30 else 255 - pixels
        result = crowd.process(Frame(other, k, time_s), (person,), happy, state)
        state = result.state
        presence = together("blur", result.presences)
        shown_now, veil = shown("blur", result.frame.pixels, presence, time_s, veil)
        if k == 29:
            filtered = shown_now
            assert filtered is result.frame.pixels
    assert shown_now is filtered, "the last filtered picture stands in for a moment"


def test_after_a_cut_to_nobody_the_last_face_is_drawn_no_more(pair, happy):
    pixels, left, right = pair
    results = play(
        happy,
        [(pixels, (Person(1, left),))] * 20
        + [(pixels, (Person(0, GONE),))] * 2
        + [(pixels, (Person(2, right),))],
    )
    for cut in results[20:22]:
        np.testing.assert_array_equal(cut.frame.pixels, pixels)
        assert cut.state.states[0].face is None
    np.testing.assert_array_equal(results[-1].tracks[0].landmarks_px, right.landmarks_px)
    assert results[-1].presences[0] < 0.3, "eases in anew"


def test_covers_are_those_of_the_faces_that_are_there(pair, happy):
    pixels, left, right = pair
    two = (Person(1, left), Person(2, right))
    state = play(happy, [(pixels, two)] * 5)[-1].state
    one = play(happy, [(pixels, (Person(0, GONE), Person(2, right)))], state)[0]
    assert one.covers == (one.state.states[1].cover,)


def test_nothing_to_change_gives_the_very_frame(pair, happy):
    pixels, left, right = pair
    frame = Frame(pixels, 0, 0.0)
    off = replace(happy, intensity=0.0)
    for people in ((Person(1, left), Person(2, right)), (Person(0, GONE), Person(0, GONE))):
        result = crowd.process(frame, people, off, crowd.settled_state(off))
        assert result.frame is frame
        assert result.strength == 0.0


def test_the_live_filter_follows_as_many_people_as_it_is_told_to():
    world, asked, seen = World(FakeSource(30)), [], []

    class Engine(FakeEngine):
        def process(self, frame, people, effect, state):
            seen.append(tuple(one.number for one in people))
            return super().process(frame, people, effect, state)

    world.engine = Engine()
    edges = world.edges()
    load = edges.load_engine
    edges = replace(edges, load_engine=lambda *how: (asked.append(how[2]), load(*how))[1])
    settings = Settings(source="fake", outputs=("null",), preset=HAPPY, fast=True, faces=3)
    assert runtime.run(settings, edges=edges) == 0
    assert asked == [3]
    assert set(seen) == {(1, 0, 0)}


# --- with the landmark model ---------------------------------------------------------------


def pictures(path: Path) -> Iterator[np.ndarray]:
    film = cv2.VideoCapture(str(path))
    while (found := film.read())[0]:
        yield np.asarray(found[1], np.uint8)


@pytest.mark.shared
@pytest.mark.parametrize("faces", [1, 2])
def test_identities_are_constant_where_two_people_move(faces):
    following, before = Following(faces), None
    with Landmarker(max_faces=faces) as landmarker:
        for index, pixels in enumerate(pictures(TWO_FACES)):
            frame = Frame(pixels, index, index / 12.5)
            found = landmarker.detect_all(following.to_look_at(frame))
            people = following.found(frame, found, frame.captured_at_s)
            assert [one.number for one in people] == list(range(1, faces + 1))
            noses = [one.track.landmarks_px[4, 0] for one in people if one.track]
            assert len(noses) == faces
            sides = [x < pixels.shape[1] / 2 for x in noses]
            assert before in (None, sides)
            before = sides


@pytest.mark.shared
def test_a_user_who_is_away_for_a_moment_is_found_again_beside_a_portrait():
    """With one place, the model has turned to the portrait meanwhile, and would stay there."""
    speech = list(pictures(SHARED_DIR / "clips" / "speech_1.mpg"))
    portrait = cv2.imread(str(SHARED_DIR / "data" / "london" / "neutral" / "004.jpg"))
    portrait = cv2.resize(portrait, (360, 288), interpolation=cv2.INTER_AREA)
    following, seen = Following(1), []
    with Landmarker() as landmarker:
        for index, pixels in enumerate(speech[:60]):
            time_s, user = index / 25, pixels.copy()
            if 0.6 <= time_s < 1.2:
                user[30:270, 80:290] = cv2.blur(user[30:270, 80:290], (91, 91))
            wall = portrait if time_s > 0.3 else np.full_like(portrait, portrait[0, 0])
            frame = Frame(np.hstack([user, wall]), index, time_s)
            found = landmarker.detect_all(following.to_look_at(frame))
            (one,) = following.found(frame, found, time_s)
            if one.track:
                assert one.track.landmarks_px[4, 0] < 360
            seen.append((time_s, bool(one.track)))
    assert not any(there for time_s, there in seen if 0.7 < time_s < 1.2)
    assert all(there for time_s, there in seen if time_s < 0.5 or time_s > 2.0)
