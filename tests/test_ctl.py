"""`livexpr ctl`: a running filter asked by other programs of the same user, and by nobody else."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Client, Listener
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livexpr import channel, ctl_command, pipe_channel, unix_channel
from livexpr.channel import ChannelError
from livexpr.commands import VERBS, Answer, Command, Inbox
from livexpr.ctl_server import CtlServer
from livexpr.runtime import run
from livexpr.settings import Settings
from tests.made_up_world import HAPPY, LIMIT_S, World, wait_until
from tests.test_cli import call

STATUS = {"preset": "happy", "on": True, "intensity": 0.5, "mix": {"happy": 1.0}, "ready": True}
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets")


class AnsweringInbox(Inbox):
    """Carries out at once, in the thread that asks."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Command] = []
        self.answer: Answer | None = Answer(True, "done", STATUS)
        self.full = False

    def post(self, command: Command) -> bool:
        self.posted.append(command)
        if self.answer is not None and command.answer is not None:
            command.answer(self.answer)
        return not self.full


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def inbox() -> AnsweringInbox:
    return AnsweringInbox()


@pytest.fixture
def server(inbox, said):
    opened = CtlServer(inbox, said.append)
    yield opened
    opened.close()


@pytest.fixture(params=["unix", "pipe"])
def transport(request, monkeypatch, tmp_path_factory) -> str:
    """Both transports; for Windows's, sockets stand in for the pipes that are not here."""
    if request.param == "pipe":
        folder = tmp_path_factory.mktemp("pipes")

        def path(address: str) -> str:
            assert address.startswith("\\\\.\\pipe\\livexpr-")
            return str(folder / address.rpartition("\\")[2])

        def listen(address: str) -> Listener:
            try:
                return Listener(path(address), family="AF_UNIX")
            except OSError:
                raise PermissionError(5, "Access is denied") from None

        monkeypatch.setattr(sys, "platform", "win32")
        monkeypatch.setattr(pipe_channel, "open_listener", listen)
        monkeypatch.setattr(
            pipe_channel, "call", lambda address, wait_s: Client(path(address), family="AF_UNIX")
        )
    elif sys.platform == "win32":
        pytest.skip("Unix sockets")
    return str(request.param)


@pytest.mark.usefixtures("transport")
def test_a_command_arrives_and_its_answer_comes_back(server, inbox):
    answer = channel.ask(["intensity", "+0.1"])
    assert answer == {"ok": True, "text": "done", "status": STATUS}
    assert [(one.verb, one.value) for one in inbox.posted] == [("intensity", "+0.1")]
    assert channel.ask(["preset", "my", "face"])["ok"]
    assert inbox.posted[-1].value == "my face"


@pytest.mark.usefixtures("transport")
def test_what_is_wrong_comes_back_as_one_line(server, inbox):
    assert "did you mean 'off'" in channel.ask(["of"])["text"]
    inbox.answer = Answer(False, "there is no preset 'x'", STATUS)
    assert channel.ask(["preset", "x"])["ok"] is False
    inbox.full = True
    assert "wait already" in channel.ask(["on"])["text"]


@pytest.mark.usefixtures("transport")
def test_several_filters_have_numbers(server, inbox, said):
    second_inbox = AnsweringInbox()
    second = CtlServer(second_inbox, said.append)
    assert (server.number, second.number) == (1, 2)
    assert len(said) == 1
    assert "`livexpr ctl --filter 2`" in said[0]
    channel.ask(["off"], 2)
    channel.ask(["on"])
    assert [one.verb for one in inbox.posted] == ["on"]
    assert [one.verb for one in second_inbox.posted] == ["off"]
    server.close()
    channel.ask(["next"])
    assert [one.verb for one in second_inbox.posted] == ["off", "next"]
    second.close()
    second.close()
    with pytest.raises(ChannelError, match="no filter is running: start one with `livexpr run`"):
        channel.ask(["on"])
    again = CtlServer(inbox, said.append)
    assert again.number == 1
    again.close()


@pytest.mark.usefixtures("transport")
def test_without_a_filter_it_is_one_line_and_exit_code_1():
    done = call("ctl", "toggle")
    assert done.exit_code == 1
    assert done.stderr == "livexpr: no filter is running: start one with `livexpr run`\n"
    assert "of number 3" in call("ctl", "--filter", "3", "on").stderr


