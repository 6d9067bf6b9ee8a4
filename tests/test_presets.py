"""Presets: found, checked, saved; what is wrong is said with file, key and line."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr import pipeline, pixel_map, presets
from livexpr.errors import PresetError
from livexpr.presets import Feel, Preset, RegionWeights


def refused(text: str) -> str:
    """Return what is said of a wrong preset."""
    with pytest.raises(PresetError) as caught:
        presets.parse(text, "mine.toml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def put(name: str, text: str) -> Path:
    """Make a preset of the user's own."""
    path = presets.user_dir() / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", presets.expressions())
def test_shipped_presets_load_with_their_maps(name):
    preset = presets.load(name)
    assert preset.name == name
    assert preset.description
    assert set(pipeline.load_effect(preset).maps) == set(preset.mix)


def test_what_is_shipped():
    assert {"happy", "neutral", "off"} <= set(presets.expressions())
    assert presets.load("happy").mix == {"happy": 1.0}
    assert (presets.load("off").mix, presets.load("off").damping) == ({}, 0.0)
    assert presets.load("neutral").mix == {}
    assert presets.load("neutral").damping > 0.5


def test_every_shipped_map_is_a_map():
    assert presets.known_maps()
    for name in presets.known_maps():
        assert pixel_map.load(presets.map_path(name)) is not None


def test_only_a_mix_is_needed():
    preset = presets.parse("[mix]\nhappy = 1\n", "folder/mine.toml")
    assert preset == Preset("mine", {"happy": 1.0})
    assert isinstance(preset.mix["happy"], float)


def test_everything_can_be_given():
    text = """
    name = "Calm"
    description = "A  little\\n  smile."
    intensity = -0.5
    damping = 0.25
    mix = { happy = 2 }
    [regions]
    brows = 0
    mouth = 2.0
    [feel]
    smoothing = 1
    easing_s = 5
    """
    expected = Preset(
        "Calm",
        {"happy": 2.0},
        -0.5,
        RegionWeights(brows=0.0, mouth=2.0),
        Feel(1.0, 5.0),
        "A little smile.",
        0.25,
    )
    assert presets.parse(text, "x") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("intensty = 1", ["'intensty'", "did you mean 'intensity'?", "mine.toml", "line 1"]),
        ("\n[mix]\nhapy = 1", ["map 'hapy'", "did you mean 'happy'?", "mix.hapy", "line 3"]),
        ("[regions]\nmouht = 1", ["did you mean 'mouth'?", "regions.mouht", "line 2"]),
        ("feel.smothing = 1", ["'smoothing'", "feel.smothing", "line 1"]),
        ("intensity = 2.5", ["from -1 to 2", "2.5", "intensity", "line 1"]),
        ("damping = 1.5", ["from 0 to 1", "1.5", "damping", "line 1"]),
        ("damping = -0.1", ["from 0 to 1", "-0.1", "damping"]),
        ("[mix]\nhappy = -1.1", ["from -1 to 2", "-1.1", "mix.happy", "line 2"]),
        ("mix = { happy = 3 }", ["from -1 to 2", "mix.happy", "line 1"]),
        ("[regions]\neyes = -0.1", ["from 0 to 2", "regions.eyes"]),
        ("[feel]\nsmoothing = 1.1", ["from 0 to 1", "feel.smoothing"]),
        ("[feel]\neasing_s = 6", ["from 0 to 5", "feel.easing_s"]),
        ("[mix]\nhappy = nan", ["from -1 to 2", "nan"]),
        ("intensity = inf", ["from -1 to 2", "inf"]),
        ("intensity = true", ["a number from -1 to 2", "got true"]),
        ("intensity = '1'", ["a number from -1 to 2", "got the text '1'"]),
        ("intensity = [1]", ["a number from -1 to 2", "got a list"]),
        ("intensity = 2020-01-01", ["got a date or time"]),
        ("mix = 1", ["expected a table, [mix]", "got a number"]),
        ("name = 1", ["expected a text in quotes", "got a number"]),
        ("[mix]\nhappy ==", ["not TOML", "mine.toml", "line 2", "column"]),
        ("a = 1\na = 2", ["not TOML", "mine.toml"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, said):
    message = refused(text)
    for part in said:
        assert part in message
    assert message.rstrip(")0123456789").endswith((", line ", ", column ", "mine.toml"))


@given(st.text(max_size=60))
def test_any_text_is_a_preset_or_is_refused(text):
    with contextlib.suppress(PresetError):
        assert -1 <= presets.parse(text, "any").intensity <= 2


AMOUNTS = st.floats(-1, 2)
WEIGHTS = st.floats(0, 2)


@given(
    preset=st.builds(
        Preset,
        name=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
        mix=st.dictionaries(st.sampled_from(presets.known_maps()), AMOUNTS),
        intensity=AMOUNTS,
        regions=st.builds(RegionWeights, WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS),
        feel=st.builds(Feel, st.floats(0, 1), st.floats(0, 5)),
        description=st.text(st.sampled_from('ab"\\#é')),
        damping=st.floats(0, 1),
    )
)
def test_saved_is_loaded_again(tmp_path_factory, preset):
    path = tmp_path_factory.mktemp("saved") / "one.toml"
    presets.save(preset, path)
    assert presets.load(str(path)) == preset
    assert [each.name for each in path.parent.iterdir()] == ["one.toml"]


def test_saving_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "mine.toml"
    presets.save(Preset("one", {}), path)
    presets.save(Preset("two", {"happy": 0.5}), path)
    assert presets.load(str(path)).name == "two"


def test_nothing_wrong_is_saved(tmp_path):
    path = tmp_path / "mine.toml"
    presets.save(Preset("good", {}), path)
    with pytest.raises(PresetError, match=r"from -1 to 2.*intensity"):
        presets.save(Preset("bad", {}, intensity=3.0), path)
    assert presets.load(str(path)).name == "good"


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PresetError, match="cannot write the preset"):
        presets.save(Preset("one", {}), tmp_path / "file" / "mine.toml")


