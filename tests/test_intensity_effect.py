"""Intensity maps played live: on the face and nowhere else, eased, never mixed, never a jump."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import face_canvas, intensity_file, pipeline, presets, render
from livexpr.errors import PresetError
from livexpr.intensity_effect import painted
from livexpr.intensity_map import IntensityMap
from livexpr.pipeline import Effect, load_effect, process
from livexpr.presets import Feel, Preset
from livexpr.types import Frame, NoFace

SIZE = 128
EASING_S = 0.3
FRAME_S = 1 / 30


def darkening(align, kind="ridge", *, blendshapes=None) -> IntensityMap:
    """Return a map that takes half of the light away."""
    half = np.full((SIZE, SIZE, 1), 0.5, np.float32)
    arrays = {"gain": half, "bias": 0 * half, "shift": np.zeros((SIZE, SIZE, 2), np.int8)}
    if kind == "kernel":
        arrays = {"curve": np.linspace(0, 0.5, 4, dtype=np.float32)[:, None, None, None] + 0 * half}
    elif kind == "ridge":
        del arrays["shift"]
    width = 0.4 if kind == "kernel" else 0.0
    return IntensityMap(align, kind, arrays, False, width, blendshapes or {})


def effect_of(a_map, intensity: float = 1.0) -> Effect:
    preset = Preset("dark", {"dark": 1.0}, feel=Feel(easing_s=EASING_S))
    return Effect(preset, {"dark": a_map}, intensity)


def still(pixels, track, effect: Effect):
    return process(Frame(pixels, 0, 0.0), track, effect, pipeline.settled_state(effect))


@pytest.fixture(scope="module")
def picture(synthetic_face):
    pixels = synthetic_face.draw(synthetic_face.track())
    pixels.setflags(write=False)
    return pixels


@pytest.fixture(scope="module")
def track(synthetic_face):
    return synthetic_face.track()


def cheek(pixels, track) -> float:
    x, y = track.landmarks_px[50, :2].round().astype(int)
    return float(pixels[y - 2 : y + 3, x - 2 : x + 3].mean())


@pytest.mark.parametrize("align", ["crop", "mesh"])
class TestPlayed:
    @pytest.mark.parametrize("kind", ["ridge", "kernel", "located"])
    @pytest.mark.parametrize(
        ("amount", "factor"), [(1.0, 0.5), (0.5, 0.75), (-0.5, 1.25), (1.5, 0.25), (2.0, 0.0)]
    )
    def test_the_amount_goes_along_the_change(
        self, align, kind, amount, factor, picture, track
    ) -> None:
        result = still(picture, track, effect_of(darkening(align, kind), amount))
        assert cheek(result.frame.pixels, track) == pytest.approx(
            factor * cheek(picture, track), abs=2
        )
        assert result.strength == pytest.approx(amount)

    def test_intensity_zero_is_the_input(self, align, picture, track) -> None:
        assert still(picture, track, effect_of(darkening(align), 0.0)).frame.pixels is picture

    def test_no_amount_changes_no_bit(self, align, picture, track) -> None:
        same = painted(picture, track.landmarks_px, darkening(align), 0.0)
        np.testing.assert_array_equal(same, picture)

    def test_a_small_amount_changes_little(self, align, picture, track) -> None:
        """The coarse canvas does not show through where there is next to nothing of it."""
        hardly = painted(picture, track.landmarks_px, darkening(align), 0.004).astype(int)
        assert np.abs(hardly - picture).max() <= 1

    def test_pixels_beyond_the_canvas_are_the_cameras(self, align, picture, track) -> None:
        result = still(picture, track, effect_of(darkening(align))).frame.pixels
        ring = face_canvas.crop_layout(track.landmarks_px).picture_px
        if align == "mesh":
            ring = cv2.convexHull(track.landmarks_px[:468, :2].copy())
        inside = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(inside, [np.round(ring).astype(np.int32)], (1,))
        beyond = cv2.dilate(inside, np.ones((3, 3), np.uint8)) == 0
        assert beyond.any()
        np.testing.assert_array_equal(result[beyond], picture[beyond])

    def test_it_comes_and_goes_by_easing(self, align, picture, track) -> None:
        state, seen = pipeline.initial_state(), []
        for i in range(40):
            intensity = 1.0 if i < 20 else 0.0
            frame = Frame(picture, i, i * FRAME_S)
            result = process(frame, track, effect_of(darkening(align), intensity), state)
            state = result.state
            seen.append(cheek(result.frame.pixels, track))
        assert seen[0] == cheek(picture, track)
        assert seen[19] < 0.55 * seen[0]
        assert seen[39] == seen[0]
        assert np.abs(np.diff(seen)).max() < 0.25 * seen[0]
        assert (np.diff(seen[:20]) <= 0).all()

    def test_a_lost_face_is_held_and_then_forgotten(self, align, picture, track) -> None:
        effect = effect_of(darkening(align))
        state, seen = pipeline.settled_state(effect), []
        for i, face in enumerate([track] * 3 + [NoFace("gone")] * 20):
            result = process(Frame(picture, i, i * FRAME_S), face, effect, state)
            state = result.state
            seen.append(cheek(result.frame.pixels, track))
        assert seen[2] < seen[3] < seen[6], "it eases out while the face is held"
        assert result.frame.pixels is picture

    def test_who_shows_it_already_is_changed_less(self, align, picture, track) -> None:
        a_map = darkening(align, blendshapes={"mouthSmileLeft": 0.5})
        track = replace(track, blendshapes=np.ones_like(track.blendshapes))
        result = still(picture, track, effect_of(a_map))
        assert 0 < result.strength < 0.3

    def test_a_preset_that_changes_gives_way_without_a_jump(self, align, picture, track) -> None:
        """Between an intensity map and a pixel map both are there for a moment."""
        happy = replace(load_effect(Preset("happy", {"happy": 1.0})), intensity=1.0)
        effects = [effect_of(darkening(align))] * 15 + [happy] * 26 + [effect_of(darkening(align))]
        state, seen = pipeline.settled_state(effects[0]), []
        for i, effect in enumerate(effects):
            result = process(Frame(picture, i, i * FRAME_S), track, effect, state)
            state = result.state
            seen.append(result.frame.pixels.astype(int))
        steps = [np.abs(b - a).mean() for a, b in pairwise(seen)]
        whole = np.abs(seen[0] - seen[40]).mean()
        assert max(steps) < 0.5 * whole
        gone = still(picture, track, happy).frame.pixels
        np.testing.assert_allclose(seen[40], gone, atol=2)

    @given(
        x=st.floats(-300, 300),
        y=st.floats(-300, 300),
        scale=st.floats(0.5, 40),
        amount=st.floats(-1, 2),
    )
    def test_any_face_anywhere_is_painted(
        self, align, picture, synthetic_face, x, y, scale, amount
    ) -> None:
        landmarks = synthetic_face.track(px_per_cm=scale).landmarks_px + np.float32([x, y, 0])
        result = painted(picture, landmarks, darkening(align), amount)
        assert result.shape == picture.shape
        assert result.dtype == np.uint8


def test_regions_weigh_a_mesh_map(picture, track) -> None:
    weights = np.ones(468, np.float32)
    weights[
        [50, *np.argsort(np.hypot(*(track.landmarks_px[:468] - track.landmarks_px[50]).T[:2]))[:40]]
    ] = 0
    spared = painted(picture, track.landmarks_px, darkening("mesh"), 1.0, weights)
    whole = painted(picture, track.landmarks_px, darkening("mesh"), 1.0)
    assert cheek(spared, track) == pytest.approx(cheek(picture, track), abs=1)
    x, y = track.landmarks_px[280, :2].round().astype(int)
    np.testing.assert_array_equal(spared[y, x], whole[y, x])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for align in ("crop", "mesh"):
        intensity_file.save(darkening(align), tmp_path / f"{align}.safetensors")
    return tmp_path


class TestLoaded:
    def test_by_name_from_the_users_folder(self, picture, track) -> None:
        folder = presets.user_dir() / "maps"
        folder.mkdir(parents=True)
        intensity_file.save(darkening("crop"), folder / "dark.safetensors")
        effect = load_effect(presets.parse("mix.dark = 1", "x"))
        assert cheek(still(picture, track, effect).frame.pixels, track) == pytest.approx(
            cheek(picture, track) / 2, abs=2
        )

    def test_by_its_file(self, files: Path) -> None:
        preset = presets.from_map_file(files / "crop.safetensors")
        assert preset.name == "crop"
        assert isinstance(*load_effect(preset).maps.values(), IntensityMap)

    def test_such_a_preset_can_be_saved_and_loaded(self, files: Path, tmp_path: Path) -> None:
        preset = presets.from_map_file(files / "mesh.safetensors")
        presets.save(preset, tmp_path / "saved.toml")
        assert load_effect(presets.load(str(tmp_path / "saved.toml"))).preset.mix == preset.mix

    def test_files_that_are_none_are_refused(self, files: Path) -> None:
        with pytest.raises(PresetError, match="there is no file"):
            presets.from_map_file(files / "nowhere.safetensors")
        with pytest.raises(PresetError, match=r"ends in \.safetensors"):
            presets.from_map_file(files / "nowhere.toml")

    @pytest.mark.parametrize("others", [("happy",), ("mesh",), ("mesh", "happy")])
    def test_it_is_not_mixed(self, files: Path, others) -> None:
        names = {"mesh": str(files / "mesh.safetensors"), "happy": "happy"}
        crop = str(files / "crop.safetensors")
        preset = Preset("both", {crop: 1.0, **{names[other]: 0.5 for other in others}})
        with pytest.raises(PresetError, match="cannot be mixed") as caught:
            load_effect(preset)
        assert "\n" not in str(caught.value)

    def test_a_photograph_is_rendered_with_it(self, files: Path, astronaut, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "in.png"), astronaut)
        preset = presets.from_map_file(files / "crop.safetensors")
        assert render.render(tmp_path / "in.png", tmp_path / "out.png", preset, compare=False) == 0
        rendered = cv2.imread(str(tmp_path / "out.png"))
        assert rendered[100:130, 205:235].mean() < 0.6 * astronaut[100:130, 205:235].mean()
        np.testing.assert_array_equal(rendered[300:], astronaut[300:])
