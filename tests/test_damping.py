"""A poker face: what shows is taken back, what does not is left alone, and nothing jumps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from livexpr import damping, pipeline, presets
from livexpr.blendshapes import BLENDSHAPE_NAMES, resting_level
from livexpr.damping import DampedMaps, shares_shown, taken_back_cm
from livexpr.effect import Effect, FilterState, initial_state, load_effect, settled_state
from livexpr.errors import PresetError
from livexpr.preset_file import Preset, RegionWeights
from livexpr.types import FaceTrack, Frame, NoFace

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "clips"
FRAME_S = 1 / 30
MAPS = list(damping._KNOWN_BY)
RESTING = np.array([resting_level(name) for name in BLENDSHAPE_NAMES], np.float32)
SMILE = {"mouthSmileLeft": 0.85, "mouthSmileRight": 0.85}
LAUGH = {**SMILE, "mouthUpperUpLeft": 0.45, "mouthUpperUpRight": 0.45}
CORNERS = [61, 291]

blendshapes = st.lists(st.floats(0, 1), min_size=52, max_size=52).map(
    lambda values: np.array(values, np.float32)
)


@pytest.fixture(scope="module")
def damped() -> DampedMaps:
    return damping.load()


@pytest.fixture(scope="module")
def poker_face() -> Effect:
    pipeline.warm_up()
    return load_effect(presets.load("neutral"))


@pytest.fixture(scope="module")
def picture(synthetic_face) -> NDArray[np.uint8]:
    pixels = synthetic_face.draw(synthetic_face.track())
    pixels.setflags(write=False)
    return pixels


def showing(**values: float) -> NDArray[np.float32]:
    shown = np.zeros(52, np.float32)
    for name, value in values.items():
        shown[BLENDSHAPE_NAMES.index(name)] = value
    return shown


def shares_of(damped: DampedMaps, **values: float) -> dict[str, float]:
    return dict(zip(MAPS, shares_shown(showing(**values), damped).tolist(), strict=True))


def smiling(synthetic_face, **values: float) -> FaceTrack:
    return replace(synthetic_face.track(), blendshapes=showing(**(values or LAUGH)))


def with_damping(effect: Effect, part: float) -> Effect:
    return replace(effect, preset=replace(effect.preset, damping=part))


def corners_fall(track: FaceTrack, effect: Effect) -> float:
    """Return by how much the corners of the mouth go down, px, by the displacement asked for."""
    state = pipeline.process(
        Frame(np.zeros((240, 240, 3), np.uint8), 0, 0.0), track, effect, settled_state(effect)
    ).state
    taken = taken_back_cm(state.damped, state.damped_shares, state.damping * state.presence)
    return 0.0 if taken is None else float(-taken[CORNERS, 1].mean())


class TestShares:
    @given(shown=blendshapes)
    def test_least_squares_within_bounds(self, damped: DampedMaps, shown) -> None:
        """Against SciPy's bounded least squares; the ridge is rows of its own there."""
        gram = np.linalg.inv(damped.inverse.astype(np.float64))
        whole = damped.whole.astype(np.float64)
        ridge = np.diag(np.sqrt(np.maximum(np.diag(gram - whole.T @ whole), 0)))
        excess = np.maximum(shown - damping._SILENT, 0)
        exact = lsq_linear(
            np.vstack([whole, ridge]), np.append(excess, np.zeros(len(ridge))), (0, 1.2)
        ).x
        found = shares_shown(shown, damped)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, atol=0.06)

    @given(part=blendshapes)
    def test_faces_at_rest_show_nothing(self, damped: DampedMaps, part) -> None:
        assert not shares_shown(part * RESTING, damped).any()

    @pytest.mark.parametrize(
        "said",
        [
            {"jawOpen": 1.0, "mouthLowerDownLeft": 0.6, "mouthLowerDownRight": 0.6},
            {"mouthFunnel": 0.9, "mouthPucker": 1.0, "mouthClose": 0.4, "mouthRollUpper": 0.6},
            {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0, "eyeLookDownLeft": 0.9},
        ],
    )
    def test_speech_and_blinks_are_no_expression(self, damped: DampedMaps, said) -> None:
        assert not shares_shown(showing(**said), damped).any()

    def test_expressions_are_told_apart(self, damped: DampedMaps) -> None:
        laugh, smile = shares_of(damped, **LAUGH), shares_of(damped, **SMILE)
        assert laugh["happy"] == pytest.approx(1.05, abs=0.15)
        assert max(laugh[name] for name in MAPS if name != "happy") < 0.2
        assert smile["warm"] > 0.8
        assert max(smile[name] for name in MAPS if name != "warm") < 0.25
        brows = shares_of(damped, browInnerUp=0.9, browOuterUpLeft=0.9, browOuterUpRight=0.9)
        assert brows["brows-up"] > 1
        assert sum(brows.values()) == pytest.approx(brows["brows-up"])

    def test_left_is_the_subjects_left(self, damped: DampedMaps) -> None:
        shares = shares_of(damped, mouthSmileLeft=0.75)
        assert shares["smile-left"] > 0.5
        assert shares["smile-right"] == 0
        offset = dict(zip(MAPS, damped.offset_cm.reshape(-1, 468, 3), strict=True))["smile-left"]
        assert offset[291, 1] > 2 * abs(offset[61, 1]), "x to the subject's left"

    @given(shown=blendshapes, other=blendshapes, step=st.floats(0, 0.05))
    def test_continuous(self, damped: DampedMaps, shown, other, step: float) -> None:
        near = np.clip(shown + np.float32(step) * (other - shown), 0, 1)
        jump = np.abs(shares_shown(near, damped) - shares_shown(shown, damped)).max()
        assert jump <= 6 * np.abs(near - shown).max() + 1e-5


