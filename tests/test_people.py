"""Who is who: places, passers-by, pictures, and what is hidden from the landmark model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livexpr import cuts, face_mesh, head_pose, likeness, liveliness, people
from livexpr.following import Following
from livexpr.types import FaceTrack, Frame, NoFace

HEIGHT_PX = 90.0
STEP_S = 1 / 30
FEW = settings(max_examples=20)
NOBODY = NoFace("no face found")


@dataclass
class Actor:
    """Somebody with a shape of their own; a picture does not blink."""

    shape: int
    height_px: float = HEIGHT_PX
    lives: bool = True
    track: FaceTrack | None = None
    cm: np.ndarray = field(init=False)

    def __post_init__(self):
        rng = np.random.default_rng(self.shape)
        rest = face_mesh.load().rest_cm[: face_mesh.N_LANDMARKS]
        self.cm = rest * (1 + rng.uniform(-0.06, 0.06, 3)).astype(np.float32)

    def at(self, x: float, y: float, time_s: float = 0.0) -> FaceTrack:
        """The face in front view, at px of the frame; alive, it nods and blinks."""
        scale = self.height_px / likeness.FACE_HEIGHT_CM
        pose = np.diag([scale, -scale, -scale, 1.0]).astype(np.float32)
        pose[:2, 3] = x, y
        if self.lives:
            pose[1, 3] += 0.05 * self.height_px * np.sin(2.0 * time_s)
        points = head_pose.to_frame(self.cm, pose)
        landmarks = np.vstack([points, np.repeat(points[33:34], 10, axis=0)]).astype(np.float32)
        self.track = FaceTrack(landmarks, np.zeros(52, np.float32), pose)
        return self.track


def play(crowd: people.Crowd, frames, begin_s: float = 0.0):
    """Yield the crowd after each frame's faces."""
    for index, faces in enumerate(frames):
        crowd = people.followed(crowd, tuple(faces) or NOBODY, begin_s + index * STEP_S)
        yield crowd


def seconds(duration_s: float) -> range:
    return range(round(duration_s / STEP_S))


def after(crowd, *shown, duration_s: float, begin_s: float = 0.0):
    """The crowd after some seconds of (actor, x, y) standing about."""
    frames = [
        [actor.at(x, y, begin_s + i * STEP_S) for actor, x, y in shown] for i in seconds(duration_s)
    ]
    return list(play(crowd, frames, begin_s))[-1]


def numbers(crowd) -> tuple[int, ...]:
    return tuple(one.number for one in crowd.people)


@FEW
@given(st.integers(0, 2**16), st.integers(1, 2))
def test_a_glance_sees_what_a_closer_look_does(seed, places):
    rng = np.random.default_rng(seed)
    sitter, passer_by = Actor(0), Actor(1)
    crowd, glances = people.nobody(places), 0
    x, time_s = 300.0, 0.0
    for i in range(60):
        x += rng.normal(0, 4)
        time_s += STEP_S if rng.random() < 0.95 else rng.uniform(0, 3)
        faces = [sitter.at(x, 200.0, time_s)] if rng.random() < 0.95 else []
        if i > 40 and rng.random() < 0.1:
            faces.append(passer_by.at(rng.uniform(0, 600), 200.0, time_s))
        found = tuple(faces) or NOBODY
        glance = people.at_a_glance(crowd, found, time_s)
        crowd = people.followed(crowd, found, time_s)
        if glance is not None:
            assert [(one.number, one.track) for one in glance] == [
                (one.number, one.track) for one in crowd.people
            ]
            glances += 1
    assert glances > 20 if places == 1 else glances == 0


@pytest.mark.parametrize("at_once", [True, False])
def test_following_at_once_leaves_nothing_out(at_once):
    following, actor = Following(1), Actor(0, lives=False)
    pixels = np.random.default_rng(0).integers(0, 256, (400, 600, 3), np.uint8)
    seen = []
    # A picture gives way in time, whether it is looked at closely at once or afterwards.
    for i in seconds(9.0):
        frame = Frame(pixels, i, i * STEP_S)
        faces = (actor.at(300, 200),)
        seen.append(following.found(frame, faces, i * STEP_S, at_once=at_once))
        following.finish()
    assert len({one[0].number for one in seen}) == 1
    assert following._crowd.known[0].stillness.is_picture(9.0)


