"""What is before the face eases the effect out; what a face does by itself, and light, do not."""

from __future__ import annotations

import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from livexpr import face_mesh, occlusion, pipeline, skin_samples
from livexpr.occlusion import Cover, landmark_factors, zone_fields
from livexpr.pipeline import Effect, load_effect, process
from livexpr.presets import Feel, Preset
from livexpr.skin_samples import PARTS, ZONES
from livexpr.types import FaceTrack, Frame, NoFace

FRAME_S = 1 / 30
EASING_S = 0.3
SIZE = (240, 240)
BROWS, EYES, LOWER = range(3)
MOUTH, BROW = (0, 17, 61, 291), (105, 66, 334, 296, 151)


def spot(pixels, track, landmarks, radius_cm, bgr=(60, 60, 190)) -> NDArray[np.uint8]:
    """Return the picture with a disk before some landmarks; 10 px are 1 cm."""
    out = pixels.copy()
    middle = track.landmarks_px[list(landmarks), :2].mean(axis=0)
    cv2.circle(out, (int(middle[0]), int(middle[1])), round(10 * radius_cm), bgr, -1, cv2.LINE_AA)
    return out


def followed(cover, pixels, track, time_s, dt_s=FRAME_S) -> Cover:
    """Look at a frame, if it is time to, and ease towards what was seen."""
    if occlusion.is_due(cover, time_s):
        cover = occlusion.looked(cover, pixels, track, time_s)
    return occlusion.followed(cover, dt_s, EASING_S)


def watch(frames, cover=None, start_s=0.0) -> list[Cover]:
    """Follow (pixels, track) for each frame, 30 a second."""
    cover = cover or Cover()
    covers = []
    for index, (pixels, track) in enumerate(frames):
        time_s = start_s + index * FRAME_S
        cover = followed(cover, pixels, track, time_s)
        covers.append(cover)
    return covers


@pytest.fixture(scope="module")
def track(synthetic_face) -> FaceTrack:
    return synthetic_face.track()


@pytest.fixture(scope="module")
def picture(synthetic_face, track) -> NDArray[np.uint8]:
    pixels = synthetic_face.draw(track)
    pixels.setflags(write=False)
    return pixels


@pytest.fixture(scope="module")
def known(picture, track) -> Cover:
    """A face that has been looked at for two seconds."""
    return watch([(picture, track)] * 60)[-1]


@pytest.fixture(scope="module")
def happy() -> Effect:
    pipeline.warm_up()
    return load_effect(Preset("happy", {"happy": 1.0}, feel=Feel(easing_s=EASING_S)))


def after(known: Cover, pixels, track, frames=30) -> Cover:
    return watch([(pixels, track)] * frames, known, 2.0)[-1]


def test_a_face_that_stays_the_same_is_free(known) -> None:
    assert known.free == known.goal == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("bgr", [(60, 60, 190), (235, 235, 235), (25, 25, 25), (150, 120, 160)])
def test_something_before_the_mouth_frees_it_of_the_effect(known, picture, track, bgr) -> None:
    cover = after(known, spot(picture, track, MOUTH, 2.2, bgr), track)
    assert cover.free[LOWER] < 0.05
    assert cover.free[BROWS] == cover.free[EYES] == 1


def test_something_before_the_brows(known, picture, track) -> None:
    cover = after(known, spot(picture, track, BROW, 1.9), track)
    assert cover.free[BROWS] < 0.05
    assert cover.free[LOWER] == 1


def test_the_effect_goes_and_comes_back_eased(known, picture, track) -> None:
    hand = spot(picture, track, MOUTH, 2.2)
    covers = watch([(hand, track)] * 60 + [(picture, track)] * 90, known, 2.0)
    free = np.array([cover.free[LOWER] for cover in covers])
    assert free[59] < 0.01
    assert (np.diff(free[59:]) >= 0).all()
    assert free[-1] > 0.99
    assert -np.diff(free).min() <= 1 - np.exp(-3 * FRAME_S / EASING_S) + 1e-6
    assert np.diff(free).max() <= (1 - np.exp(-3 * FRAME_S / EASING_S)) / 2


def test_a_hand_that_stays_is_not_taken_for_the_face_soon(known, picture, track) -> None:
    hand = spot(picture, track, MOUTH, 2.2)
    covers = watch([(hand, track)] * 900, known, 2.0)
    assert max(cover.free[LOWER] for cover in covers[30:]) < 0.05