class TestWhatIsTakenBack:
    def test_nothing_of_nothing(self, damped: DampedMaps) -> None:
        shares = shares_shown(showing(**LAUGH), damped)
        assert taken_back_cm(None, shares, 1.0) is None
        assert taken_back_cm(damped, None, 1.0) is None
        assert taken_back_cm(damped, np.zeros_like(shares), 1.0) is None
        assert taken_back_cm(damped, shares, 0.0) is None

    @given(shown=blendshapes, amount=st.floats(-1, 1))
    def test_proportional(self, damped: DampedMaps, shown, amount: float) -> None:
        shares = shares_shown(shown, damped)
        whole, part = taken_back_cm(damped, shares, 1.0), taken_back_cm(damped, shares, amount)
        if part is not None:
            assert whole is not None
            assert part.shape == (468, 3)
            assert part.dtype == np.float32
            np.testing.assert_allclose(part, np.float32(amount) * whole, atol=1e-5)

    def test_the_more_damping_the_less_smile(self, synthetic_face, poker_face: Effect) -> None:
        track = smiling(synthetic_face)
        parts = np.linspace(0, 1, 9)
        fall = [corners_fall(track, with_damping(poker_face, part)) for part in parts]
        assert fall[0] == 0
        assert (np.diff(fall) > 0).all()
        assert fall[-1] > 0.4, "cm"

    def test_intensity_scales_it_to_the_whole(self, synthetic_face, poker_face: Effect) -> None:
        track = smiling(synthetic_face)
        fall = {
            intensity: corners_fall(track, replace(poker_face, intensity=intensity))
            for intensity in (-1.0, 0.0, 0.5, 1.0, 2.0)
        }
        assert fall[0.0] == 0
        assert fall[0.5] == pytest.approx(fall[1.0] / 2, rel=1e-3)
        assert fall[-1.0] == pytest.approx(-fall[1.0], rel=1e-3)
        whole = corners_fall(track, with_damping(poker_face, 1.0))
        assert fall[2.0] == pytest.approx(whole, rel=1e-3), "never more than is there"


