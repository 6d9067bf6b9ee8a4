"""Global hotkeys: real key presses on a real display, and honest words where there is none."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import textwrap
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from livexpr.commands import Inbox
from livexpr.errors import LivexprError
from livexpr.global_hotkeys import GlobalHotkeys, pynput_name, why_not
from livexpr.keys import KEYS

HOME = Path(__file__).resolve().parents[1]
LIMIT_S = 60.0

# Not imported here, which needs a display.
needs_pynput = pytest.mark.skipif(
    importlib.util.find_spec("pynput") is None, reason="the extra hotkeys is not installed"
)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, "Wayland"),
        ({"XDG_SESSION_TYPE": "wayland", "DISPLAY": ":0"}, "livexpr ctl"),
        ({}, "no display"),
        ({"DISPLAY": ""}, "no display"),
    ],
)
def test_where_it_cannot_work_is_said(environment, said):
    assert said in why_not("linux", environment)
    for platform in ("win32", "darwin"):
        assert why_not(platform, environment) is None


def test_where_it_may_work():
    assert why_not("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}) is None


def refusal(monkeypatch, platform: str = "linux", **display: str) -> str:
    monkeypatch.setattr(sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in display.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(LivexprError) as refused:
        GlobalHotkeys(KEYS, Inbox())
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_without_a_display(monkeypatch):
    assert "DISPLAY is not set" in refusal(monkeypatch)


def test_without_pynput(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynput", None)
    monkeypatch.setitem(sys.modules, "pynput.keyboard", None)
    assert "pip install 'livexpr[hotkeys]'" in refusal(monkeypatch, DISPLAY=":0")


@needs_pynput
def test_with_a_display_that_does_not_answer():
    code = (
        "from livexpr import global_hotkeys as g, keys, commands\n"
        "g.GlobalHotkeys(keys.KEYS, commands.Inbox())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**on_display(":987"), "PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    last = done.stderr.splitlines()[-1]
    assert "no global hotkeys: " in last
    assert ":987" in last


class FakeListener:
    IS_TRUSTED = False
    made: ClassVar[list[FakeListener]] = []

    def __init__(self, on_press, on_release):
        self.on_press, self.on_release, self.running = on_press, on_release, False
        self.made.append(self)

    def canonical(self, key):
        return key.lower()

    def start(self):
        self.running = True

    def stop(self):
        self.running = False

    def join(self, timeout=None):
        pass

    def press(self, *keys):
        for key in keys:
            self.on_press(key)
        for key in reversed(keys):
            self.on_release(key)


class FakeHotKey:
    """As pynput's: acts once all keys are down."""

    def __init__(self, keys, on_activate):
        self.keys, self.down, self.on_activate = set(keys), set(), on_activate

    @staticmethod
    def parse(text):
        if "<nothing>" in text:
            raise ValueError(text)
        return [part.strip("<>") for part in text.split("+")]

    def press(self, key):
        self.down |= {key} & self.keys
        if self.down == self.keys:
            self.on_activate()

    def release(self, key):
        self.down -= {key}


@pytest.fixture
def fake_pynput(monkeypatch):
    keyboard = types.ModuleType("pynput.keyboard")
    keyboard.Listener, keyboard.HotKey = FakeListener, FakeHotKey
    keyboard.Key = types.SimpleNamespace(ctrl="ctrl", alt="alt", cmd="cmd")
    monkeypatch.setitem(sys.modules, "pynput.keyboard", keyboard)
    monkeypatch.setitem(sys.modules, "pynput", types.ModuleType("pynput"))
    monkeypatch.setattr(FakeListener, "made", [])


@pytest.mark.usefixtures("fake_pynput")
def test_macos_has_to_allow_it(monkeypatch):
    assert "Privacy & Security" in refusal(monkeypatch, "darwin")
    assert not FakeListener.made[0].running