def test_the_first_frame_gives_all_places_at_once_to_the_largest():
    small, middle, large = (Actor(i, size) for i, size in enumerate((50.0, 70.0, 90.0)))
    faces = small.at(100, 100), middle.at(300, 100), large.at(500, 100)
    for n, expected in ((1, [large]), (2, [large, middle]), (5, [large, middle, small])):
        crowd = people.followed(people.nobody(n), faces, 0.0)
        found = [one.track for one in crowd.people]
        assert found[: len(expected)] == [actor.track for actor in expected]
        assert all(not track for track in found[len(expected) :])
        assert len(crowd.people) == n


@FEW
@given(st.data())
def test_the_order_of_detections_never_swaps_people(data):
    count = data.draw(st.integers(2, 4))
    actors = [Actor(i) for i in range(count)]
    seed = data.draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    x = 150.0 + 200.0 * np.arange(count)
    velocity = np.zeros(count)
    crowd, owners = people.nobody(count), None
    for i in range(25):
        velocity = np.clip(velocity + rng.normal(0, 60, count), -400, 400)
        x = np.clip(x + velocity * STEP_S, *(150.0 + 200.0 * np.arange(count) + [[-50], [50]]))
        tracks = [actor.at(x[k], 200.0, i * STEP_S) for k, actor in enumerate(actors)]
        seen = rng.permutation(count)
        crowd = people.followed(crowd, tuple(tracks[k] for k in seen), i * STEP_S)
        found = [next(k for k, t in enumerate(tracks) if t is one.track) for one in crowd.people]
        owners = owners or (found, numbers(crowd))
        assert (found, numbers(crowd)) == owners


@given(
    st.permutations(range(4)),
    st.lists(st.tuples(*[st.floats(0, 12)] * 4), min_size=1, max_size=4),
)
def test_the_assignment_is_the_cheapest_of_all_whatever_the_order(order, rows):
    misfits = np.array(rows)
    pairs = likeness.assigned(misfits)
    people_of = list(pairs.values())
    assert len(set(people_of)) == len(people_of)

    def cost(pairs):
        return sum(misfits[p, f] - likeness.MISFIT_LIMIT for f, p in pairs.items())

    assert cost(pairs) == pytest.approx(min(map(cost, ways(misfits))), abs=1e-9)
    moved = likeness.assigned(misfits[:, order])
    assert cost({order[f]: p for f, p in moved.items()}) == pytest.approx(cost(pairs), abs=1e-9)


def ways(misfits, face=0, taken=()):
    """All assignments, by trying."""
    if face == misfits.shape[1]:
        return [{}]
    found = list(ways(misfits, face + 1, taken))
    for person in range(misfits.shape[0]):
        if person not in taken and misfits[person, face] < likeness.MISFIT_LIMIT:
            further = ways(misfits, face + 1, (*taken, person))
            found += [{face: person, **way} for way in further]
    return found


@FEW
@given(
    speed=st.floats(100, 900),
    distance=st.floats(1.7, 2.5),
    larger=st.floats(0.8, 2.0),
    lost=st.floats(0.0, 2.5),
    begin=st.floats(0.0, 2.0),
    appears=st.floats(0.0, 4.0),
)
def test_a_passer_by_never_takes_over(speed, distance, larger, lost, begin, appears):
    user, passer = Actor(1), Actor(2, larger * HEIGHT_PX)
    crowd = people.followed(people.nobody(1), (user.at(400, 250),), 0.0)
    for i in seconds(5.0):
        time_s = i * STEP_S
        mine = user.at(400, 250, time_s)
        passing = passer.at(-100 + speed * time_s, 250 + distance * HEIGHT_PX, time_s)
        faces = [passing] if time_s >= appears else []
        if not begin < time_s < begin + lost:
            faces.append(mine)
        crowd = people.followed(crowd, tuple(faces) or NOBODY, time_s)
        assert crowd.people[0].number == 1
        assert crowd.people[0].track is mine or not crowd.people[0].track