class TestPipeline:
    @settings(max_examples=25)
    @given(part=blendshapes, yaw=st.floats(-0.5, 0.5), mouth_cm=st.floats(0, 2))
    def test_who_shows_nothing_gets_the_very_input(
        self, picture, synthetic_face, poker_face: Effect, part, yaw: float, mouth_cm: float
    ) -> None:
        track = synthetic_face.track(yaw_rad=yaw, mouth_cm=mouth_cm)
        track = replace(track, blendshapes=part * RESTING)
        frame = Frame(picture, 0, 0.0)
        assert pipeline.process(frame, track, poker_face, settled_state(poker_face)).frame is frame

    def test_the_corners_of_the_mouth_come_down(
        self, picture, synthetic_face, poker_face: Effect
    ) -> None:
        track = smiling(synthetic_face)
        out = pipeline.process(Frame(picture, 0, 0.0), track, poker_face, settled_state(poker_face))
        changed = np.abs(out.frame.pixels.astype(int) - picture).max(axis=2) > 8
        x, y = track.landmarks_px[CORNERS, :2].mean(axis=0).astype(int)
        assert changed[y - 15 : y + 15, x - 35 : x + 35].mean() > 0.1
        assert out.strength == 0

    def test_only_its_region_is_damped(self, picture, synthetic_face, poker_face: Effect) -> None:
        preset = replace(poker_face.preset, regions=RegionWeights(mouth=0.0, cheeks=0.0, eyes=0.0))
        brows_only = replace(poker_face, preset=preset)
        frame, track = Frame(picture, 0, 0.0), smiling(synthetic_face)
        whole = pipeline.process(frame, track, poker_face, settled_state(poker_face))
        part = pipeline.process(frame, track, brows_only, settled_state(brows_only))
        far, near = (np.abs(r.frame.pixels.astype(int) - picture).sum() for r in (whole, part))
        assert near < 0.5 * far

    def test_nothing_jumps(self, picture, synthetic_face, poker_face: Effect) -> None:
        """The worst case: a face that smiles wholly from one frame to the next."""
        tracks = [synthetic_face.track()] * 8 + [smiling(synthetic_face)] * 30
        tracks += [synthetic_face.track()] * 30
        taken = corner_path(picture, tracks, [poker_face] * len(tracks))
        assert taken[7] == 0
        assert taken[37] > 0.3
        assert abs(taken[-1]) < 0.01
        assert max(abs(b - a) for a, b in pairwise(taken)) < 0.3 * taken[37]

    def test_changing_presets_never_jumps(self, picture, synthetic_face, poker_face) -> None:
        off = load_effect(presets.load("off"))
        effects = [poker_face] * 20 + [off] * 60 + [poker_face] * 40
        taken = corner_path(picture, [smiling(synthetic_face)] * 120, effects)
        assert taken[0] == 0, "eases in"
        assert taken[79] == 0, "and out to nothing"
        assert taken[119] == pytest.approx(taken[19], rel=0.1)
        assert max(abs(b - a) for a, b in pairwise(taken)) < 0.3 * taken[119]

    def test_a_preset_that_adds_is_not_damped_by_the_one_before(
        self, picture, synthetic_face, poker_face
    ) -> None:
        happy = load_effect(presets.load("happy"))
        effects = [poker_face] * 30 + [happy] * 90 + [poker_face] * 10
        taken = corner_path(picture, [smiling(synthetic_face)] * 130, effects)
        assert taken[29] > 0.3
        assert max(taken[100:120]) == 0, "what happy finds stays"
        assert taken[121] > 0, "and what shows is taken back again from the first frame on"

    @pytest.mark.parametrize("between", ["off", "happy"])
    def test_a_smile_of_long_ago_is_not_taken_back(
        self, picture, synthetic_face, poker_face, between: str
    ) -> None:
        other = load_effect(presets.load(between))
        tracks = [smiling(synthetic_face)] * 80 + [synthetic_face.track()] * 60
        effects = [poker_face] * 30 + [other] * 90 + [poker_face] * 20
        taken = corner_path(picture, tracks, effects)
        assert taken[29] > 0.3
        assert max(map(abs, taken[120:])) < 0.01

    def test_a_lost_face_eases_out_and_comes_back_from_nothing(
        self, picture, synthetic_face, poker_face
    ) -> None:
        smile, lost = smiling(synthetic_face), NoFace("gone")
        tracks = [smile] * 30 + [lost] * 45 + [smile] * 30
        taken = corner_path(picture, tracks, [poker_face] * 105)
        assert 0 < taken[31] < taken[29]
        assert taken[74] == 0
        assert max(abs(b - a) for a, b in pairwise(taken)) < 0.3 * taken[29]

    def test_a_damped_smile_is_not_topped_up_less(self, picture, synthetic_face) -> None:
        """Of a smile that is taken back, the preset's own has to be added whole."""
        topped = load_effect(Preset("smile", {"happy": 1.0}))
        instead = load_effect(Preset("instead", {"happy": 1.0}, damping=1.0))
        track = smiling(synthetic_face)
        frame = Frame(picture, 0, 0.0)
        strengths = [
            pipeline.process(frame, track, each, settled_state(each)).strength
            for each in (topped, instead)
        ]
        assert strengths[0] < 0.4
        assert strengths[1] == pytest.approx(1)

    def test_what_paints_the_whole_face_cannot_be_damped(self, monkeypatch) -> None:
        from livexpr import maps
        from livexpr.intensity_map import IntensityMap

        painted = object.__new__(IntensityMap)
        object.__setattr__(painted, "kind", "ridge")
        object.__setattr__(painted, "align", "crop")
        monkeypatch.setattr(maps, "load", lambda path: painted)
        with pytest.raises(PresetError, match="take the damping out of the preset 'both'"):
            load_effect(Preset("both", {"happy": 1.0}, damping=0.5))


