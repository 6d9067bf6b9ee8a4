"""`livexpr presets`: presets made, changed, passed on and taken in, whoever sent them."""

from __future__ import annotations

import contextlib
import io
import sys
import zipfile
from pathlib import Path

import fastjsonschema
import pytest
import tomlkit
import typer
from hypothesis import given
from hypothesis import strategies as st

from livexpr import preset_bundle, preset_schema, presets
from livexpr.errors import PresetError
from livexpr.preset_bundle import Bundle
from livexpr.preset_file import MAX_MAPS
from livexpr.preset_template import commented_text
from tests.test_cli import call, refusal

HOME = Path(__file__).resolve().parents[1]
SCHEMA = preset_schema.schema(presets.shipped_maps())
AGREES = fastjsonschema.compile(SCHEMA)


def put(name: str, text: str) -> Path:
    path = presets.user_dir() / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own_map(name: str, like: str = "sad") -> Path:
    path = presets.user_dir() / "maps" / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(presets.map_path(like).read_bytes())
    return path


def done(*words: str) -> str:
    result = call("presets", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


# The schema


def test_the_shipped_schema_is_what_the_code_says(request):
    """`pytest tests/test_presets_command.py --regenerate-golden` writes it anew."""
    shipped = presets.builtin_dir() / preset_schema.FILE_NAME
    text = preset_schema.schema_text(presets.shipped_maps())
    if request.config.getoption("--regenerate-golden"):
        shipped.write_text(text, encoding="utf-8", newline="\n")
    assert shipped.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", presets.expressions())
def test_shipped_presets_name_it_and_keep_to_it(name):
    text = presets.find(name).read_text(encoding="utf-8")
    assert text.startswith(f"{preset_schema.DIRECTIVE}\n")
    AGREES(tomlkit.parse(text).unwrap())


NUMBERS = st.one_of(
    st.floats(-3, 7, width=16), st.integers(-3, 7), st.booleans(), st.just("1"), st.just([])
)


def tables(names: list[str]) -> st.SearchStrategy:
    return st.one_of(st.dictionaries(st.sampled_from(names), NUMBERS, max_size=3), NUMBERS)


CONTENTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(st.text("ab ", max_size=3), st.integers()),
        "description": st.one_of(st.text("ab ", max_size=3), st.booleans()),
        "intensity": NUMBERS,
        "damping": NUMBERS,
        "mix": tables([*presets.shipped_maps()[:3], "a/b.safetensors"]),
        "regions": tables(["brows", "eyes", "cheeks", "mouth", "nose"]),
        "feel": tables(["smoothing", "easing_s", "speed"]),
        "more": st.just(1),
    },
)


@given(CONTENTS)
def test_schema_and_reader_agree(content):
    try:
        presets.parse(tomlkit.dumps(content), "x")
        read = True
    except PresetError:
        read = False
    try:
        AGREES(content)
        agreed = True
    except fastjsonschema.JsonSchemaException:
        agreed = False
    assert read == agreed


@given(CONTENTS)
def test_what_is_right_in_every_table_is_right_in_the_whole(content):
    """More of what both take than chance alone would give."""
    kept = {}
    for key, value in content.items():
        with contextlib.suppress(fastjsonschema.JsonSchemaException):
            AGREES({key: value})
            kept[key] = value
    AGREES(kept)
    presets.parse(tomlkit.dumps(kept), "x")


# One's own


def test_without_a_word_they_are_listed():
    put("mine", "description = 'my own'")
    assert "my own" in done()
    assert done() == done("list")


def test_new_has_a_comment_on_everything_and_is_like_another():
    path = Path(done("new", "mine", "--like", "warm").strip())
    text = path.read_text(encoding="utf-8")
    assert text.startswith(preset_schema.DIRECTIVE)
    assert text.count("\n# ") >= 7
    warm = presets.load("warm")
    made = presets.load("mine")
    assert (made.mix, made.feel, made.damping) == (warm.mix, warm.feel, warm.damping)
    assert (path.parent / preset_schema.FILE_NAME).is_file()
    assert presets.load(done("new", "two", "-e", "sad=0.5").strip()).mix == {"sad": 0.5}


@pytest.mark.parametrize("name", presets.expressions())
def test_a_commented_preset_is_that_preset(name):
    preset = presets.load(name)
    assert presets.parse(commented_text(preset, ["a", "b"] * 99), name) == preset


def test_names_are_checked():
    for name in ("../up", "a b", "x" * 61, "CON", "lpt1", ""):
        assert call("presets", "new", name).exit_code == 1
    assert "already" in refusal("presets", "new", "happy", code=1)
    assert "'happy' already" in refusal("presets", "new", "Happy", code=1)
    assert "--like or --expression" in refusal(
        "presets", "new", "a", "--like", "sad", "-e", "happy"
    )
    assert not presets.user_dir().exists()