@pytest.mark.usefixtures("server")
@unix_only
def test_folder_and_socket_are_the_users_alone():
    folder = unix_channel.folder()
    (path,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.is_socket()


@unix_only
def test_a_folder_that_was_open_to_others_is_closed_to_them(inbox, said):
    unix_channel.folder().mkdir(parents=True, mode=0o755)
    unix_channel.folder().chmod(0o755)
    server = CtlServer(inbox, said.append)
    assert unix_channel.folder().stat().st_mode & 0o777 == 0o700
    server.close()


@unix_only
def test_a_folder_of_somebody_else_is_not_used(inbox, said, monkeypatch):
    unix_channel.folder().mkdir(parents=True)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(ChannelError, match="is not a folder of yours"):
        CtlServer(inbox, said.append)


@unix_only
def test_a_folder_that_is_a_link_is_not_used(inbox, said, tmp_path):
    unix_channel.folder().parent.mkdir(parents=True)
    unix_channel.folder().symlink_to(tmp_path)
    with pytest.raises(ChannelError, match="is not a folder of yours"):
        CtlServer(inbox, said.append)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who calls")
def test_another_user_is_not_heard_and_not_asked(server, inbox, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(ChannelError, match="belongs to another user"):
        channel.ask(["quit"])
    assert inbox.posted == []


@unix_only
def test_the_socket_of_a_filter_that_was_killed_is_replaced(inbox, said):
    folder = unix_channel.folder()
    folder.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(folder / "filter-1.sock"))
    with pytest.raises(ChannelError, match="no filter is running"):
        channel.ask(["on"])
    server = CtlServer(inbox, said.append)
    assert server.number == 1
    assert channel.ask(["on"])["ok"]
    server.close()
    assert list(folder.iterdir()) == []


@unix_only
def test_a_path_too_long_for_a_socket_is_said(inbox, said, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("long" * 40)))
    with pytest.raises(ChannelError, match="cannot reach this filter"):
        CtlServer(inbox, said.append)


@unix_only
def test_without_the_variable_it_is_the_platforms_folder(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert unix_channel.folder().name == "livexpr"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert unix_channel.folder().is_absolute()


@contextlib.contextmanager
def knocking(times: int = 1) -> Iterator[list[socket.socket]]:
    """Call, and say nothing yet."""
    with contextlib.ExitStack() as open_ones:
        callers = []
        for _ in range(times):
            caller = open_ones.enter_context(socket.socket(socket.AF_UNIX))
            caller.settimeout(LIMIT_S)
            caller.connect(str(unix_channel.folder() / "filter-1.sock"))
            callers.append(caller)
        yield callers


@unix_only
def test_who_says_nothing_holds_up_nobody(server, inbox, monkeypatch):
    monkeypatch.setattr("livexpr.ctl_server._LINE_S", 0.2)
    with knocking(5) as silent:
        assert channel.ask(["on"])["ok"]
        for caller in silent:
            assert caller.recv(10) == b"", "it is hung up"
    assert channel.ask(["off"])["ok"]


@unix_only
def test_too_many_at_once_are_hung_up(server, monkeypatch):
    monkeypatch.setattr("livexpr.ctl_server._LINE_S", LIMIT_S)
    with knocking(20) as callers:
        for caller in callers[8:]:
            with contextlib.suppress(ConnectionResetError):
                assert caller.recv(10) == b""
        assert len(server._talking) == 8
    wait_until(lambda: not server._talking, "all to have gone")
    assert channel.ask(["on"])["ok"]


@unix_only
def test_lines_have_a_limit(server, inbox):
    with knocking() as (caller,), contextlib.suppress(BrokenPipeError, ConnectionResetError):
        caller.sendall(b"preset " + b"x" * 1_000_000)
        assert caller.recv(10) == b""
    assert inbox.posted == []
    with pytest.raises(ChannelError, match="at most"):
        channel.ask(["preset", "x" * 5000])
    assert channel.ask(["on"])["ok"]


@unix_only
@pytest.mark.usefixtures("server")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_command_or_are_refused(content):
    with knocking() as (caller,):
        caller.sendall(content)
        caller.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: caller.recv(4096), b""))
    if answer:
        assert isinstance(json.loads(answer)["ok"], bool)


@unix_only
def test_an_answer_that_does_not_come_is_said(server, inbox, monkeypatch):
    monkeypatch.setattr("livexpr.ctl_server._ANSWER_S", 0.05)
    inbox.answer = None
    assert "the filter is busy: 'freeze' is done as soon" in channel.ask(["freeze"])["text"]


@unix_only
@pytest.mark.parametrize("reply", [b"nonsense\n", b"[]\n", b"{}\n", b""])
def test_what_does_not_answer_as_it_should_is_said(reply):
    folder = unix_channel.folder()
    folder.mkdir(parents=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "filter-1.sock"))
        other.listen()

        def answer() -> None:
            connected, _ = other.accept()
            connected.recv(100)
            connected.sendall(reply)
            connected.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ChannelError, match=r"does not answer|no livexpr of this version"):
            channel.ask(["status"])
        thread.join(LIMIT_S)