def test_what_stays_for_minutes_is_taken_for_the_face(known, picture, track) -> None:
    beard = spot(picture, track, MOUTH, 2.2)
    # Looked at every half second: what is remembered goes by time, not by frames.
    cover = known
    for index in range(1200):
        cover = followed(cover, beard, track, 2 + index / 2, dt_s=0.5)
    assert cover.free == pytest.approx((1, 1, 1), abs=0.01)


def test_nothing_is_known_in_the_first_second(picture, track) -> None:
    hand = spot(picture, track, MOUTH, 2.2)
    covers = watch([(picture, track)] * 5 + [(hand, track)] * 20)
    assert all(cover.free == (1.0, 1.0, 1.0) for cover in covers)


@pytest.mark.parametrize("mouth_cm", [0.3, 0.8, 1.5])
def test_speech_covers_nothing(synthetic_face, known, mouth_cm) -> None:
    """The mouth opens and shuts, several times a second."""
    frames = []
    for index in range(90):
        opening = mouth_cm * (0.5 - 0.5 * np.cos(index * FRAME_S * 2 * np.pi * 3))
        face = synthetic_face.track(mouth_cm=opening)
        frames.append((synthetic_face.draw(face), face))
    assert min(min(cover.goal) for cover in watch(frames, known, 2.0)) == 1


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0.4, 0, 0), (0, 0.35, 0), (0, 0, 0.9)])
def test_a_turning_head_covers_nothing(synthetic_face, known, yaw, pitch, roll) -> None:
    frames = []
    for index in range(60):
        part = np.sin(index / 60 * np.pi)
        face = synthetic_face.track(
            yaw_rad=yaw * part, pitch_rad=pitch * part, roll_rad=roll * part
        )
        frames.append((synthetic_face.draw(face), face))
    assert min(min(cover.goal) for cover in watch(frames, known, 2.0)) == 1


@pytest.mark.parametrize(
    "gains", [(0.5, 0.5, 0.5), (1.15, 1.15, 1.15), (1.15, 1, 0.8), "from the left"]
)
def test_light_covers_nothing(known, picture, track, gains) -> None:
    if gains == "from the left":
        gains = np.linspace(0.7, 1.15, SIZE[0])[None, :, None]
    lit = (picture * np.array(gains)).clip(0, 255).astype(np.uint8)
    assert min(after(known, lit, track).goal) == 1


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), level=st.floats(0, 6))
def test_noise_covers_nothing(known, picture, track, seed, level) -> None:
    noise = np.random.default_rng(seed).normal(0, level, (10, *picture.shape))
    frames = [((picture + one).clip(0, 255).astype(np.uint8), track) for one in noise]
    assert min(min(cover.goal) for cover in watch(frames, known, 2.0)) == 1


def test_a_face_that_was_away_is_known_again_for_a_while(known, picture, track) -> None:
    hand = spot(picture, track, MOUTH, 2.2)
    assert watch([(hand, track)] * 30, known, 4.0)[-1].free[LOWER] < 0.05
    assert watch([(hand, track)] * 30, known, 60.0)[-1].free[LOWER] == 1


def test_another_person_is_got_to_know_within_seconds(rng, known, picture, track) -> None:
    features = cv2.resize(rng.normal(0, 50, (20, 20, 3)), SIZE, interpolation=cv2.INTER_LINEAR)
    other = (picture + features).clip(0, 255).astype(np.uint8)
    covers = watch([(other, track)] * 240, known, 2.0)
    assert max(covers[20].free) < 0.5
    assert covers[-1].free == pytest.approx((1, 1, 1), abs=0.02)


@pytest.mark.parametrize("shift", [(-200, 0), (190, 60), (0, -190), (400, 400)])
def test_a_face_that_leaves_the_frame(known, picture, track, shift) -> None:
    landmarks = track.landmarks_px.copy()
    landmarks[:, :2] += np.array(shift, np.float32)
    moved = replace(track, landmarks_px=landmarks)
    pixels = cv2.warpAffine(picture, np.float32([[1, 0, shift[0]], [0, 1, shift[1]]]), SIZE)
    for cover in watch([(pixels, moved)] * 20, known, 2.0):
        assert np.isfinite(cover.memory.mean).all()
        assert all(0 <= free <= 1 for free in cover.free)


@pytest.mark.parametrize("px_per_cm", [0.2, 2.0, 40.0])
def test_faces_of_any_size(synthetic_face, picture, px_per_cm) -> None:
    face = synthetic_face.track(px_per_cm=px_per_cm)
    covers = watch([(picture, face)] * 40)
    assert covers[-1].free == (1.0, 1.0, 1.0)