def test_a_name_that_other_systems_take_for_that_of_another_is_taken(tmp_path):
    path = put("mine", "intensity = 0.5")
    sent = tmp_path / "Mine.toml"
    sent.write_text("intensity = 1", encoding="utf-8")
    for words in (["new", "Mine"], ["import", sent]):
        assert "'mine' already" in refusal("presets", *words, code=1)
    assert [each.stem for each in presets.user_dir().glob("*.toml")] == ["mine"]
    assert path.read_text(encoding="utf-8") == "intensity = 0.5"


def test_show_prints_the_file_without_steering_the_terminal():
    put("mine", "# \x1b]0;title\x07\nintensity = 1")
    result = call("presets", "show", "mine")
    assert "intensity = 1" in result.stdout
    assert "\x1b" not in result.stdout
    assert "mine.toml" in result.stderr
    assert "did you mean" in refusal("presets", "show", "hapy", code=1)


def test_delete_asks_and_takes_only_ones_own():
    path = put("mine", "")
    unanswered = call("presets", "delete", "mine")
    assert unanswered.exit_code == 1
    assert isinstance(unanswered.exception, SystemExit)
    assert unanswered.stderr == "livexpr: there was no answer, so nothing is done\n"
    assert path.exists()
    assert "is deleted" in done("delete", "mine", "--yes")
    assert not path.exists()
    assert "not one of your own" in refusal("presets", "delete", "happy", "--yes", code=1)
    assert "no preset 'mine'" in refusal("presets", "delete", "mine", "--yes", code=1)
    assert call("presets", "delete", "../happy", "--yes").exit_code == 1


def test_ctrl_c_at_the_question_ends_it_quietly(monkeypatch):
    def interrupted(question):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise typer.Abort from None

    monkeypatch.setattr(typer, "confirm", interrupted)
    path = put("mine", "")
    ended = call("presets", "delete", "mine")
    assert (ended.exit_code, ended.stderr) == (130, "")
    assert path.exists()