@FEW
@given(
    speed=st.floats(60, 400), offset=st.floats(-0.3, 0.3), shapes=st.sampled_from([(1, 2), (3, 4)])
)
def test_people_who_cross_stay_who_they_are(speed, offset, shapes):
    actors = [Actor(shape) for shape in shapes]
    crowd, owner = people.nobody(2), {}
    for i in seconds(600 / speed):
        x = 100 + speed * i * STEP_S
        front = actors[0].at(x, 200, 0.0)
        rear = actors[1].at(700 - x + 100, 200 + offset * HEIGHT_PX, 0.0)
        hidden = abs(x - 400) < 0.4 * HEIGHT_PX
        crowd = people.followed(crowd, (front,) if hidden else (rear, front), i * STEP_S)
        for place, one in enumerate(crowd.people):
            if one.track:
                assert owner.setdefault(place, one.track is front) == (one.track is front)
    assert set(numbers(crowd)) == {1, 2}
    assert all(one.track for one in crowd.people)


def test_people_who_change_places_unseen_are_told_by_their_shape():
    one, two = Actor(13), Actor(3)
    assert likeness_cm(one, two) > 0.4
    crowd = after(people.nobody(2), (one, 300, 200), (two, 365, 200), duration_s=1.0)
    owners = [person.track is one.track for person in crowd.people]
    begin_s = 2.0
    crowd = people.followed(crowd, (two.at(300, 200), one.at(365, 200)), begin_s)
    assert [person.track is one.track for person in crowd.people] == owners
    assert numbers(crowd) == (1, 2)


def likeness_cm(one: Actor, two: Actor) -> float:
    a, b = (likeness.of(actor.at(300, 200)).shape_cm for actor in (one, two))
    return float(np.sqrt(np.mean(np.sum((a - b) ** 2, axis=1))))


@pytest.mark.parametrize("height_px", [HEIGHT_PX / 2, HEIGHT_PX * 2])
def test_a_face_of_another_size_in_the_same_place_is_somebody_else(height_px):
    user, other = Actor(1), Actor(1, height_px)
    crowd = after(people.nobody(1), (user, 300, 200), duration_s=1.0)
    crowd = people.followed(crowd, (other.at(300, 200),), 1.5)
    assert numbers(crowd) == (1,)
    assert not crowd.people[0].track


def test_whoever_is_gone_for_seconds_gives_the_place_to_another():
    user, other = Actor(1), Actor(2, 2 * HEIGHT_PX)
    crowd = after(people.nobody(1), (user, 200, 200), duration_s=1.0)
    later = list(play(crowd, ([other.at(500, 200)] for _ in seconds(4.0)), 1.0))
    for waited in later[: len(seconds(2.9))]:
        assert numbers(waited) == (1,)
        assert not waited.people[0].track
    assert later[-1].people[0].track is other.track
    assert numbers(later[-1]) == (2,)


def test_whoever_comes_back_in_time_has_the_same_place():
    one, two = Actor(1), Actor(2)
    crowd = after(people.nobody(2), (one, 200, 200), (two, 500, 200), duration_s=1.0)
    before = numbers(crowd)
    crowd = after(crowd, (two, 500, 200), duration_s=2.0, begin_s=1.0)
    assert numbers(crowd) == before
    assert [bool(person.track) for person in crowd.people].count(True) == 1
    crowd = after(crowd, (one, 230, 200), (two, 500, 200), duration_s=0.1, begin_s=3.0)
    assert numbers(crowd) == before
    assert {id(person.track) for person in crowd.people} == {id(one.track), id(two.track)}


