"""What differs on Windows and macOS, with the platform switched and its own modules made up."""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import platformdirs
import pytest
import pyvirtualcam
from platformdirs.macos import MacOS
from platformdirs.windows import Windows

from livexpr import (
    camera_search,
    capture,
    config,
    devices,
    display,
    editing,
    engine,
    machine,
    memory,
    output,
    presets,
    statistics,
    stopping,
    terminal,
    viewers,
    webcam,
)
from livexpr.errors import CameraError, LivexprError, VirtualCameraError
from livexpr.stopping import Stop, stopping_on_signals

ELSEWHERE = {"Windows": "win32", "Darwin": "darwin"}
BACKENDS = {
    "Windows": [cv2.CAP_DSHOW, cv2.CAP_MSMF],
    "Darwin": [cv2.CAP_AVFOUNDATION],
}


@pytest.fixture(params=sorted(ELSEWHERE))
def system(request, monkeypatch):
    """Another operating system, as Python tells of it."""
    switch(monkeypatch, request.param)
    return request.param


def switch(monkeypatch, name: str) -> None:
    """Have every module believe that it runs on another system."""
    monkeypatch.setattr("platform.system", lambda: name)
    monkeypatch.setattr(sys, "platform", ELSEWHERE[name])


# --- cameras -------------------------------------------------------------------------------


@pytest.fixture
def enumerator(monkeypatch):
    """The package that lists cameras, with two of them; what it was asked is kept."""
    module = ModuleType("cv2_enumerate_cameras")
    module.asked = []

    def enumerate_cameras(backend):
        module.asked.append(backend)
        return [
            SimpleNamespace(index=0, name="OBS Virtual Camera", path=None),
            SimpleNamespace(index=1, name="FaceTime HD Kamera", path="unique-id"),
        ]

    module.enumerate_cameras = enumerate_cameras
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", module)
    return module


