"""README and its companions say what is so: options, commands, presets, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
import typer.main
from typer.testing import CliRunner

from livexpr import cli, keys, presets, runtime

HOME = Path(__file__).resolve().parents[1]
README = (HOME / "README.md").read_text(encoding="utf-8")
GUIDES = {
    path.name: path.read_text(encoding="utf-8")
    for path in (HOME / "README.md", *sorted((HOME / "docs").glob("*.md")))
}
DOCUMENTS = sorted(
    path
    for path in [
        *HOME.glob("*.md"),
        *HOME.glob("docs/*.md"),
        *HOME.glob("livexpr/**/*.md"),
        *HOME.glob("presets/**/*.md"),
    ]
    if ".venv" not in path.parts
)
SET_UP_AND_RUN = (
    "python3 -m venv .venv && .venv/bin/pip install -e . "
    "&& .venv/bin/python run_cam.py --expression happy"
)
SET_UP_AND_TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"
PROGRAM = typer.main.get_command(cli.app)


def blocks(language: str, text: str = README) -> str:
    """Return the code blocks of one language, README's by default, joined."""
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.M))


def commands(command: Any, name: str = "livexpr") -> Iterator[tuple[str, Any]]:
    """Yield every command with the words that call it."""
    # Typer brings a click of its own, so commands are told apart by what they have.
    if not hasattr(command, "commands"):
        yield name, command
        return
    for word, part in command.commands.items():
        if not part.hidden:
            yield from commands(part, f"{name} {word}")


def options() -> list[str]:
    """Return every option of every command, such as ``--intensity``."""
    found = {
        option
        for _, command in commands(PROGRAM)
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        for option in [*parameter.opts, *parameter.secondary_opts]
        if option.startswith("--")
    }
    return sorted(found - {"--help"})


def written_calls() -> list[list[str]]:
    """Return the arguments of every call of livexpr in README and docs, each once."""
    calls = []
    written = "\n".join(map(_code, GUIDES.values()))
    for line in written.replace("\\\n", " ").splitlines():
        for part in line.split("&&"):
            words = shlex.split(part, comments=True)
            if words and words[0] == "livexpr":
                calls.append(words[1:])
            elif "run_cam.py" in words:
                calls.append(["run", *words[words.index("run_cam.py") + 1 :]])
    return [list(one) for one in dict.fromkeys(map(tuple, calls))]


def _code(text: str) -> str:
    """Return the bash blocks of a text, and its calls of livexpr in running text and tables."""
    inline = re.findall(r"`(livexpr [^`]+)`", text.replace("\n", " "))
    # The mere name of a command or of an option is no call, nor is one with placeholders.
    calls = [
        one
        for one in inline
        if len(one.split()) > 2
        and not one.split()[-1].startswith("--")
        and not re.search(r"…|\b[A-Z_]{2,}\b", one)
    ]
    return "\n".join([blocks("bash", text), *calls])


def parse(command: Any, words: list[str], name: str, parent: Any = None) -> None:
    """Parse a command line as the program would, without carrying it out."""
    with command.make_context(name, list(words), parent=parent) as context:
        if hasattr(command, "commands"):
            left = [*context._protected_args, *context.args]
            if not left and command.invoke_without_command:
                return
            word, chosen, arguments = command.resolve_command(context, left)
            parse(chosen, arguments, word, context)


@pytest.fixture
def files_that_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder in which the input files of README's examples are."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "talk.mp4", "calm.jpg", "smiling.jpg"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "pairs").mkdir()
    return tmp_path


def test_readme_gives_the_two_commands_word_for_word():
    assert README.count(f"\n{SET_UP_AND_RUN}\n") == 1
    assert README.count(f"\n{SET_UP_AND_TEST}\n") == 1


@pytest.mark.parametrize("option", options())
def test_every_option_is_documented(option):
    said = "\n".join(GUIDES.values())
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", said), f"neither README nor docs say {option}"


@pytest.mark.parametrize("name", [name for name, _ in commands(PROGRAM)])
def test_every_command_is_documented(name):
    assert re.search(rf"\b{name}\b", README), f"README.md does not say {name}"


def test_readme_has_examples():
    called = {words[0] for words in written_calls()}
    assert {"run", "render", "cameras", "presets", "doctor", "fit"} <= called


@pytest.mark.parametrize("words", written_calls(), ids=shlex.join)
@pytest.mark.usefixtures("files_that_are_named")
def test_every_example_parses(words):
    if "--help" in words:
        result = CliRunner().invoke(cli.app, words)
        assert result.exit_code == 0
        assert "Usage" in result.output
    else:
        parse(PROGRAM, words, "livexpr")


@pytest.mark.parametrize(
    "words", [words for words in written_calls() if words[0] == "run"], ids=shlex.join
)
@pytest.mark.usefixtures("files_that_are_named")
def test_every_example_of_run_reaches_the_filter(words, tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "user_dir", lambda: tmp_path)
    for name in ("mine", "my-smile"):
        (tmp_path / f"{name}.toml").write_text("[mix]\nhappy = 1.0\n")
    for name in ("happy.safetensors", "pixel-rr.safetensors"):
        (tmp_path / name).write_bytes((presets.map_path("happy")).read_bytes())
    reached = []
    monkeypatch.setattr(runtime, "run", lambda settings: reached.append(settings) or 0)
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.output
    assert len(reached) == ("--help" not in words)


@pytest.mark.usefixtures("files_that_are_named")
def test_an_example_with_a_wrong_option_would_not_parse():
    usage_error = typer.BadParameter.__mro__[1]
    with pytest.raises(usage_error, match="--no-such-option"):
        parse(PROGRAM, ["run", "--expression", "happy", "--no-such-option"], "livexpr")


@pytest.mark.parametrize("words", [["cameras"], ["presets"]], ids=shlex.join)
def test_cheap_examples_run(words):
    assert words in written_calls()
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("key", keys.KEYS.rows, ids=lambda key: key.command)
def test_every_hotkey_is_documented(key):
    rows = re.findall(r"^\| (.+?) \| .+? \|$", README, flags=re.M)
    shown = {key.strip("` ") for row in rows for key in row.split(", ")}
    assert set(key.shown.split()) <= shown


def test_expressions_and_presets_in_readme_exist():
    named = re.findall(r"--(?:expression|preset)[ =]([\w-]+)(?![\w./-]|\.toml)", README)
    named = [name for name in named if not name.isupper()]
    assert named
    # That one is taught in the example before it.
    assert set(named) - {"my-smile"} <= set(presets.available())


def test_shipped_presets_are_named_in_readme():
    for name in presets.available():
        assert f"`{name}`" in README


def test_preset_example_is_valid_and_shows_the_defaults():
    example = blocks("toml")
    shown = presets.parse(example, "README.md")
    shortest = presets.parse(tomlkit.dumps({"mix": {"happy": 1.0}}), "shortest")
    assert (shown.mix, shown.intensity) == (shortest.mix, shortest.intensity)
    assert (shown.regions, shown.feel) == (shortest.regions, shortest.feel)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(HOME)))
def test_links_to_files_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = document.parent / path if path else document
        assert found.exists(), f"{document.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.M)
            slugs = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
            assert anchor in slugs, f"{document.name} links to {target}"


def test_files_named_in_contributing_exist():
    text = (HOME / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:livexpr|kernels|tests|presets)/[\w./]*)`", text)
    assert named
    missing = [name for name in named if "NAME" not in name and not (HOME / name).exists()]
    assert missing == []


def test_nothing_is_left_to_do():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        assert not re.search(r"\b(TODO|FIXME|TBD|XXX)\b", text), document