def corner_path(picture, tracks, effects) -> list[float]:
    """Return what is taken from the corners of the mouth on every frame, cm."""
    state: FilterState = initial_state()
    path = []
    for index, (track, effect) in enumerate(zip(tracks, effects, strict=True)):
        result = pipeline.process(Frame(picture, index, index * FRAME_S), track, effect, state)
        state = result.state
        taken = taken_back_cm(state.damped, state.damped_shares, state.damping * state.presence)
        path.append(0.0 if taken is None else float(-taken[CORNERS, 1].mean()))
    return path


@pytest.mark.shared
def test_a_real_smile_shrinks_and_a_face_at_rest_stays(poker_face: Effect) -> None:
    """By the landmark model's own reading of the filtered pictures."""
    from livexpr.capture import open_source
    from livexpr.landmarks import Landmarker

    source = open_source(
        str(CLIPS / "neutral_and_smile.mp4"),
        size=None,
        fps=None,
        mirror=False,
        loop=False,
        fast=True,
    )
    state, smiles, untouched = initial_state(), [], 0
    left, right = (BLENDSHAPE_NAMES.index(f"mouthSmile{side}") for side in ("Left", "Right"))
    with Landmarker() as before, Landmarker() as after:
        while (frame := source.read()) is not None:
            frame = replace(frame, captured_at_s=frame.index * FRAME_S)
            track = before.detect(frame)
            result = pipeline.process(frame, track, poker_face, state)
            state = result.state
            untouched += result.frame is frame
            seen = after.detect(result.frame)
            assert track
            assert seen
            smiles.append([t.blendshapes[[left, right]].mean() for t in (track, seen)])
    source.close()
    real, filtered = np.array(smiles).T
    assert untouched >= 10, "at rest"
    assert real.max() > 0.85
    assert filtered[real > 0.8][10:].mean() < 0.5 * real[real > 0.8][10:].mean()