@pytest.mark.usefixtures("server")
@unix_only
def test_the_command_line(inbox):
    assert call("ctl", "intensity", "-0.1").stdout == "done\n"
    assert inbox.posted[-1].value == "-0.1"
    assert json.loads(call("ctl", "status", "--json").stdout) == STATUS
    shown = call("ctl", "status").stdout
    assert "preset     happy" in shown
    assert "intensity  0.5" in shown
    inbox.answer = Answer(False, "there is no preset 'x'", STATUS)
    refused = call("ctl", "preset", "x")
    assert (refused.exit_code, refused.stderr) == (1, "livexpr: there is no preset 'x'\n")


@pytest.mark.usefixtures("server")
@unix_only
@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["preset", "mine.toml"], "{folder}/mine.toml"),
        (["preset", "./mine.toml"], "{folder}/mine.toml"),
        (["preset", "warm"], "warm"),
        (["preset", "none.toml"], "none.toml"),
        (["reload", "mine.toml"], "{folder}/mine.toml"),
        (["source", "my  talk.mp4"], "{folder}/my  talk.mp4"),
        (["source", "./demo"], "{folder}/demo"),
        (["source", "demo"], "demo"),
        (["source", "0"], "0"),
        (["mix", "own.safetensors=0.5"], "{folder}/own.safetensors=0.5"),
        (["mix", "warm=0.5"], "warm=0.5"),
        (["save", "mine.toml"], "mine.toml"),
    ],
)
def test_files_are_those_of_the_callers_folder(inbox, monkeypatch, tmp_path, words, value):
    for name in ("mine.toml", "warm", "my  talk.mp4", "demo", "0", "own.safetensors"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert call("ctl", *words).exit_code == 0
    assert inbox.posted[-1].value == value.format(folder=tmp_path)


@pytest.mark.parametrize("words", [["of"], ["intensity"], ["freeze", "maybe"], ["--jsn", "on"]])
def test_wrong_words_are_wrong_usage(words):
    done = call("ctl", *words)
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_help_names_every_command():
    for words in (["ctl"], ["ctl", "--help"]):
        done = call(*words)
        assert done.exit_code == 0
        for verb in VERBS:
            assert f" {verb.name} " in done.stdout
            assert verb.meaning in done.stdout


def test_status_is_told_whatever_is_missing():
    assert ctl_command.status_lines({}) == [
        "filter     off",
        "mix        nothing",
        "face       none",
    ]
    shown = ctl_command.status_lines({"ready": False, "frozen": True, "damping": 0.5})
    assert shown[0] == "filter     off, still starting"
    failed = ctl_command.status_lines({"on": True, "ready": False, "error": "no such map"})
    assert failed[0] == "filter     on, but unfiltered: no such map"
    assert "picture    frozen" in shown
    assert "damping    0.5" in shown


def test_it_needs_nothing_that_is_slow_to_load():
    heavy = ["numpy", "cv2", "tomlkit", "mediapipe", "numba", "safetensors", "watchfiles", "av"]
    code = (
        "import sys\nfrom livexpr import cli\n"
        "try: cli.main(['ctl', 'status'])\nexcept SystemExit: pass\n"
        f"sys.exit(str([name for name in {heavy!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"


class ReachedWorld(World):
    """A made-up world with the real channel."""

    def _open_companions(self, settings, inbox, say, **more):
        self.inbox = inbox
        return [CtlServer(inbox, say)]


@pytest.mark.usefixtures("transport")
def test_a_running_filter_is_steered_to_its_end():
    world = ReachedWorld()
    ended = threading.Thread(
        target=lambda: run(
            Settings(source="fake", outputs=("null",), preset=HAPPY), edges=world.edges()
        )
    )
    ended.start()
    wait_until(lambda: world.inbox is not None, "the filter")
    answers: list[dict] = []

    def asked(*words: str) -> bool:
        with contextlib.suppress(ChannelError):
            answers.append(channel.ask(words))
            return bool(answers[-1]["ok"])
        return False

    wait_until(lambda: asked("status"), "an answer")
    assert answers[-1]["status"]["preset"] == "happy"
    assert asked("intensity", "0.25")
    assert answers[-1]["text"] == "intensity 0.25"
    assert asked("off")
    assert answers[-1]["status"]["on"] is False
    assert not asked("preset", "nowhere")
    assert "no preset 'nowhere'" in answers[-1]["text"]
    assert asked("quit"), "the last answer still arrives"
    ended.join(LIMIT_S)
    assert not ended.is_alive()
    with pytest.raises(ChannelError):
        channel.ask(["status"])


def test_pipes_are_of_windows():
    if sys.platform != "win32":
        with pytest.raises(OSError, match="Windows"):
            pipe_channel.call("x", 0.1)


def test_this_folder_is_private_to_the_test():
    assert "pytest" in str(unix_channel.folder())
    assert not Path(unix_channel.folder() / "filter-1.sock").exists()
