"""Presets while live: what is loaded, what is kept, and what is gone back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from livexpr.errors import LivexprError, PresetError
from livexpr.preset_file import Preset
from livexpr.tuning import Tuning

HAPPY = Preset("happy", {"happy": 1.0})


@dataclass(frozen=True)
class Loaded:
    preset: Preset
    intensity: float
    maps: tuple[str, ...]
    damped: str | None


class Engine:
    """Loads maps, but for broken ones, and counts."""

    def __init__(self) -> None:
        self.loads: list[str] = []

    def load_effect(self, preset: Preset) -> Loaded:
        if "broken" in preset.mix:
            raise PresetError("the map 'broken' is broken")
        self.loads.append(preset.name)
        damped = "all" if preset.damping else None
        return Loaded(preset, preset.intensity, tuple(sorted(preset.mix)), damped)


class Files:
    """Presets on a disk of its own."""

    def __init__(self) -> None:
        self.folder = Path("/presets")
        self.there = {name: Preset(name, {name: 1.0}) for name in ("happy", "sad", "broken")}

    def available_presets(self) -> list[str]:
        return sorted(self.there)

    def load_preset(self, name: str) -> Preset:
        return self.there[Path(name).stem]

    def user_presets_dir(self) -> Path:
        return self.folder

    def save_preset(self, preset: Preset, path: Path) -> None:
        self.there[path.stem] = preset

    def say(self, line: str) -> None:
        pass


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def tuning(files) -> Tuning:
    return Tuning(HAPPY, files)


@pytest.mark.parametrize(("verb", "value"), [("mix", "sad=0.5"), ("damping", "0.5")])
def test_what_was_changed_and_saved_at_once_is_loaded(tuning, engine, verb, value):
    tuning.effect(engine, 1.0)
    tuning.adjust(verb, value)
    tuning.save(0.7, "mine")
    shown = tuning.effect(engine, 0.7)
    assert shown.preset.name == "mine"
    assert set(shown.maps) == set(shown.preset.mix)
    assert (shown.damped is not None) == bool(shown.preset.damping)


def test_what_is_saved_as_it_was_shown_is_not_loaded_again(tuning, engine):
    tuning.effect(engine, 1.0)
    tuning.save(0.7, "mine")
    assert tuning.effect(engine, 0.7).preset.name == "mine"
    assert engine.loads == ["happy"]


def test_stepping_away_and_back_finds_what_was_saved(files, engine):
    mine = Preset("mine", {"happy": 1.0}, intensity=0.5, file=files.folder / "mine.toml")
    files.there["mine"] = mine
    tuning = Tuning(mine, files)
    tuning.effect(engine, 0.5)
    tuning.save(0.8, "mine")
    tuning.step(1)
    tuning.step(-1)
    assert tuning.preset.intensity == 0.8
    files.there["mine"] = replace(tuning.preset, intensity=0.3)
    assert tuning.reload("mine")
    tuning.step(1)
    tuning.step(-1)
    assert tuning.preset.intensity == 0.3


def test_nothing_is_saved_under_a_name_that_other_systems_take_for_that_of_another(tuning, files):
    files.there["Happy-2"] = HAPPY
    with pytest.raises(LivexprError, match="'sad' already"):
        tuning.save(1.0, "Sad")
    assert tuning.save(1.0).stem == "happy-3"


def test_a_broken_preset_is_left_for_the_one_that_was_shown_last(tuning, engine):
    for name in ("happy", "sad", "happy"):
        tuning.take(name)
        tuning.effect(engine, 1.0)
    tuning.take("broken")
    with pytest.raises(LivexprError, match="broken"):
        tuning.effect(engine, 1.0)
    tuning.leave()
    assert tuning.preset.name == "happy"


def test_a_map_that_was_made_anew_is_loaded_again_wherever_it_is_mixed(files, engine):
    files.there["combo"] = Preset("combo", {"happy": 0.5, "sad": 0.5})
    tuning = Tuning(files.there["combo"], files)
    tuning.effect(engine, 1.0)
    assert tuning.reload("/maps/happy.safetensors")
    tuning.take("happy")
    tuning.effect(engine, 1.0)
    tuning.take("combo")
    tuning.effect(engine, 1.0)
    tuning.effect(engine, 1.0)
    assert engine.loads == ["combo", "happy", "combo"]