@pytest.mark.usefixtures("fake_pynput")
def test_keys_post_their_commands(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    inbox = Inbox()
    hotkeys = GlobalHotkeys(KEYS.bound({"ctrl+super+k": "preset warm", "f9": "off"}), inbox)
    (listener,) = FakeListener.made
    assert listener.running
    listener.press("k")
    assert not inbox.keys_held
    listener.press("cmd", "ctrl", "K")
    listener.press("f9")
    listener.press("ctrl", "alt", "shift", "page_up")
    assert [(one.verb, one.value) for one in inbox.take()] == [
        ("preset", "warm"),
        ("off", ""),
        ("intensity", "+0.1"),
    ]
    hotkeys.close()
    assert not listener.running


@pytest.mark.usefixtures("fake_pynput")
def test_the_preview_leaves_keys_of_combinations_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    held = []
    monkeypatch.setattr(Inbox, "hold_keys", lambda _, for_s: held.append(for_s))
    GlobalHotkeys(KEYS, Inbox())
    (listener,) = FakeListener.made
    listener.press("shift", "o")
    assert held == []
    listener.press("ctrl", "shift", "o")
    assert held == [2.0, 2.0, 2.0, 0.3], "until a moment after the last modifier"


@pytest.mark.usefixtures("fake_pynput")
def test_a_modifier_that_was_let_go_on_the_lock_screen_is_not_held_for_ever(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    now_s = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    inbox = Inbox()
    GlobalHotkeys(KEYS, inbox)
    (listener,) = FakeListener.made
    listener.on_press("cmd")
    for _ in range(3):
        now_s[0] += 1.5
        listener.on_press("l")
        assert inbox.keys_held
    now_s[0] += 3.0
    listener.on_press("o")
    assert not inbox.keys_held


@pytest.mark.usefixtures("fake_pynput")
def test_a_key_that_is_not_here_is_said(monkeypatch):
    monkeypatch.setattr("livexpr.global_hotkeys.pynput_name", lambda _: "<nothing>")
    assert "<nothing> is no key here" in refusal(monkeypatch, "win32")


def on_display(name: str) -> dict[str, str]:
    hidden = ("WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XAUTHORITY")
    return {k: v for k, v in os.environ.items() if k not in hidden} | {"DISPLAY": name}


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A display of its own, with nobody at it."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(LIMIT_S)


LISTENING = """
    import sys, time
    from livexpr.commands import Inbox
    from livexpr.global_hotkeys import GlobalHotkeys
    from livexpr.keys import KEYS

    inbox = Inbox()
    bound = {"ctrl+alt+k": "preset warm", "super+1": "freeze on", "f9": "off", "f10": "quit"}
    hotkeys = GlobalHotkeys(KEYS.bound(bound), inbox)
    hotkeys._listener.wait()
    print("ready", flush=True)
    verb = ""
    while verb != "quit":
        for command in inbox.take():
            verb = command.verb
            print(verb, command.value, flush=True)
        time.sleep(0.01)
    hotkeys.close()
"""
FOCUSED = """
    from Xlib import X, display

    shown = display.Display()
    window = shown.screen().root.create_window(
        0, 0, 99, 99, 0, X.CopyFromParent, event_mask=X.KeyPressMask | X.ExposureMask
    )
    window.map()
    while True:
        event = shown.next_event()
        if event.type == X.Expose:
            window.set_input_focus(X.RevertToParent, X.CurrentTime)
            shown.sync()
            print("ready", flush=True)
        elif event.type == X.KeyPress:
            print("key", flush=True)
"""


@pytest.fixture
def programs(display) -> Iterator[list[subprocess.Popen[str]]]:
    """One that listens for hotkeys, and another program that has the focus."""
    environment = {**on_display(display), "PYTHONPATH": str(HOME)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for code in (LISTENING, FOCUSED)
    ]
    for program in started:
        assert program.stdout.readline() == "ready\n"
    yield started
    for program in started:
        program.kill()
        program.wait(LIMIT_S)
        program.stdout.close()


@needs_pynput
@pytest.mark.skipif(sys.platform != "linux", reason="an X server")
def test_real_keys_are_heard_while_another_window_has_the_focus(display, programs):
    listening, focused = programs
    pressed = [
        ("ctrl+alt+shift+o", "toggle "),
        ("ctrl+alt+shift+Prior", "intensity +0.1"),
        ("ctrl+alt+shift+Next", "intensity -0.1"),
        ("ctrl+alt+shift+n", "next "),
        ("ctrl+alt+k", "preset warm"),
        ("super+1", "freeze on"),
        ("F9", "off "),
        ("o", None),
        ("ctrl+alt+shift+o", "toggle "),
        ("F10", "quit "),
    ]
    for keys, said in pressed:
        subprocess.run(
            ["xdotool", "key", "--delay", "20", keys],
            env=on_display(display),
            check=True,
            timeout=LIMIT_S,
        )
        if said is not None:
            assert listening.stdout.readline() == f"{said}\n"
        else:
            time.sleep(0.1)  # what comes next must be the answer to the next one
        assert focused.stdout.readline() == "key\n", "whoever has the focus gets them too"
    assert listening.wait(LIMIT_S) == 0


def test_names():
    for row in KEYS.anywhere:
        for name in row.names:
            assert pynput_name(name).count("<") >= 3
    assert pynput_name("super+plus") == "<cmd>++"