def test_somebody_new_waits_a_moment_and_is_announced():
    one, two = Actor(1), Actor(2)
    crowd = after(people.nobody(2), (one, 200, 200), duration_s=1.0)
    assert numbers(crowd) == (1, 0)
    frames = [[two.at(500, 200), one.at(200, 200)] for _ in seconds(0.6)]
    states = list(play(crowd, frames, 1.0))
    assert all(numbers(state) == (1, 2) for state in states)
    taken = [i * STEP_S for i, state in enumerate(states) if state.people[1].track]
    assert taken[0] == pytest.approx(0.4, abs=0.05)


def test_one_face_that_was_found_twice_is_one():
    actor = Actor(1)
    crowd = people.nobody(2)
    for i in range(30):
        twice = (actor.at(205, 202), actor.at(200, 200))
        crowd = people.followed(crowd, twice, i * STEP_S)
    assert numbers(crowd) == (1, 0)


def test_after_a_cut_whoever_is_there_is_followed_at_once():
    one, two = Actor(1), Actor(2)
    crowd = after(people.nobody(1), (one, 200, 200), duration_s=1.0)
    assert people.followed(crowd, (two.at(600, 300),), 1.0).people[0].number == 1
    crowd = people.followed(crowd, (two.at(600, 300),), 1.0, cut=True)
    assert crowd.people[0].track is two.track
    kept = people.followed(crowd, (two.at(602, 300),), 1.0 + STEP_S, cut=True)
    assert numbers(kept) == numbers(crowd)


@pytest.mark.parametrize("step_s", [-50.0, 100.0])
def test_a_clock_that_jumps_makes_everybody_new(step_s):
    one = Actor(1)
    crowd = after(people.nobody(1), (one, 200, 200), duration_s=1.0)
    crowd = people.followed(crowd, (one.at(200, 200),), 1.0 + step_s)
    assert numbers(crowd) == (2,)
    assert crowd.people[0].track is one.track


def test_many_passers_by_are_not_kept_in_mind():
    one = Actor(1)
    crowd = after(people.nobody(1), (one, 200, 200), duration_s=0.5)
    for i in range(80):
        faces = (one.at(200, 200), Actor(2).at(400 + 3000 * (i % 2), 200 + 40 * i))
        crowd = people.followed(crowd, faces, 0.5 + i * STEP_S)
    assert len(crowd.known) < 20
    assert numbers(crowd) == (1,)


# --- pictures ------------------------------------------------------------------------------


def test_a_face_that_neither_moves_nor_blinks_is_a_picture(rng):
    poster = Actor(1, lives=False).at(400, 200)
    state = liveliness.first_seen(poster, 0.0)
    for i in seconds(6.0):
        trembling = poster.landmarks_px + rng.normal(0, 0.3, (478, 3)).astype(np.float32)
        track = FaceTrack(trembling, poster.blendshapes, head_pose.fit_pose(trembling))
        state = liveliness.watched(state, track, i * STEP_S)
    assert state.is_picture(6.0)
    blinking = FaceTrack(poster.landmarks_px, np.full(52, 0.6, np.float32), poster.frame_from_head)
    assert not liveliness.watched(state, blinking, 6.0).is_picture(7.0)


def test_a_picture_is_followed_while_it_is_alone():
    poster = Actor(1, lives=False)
    frames = [[poster.at(400, 200)] for _ in seconds(12.0)]
    for (track,), crowd in zip(frames, play(people.nobody(1), frames), strict=True):
        assert crowd.people[0].track is track


@dataclass
class Model:
    """Holds on to the faces it has, as the landmark model does, and looks for others if it must."""

    max_faces: int
    tracked: list[Actor] = field(default_factory=list)

    def detect(self, pixels, shown):
        """Return faces that are not painted over; what was lost is made up for a frame later."""

        def seen(x, y):
            return pixels[int(y), int(x)].any() and tuple(pixels[int(y), int(x)]) != (128,) * 3

        there = {id(actor): (actor, x, y) for actor, x, y in shown if seen(x, y)}
        held = [actor for actor in self.tracked if id(actor) in there]
        if len(self.tracked) < self.max_faces:
            others = [actor for actor, _, _ in there.values() if actor not in held]
            held += sorted(others, key=lambda actor: -actor.height_px)
        self.tracked = held[: self.max_faces]
        return [there[id(actor)] for actor in self.tracked]


