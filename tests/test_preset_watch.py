"""The preset that is shown follows its file."""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from livexpr import presets
from livexpr.commands import Inbox
from livexpr.edges import Edges
from livexpr.errors import PresetError
from livexpr.preset_watch import PresetWatch
from livexpr.presets import Preset
from livexpr.tuning import Tuning
from tests.made_up_world import FakeEngine, wait_until


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def watch(inbox, said):
    opened = PresetWatch(inbox, said.append)
    yield opened
    opened.close()
    assert not opened._thread.is_alive()
    opened.close()


def put(name: str, text: str) -> Path:
    path = presets.user_dir() / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")  # as editors do
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
    return path


def show(watch: PresetWatch, file: Path | None) -> None:
    watch.saw(SimpleNamespace(preset=Preset("mine", {}, file=file)))  # type: ignore[arg-type]


def next_reload(inbox: Inbox, change) -> str:
    """Change files, again until it is noticed: watching begins a moment after showing."""
    taken = []

    def noticed() -> bool:
        change()
        threading.Event().wait(0.2)
        taken.extend(inbox.take())
        return bool(taken)

    wait_until(noticed, "a change to be noticed")
    assert {command.verb for command in taken} == {"reload"}
    (value,) = {command.value for command in taken}
    return value


def test_a_change_of_the_file_that_is_shown_is_noticed(watch, inbox):
    path = put("mine", "intensity = 1")
    show(watch, path)
    assert next_reload(inbox, lambda: put("mine", "intensity = 0.5")) == str(path)


def test_what_is_shown_next_is_watched_wherever_it_is(watch, inbox, tmp_path):
    put("mine", "intensity = 1")
    show(watch, presets.user_dir() / "mine.toml")
    other = tmp_path / "other.toml"
    other.write_text("", encoding="utf-8")
    show(watch, other)

    def change() -> None:
        put("mine", "intensity = 0")
        other.write_text("intensity = 1", encoding="utf-8")

    while next_reload(inbox, change) != str(other):  # it may take a moment to follow
        pass


def test_a_map_of_ones_own_is_noticed(watch, inbox):
    path = put("mine", "intensity = 1")
    (path.parent / "maps").mkdir()
    show(watch, path)
    own = path.parent / "maps" / "wide.safetensors"
    assert next_reload(inbox, lambda: own.write_bytes(b"")) == str(own)


def test_a_folder_of_maps_that_comes_later_is_noticed_with_what_is_in_it(watch, inbox):
    path = put("mine", "intensity = 1")
    show(watch, path)
    assert next_reload(inbox, lambda: put("mine", "intensity = 0.5")) == str(path)
    inbox.take()  # it is watched from here on
    own = path.parent / "maps" / "wide.safetensors"
    own.parent.mkdir()
    own.write_bytes(b"")

    def noticed() -> bool:
        return any(command.value == str(own) for command in inbox.take())

    wait_until(noticed, "the map that came with its folder")
    assert next_reload(inbox, lambda: own.write_bytes(b"")) == str(own)


def test_a_link_follows_what_it_leads_to(watch, inbox, tmp_path):
    target = tmp_path / "kept elsewhere.toml"
    target.touch()
    presets.user_dir().mkdir(parents=True)
    path = presets.user_dir() / "mine.toml"
    path.symlink_to(target)
    show(watch, path)
    assert next_reload(inbox, lambda: target.write_text("intensity = 0.5")) == str(path)


def test_a_map_of_ones_own_is_noticed_wherever_the_preset_is(watch, inbox, tmp_path):
    own = presets.user_dir() / "maps" / "wide.safetensors"
    own.parent.mkdir(parents=True)
    path = tmp_path / "mine.toml"
    path.touch()
    show(watch, path)
    assert next_reload(inbox, lambda: own.write_bytes(b"")) == str(own)


def test_a_folder_that_comes_later_is_watched(watch, inbox):
    path = presets.user_dir() / "mine.toml"
    show(watch, path)
    assert next_reload(inbox, lambda: put("mine", "intensity = 1")) == str(path)


def test_nothing_is_watched_that_came_from_no_file(watch, inbox):
    show(watch, None)
    put("mine", "")
    assert inbox.take() == []


def test_what_cannot_be_watched_is_said_once(watch, inbox, said, monkeypatch):
    def fail(*_, **__):
        raise OSError("no space left for watches")

    monkeypatch.setattr("watchfiles.watch", fail)
    show(watch, put("mine", ""))
    wait_until(lambda: said, "what is said")
    assert said == ["changes of preset files are not noticed: no space left for watches"]


@pytest.fixture
def tuning() -> Tuning:
    put("mine", "# mine\nintensity = 0.5 # half\n[mix]\nhappy = 1\n")
    return Tuning(presets.load("mine"), Edges())


def test_a_changed_file_is_taken_over(tuning):
    path = put("mine", "[mix]\nsad = 1")
    assert tuning.reload(str(path))
    assert (tuning.preset.name, tuning.preset.mix) == ("mine", {"sad": 1.0})
    assert not tuning.reload(str(path)), "nothing has changed since"
    assert not tuning.reload(str(put("other", "")))
    assert not tuning.reload("other")


def test_a_broken_edit_keeps_what_is_shown_and_says_the_line(tuning):
    path = put("mine", "\nintensity = 7")
    with pytest.raises(PresetError, match=r"from -1 to 2.*mine\.toml.*line 2"):
        tuning.reload(str(path))
    assert tuning.preset.mix == {"happy": 1.0}


def test_a_preset_of_a_file_follows_it(tmp_path):
    path = tmp_path / "face.toml"
    path.write_text('name = "My face"', encoding="utf-8")
    tuning = Tuning(presets.load(str(path)), Edges())
    path.write_text('name = "My face"\nmix.sad = 1', encoding="utf-8")
    assert tuning.reload(str(path))
    assert (tuning.preset.name, tuning.preset.mix) == ("My face", {"sad": 1.0})


def test_a_changed_map_is_loaded_again_and_a_broken_one_is_tried_once(tuning):
    engine = FakeEngine()
    tuning.effect(engine, 1.0)
    assert not tuning.reload("/maps/sad.safetensors")
    assert tuning.reload("/maps/happy.safetensors")
    tuning.effect(engine, 1.0)
    tuning.effect(engine, 1.0)
    assert len(engine.loaded) == 2
    engine.broken_presets.add("mine")
    assert tuning.reload("/maps/happy.safetensors")
    with pytest.raises(PresetError):
        tuning.effect(engine, 1.0)
    tuning.leave()
    assert tuning.effect(engine, 1.0).preset == tuning.preset


def test_saving_under_its_own_name_keeps_the_comments(tuning):
    assert tuning.adjust("mix", "happy=0.5") == "mix happy=0.5"
    path = tuning.save(0.75, "mine")
    assert path.read_text(encoding="utf-8") == (
        "# mine\nintensity = 0.75 # half\n[mix]\nhappy = 0.5\n"
    )
    assert tuning.preset == presets.load("mine") == replace(tuning.preset)


def test_saving_never_replaces_another(tuning):
    put("other", "intensity = 1")
    for name in ("other", "happy"):
        with pytest.raises(Exception, match="already"):
            tuning.save(1.0, name)
    with pytest.raises(PresetError, match="is no name"):
        tuning.save(1.0, "../mine")
    assert tuning.save(1.0).stem == "mine-2"
    assert tuning.preset.file == presets.user_dir() / "mine-2.toml"
    with contextlib.suppress(PresetError):
        tuning.save(0.5, "mine-2")
    assert presets.load("mine-2").intensity == 0.5