def test_samples_lie_where_they_are_said_to() -> None:
    samples = skin_samples.load()
    np.testing.assert_allclose(samples.weights.sum(axis=1), 1, atol=1e-5)
    assert samples.weights.min() >= 0
    assert (samples.parts.sum(axis=0) == 1).all()
    assert (samples.parts.sum(axis=1) >= 20).all()
    lips = {*face_mesh.INNER_LIP_UPPER, *face_mesh.INNER_LIP_LOWER}
    assert not any(set(corners) <= lips for corners in samples.corners.tolist())
    # Seen from the front, most of the skin looks at the camera.
    assert np.median(samples.normals[:, 2]) > 0.5


def test_a_picture_that_is_a_ramp_is_sampled_where_the_mesh_lies(synthetic_face) -> None:
    face = synthetic_face.track(size=(600, 600), px_per_cm=25.0)
    rows, columns = np.mgrid[:600, :600]
    pixels = np.stack([rows * 0 + 100, columns / 3, rows / 3], axis=2).astype(np.uint8)
    seen = skin_samples.look(pixels, face)
    samples = skin_samples.load()
    points = np.einsum("kij,ki->kj", face.landmarks_px[samples.corners, :2], samples.weights)
    red_over_green = np.log((points[:, 1] / 3 + 10) / (points[:, 0] / 3 + 10))
    np.testing.assert_allclose(seen.colours[:, 1], red_over_green, atol=0.06)


def test_zones_share_the_landmarks() -> None:
    fields = zone_fields()
    assert fields.shape == (face_mesh.N_LANDMARKS, len(ZONES))
    np.testing.assert_allclose(fields.sum(axis=1), 1, atol=1e-5)
    assert fields[17, LOWER] > 0.99
    assert fields[105, BROWS] > 0.5
    assert {part.zone for part in PARTS} == set(ZONES)


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_factors_lie_between_those_of_the_zones(free) -> None:
    factors = landmark_factors(Cover(free=free))
    assert factors.dtype == np.float32
    assert min(free) - 1e-5 <= factors.min()
    assert factors.max() <= max(free) + 1e-5


def test_cover_can_be_kept() -> None:
    assert pickle.loads(pickle.dumps(Cover())).free == (1.0, 1.0, 1.0)


class TestInThePipeline:
    """A hand before the mouth of a smiling face comes through as it is."""

    def changed(self, picture, track, happy, hand) -> list[float]:
        """Return how much the mouth is changed on each frame, in grey levels."""
        middle = track.landmarks_px[[13, 14], :2].mean(axis=0).astype(int)
        rows, columns = (slice(at - 20, at + 20) for at in (middle[1], middle[0]))
        state = pipeline.settled_state(happy)
        changes = []
        for index in range(120):
            pixels = hand if 60 <= index < 90 else picture
            one = NoFace("gone") if index in (100, 101) else track
            result = process(Frame(pixels, index, index * FRAME_S), one, happy, state)
            state = result.state
            difference = result.frame.pixels.astype(np.int16) - pixels
            changes.append(float(np.abs(difference[rows, columns]).mean()))
        return changes

    def test_a_hand_before_the_mouth(self, picture, track, happy) -> None:
        changes = self.changed(picture, track, happy, spot(picture, track, MOUTH, 2.2))
        assert min(changes[:60]) > 2
        assert max(changes[80:90]) < 0.2
        assert changes[-1] > 0.7 * changes[0]

    def test_a_hand_that_went_while_the_filter_was_off_leaves_nothing(
        self, picture, track, happy
    ) -> None:
        hand = spot(picture, track, MOUTH, 2.2)
        off = replace(happy, intensity=0.0)
        state = pipeline.settled_state(happy)
        for index in range(264):
            pixels = hand if 60 <= index < 130 else picture
            effect = off if 120 <= index < 260 else happy
            result = process(Frame(pixels, index, index * FRAME_S), track, effect, state)
            state = result.state
            if index == 119:
                assert state.cover.free[LOWER] < 0.05
        assert state.cover.free[LOWER] > 0.95

    def test_memory_survives_a_lost_face(self, picture, track, happy) -> None:
        state = pipeline.settled_state(happy)
        for index in range(200):
            one = track if index < 60 or index > 120 else NoFace("gone")
            result = process(Frame(picture, index, index * FRAME_S), one, happy, state)
            state = result.state
        assert state.cover.memory is not None
        assert state.cover.memory.known_s > 5


def test_looks_now_and_then(monkeypatch, picture, track) -> None:
    looks = []
    monkeypatch.setattr(
        occlusion.skin_samples,
        "look",
        lambda *args, _look=skin_samples.look: looks.append(1) or _look(*args),
    )
    watch([(picture, track)] * 60)
    assert 25 <= len(looks) <= 32