def watched(shown_at, duration_s: float, n: int = 1):
    """Yield (time, places) of actors shown through a model that holds on to what it has."""
    model, following = Model(n), Following(n)
    pixels = np.random.default_rng(1).integers(1, 120, (480, 900, 3), np.uint8)
    for i in seconds(duration_s):
        time_s = i * STEP_S
        shown = shown_at(time_s)
        frame = Frame(pixels, i, time_s)
        found = model.detect(following.to_look_at(frame).pixels, shown)
        faces = tuple(actor.at(x, y, time_s) for actor, x, y in found)
        yield time_s, following.found(frame, faces or NOBODY, time_s)


def test_a_poster_does_not_keep_the_model_from_the_user_who_looks_up_again():
    user, poster = Actor(1), Actor(2, 1.5 * HEIGHT_PX, lives=False)

    def shown(time_s):
        there = [(poster, 700, 200)]
        return there if 2.0 < time_s < 3.0 else [*there, (user, 300, 250)]

    user_first = watched(lambda t: [(user, 300, 250)] if t < 1.0 else shown(t), 8.0)
    for time_s, (one,) in user_first:
        assert one.number == 1
        if one.track:
            assert one.track is user.track
        else:
            assert 2.0 < time_s < 4.0


def test_somebody_alive_is_found_beside_a_poster_and_followed_instead():
    user, poster = Actor(1), Actor(2, 1.5 * HEIGHT_PX, lives=False)
    places = list(
        watched(
            lambda t: [(poster, 700, 200), *([(user, 300, 250)] if t > 8 else [])], duration_s=16.0
        )
    )
    assert all(one.track for time_s, (one,) in places if time_s < 8.0)
    assert all(one.track is None or one.number == 1 for time_s, (one,) in places if time_s < 8.0)
    assert places[-1][1][0].track is user.track
    unfollowed = [time_s for time_s, (one,) in places if not one.track]
    assert len(unfollowed) * STEP_S < 1.5, "the effect leaves the poster, then comes to the user"


def test_one_picture_at_most_makes_room_for_one_who_is_alive():
    posters = Actor(1, lives=False), Actor(2, lives=False)
    user = Actor(3)
    still = [(posters[0], 150, 200), (posters[1], 450, 200)]
    crowd = after(people.nobody(2), *still, duration_s=8.0)
    assert {1, 2} == set(numbers(crowd))
    leaving = set()
    for i in seconds(0.9):
        time_s = 8.0 + i * STEP_S
        faces = tuple(actor.at(x, y, time_s) for actor, x, y in (*still, (user, 750, 200)))
        crowd = people.followed(crowd, faces, time_s)
        leaving |= {place.number for place in crowd.places if place.left_s is not None}
    assert len(leaving) == 1


def test_nothing_is_hidden_while_all_is_well():
    user, other = Actor(1), Actor(2)
    following = Following(2)
    frame = Frame(np.zeros((480, 900, 3), np.uint8), 0, 0.0)
    for i in seconds(1.0):
        faces = user.at(200, 200, i * STEP_S), other.at(600, 200, i * STEP_S)
        following.found(frame, faces, i * STEP_S)
        assert following.to_look_at(frame) is frame


# --- cuts ----------------------------------------------------------------------------------


def test_a_cut_is_no_change_of_light_nor_a_dark_picture(rng):
    one, two = (rng.integers(0, 255, (90, 160, 3)).astype(np.uint8) for _ in range(2))
    first = cuts.sampled(one)
    assert cuts.is_cut(first, cuts.sampled(two))
    assert not cuts.is_cut(first, cuts.sampled(one // 3 + 20))
    assert not cuts.is_cut(first, cuts.sampled(one[::-1, ::-1] // 200))
    assert not cuts.is_cut(first, cuts.sampled(np.full((9, 9, 3), 7, np.uint8)))