@pytest.fixture
def opened(monkeypatch):
    """Which cameras were opened by which backend; the last backend in a list works."""
    tried: list[tuple[object, int]] = []

    class Capture:
        def __init__(self, device, backend):
            tried.append((device, backend))
            self.works = backend in (cv2.CAP_MSMF, cv2.CAP_AVFOUNDATION)

        def isOpened(self):
            return self.works

        def set(self, name, value):
            return True

        def get(self, name):
            return 30.0

        def grab(self):
            return True

        def retrieve(self):
            return True, np.zeros((48, 64, 3), np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(webcam.cv2, "VideoCapture", Capture)
    return tried


def test_cameras_are_listed_by_the_systems_own_way(system, enumerator):
    found = devices.list_cameras()
    assert enumerator.asked == BACKENDS[system][:1]
    assert [(one.index, one.name, one.path, one.virtual) for one in found] == [
        (0, "OBS Virtual Camera", "", True),
        (1, "FaceTime HD Kamera", "unique-id", False),
    ]


def test_without_the_package_no_camera_is_listed_and_numbers_still_work(system, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", None)
    assert devices.list_cameras() == []
    assert camera_search.find_camera("2").index == 2
    with pytest.raises(CameraError, match="no camera is plugged in"):
        camera_search.find_camera("facetime")


def test_a_camera_is_found_by_number_and_name(system, enumerator):
    assert camera_search.find_camera("1").name == "FaceTime HD Kamera"
    assert camera_search.find_camera("facetime").index == 1
    assert camera_search.find_camera("7").name == "camera 7"
    with pytest.raises(CameraError, match='did you mean "FaceTime HD Kamera"'):
        camera_search.find_camera("FaceTime HD Camera")


def test_auto_opens_the_first_real_one_by_index_and_tries_each_backend(system, enumerator, opened):
    source = capture.open_source("auto", size=None, fps=None, mirror=False, loop=False, fast=False)
    assert source.name == 'webcam "FaceTime HD Kamera" (unique-id)'
    assert opened == [(1, backend) for backend in BACKENDS[system]]
    source.close()


def test_a_camera_that_is_not_allowed_says_where_to_allow_it(system, enumerator, monkeypatch):
    closed = SimpleNamespace(isOpened=lambda: False, release=lambda: None)
    monkeypatch.setattr(webcam.cv2, "VideoCapture", lambda device, backend: closed)
    with pytest.raises(CameraError, match=r"Privacy & [sS]ecurity > Camera"):
        capture.open_source("1", size=None, fps=None, mirror=False, loop=False, fast=False)


# --- the virtual camera --------------------------------------------------------------------


@pytest.fixture
def virtual(monkeypatch):
    """pyvirtualcam, which keeps how it was asked and takes any size."""
    asked: list[dict[str, object]] = []

    class Camera:
        device = "OBS Virtual Camera"

        def __init__(self, **wanted):
            asked.append(wanted)
            self.sent = []

        def send(self, pixels):
            asked[-1]["sent"] = pixels

        def close(self):
            asked[-1]["closed"] = True

    monkeypatch.setattr(pyvirtualcam, "Camera", Camera)
    return asked


def test_obs_gets_the_size_rate_and_format_that_was_asked_for(system, virtual):
    camera = output.open_virtual_camera(None, (1281, 721), 25.0)
    camera.send(np.zeros((480, 640, 3), np.uint8))
    camera.close()
    (wanted,) = virtual
    assert wanted["backend"] == "obs"
    assert (wanted["width"], wanted["height"], wanted["fps"]) == (1280, 720, 25.0)
    assert wanted["fmt"] == pyvirtualcam.PixelFormat.BGR
    assert wanted["device"] is None
    assert wanted["sent"].shape == (720, 1280, 3)
    assert wanted["closed"]


@pytest.mark.parametrize(
    ("name", "backends"), [("Windows", ["obs", "unitycapture"]), ("Darwin", ["obs"])]
)
def test_each_backend_is_tried_and_says_why_not(monkeypatch, name, backends):
    switch(monkeypatch, name)
    tried = []

    def refuse(**wanted):
        tried.append(wanted["backend"])
        raise RuntimeError(f"'{wanted['backend']}' backend: not\ninstalled")

    monkeypatch.setattr(pyvirtualcam, "Camera", refuse)
    with pytest.raises(VirtualCameraError) as caught:
        output.open_virtual_camera(None, (64, 48), 30.0)
    assert tried == backends
    for backend in backends:
        assert f"{backend}: not installed" in str(caught.value)
    assert "Start Virtual Camera" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_camera_of_a_name_is_asked_for_by_it(system, virtual):
    output.open_virtual_camera("Unity Video Capture #2", (64, 48), 30.0)
    assert virtual[0]["device"] == "Unity Video Capture #2"


def test_who_reads_it_can_be_told_on_linux_only(system):
    with pytest.raises(VirtualCameraError, match="on Linux only"):
        viewers.Viewers("OBS Virtual Camera")


# --- folders -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Windows, MacOS])
def test_presets_and_config_lie_where_the_system_has_them(monkeypatch, tmp_path, kind):
    monkeypatch.setattr(platformdirs, "PlatformDirs", kind)
    if kind is MacOS:
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        wanted = tmp_path / "Library" / "Application Support" / "livexpr"
    else:
        monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: str(tmp_path))
        wanted = tmp_path / "livexpr"
    assert presets.user_dir() == wanted / "presets"
    assert config.path() == wanted / "config.toml"
    presets.save(presets.load("happy"), presets.user_dir() / "mine.toml")
    assert "mine" in presets.available()
    assert presets.load("mine").mix == {"happy": 1.0}


# --- threads and memory --------------------------------------------------------------------


@pytest.mark.parametrize(("counted", "usable", "share"), [(8, "8", 7), (1, "1", 1), (None, "1", 1)])
def test_processors_are_counted_without_knowing_which_may_be_used(
    system, monkeypatch, counted, usable, share
):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
    told = []
    monkeypatch.setattr(cv2, "setNumThreads", told.append)
    engine._share_processors()
    assert os.environ["NUMBA_NUM_THREADS"] == usable
    assert told == [share]
    monkeypatch.delenv("NUMBA_NUM_THREADS")


def test_what_only_linux_can_is_left_out(system, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("this is of Linux")

    monkeypatch.setattr(memory.ctypes, "CDLL", refuse)
    monkeypatch.setattr(os, "setpriority", refuse, raising=False)
    memory.keep_in_one_pool()
    memory.give_back()
    assert statistics.process_start_s() == statistics._LOADED_S
    assert display.why_no_window({}) is None


def test_the_studio_does_without_priorities(system, monkeypatch):
    stream = pytest.importorskip("livexpr.studio.stream", reason="the extra is not installed")
    monkeypatch.delattr(os, "setpriority", raising=False)
    stream.be_nice()


# --- signals -------------------------------------------------------------------------------


def test_signals_that_a_system_has_not_are_left_out(monkeypatch):
    """Windows has no SIGHUP, and SIGBREAK besides."""
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    stop, before = Stop(), signal.getsignal(signal.SIGUSR1)
    with stopping_on_signals(stop):
        signal.raise_signal(signal.SIGUSR1)
    assert stop.requested
    assert stop.signal_number == signal.SIGUSR1
    assert "SIGBREAK" in stopping._SIGNALS
    signal.signal(signal.SIGUSR1, before)


# --- keys of the terminal ------------------------------------------------------------------


class Console:
    """What ``msvcrt`` would give: a key without a character is two, and the second is put back."""

    def __init__(self, keys: list[str]) -> None:
        self.waiting = deque(keys)
        self.put_back = ""

    def kbhit(self):
        return bool(self.waiting)

    def getwch(self):
        if self.put_back:
            key, self.put_back = self.put_back, ""
            return key
        assert self.waiting, "it would wait for a key, and hold up the picture"
        key = self.waiting.popleft()
        self.put_back = key[1:]
        return key[0]

    def ungetwch(self, key):
        if self.put_back:
            raise OSError(0, "there is room for one")
        self.put_back = key


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (["n", "+"], ["n", "+"]),
        (["\xe0H", "\xe0P"], ["up", "down"]),
        (["\x00H"], ["up"]),
        (["\x1b", "q"], ["esc", "q"]),
        (["\xe0K", "o"], ["o"]),  # left has no meaning
        (["à"], ["à"]),
        (["à", "H", "\xe0H"], ["à", "H", "up"]),
        ([], []),
    ],
)
def test_keys_of_a_windows_console(monkeypatch, typed, keys):
    switch(monkeypatch, "Windows")
    monkeypatch.setattr(terminal, "msvcrt", Console(typed), raising=False)
    monkeypatch.setattr(os, "isatty", lambda descriptor: True)
    with terminal.TerminalKeys(SimpleNamespace(fileno=lambda: 0)) as console:
        assert console.usable
        assert console.read() == keys
        assert console.read() == []


