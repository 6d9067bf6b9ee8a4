"""Personal maps as presets of their user."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr import pipeline, pixel_map, presets
from livexpr.errors import PresetError
from livexpr.teaching import keeping
from livexpr.teaching.personal_map import fit
from tests.teaching.made_up_looks import REST, look_of

SMILE = pixel_map.load(presets.map_path("happy")).offset_cm


@pytest.fixture
def fitted() -> pixel_map.PixelMap:
    return fit([look_of()], [look_of(REST + SMILE)], None)


def test_what_is_kept_is_a_preset_at_once(fitted):
    keeping.check_name("my-smile", force=False)
    path = keeping.keep("my-smile", fitted)
    assert path.parent == presets.user_dir()
    assert "my-smile" in presets.available()
    effect = pipeline.load_effect(presets.load("my-smile"))
    assert effect.preset.mix == {"my-smile": 1.0}
    kept = effect.maps["my-smile"]
    np.testing.assert_allclose(kept.offset_cm, fitted.offset_cm, atol=2e-3)
    assert "taught on" in effect.preset.description
    # No unfinished file stays behind.
    assert not [p.name for p in presets.user_dir().rglob("*") if p.name.startswith(".livexpr")]


def test_nothing_is_replaced_unasked(fitted):
    keeping.keep("mine", fitted)
    with pytest.raises(PresetError, match=r"already.*--force"):
        keeping.check_name("mine", force=False)
    keeping.check_name("mine", force=True)
    keeping.keep("mine", fitted)


@pytest.mark.parametrize("name", ["happy", "Happy", "brows-up", "calm"])
def test_what_is_shipped_keeps_its_name(name: str):
    with pytest.raises(PresetError, match=f"shipped.*my-{name}"):
        keeping.check_name(name, force=True)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "a/b", "ü", "x" * 61, "x\n"])
def test_odd_names_are_refused(name: str):
    with pytest.raises(PresetError, match="expected letters, digits"):
        keeping.check_name(name, force=True)


def test_names_that_windows_keeps_to_itself_are_refused():
    with pytest.raises(PresetError, match="Windows keeps"):
        keeping.check_name("con", force=True)


def test_a_folder_that_cannot_be_written_is_told(fitted):
    presets.user_dir().parent.mkdir(parents=True, exist_ok=True)
    presets.user_dir().write_text("no folder")
    with pytest.raises(PresetError, match="cannot write the map"):
        keeping.keep("mine", fitted)