def test_own_presets_are_found_and_go_first():
    assert "mine" not in presets.available()
    put("mine", "[mix]\nhappy = 0.25")
    put("happy", "[mix]\nhappy = 0.5")
    assert presets.available() == sorted({*presets.expressions(), "mine"})
    assert presets.load("mine").mix == {"happy": 0.25}
    assert presets.load("happy").mix == {"happy": 0.5}
    # An expression is always the shipped one.
    assert presets.from_expressions(["happy"]).mix == {"happy": 1.0}


def test_what_would_be_taken_for_a_path_is_no_name():
    put("mine.toml", "")
    own = presets.user_dir() / "maps" / "wide.safetensors.safetensors"
    own.parent.mkdir()
    own.touch()
    assert presets.available() == presets.expressions()
    assert presets.known_maps() == presets.shipped_maps()


def test_a_preset_is_called_what_it_is_asked_for():
    path = put("mine", "name = 'Another'")
    assert presets.load("mine").name == "mine"
    assert presets.load(str(path)).name == "Another"


def test_own_maps_can_be_mixed():
    with pytest.raises(PresetError, match="no map 'wide'"):
        presets.map_path("wide")
    folder = presets.user_dir() / "maps"
    folder.mkdir(parents=True)
    own = folder / "wide.safetensors"
    own.write_bytes(presets.map_path("happy").read_bytes())
    assert presets.map_path("wide") == own
    assert set(pipeline.load_effect(presets.parse("mix.wide = 1", "x")).maps) == {"wide"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hapy", "no preset 'hapy': did you mean 'happy'?"),
        ("xyz", "no preset 'xyz': expected 'angry'"),
        ("none.toml", "no file none.toml"),
        ("../presets/happy", "no preset"),
        ("", "no preset ''"),
    ],
)
def test_unknown_presets(name, said):
    with pytest.raises(PresetError) as caught:
        presets.load(name)
    assert said in str(caught.value)


def test_unreadable_presets(tmp_path):
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(PresetError, match="is a folder"):
        presets.load(str(folder))
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'name = "caf\xe9"')
    with pytest.raises(PresetError, match="UTF-8"):
        presets.load(str(latin))


@pytest.mark.parametrize("name", ["../maps/happy", "/etc/passwd", ""])
def test_a_map_name_is_no_path(name):
    with pytest.raises(PresetError, match="no map"):
        presets.map_path(name)


def test_one_expression_is_its_preset():
    shipped = presets.load("happy")
    assert presets.from_expressions(["happy"]) == shipped
    assert presets.from_expressions(["happy=0.5"]) == replace(
        shipped, name="happy=0.5", mix={"happy": 0.5}
    )


def test_several_expressions_add_up():
    preset = presets.from_expressions(["happy=0.5", "off", "happy=0.25"])
    assert preset.mix == {"happy": 0.75}
    assert preset.name == "happy=0.5 + off + happy=0.25"
    assert preset.intensity == 1.0
    assert preset.damping == 0.0


def test_damping_adds_up_to_the_whole():
    once = presets.load("neutral").damping
    half = presets.from_expressions(["happy", "neutral=0.5"])
    assert (half.mix, half.damping) == ({"happy": 1.0}, pytest.approx(once / 2))
    assert presets.from_expressions(["neutral", "neutral"]).damping == 1.0
    assert presets.from_expressions(["neutral=-1"]).damping == 0.0


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (["hapy"], "no expression 'hapy': did you mean 'happy'?"),
        (["happy=2.1"], "from -1 to 2"),
        (["happy=nan"], "from -1 to 2"),
        (["happy="], "from -1 to 2"),
        (["happy=much"], "'much'"),
        (["happy=2", "happy=1"], "add up to 3 of 'happy'"),
        ([], "no expression given"),
    ],
)
def test_wrong_expressions(chosen, said):
    with pytest.raises(PresetError) as caught:
        presets.from_expressions(chosen)
    assert said in str(caught.value)
