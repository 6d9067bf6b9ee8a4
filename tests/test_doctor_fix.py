"""doctor --fix: what is done, in which order, after which question; nothing of it is run here."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from livexpr import cli, doctor, doctor_command, doctor_desktop, doctor_fix, doctor_linux
from livexpr.doctor_fix import Hands
from livexpr.machine import Finding, Machine
from livexpr.remedy import Do, Tell, Write

MODULE_FILE, OPTIONS_FILE = doctor_linux.KEEP
LOAD, UNLOAD = doctor_linux.LOAD, doctor_linux.UNLOAD
INSTALL = doctor_linux.INSTALL_MODULE["debian"].on("6.1")
MISSING = Finding.mended_by("virtual camera", "gone", INSTALL, LOAD, *doctor_linux.KEEP)


@dataclass
class Recorder:
    """Answers questions, and keeps what would be run."""

    answers: list[bool] | None = None
    codes: dict[str, int] = field(default_factory=dict)
    programs: tuple[str, ...] = ("sudo",)
    ran: list[tuple[str, str | None]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def run(self, argv, fed):
        self.ran.append((shlex.join(argv), fed))
        return next((code for word, code in self.codes.items() if word in argv), 0)

    def ask(self, question):
        assert self.answers, f"asked too often; said so far: {self.said}"
        return self.answers.pop(0)

    def fix(self, *found, root: Path, is_root=False):
        hands = Hands(
            None if self.answers is None else self.ask,
            self.said.append,
            self.run,
            lambda name: f"/usr/bin/{name}" if name in self.programs else None,
            is_root,
            root,
        )
        return doctor_fix.fix(found, hands)


def test_with_consent_everything_is_done_in_order(tmp_path):
    hands = Recorder([True] * 4)
    assert hands.fix(MISSING, root=tmp_path)
    assert hands.ran == [
        ("sudo apt install v4l2loopback-dkms linux-headers-6.1", None),
        (LOAD.text, None),
        (
            "sudo install -D -m 644 /dev/stdin /etc/modules-load.d/v4l2loopback.conf",
            "v4l2loopback\n",
        ),
        (
            "sudo install -D -m 644 /dev/stdin /etc/modprobe.d/v4l2loopback.conf",
            "options v4l2loopback devices=1 video_nr=10 card_label=livexpr exclusive_caps=1\n",
        ),
    ]


def test_each_command_and_all_that_is_written_is_shown_before_it_is_asked_for(tmp_path):
    shown_at = []
    hands = Recorder([True] * 4)
    ask = hands.ask
    hands.ask = lambda question: shown_at.append("\n".join(hands.said)) or ask(question)
    hands.fix(MISSING, root=tmp_path)
    for shown, (command, fed) in zip(shown_at, hands.ran, strict=True):
        assert shown.endswith(f"  {command}")
        assert fed is None or f"    {fed.strip()}\n" in shown


def test_after_a_refusal_the_rest_of_that_finding_is_left_but_not_the_next(tmp_path):
    hands = Recorder([True, False, True])
    second = Finding.mended_by("webcam", "locked", Do(("usermod", "you"), root=True))
    hands.fix(MISSING, second, root=tmp_path)
    assert [command for command, _ in hands.ran] == [INSTALL.text, "sudo usermod you"]
    assert "  left as it is" in hands.said


def test_after_a_failure_too(tmp_path):
    hands = Recorder([True] * 2, codes={"modprobe": 1})
    assert not hands.fix(Finding.mended_by("x", "y", LOAD, *doctor_linux.KEEP), root=tmp_path)
    assert len(hands.ran) == 1
    assert "failed with exit code 1" in hands.said[-1]
    hands = Recorder([True], codes={"modprobe": -1})
    hands.fix(Finding.mended_by("x", "y", LOAD), root=tmp_path, is_root=True)
    assert "modprobe cannot be started" in hands.said[-1]


def test_without_questions_the_package_manager_asks_none_either(tmp_path):
    hands = Recorder()
    hands.fix(MISSING, root=tmp_path)
    assert hands.ran[0][0].endswith("linux-headers-6.1 --yes")


@pytest.mark.parametrize("manager", ["debian", "fedora", "arch", "suse"])
def test_every_package_manager_can_be_kept_from_asking(manager):
    for steps in (doctor_linux.INSTALL_MODULE, doctor_linux.INSTALL_LIBRARIES):
        assert len(steps[manager].unattended) == 1


def test_winget_too_can_be_kept_from_asking(tmp_path):
    hands = Recorder()
    machine = Machine(registry_has=lambda key: False)
    hands.fix(doctor_desktop.check_windows_virtual_camera(machine), root=tmp_path)
    ((command, _),) = hands.ran
    assert command.startswith("winget install OBSProject.OBSStudio ")
    assert {"--accept-source-agreements", "--accept-package-agreements"} <= set(command.split())


def test_the_administrator_needs_no_sudo(tmp_path):
    hands = Recorder()
    hands.fix(Finding.mended_by("x", "y", UNLOAD, MODULE_FILE), root=tmp_path, is_root=True)
    assert hands.ran == [
        ("modprobe -r v4l2loopback", None),
        ("install -D -m 644 /dev/stdin /etc/modules-load.d/v4l2loopback.conf", "v4l2loopback\n"),
    ]


@pytest.mark.parametrize(("programs", "first"), [(("pkexec",), "pkexec"), ((), None)])
def test_pkexec_where_there_is_no_sudo(tmp_path, programs, first):
    hands = Recorder(programs=programs)
    assert hands.fix(Finding.mended_by("x", "y", LOAD), root=tmp_path) is (first is not None)
    if first is None:
        assert hands.ran == []
        assert "neither sudo nor pkexec" in hands.said[-1]
        assert LOAD.text in hands.said[-1]
    else:
        assert hands.ran[0][0].startswith("pkexec modprobe ")


def test_what_is_there_already_is_not_written_and_not_asked_for(tmp_path):
    path = tmp_path / MODULE_FILE.path.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text("v4l2loopback\n")
    hands = Recorder([])
    hands.fix(Finding.mended_by("x", "y", MODULE_FILE), root=tmp_path)
    assert hands.ran == []
    assert "as it should be" in hands.said[-1]


def test_a_file_of_somebody_elses_is_shown_and_without_questions_left(tmp_path):
    path = tmp_path / OPTIONS_FILE.path.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text("options v4l2loopback video_nr=7\n")
    finding = Finding.mended_by("x", "y", OPTIONS_FILE)
    asked = Recorder([True])
    asked.fix(finding, root=tmp_path)
    assert "    in place of: options v4l2loopback video_nr=7" in asked.said
    assert len(asked.ran) == 1
    unasked = Recorder()
    unasked.fix(finding, root=tmp_path)
    assert unasked.ran == []
    assert "not livexpr's" in unasked.said[-1]


@pytest.mark.parametrize("answers", [None, []])
def test_a_file_that_cannot_be_read_is_left(tmp_path, monkeypatch, answers):
    def refuse(path, **_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    hands = Recorder(answers)
    hands.fix(Finding.mended_by("x", "y", OPTIONS_FILE), root=tmp_path)
    assert hands.ran == []
    assert "cannot be read (Permission denied)" in hands.said[-1]


def test_keys_of_secure_boot_are_only_told_of(tmp_path):
    told = doctor_linux.TRUST_MODULE["debian"]
    assert isinstance(told, Tell)
    hands = Recorder([True])
    hands.fix(Finding.mended_by("x", "y", told, LOAD), root=tmp_path)
    assert [command for command, _ in hands.ran] == [LOAD.text]
    assert any("mokutil --import" in line for line in hands.said)


def test_packages_go_into_the_python_in_use(tmp_path):
    hands = Recorder()
    hands.fix(Finding.mended_by("x", "y", Do(("pip", "install", "a<2"))), root=tmp_path)
    assert hands.ran[0][0] == shlex.join([sys.executable, "-m", "pip", "install", "a<2"])


def test_nothing_is_done_about_what_is_well(tmp_path):
    assert not Recorder([]).fix(Finding("a", "ok", "b"), Finding("c", "warn", "d"), root=tmp_path)


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_a_step_is_told_as_a_shell_reads_it(words):
    assert shlex.split(Do(tuple(words), root=True).text) == ["sudo", *words]


@given(st.text())
def test_a_file_is_told_as_a_shell_reads_it(line):
    words = shlex.split(Write("/etc/x.conf", line).text)
    assert words == ["echo", line, "|", "sudo", "tee", "/etc/x.conf"]


def test_a_program_is_run_with_its_input_and_a_missing_one_is_no_crash():
    check = "import sys; sys.exit(sys.stdin.read() != 'a line\\n')"
    assert doctor_fix.run_program([sys.executable, "-c", check], "a line\n") == 0
    assert doctor_fix.run_program([sys.executable, "-c", "raise SystemExit(3)"], None) == 3
    assert doctor_fix.run_program(["no-such-program-here"], None) == -1


@pytest.mark.parametrize(
    ("typed", "yes"), [("y\n", True), ("YES\n", True), ("\n", False), ("", False), ("no\n", False)]
)
def test_only_yes_is_yes(monkeypatch, typed, yes):
    def answer(prompt):
        if not typed:
            raise EOFError
        return typed.rstrip("\n")

    monkeypatch.setattr("builtins.input", answer)
    assert doctor_fix.ask_in_terminal("?") is yes


class TestCommandLine:
    @pytest.fixture
    def fixed(self, monkeypatch):
        """What was asked to be mended, on a machine that lacks something until it is."""
        asked = []

        def fix(found, hands):
            asked.append((list(found), hands))
            return True

        monkeypatch.setattr(doctor_fix, "fix", fix)
        monkeypatch.setattr(
            doctor, "findings", lambda: [Finding("all", "ok", "well")] if asked else [MISSING]
        )
        return asked

    def test_without_a_terminal_nothing_is_done(self, fixed):
        result = CliRunner().invoke(cli.app, ["doctor", "--fix"])
        assert fixed == []
        assert "--yes does it all" in result.output
        assert LOAD.text in " ".join(result.output.split())

    def test_yes_asks_nothing_and_looks_again(self, fixed):
        result = CliRunner().invoke(cli.app, ["doctor", "--fix", "--yes"])
        assert (result.exit_code, len(fixed)) == (0, 1)
        assert fixed[0][1].ask is None
        assert "What is so now" in result.output
        assert "well" in result.output

    def test_in_a_terminal_it_asks(self, fixed, monkeypatch):
        monkeypatch.setattr(doctor_fix, "has_terminal", lambda: True)
        CliRunner().invoke(cli.app, ["doctor", "--fix"])
        assert fixed[0][1].ask is doctor_fix.ask_in_terminal

    def test_yes_alone_is_wrong_usage(self, fixed):
        result = CliRunner().invoke(cli.app, ["doctor", "--yes"])
        assert result.exit_code == 2
        assert fixed == []

    def test_it_is_offered(self):
        assert "--fix" in doctor_command.EPILOG


def test_every_step_of_a_bare_linux_can_be_carried_out(tmp_path):
    """Nothing that the checks hand on is of a kind that the hands do not know."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    machine = Machine(
        system="Linux",
        kernel="6.1",
        root=tmp_path,
        environ={"USER": "ada"},
        output_of=lambda command: "SecureBoot enabled",
        loads=lambda name: False,
        nodes=list,
    )
    hands = Recorder()
    hands.fix(*doctor_linux.check_linux(machine), root=tmp_path)
    assert [command.split()[1] for command, _ in hands.ran] == [
        *("apt", "apt", "modprobe", "install", "install")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the command of Linux")
def test_what_is_written_arrives_whole_and_makes_its_folder(tmp_path):
    target = tmp_path / "etc" / "modprobe.d" / "a b.conf"
    hands = Hands(None, lambda line: None, is_root=True, root=tmp_path)
    line = "options v4l2loopback card_label='it is'"
    assert doctor_fix.fix([Finding.mended_by("x", "y", Write(str(target), line))], hands)
    assert target.read_text() == f"{line}\n"
    assert target.stat().st_mode & 0o777 == 0o644
