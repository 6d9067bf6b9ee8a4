"""The command line: options become Settings; what is wrong is one line and an exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

import livexpr
from livexpr import cli, presets
from livexpr.errors import CameraError, FormatError, LivexprError
from livexpr.settings import Settings

HOME = Path(__file__).resolve().parents[1]
COMMANDS = ["run", "render", "cameras", "presets", "doctor", "fit", "fit-rendered", "bench"]
COMMANDS += ["ctl", "config"]


def call(*words: str):
    """Run the program in this process."""
    return CliRunner().invoke(cli.app, [str(word) for word in words], prog_name="livexpr")


def start(*words: str, program: tuple[str, ...] = ("-m", "livexpr"), cwd: Path = HOME):
    """Run the program in a process of its own."""
    return subprocess.run(
        [sys.executable, *program, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(HOME), "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def module(monkeypatch, name: str, **functions) -> None:
    """Put a module of livexpr out of action, so that only the command line is tested."""
    stand_in = types.ModuleType(f"livexpr.{name}")
    vars(stand_in).update(functions)
    monkeypatch.setitem(sys.modules, f"livexpr.{name}", stand_in)
    monkeypatch.setattr(livexpr, name, stand_in, raising=False)


@pytest.fixture
def ran(monkeypatch) -> list[Settings]:
    """The settings of each run that was asked for; nothing is really run."""
    settings: list[Settings] = []

    def run(asked: Settings) -> int:
        settings.append(asked)
        return 0

    module(monkeypatch, "runtime", run=run)
    return settings


def settings_of(ran: list[Settings], *words: str) -> Settings:
    result = call("run", *words)
    assert result.exit_code == 0, result.output
    (settings,) = ran
    return settings


def refusal(*words: str, code: int = 2) -> str:
    """Return the one line that is said of a wrong command line."""
    result = call(*words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def test_without_options_it_is_as_settings_say(ran):
    assert settings_of(ran) == Settings()


def test_every_option_arrives(ran, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[mix]\nhappy = 0.5", encoding="utf-8")
    settings = settings_of(
        ran,
        *("--preset", own, "--intensity", "-0.5", "--source", "clip.mp4"),
        *("--output", "camera:/dev/video10,window", "--output", tmp_path / "out.mp4"),
        *("--size", "640x480", "--fps", "29.97", "--mirror", "--no-preview"),
        *("--max-frames", "3", "--loop", "--fast", "--stats", tmp_path / "stats.json"),
        *("--on-lost", "blur"),
    )
    assert settings == Settings(
        source="clip.mp4",
        outputs=("camera:/dev/video10", "window", str(tmp_path / "out.mp4")),
        size=(640, 480),
        fps=29.97,
        mirror=True,
        preview=False,
        max_frames=3,
        loop=True,
        fast=True,
        stats=tmp_path / "stats.json",
        on_lost="blur",
        preset=presets.Preset("own", {"happy": 0.5}, intensity=-0.5),
    )


@pytest.mark.parametrize(
    ("words", "mix", "intensity"),
    [
        ([], {"happy": 1.0}, 1.0),
        (["--expression", "happy"], {"happy": 1.0}, 1.0),
        (["--expression", "off"], {}, 1.0),
        (["--expression", "happy=0.5", "--expression", "off"], {"happy": 0.5}, 1.0),
        (["--expression", "happy=-1", "--intensity", "2"], {"happy": -1.0}, 2.0),
        (["--preset", "happy", "--intensity", "0"], {"happy": 1.0}, 0.0),
    ],
)
def test_what_is_shown(ran, words, mix, intensity):
    preset = settings_of(ran, *words).preset
    assert (preset.mix, preset.intensity) == (mix, intensity)


def test_a_preset_keeps_its_intensity_unless_another_is_asked_for(ran, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("intensity = 0.5", encoding="utf-8")
    assert settings_of(ran, "--preset", own).preset.intensity == 0.5
    assert call("run", "--preset", own, "--intensity", "1").exit_code == 0
    assert ran[-1].preset.intensity == 1.0


@pytest.mark.parametrize("preview", [True, False])
def test_preview(ran, preview):
    assert settings_of(ran, "--preview" if preview else "--no-preview").preview is preview


def test_outputs_are_kept_once_in_order(ran):
    settings = settings_of(
        ran, "--output", "window, null,", "--output", "window", "--output", "auto"
    )
    assert settings.outputs == ("window", "null", "auto")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--expression", "hapy"], ["--expression", "did you mean 'happy'?"]),
        (["--expression", "happy=3"], ["--expression", "'3'", "from -1 to 2"]),
        (["--expression", "happy=a"], ["--expression", "'a'", "from -1 to 2"]),
        (["--preset", "netural"], ["--preset", "did you mean 'neutral'?"]),
        (["--preset", "none.toml"], ["--preset", "no file none.toml"]),
        (["--preset", "happy", "--expression", "happy"], ["not both"]),
        (["--intensity", "2.01"], ["--intensity", "2.01", "from -1 to 2"]),
        (["--intensity", "-1.01"], ["--intensity", "from -1 to 2"]),
        (["--intensity", "nan"], ["--intensity", "from -1 to 2"]),
        (["--intensity", "much"], ["--intensity"]),
        (["--on-lost", "blurr"], ["--on-lost", "did you mean 'blur'?"]),
        (["--on-lost", "x"], ["--on-lost", "'passthrough', 'freeze' or 'blur'"]),
        (["--size", "640"], ["--size", "1280x720"]),
        (["--size", "8x8"], ["--size", "from 16 to 8192"]),
        (["--size", "99999x720"], ["--size", "from 16 to 8192"]),
        (["--fps", "0"], ["--fps", "from 1 to 240"]),
        (["--fps", "inf"], ["--fps", "from 1 to 240"]),
        (["--max-frames", "0"], ["--max-frames", "1 or more"]),
        (["--output", "windw"], ["--output", "did you mean 'window'?"]),
        (["--output", "camera:"], ["--output", "camera:DEVICE"]),
        (["--output", "film.avi"], ["--output", "film.avi", ".mp4"]),
        (["--output", "nowhere/film.mp4"], ["--output", "no folder nowhere"]),
        (["--output", ","], ["--output", "no output"]),
        (["--stats", "nowhere/stats.json"], ["--stats", "no folder nowhere"]),
        (["--stats", "."], ["--stats", "is a folder"]),
        (["--on-demand", "--output", "camera.mp4"], ["--on-demand", "nobody reads camera.mp4"]),
        (["--no-such-option"], ["--no-such-option"]),
        (["word"], ["word"]),
    ],
)
def test_a_wrong_option_is_one_line(ran, words, said):
    line = refusal("run", *words)
    assert line.startswith("livexpr run: ")
    assert "`livexpr run --help`" in line
    for part in said:
        assert part in line
    assert ran == []


def test_a_wrong_command_is_one_line():
    assert "Did you mean 'render'?" in refusal("rendr")
    assert "'IN'" in refusal("render")


def test_a_broken_preset_is_an_error_and_not_wrong_usage(ran, tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text("[mix", encoding="utf-8")
    line = refusal("run", "--preset", broken, code=1)
    assert line.startswith("livexpr: ")
    assert "line 1" in line
    assert ran == []


@pytest.mark.parametrize("error", [LivexprError, CameraError, FormatError])
def test_an_error_of_livexpr_is_one_line(monkeypatch, error):
    def fail(settings: Settings) -> int:
        raise error("the camera\nis gone")

    module(monkeypatch, "runtime", run=fail)
    assert refusal("run", code=1) == "livexpr: the camera is gone\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fail(settings: Settings) -> int:
        raise ZeroDivisionError("a bug")

    module(monkeypatch, "runtime", run=fail)
    result = call("run")
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_library_that_is_missing_is_one_line(monkeypatch):
    def fail(as_json: bool) -> int:
        raise ImportError("libGL.so.1: cannot open shared object file", name="cv2")

    module(monkeypatch, "bench", main=fail)
    line = refusal("bench", code=1)
    assert line.startswith("livexpr: libGL.so.1: cannot open shared object file; ")
    assert "`livexpr doctor`" in line


@pytest.mark.parametrize("name", ["livexpr.bench", "kernels"])
def test_a_name_that_is_missing_in_livexpr_is_a_bug(monkeypatch, name):
    def fail(as_json: bool) -> int:
        raise ImportError("cannot import name 'x'", name=name)

    module(monkeypatch, "bench", main=fail)
    assert isinstance(call("bench").exception, ImportError)


@pytest.mark.parametrize("code", [0, 1, 130, 143])
def test_the_exit_code_is_that_of_the_run(monkeypatch, code):
    module(monkeypatch, "runtime", run=lambda settings: code)
    assert call("run").exit_code == code


def test_ctrl_c(monkeypatch):
    def interrupted(settings: Settings) -> int:
        raise KeyboardInterrupt

    module(monkeypatch, "runtime", run=interrupted)
    assert call("run").exit_code == 130


def test_a_foreign_kernels_package_is_refused(monkeypatch, ran):
    def refuse() -> None:
        raise LivexprError("another package is called kernels")

    monkeypatch.setattr("livexpr.doctor_install.refuse_foreign_kernels", refuse)
    assert "another package" in refusal("run", code=1)
    assert ran == []


def test_version():
    assert call("--version").output == f"livexpr {livexpr.__version__}\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_names_every_command(words):
    result = call(*words)
    assert result.exit_code == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", result.output)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    result = call(command, "--help")
    assert result.exit_code == 0
    assert f"livexpr {command}" in result.output


def test_help_of_run_explains():
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", call("run", "--help").output).split())
    for part in ("from -1 to 2", "Where they go", "Examples", "default: auto"):
        assert part in text


def test_presets_are_listed_and_broken_ones_named():
    folder = presets.user_dir()
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text("description = 'My own.'", encoding="utf-8")
    (folder / "broken.toml").write_text("intensity = 9", encoding="utf-8")
    (folder / "mine.toml.toml").write_text("", encoding="utf-8")
    result = call("presets")
    assert result.exit_code == 0
    text = " ".join(result.output.split())
    for part in ("happy=1", "nothing", "My own.", "broken", "expected a number"):
        assert part in text


def test_a_preset_that_goes_while_they_are_listed_is_named(monkeypatch):
    monkeypatch.setattr(presets, "available", lambda: ["gone", "happy"])
    result = call("presets")
    assert result.exit_code == 0
    assert "no preset 'gone'" in " ".join(result.output.split())


def test_cameras_are_listed(monkeypatch):
    from livexpr.devices import CameraInfo

    found = [CameraInfo(2, "HD [Pro]", "/dev/video2", False), CameraInfo(10, "x", "", True)]
    monkeypatch.setattr("livexpr.devices.list_cameras", lambda: found)
    result = call("cameras")
    assert result.exit_code == 0
    for part in ("HD [Pro]", "/dev/video2", "virtual"):
        assert part in result.output


def test_no_camera_is_said(monkeypatch):
    monkeypatch.setattr("livexpr.devices.list_cameras", list)
    result = call("cameras")
    assert result.exit_code == 0
    assert "No camera" in result.output


def test_doctor(monkeypatch):
    monkeypatch.setattr("livexpr.doctor.run", lambda found: 1)
    assert call("doctor").exit_code == 1


def test_doctor_compiles_when_asked(monkeypatch):
    asked = []
    monkeypatch.setattr("livexpr.doctor.run", lambda found: 0)
    module(monkeypatch, "engine", compile_kernels=asked.append)
    assert call("doctor").exit_code == 0
    assert not asked
    assert call("doctor", "--compile").exit_code == 0
    assert len(asked) == 1


def test_bench(monkeypatch):
    asked = []
    module(monkeypatch, "bench", main=lambda as_json: asked.append(as_json) or 0)
    assert call("bench", "--json").exit_code == call("bench").exit_code == 0
    assert asked == [True, False]


def test_fit(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        "livexpr.training.photo_pairs.fit_command", lambda *a, **k: asked.append((a, k))
    )
    out = tmp_path / "happy.safetensors"
    words = ["fit", tmp_path, "--expression", "happy", "-o", out]
    assert call(*words, "--asymmetric", "--attribution", "mine").exit_code == 0
    assert asked == [
        (
            (tmp_path, "happy", out),
            {
                "symmetric": False,
                "closed_mouth": False,
                "attribution": "mine",
                "method": None,
                "processes": 1,
                "scheduler": None,
            },
        ),
    ]
    assert call(*words, "--workers", "3", "--closed-mouth").exit_code == 0
    assert asked[1][1]["processes"] == 3
    assert asked[1][1]["closed_mouth"] is True
    assert call(*words, "--scheduler", "10.0.0.2:8786").exit_code == 0
    assert asked[2][1]["scheduler"] == "10.0.0.2:8786"
    assert "a cluster has workers of its own" in refusal(
        *words, "--workers", "2", "--scheduler", "10.0.0.2:8786"
    )
    for wrong in ("0", "62", "many"):
        assert "--workers" in refusal(*words, "--workers", wrong)
    assert "no folder" in refusal("fit", tmp_path / "none", "-e", "happy", "-o", out)
    assert ".safetensors" in refusal("fit", tmp_path, "-e", "happy", "-o", tmp_path / "x.bin")
    assert "no folder" in refusal("fit", tmp_path, "-e", "happy", "-o", tmp_path / "a" / out.name)


HEAVY = ("numpy", "cv2", "numba", "mediapipe", "av", "pyvirtualcam", "rich.console", "tomlkit")


def test_the_program_starts_without_what_is_heavy():
    ask = f"import sys, livexpr.cli; print([m for m in {HEAVY} if m in sys.modules])"
    result = start(program=("-c", ask))
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_help_loads_nothing_that_is_heavy():
    """Rich is what draws the help."""
    ask = f"""
import contextlib, io, sys
from livexpr.__main__ import main
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as shown:
    main(["run", "--help"])
assert "--source" in shown.getvalue()
print([m for m in {HEAVY} if m in sys.modules and m != "rich.console"])
"""
    result = start(program=("-c", ask))
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_as_a_program(tmp_path):
    result = start("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (0, f"livexpr {livexpr.__version__}\n")


def test_run_cam_takes_the_options_of_run(tmp_path):
    result = start("--intensity", "3", program=(str(HOME / "run_cam.py"),), cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("livexpr run: ")
    assert "Traceback" not in result.stderr
    result = start("--help", program=(str(HOME / "run_cam.py"),), cwd=tmp_path)
    assert result.returncode == 0
    assert "--expression" in result.stdout


def test_run_cam_says_when_packages_are_missing(tmp_path):
    # -S: without site-packages, as a system's Python would be.
    result = start("--help", program=("-S", str(HOME / "run_cam.py")), cwd=tmp_path)
    assert result.returncode == 1
    assert "'typer' is missing" in result.stderr
    assert result.stderr.count("\n") == 1