def test_edit_opens_ones_own_and_checks_it(monkeypatch, tmp_path):
    path = put("mine", "intensity = 1\n")
    editor = tmp_path / "editor.py"
    editor.write_text("import sys; open(sys.argv[1], 'a').write('damping = 9')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
    assert "line 2" in refusal("presets", "edit", "mine", code=1)
    assert path.read_text(encoding="utf-8").endswith("damping = 9")
    assert "presets new NAME --like happy" in refusal("presets", "edit", "happy", code=1)
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert "no-such-editor" in refusal("presets", "edit", "mine", code=1)
    monkeypatch.setenv("VISUAL", f"{sys.executable} -c exit(3)")
    assert "ended with 3" in refusal("presets", "edit", "mine", code=1)
    monkeypatch.setenv("VISUAL", '"my editor')
    assert "VISUAL is '\"my editor'" in refusal("presets", "edit", "mine", code=1)


# On their way


def elsewhere(monkeypatch, tmp_path) -> None:
    """Another user's folders."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))


@pytest.mark.parametrize("named_by_file", [False, True])
def test_a_preset_travels_with_its_own_map(monkeypatch, tmp_path, named_by_file):
    monkeypatch.chdir(tmp_path)
    path = own_map("gloom")
    content = path.read_bytes()
    key = f'"{path}"' if named_by_file else "gloom"
    put("mine", f"# my comment\n[mix]\n{key} = 0.5 # half\nhappy = 0.25\n")
    assert done("export", "mine").strip() == "mine.zip"
    first = Path("mine.zip").read_bytes()
    assert "give --force" in refusal("presets", "export", "mine")
    done("export", "mine", "--force")
    assert Path("mine.zip").read_bytes() == first, "the same preset gives the same bytes"
    elsewhere(monkeypatch, tmp_path)
    kept = Path(done("import", "mine.zip").strip())
    assert presets.load("mine").mix == {"gloom": 0.5, "happy": 0.25}
    assert presets.map_path("gloom").read_bytes() == content
    assert "# my comment" in kept.read_text(encoding="utf-8")
    assert kept.read_text(encoding="utf-8").startswith("#:schema")
    assert "already: choose another by --name" in refusal("presets", "import", "mine.zip", code=1)
    done("import", "mine.zip", "--name", "again")
    assert presets.load("again").mix == presets.load("mine").mix, "the very same map is shared"
    assert len(list((presets.user_dir() / "maps").iterdir())) == 1


def test_a_preset_of_shipped_maps_travels_as_toml(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert done("export", "warm").strip() == "warm.toml"
    assert "ends in .toml" in refusal("presets", "export", "warm", "x.zip")
    elsewhere(monkeypatch, tmp_path)
    done("import", "warm.toml", "--name", "cosy")
    assert presets.load("cosy").mix == presets.load("warm").mix


@pytest.mark.parametrize("name", ["gloom", "happy"])
def test_a_map_whose_name_is_taken_gets_another(monkeypatch, tmp_path, name):
    own_map("gloom", like="happy" if name == "gloom" else "warm")
    bundle = Bundle(f"mix.{name} = 1", {name: presets.map_path("sad").read_bytes()})
    path = tmp_path / "b.zip"
    path.write_bytes(preset_bundle.bundle_bytes(bundle))
    done("import", path)
    assert presets.load("b").mix == {f"{name}-2": 1.0}
    assert presets.map_path(f"{name}-2").read_bytes() == bundle.maps[name]


def test_a_map_gets_another_name_than_one_that_other_systems_take_for_it(tmp_path):
    own = own_map("smile", like="happy")
    before = own.read_bytes()
    bundle = Bundle("mix.Smile = 1", {"Smile": presets.map_path("sad").read_bytes()})
    path = tmp_path / "b.zip"
    path.write_bytes(preset_bundle.bundle_bytes(bundle))
    done("import", path)
    assert presets.load("b").mix == {"Smile-2": 1.0}
    assert sorted(each.stem for each in own.parent.iterdir()) == ["Smile-2", "smile"]
    assert own.read_bytes() == before


def test_maps_whose_names_differ_in_case_only_do_not_travel_together(tmp_path):
    own_map("smile", like="happy")
    other = tmp_path / "Smile.safetensors"
    other.write_bytes(SAD)
    put("mine", f"[mix]\nsmile = 1\n'{other}' = 1\n")
    assert "two maps are called 'Smile'" in refusal("presets", "export", "mine", code=1)


def zipped(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


SAD = presets.map_path("sad").read_bytes()
PRESET = b"[mix]\ngloom = 1\n"
HOSTILE = {
    "a path out of the folder": zipped({"preset.toml": PRESET, "maps/../../x.safetensors": SAD}),
    "a whole path": zipped({"preset.toml": PRESET, "/maps/gloom.safetensors": SAD}),
    "a path of Windows": zipped({"preset.toml": PRESET, "maps\\gloom.safetensors": SAD}),
    "something else": zipped({"preset.toml": PRESET, "run.py": b""}),
    "no preset": zipped({"maps/gloom.safetensors": SAD}),
    "no map": zipped({"preset.toml": PRESET}),
    "a broken map": zipped({"preset.toml": PRESET, "maps/gloom.safetensors": SAD[:-9]}),
    "no map at all": zipped({"preset.toml": PRESET, "maps/gloom.safetensors": b"x"}),
    "a bomb": zipped(
        {"preset.toml": PRESET, "maps/gloom.safetensors": bytes(10**8)}, zipfile.ZIP_DEFLATED
    ),
    "a large map": zipped({"preset.toml": PRESET, "maps/gloom.safetensors": bytes(10**6)}),
    "a large preset": zipped({"preset.toml": b"#" * 10**5}),
    "many parts": zipped({f"maps/m{n}.safetensors": b"" for n in range(MAX_MAPS + 2)}),
    "names that differ in case only": zipped(
        {
            "preset.toml": b"[mix]\ngloom = 1\nGloom = 1\n",
            "maps/gloom.safetensors": SAD,
            "maps/Gloom.safetensors": SAD,
        }
    ),
    "a wrong preset": zipped({"preset.toml": b"intensity = 9"}),
    "no text": zipped({"preset.toml": b"\xff\xfe"}),
    "a map of a file": b"[mix]\n'/etc/x.safetensors' = 1",
    "a map of another machine": b"[mix]\n'//host/share/x.safetensors' = 1",
    "an unknown map": PRESET,
    "half a zip": zipped({"preset.toml": PRESET})[:40],
    "nothing of the kind": bytes(range(256)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_hostile_or_broken_is_refused_and_leaves_nothing(kind, tmp_path):
    path = tmp_path / "sent.zip"
    path.write_bytes(HOSTILE[kind])
    assert "\x1b" not in refusal("presets", "import", path, code=1)
    left = [each for each in presets.user_dir().rglob("*") if each.is_file()]
    assert left == []


@given(st.data())
def test_any_damage_is_refused_or_harmless(tmp_path_factory, data):
    content = bytearray(zipped({"preset.toml": PRESET, "maps/gloom.safetensors": b"x"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "sent.zip"
    path.write_bytes(bytes(content))
    with contextlib.suppress(PresetError):
        preset_bundle.read_bundle(path)


def test_what_is_not_there_is_said(tmp_path):
    assert "cannot read" in refusal("presets", "import", tmp_path / "none.zip", code=1)
    (tmp_path / "not a name.toml").write_text("")
    assert "is no name" in refusal("presets", "import", tmp_path / "not a name.toml", code=1)
