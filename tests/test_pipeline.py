"""The whole filter on one frame: identity, what it may touch, and how it changes over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from livexpr import face_mesh, lighting, pipeline, pixel_map, presets, strength
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.effect import eased
from livexpr.errors import FormatError, PresetError
from livexpr.pipeline import Effect, FilterState, Result, load_effect, process
from livexpr.pixel_map import PixelMap
from livexpr.presets import Feel, Preset, RegionWeights
from livexpr.types import FaceTrack, Frame, NoFace

FRAME_S = 1 / 30
EASING_S = 0.35


@pytest.fixture(scope="module")
def picture(synthetic_face) -> NDArray[np.uint8]:
    pixels = synthetic_face.draw(synthetic_face.track())
    pixels.setflags(write=False)
    return pixels


@pytest.fixture(scope="module")
def track(synthetic_face) -> FaceTrack:
    return synthetic_face.track()


@pytest.fixture(scope="module")
def happy() -> Effect:
    pipeline.warm_up()
    return load_effect(Preset("happy", {"happy": 1.0}, feel=Feel(easing_s=EASING_S)))


@pytest.fixture(scope="module")
def off() -> Effect:
    return load_effect(Preset("off", {}, feel=Feel(easing_s=EASING_S)))


def still(pixels: NDArray[np.uint8], track: FaceTrack | NoFace, effect: Effect) -> Result:
    """Filter one picture with the effect fully there, as `livexpr render` does."""
    return process(Frame(pixels, 0, 0.0), track, effect, pipeline.settled_state(effect))


def run(
    pixels: NDArray[np.uint8],
    steps: Sequence[tuple[FaceTrack | NoFace, Effect]],
    state: FilterState | None = None,
) -> list[Result]:
    """Filter the same picture frame after frame, 30 a second."""
    state = state or pipeline.initial_state()
    results = []
    for index, (track, effect) in enumerate(steps):
        result = process(Frame(pixels, index, index * FRAME_S), track, effect, state)
        state = result.state
        results.append(result)
    return results


def wholly_smiling(track: FaceTrack, happy: Effect) -> FaceTrack:
    """Return the face that shows by itself what the map of `happy` adds."""
    signature = happy.maps["happy"].blendshapes
    shown = [max(signature.get(name, 0), 0) for name in BLENDSHAPE_NAMES]
    return replace(track, blendshapes=np.array(shown, np.float32))


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.int16]:
    return np.abs(a.astype(np.int16) - b)


class TestIdentity:
    """Where nothing is to change, the very input comes back: not a copy, so not one bit off."""

    def test_empty_preset(self, picture, track, off: Effect) -> None:
        frame = Frame(picture, 3, 1.5)
        assert process(frame, track, off, pipeline.initial_state()).frame is frame
        assert process(frame, track, off, pipeline.settled_state(off)).frame is frame

    @pytest.mark.parametrize("name", ["off", "neutral"])
    def test_shipped_presets_that_add_nothing(self, picture, track, name: str) -> None:
        effect = load_effect(presets.load(name))
        frame = Frame(picture, 0, 0.0)
        assert process(frame, track, effect, pipeline.settled_state(effect)).frame is frame

    def test_intensity_zero(self, picture, track, happy: Effect) -> None:
        off = replace(happy, intensity=0.0)
        for result in run(picture, [(track, off)] * 5):
            assert result.frame.pixels is picture
            assert result.strength == 0

    def test_amount_zero(self, picture, track) -> None:
        effect = load_effect(Preset("none", {"happy": 0.0}))
        assert still(picture, track, effect).frame.pixels is picture

    def test_no_face(self, picture, happy: Effect) -> None:
        frame = Frame(picture, 0, 0.0)
        lost = NoFace("no face found")
        result = process(frame, lost, happy, pipeline.settled_state(happy))
        assert result.frame is frame
        assert result.track is lost
        assert result.strength == 0

    def test_first_live_frame(self, picture, track, happy: Effect) -> None:
        assert run(picture, [(track, happy)])[0].frame.pixels is picture

    @pytest.mark.parametrize("turned", [{"yaw_rad": 1.0}, {"pitch_rad": -0.9}])
    def test_head_turned_away(self, picture, synthetic_face, happy: Effect, turned) -> None:
        away = synthetic_face.track(**turned)
        assert still(picture, away, happy).frame.pixels is picture

    def test_settled_bypass(self, picture, track, happy: Effect) -> None:
        off = replace(happy, intensity=0.0)
        last = run(picture, [(track, happy)] * 20 + [(track, off)] * 60)[-1]
        assert last.frame.pixels is picture

    def test_nearly_neutral_is_nearly_identity(self, picture, track, happy: Effect) -> None:
        slight = still(picture, track, replace(happy, intensity=0.01))
        assert 0 < slight.strength <= 0.01
        assert difference(slight.frame.pixels, picture).max() <= 12
        assert difference(slight.frame.pixels, picture).mean() < 0.05


class TestOneFrame:
    @settings(max_examples=25)
    @given(
        intensity=st.floats(-1, 2),
        yaw=st.floats(-0.5, 0.5),
        roll=st.floats(-0.6, 0.6),
        mouth_cm=st.floats(-0.5, 1.5),
        regions=st.tuples(*[st.floats(0, 2)] * 4),
    )
    def test_pixels_outside_the_collar_never_change(
        self, picture, synthetic_face, happy: Effect, intensity, yaw, roll, mouth_cm, regions
    ) -> None:
        track = synthetic_face.track(yaw_rad=yaw, roll_rad=roll, mouth_cm=mouth_cm, px_per_cm=8.0)
        preset = replace(happy.preset, regions=RegionWeights(*regions))
        out = still(picture, track, replace(happy, preset=preset, intensity=intensity))
        collar = face_mesh.all_vertices(track.landmarks_px[:, :2])[face_mesh.COLLAR]
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillConvexPoly(inside, cv2.convexHull(np.round(collar).astype(np.int32)), 1)
        inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))
        np.testing.assert_array_equal(out.frame.pixels[inside == 0], picture[inside == 0])

    def test_gain_and_bias_leave_collar_and_eyes_alone(self, picture, track, happy) -> None:
        """A map that only darkens must not darken hair, neck, background or eyeballs."""
        size = happy.maps["happy"].mask.shape[0]
        darken = PixelMap(
            offset_cm=np.zeros((468, 3), np.float32),
            log_gain=np.full((size, size, 3), -0.5, np.float32),
            bias=np.full((size, size), -0.1, np.float32),
            mask=happy.maps["happy"].mask,
            mouth=np.zeros((8, 8, 4), np.float32),
        )
        out = still(picture, track, replace(happy, maps={"happy": darken})).frame.pixels
        oval = np.zeros(picture.shape[:2], np.uint8)
        outline = track.landmarks_px[list(face_mesh.FACE_OVAL), :2]
        cv2.fillPoly(oval, [np.round(outline).astype(np.int32)], 1)
        outside = cv2.dilate(oval, np.ones((3, 3), np.uint8)) == 0
        np.testing.assert_array_equal(out[outside], picture[outside])
        for eye in face_mesh.EYE_CENTRES:
            x, y = np.round(track.landmarks_px[list(eye), :2].mean(axis=0)).astype(int)
            np.testing.assert_array_equal(out[y, x], picture[y, x])
        x, y = np.round(track.landmarks_px[205, :2]).astype(int)
        assert (out[y, x] < 0.7 * picture[y, x]).all(), "the cheek is darkened"

    def test_input_is_only_read(self, synthetic_face, happy: Effect) -> None:
        track = synthetic_face.track()
        pixels = synthetic_face.draw(track)
        before, landmarks = pixels.copy(), track.landmarks_px.copy()
        result = still(pixels, track, happy)
        np.testing.assert_array_equal(pixels, before)
        np.testing.assert_array_equal(track.landmarks_px, landmarks)
        assert not np.shares_memory(result.frame.pixels, pixels)

    def test_index_and_time_are_kept(self, picture, track, happy: Effect) -> None:
        result = process(Frame(picture, 7, 2.5), track, happy, pipeline.settled_state(happy))
        assert (result.frame.index, result.frame.captured_at_s) == (7, 2.5)
        assert result.frame.pixels.dtype == np.uint8
        assert result.frame.pixels.shape == picture.shape
        assert set(result.stages_s) == {"smooth", "place", "apply"}
        assert all(seconds >= 0 for seconds in result.stages_s.values())

    def test_same_input_gives_the_same_bits(self, picture, track, happy: Effect) -> None:
        one, other = still(picture, track, happy), still(picture, track, happy)
        np.testing.assert_array_equal(one.frame.pixels, other.frame.pixels)

    @settings(max_examples=25)
    @given(dx=st.floats(-400, 400), dy=st.floats(-400, 400), intensity=st.floats(-1, 2))
    def test_a_face_may_leave_the_frame(self, picture, track, happy, dx, dy, intensity) -> None:
        moved = replace(track, landmarks_px=track.landmarks_px + np.array([dx, dy, 0], np.float32))
        result = still(picture, moved, replace(happy, intensity=intensity))
        assert result.frame.pixels.shape == picture.shape

    @pytest.mark.parametrize("size", [(1, 1), (7, 3), (240, 1)])
    def test_odd_sizes_do_no_harm(self, track, happy: Effect, size) -> None:
        tiny = np.full((size[1], size[0], 3), 90, np.uint8)
        assert still(tiny, track, happy).frame.pixels.shape == tiny.shape

    def test_a_user_who_smiles_is_topped_up(self, picture, track, happy: Effect) -> None:
        smiling = wholly_smiling(track, happy)
        assert still(picture, smiling, happy).strength == pytest.approx(0.15, abs=0.01)
        assert still(picture, track, happy).strength == pytest.approx(1)
        away = replace(happy, intensity=-1.0)
        assert still(picture, smiling, away).strength == pytest.approx(-1)

    def test_the_picture_is_changed_where_the_mouth_is(self, picture, track, happy) -> None:
        changed = difference(still(picture, track, happy).frame.pixels, picture)
        left, right = track.landmarks_px[[61, 291], 0].astype(int)
        top, bottom = track.landmarks_px[[0, 17], 1].astype(int)
        assert changed[top:bottom, left:right].mean() > 8 * changed.mean()


class TestOverTime:
    def test_a_user_who_smiles_is_topped_up_live_too(self, picture, track, happy) -> None:
        """From nothing, as a live source begins; not only where all is there at once."""
        results = run(picture, [(wholly_smiling(track, happy), happy)] * 60)
        assert results[-1].strength == pytest.approx(0.15, abs=0.01)
        assert max(result.strength for result in results) < 0.2
        assert results[-1].state.damping == 0

    def test_light_that_changed_while_the_filter_was_off_is_seen_at_once(
        self, picture, track, happy
    ) -> None:
        off = replace(happy, intensity=0.0)
        dark = (picture * 0.4).astype(np.uint8)
        state = run(picture, [(track, happy)] * 30)[-1].state
        state = replace(run(dark, [(track, off)] * 60, state)[-1].state, time_s=None)
        shown = run(dark, [(track, happy)] * 2, state)[-1].state
        fresh = run(dark, [(track, happy)] * 2)[-1].state
        np.testing.assert_allclose(shown.light.skin_bgr, fresh.light.skin_bgr, atol=1)

    def test_light_that_changed_while_the_head_was_turned_away_is_seen_at_once(
        self, picture, track, happy, synthetic_face
    ) -> None:
        dark = (picture * 0.4).astype(np.uint8)
        away = synthetic_face.track(yaw_rad=1.2)
        state = run(picture, [(track, happy)] * 30 + [(away, happy)] * 60)[-1].state
        state = run(dark, [(away, happy)] * 3, replace(state, time_s=None))[-1].state
        shown = run(dark, [(track, happy)] * 3, replace(state, time_s=None))[-1].state
        fresh = run(dark, [(track, happy)] * 3)[-1].state
        np.testing.assert_allclose(shown.light.skin_bgr, fresh.light.skin_bgr, atol=1)

    def test_a_lost_face_is_not_drawn_brighter_than_the_picture(
        self, picture, track, happy
    ) -> None:
        """The lens is covered: teeth must not float on black."""
        state = run(picture, [(track, happy)] * 60)[-1].state
        black = np.zeros_like(picture)
        brightest = []
        for index in range(60, 66):
            frame = Frame(black, index, index * FRAME_S)
            result = process(frame, NoFace("dark"), happy, state)
            state = result.state
            brightest.append(int(result.frame.pixels.max()))
        assert max(brightest) < 20

    def test_what_is_settled_stays_as_it_is(self, picture, track, happy) -> None:
        state = run(picture, [(track, happy)] * 90)[-1].state
        assert eased(state, happy, FRAME_S) is state

    def test_the_effect_eases_in_within_the_time_stated(self, picture, track, happy) -> None:
        """Amount and presence ease at once: 90 % after easing_s, 99 % after twice as long."""
        amounts = [r.strength for r in run(picture, [(track, happy)] * 40)]
        assert amounts[0] == 0
        assert (np.diff(amounts) >= 0).all()
        after = round(EASING_S / FRAME_S)
        assert 0.85 < amounts[after] < 0.95
        assert amounts[2 * after] > 0.985

    @settings(max_examples=20)
    @given(wanted=st.lists(st.floats(-1, 2), min_size=2, max_size=4))
    def test_strength_never_jumps(self, picture, track, happy: Effect, wanted) -> None:
        """However the user turns the knob, one frame goes a quarter of the way at most."""
        steps = [(track, replace(happy, intensity=amount)) for amount in wanted for _ in range(6)]
        start = pipeline.settled_state(replace(happy, intensity=wanted[0]))
        amounts = np.array([r.strength for r in run(picture, steps, start)])
        most = strength.easing_step(FRAME_S, EASING_S) * np.ptp([0, *wanted])
        assert np.abs(np.diff(amounts)).max(initial=0) <= most + 2e-3

    def test_switching_presets_never_jumps(self, picture, track, happy, off) -> None:
        steps = [(track, happy)] * 20 + [(track, off)] * 20 + [(track, happy)] * 20
        pixels = [r.frame.pixels for r in run(picture, steps)]
        whole = difference(pixels[19], picture).mean()
        changes = [difference(a, b).mean() for a, b in pairwise(pixels)]
        assert whole > 1
        assert max(changes) < 0.4 * whole
        assert pixels[39].mean() == pytest.approx(picture.mean(), abs=0.05)

    def test_one_map_fades_into_another(self, picture, track, happy: Effect) -> None:
        """Both are mixed on the way, so the picture never passes through the plain one."""
        other = replace(happy.maps["happy"], offset_cm=happy.maps["happy"].offset_cm * 0.9)
        effect = Effect(
            Preset("other", {"other": 1.0}, feel=happy.preset.feel), {"other": other}, 1
        )
        results = run(
            picture, [(track, happy)] * 2 + [(track, effect)] * 40, pipeline.settled_state(happy)
        )
        plain = difference(results[1].frame.pixels, picture).mean()
        for result in results:
            assert difference(result.frame.pixels, picture).mean() > 0.6 * plain
        final = still(picture, track, effect).frame.pixels
        assert difference(results[-1].frame.pixels, final).max() <= 2
        assert set(results[-1].state.amounts) == {"other"}, "what has faded out is forgotten"

    def test_a_mix_is_made_once_while_nothing_changes(self, picture, track, happy) -> None:
        results = run(picture, [(track, happy)] * 4, pipeline.settled_state(happy))
        assert len({id(r.state.mix) for r in results}) == 1

    def test_a_face_lost_for_a_moment_eases_out_and_in(self, picture, track, happy) -> None:
        """Two frames without a face are no reason for the smile to blink."""
        steps = [(track, happy)] * 30 + [(NoFace("gone"), happy)] * 2 + [(track, happy)] * 20
        amounts = np.array([r.strength for r in run(picture, steps)])
        assert amounts[29] > 0.95
        assert 0.3 < amounts[31] < amounts[30] < amounts[29]
        assert np.abs(np.diff(amounts)).max() <= strength.easing_step(FRAME_S, EASING_S) + 1e-6
        assert amounts[-1] > 0.95

    def test_a_lost_face_is_forgotten_and_comes_back_from_nothing(
        self, picture, track, happy
    ) -> None:
        steps = [(track, happy)] * 30 + [(NoFace("gone"), happy)] * 20 + [(track, happy)] * 20
        results = run(picture, steps)
        amounts = np.array([r.strength for r in results])
        assert np.abs(np.diff(amounts)).max() <= strength.easing_step(FRAME_S, EASING_S) + 1e-6
        assert (amounts[46:50] == 0).all()
        assert results[48].frame.pixels is picture
        assert 0 <= amounts[50] <= strength.easing_step(FRAME_S, EASING_S) + 1e-6
        assert amounts[-1] > 0.9

    @pytest.mark.parametrize("easing_s", [0.0, 0.2, 2.0])
    def test_a_lost_face_leaves_little_behind_when_forgotten(
        self, picture, track, happy, easing_s: float
    ) -> None:
        effect = replace(happy, preset=replace(happy.preset, feel=Feel(easing_s=easing_s)))
        steps = [(track, effect)] * 2 + [(NoFace("gone"), effect)] * 45
        results = run(picture, steps, pipeline.settled_state(effect))
        amounts = np.array([r.strength for r in results])
        assert amounts[1] == pytest.approx(1, abs=0.01)
        assert amounts[2:][amounts[2:] > 0][-1:].sum() < 0.05
        assert results[-1].frame.pixels is picture

    def test_a_turning_head_fades_out_and_in(self, picture, synthetic_face, happy) -> None:
        yaws = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, 0, 30)])
        steps = [(synthetic_face.track(yaw_rad=float(yaw)), happy) for yaw in yaws]
        amounts = np.array([r.strength for r in run(picture, steps, pipeline.settled_state(happy))])
        assert amounts[0] == pytest.approx(1)
        assert amounts[25:35].max() < 0.25
        assert np.abs(np.diff(amounts)).max() < 0.25

    def test_light_is_followed_and_not_chased(self, picture, track, happy: Effect) -> None:
        """A lamp that is switched on reaches the bias and the teeth within a second or two."""
        dark = (picture // 2).astype(np.uint8)
        state = pipeline.settled_state(happy)
        lumas = []
        for index in range(90):
            pixels = dark if index < 30 else picture
            result = process(Frame(pixels, index, index * FRAME_S), track, happy, state)
            state = result.state
            lumas.append(float(state.light.skin_bgr.mean()))
        assert np.ptp(lumas[:30]) < 0.5
        assert np.diff(lumas).max() < 0.1 * np.ptp(lumas)
        assert lumas[-1] == pytest.approx(2 * lumas[0], rel=0.05)

    def test_teeth_do_not_glow_when_the_lamp_goes_out(self, picture, track, happy) -> None:
        dark = (picture * 0.1).astype(np.uint8)
        state = run(picture, [(track, happy)] * 60)[-1].state
        lit = state.light.skin_bgr.mean()
        for index in range(60, 66):
            result = process(Frame(dark, index, index * FRAME_S), track, happy, state)
            state = pipeline.looked(result.state)
        assert 0.05 * lit < state.light.skin_bgr.mean() < 0.2 * lit
        whites = state.light.white_bgr
        assert whites is None or whites.mean() < 0.3 * 255

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_nor_on_the_very_first_frame(self, picture, track, happy, monkeypatch, after) -> None:
        """Whenever the light was looked at last; nor do they light up again a moment later."""
        drawn = []
        filtered = pipeline._filtered
        monkeypatch.setattr(
            pipeline, "_filtered", lambda *given: drawn.append(given[5]) or filtered(*given)
        )
        state = run(picture, [(track, happy)] * (60 + after))[-1].state
        lit = drawn[-1].skin_bgr.mean()
        dark = (picture * 0.1).astype(np.uint8)
        for index in range(30):
            frame = Frame(dark, 99 + index, 2.1 + index * FRAME_S)
            state = pipeline.looked(process(frame, track, happy, state).state)
        since = [light.skin_bgr.mean() / lit for light in drawn[-30:]]
        assert 0.05 < min(since) <= max(since) < 0.12

    def test_a_hand_is_no_lamp_that_goes_out(self, picture, track, happy) -> None:
        state = run(picture, [(track, happy)] * 30)[-1].state
        covered = picture.copy()
        left, right = np.sort(track.landmarks_px[[50, 280], 0].astype(int))
        covered[:, : (left + right) // 2] = 20
        assert not lighting.has_darkened(state.light, covered, track)
        assert not lighting.has_darkened(state.light, (picture * 0.8).astype(np.uint8), track)
        assert lighting.has_darkened(state.light, (picture * 0.4).astype(np.uint8), track)

    def test_a_clock_that_goes_back_does_no_harm(self, picture, track, happy: Effect) -> None:
        state = pipeline.initial_state()
        for index, time_s in enumerate((5.0, 5.1, 1.0, 1.0, 1.1)):
            result = process(Frame(picture, index, time_s), track, happy, state)
            state = result.state
        assert 0 < result.strength < 1

    def test_no_easing_changes_at_once(self, picture, track, happy: Effect) -> None:
        effect = replace(happy, preset=replace(happy.preset, feel=Feel(easing_s=0.0)))
        results = run(picture, [(track, effect)] * 2)
        assert results[1].strength == pytest.approx(1)

    def test_state_is_never_written_to(self, picture, track, happy: Effect) -> None:
        state = run(picture, [(track, happy)] * 5)[-1].state
        frame = Frame(picture, 5, 5 * FRAME_S)
        one = process(frame, track, happy, state)
        process(frame, NoFace("gone"), replace(happy, intensity=-1.0), state)
        other = process(frame, track, happy, state)
        np.testing.assert_array_equal(one.frame.pixels, other.frame.pixels)


def test_unknown_map_is_a_preset_error() -> None:
    with pytest.raises(PresetError, match="'hapy'"):
        load_effect(Preset("typo", {"hapy": 1.0}))


def test_damaged_map_is_a_format_error(tmp_path: Path) -> None:
    maps = presets.user_dir() / "maps"
    maps.mkdir(parents=True)
    (maps / "broken.safetensors").write_bytes(b"no map")
    with pytest.raises(FormatError, match=r"broken\.safetensors"):
        load_effect(Preset("broken", {"broken": 1.0}))


def test_effect_takes_its_intensity_from_the_preset() -> None:
    effect = load_effect(Preset("half", {"happy": 1.0}, intensity=0.5))
    assert effect.intensity == 0.5
    assert isinstance(effect.maps["happy"], pixel_map.PixelMap)