# --- the registry and the editor -----------------------------------------------------------


def test_the_registry_is_asked_on_windows(monkeypatch):
    class Key:
        def Close(self):
            pass

    def open_key(root, key):
        if key != "there":
            raise FileNotFoundError(key)
        return Key()

    winreg = SimpleNamespace(HKEY_CLASSES_ROOT=1, OpenKey=open_key)
    monkeypatch.setitem(sys.modules, "winreg", winreg)
    switch(monkeypatch, "Windows")
    assert machine.registry_has("there")
    assert not machine.registry_has("not there")
    switch(monkeypatch, "Darwin")
    assert not machine.registry_has("there")


def test_the_editor_is_the_systems(system, monkeypatch):
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(editing.shutil, "which", lambda name: None)
    wanted = {"Windows": ["notepad"], "Darwin": ["open", "-W", "-t"]}
    assert editing._editor() == wanted[system]
    monkeypatch.setenv("EDITOR", r"C:\apps\edit.exe --wait" if system == "Windows" else "vi -e")
    assert Path(editing._editor()[0]).name in (r"C:\apps\edit.exe", "edit.exe", "vi")
    monkeypatch.setenv("VISUAL", '"edit --wait')
    with pytest.raises(LivexprError, match=r"VISUAL is .* set it anew"):
        editing._editor()


def test_quotes_hold_a_path_of_windows_together(monkeypatch):
    switch(monkeypatch, "Windows")
    path = r"C:\Program Files\Notepad++\notepad++.exe"
    monkeypatch.setenv("VISUAL", f'"{path}" -multiInst')
    assert editing._editor() == [path, "-multiInst"]


def test_where_there_is_no_editor_it_is_said(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.setattr(editing.shutil, "which", lambda name: None)
    with pytest.raises(LivexprError, match="set EDITOR"):
        editing._editor()
