"""Who reads a virtual camera: v4l2loopback's own event, and what stands in for it."""

from __future__ import annotations

import struct
import sys
import time

import pytest

from livexpr import viewers
from livexpr.viewers import Viewers, client_usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="v4l2loopback")

LIMIT_S = 30.0


def wait_until(condition) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)


class FakeLoopback:
    """v4l2loopback's answers, by what videodev2.h says of the two calls."""

    def __init__(self, kind: int | None) -> None:
        self.kind, self.count = kind, 0
        self.subscribed: set[int] = set()

    def ioctl(self, descriptor: int, request: int, argument: object) -> int:
        if request == viewers._VIDIOC_SUBSCRIBE_EVENT:
            kind, _, flags = struct.unpack_from("III", argument)
            assert len(argument) == 32
            assert flags == 1, "the state at the beginning is asked for"
            if kind != self.kind:
                raise OSError(22, "Invalid argument")
            self.subscribed.add(descriptor)
            return 0
        assert request == viewers._VIDIOC_DQEVENT
        assert len(argument) == 136
        if descriptor not in self.subscribed:
            raise OSError(2, "No such file or directory")
        struct.pack_into("I4xI", argument, 0, self.kind, self.count)
        return 0


@pytest.fixture
def loopback(monkeypatch):
    """Function that puts a made-up driver of the given event behind every device."""

    def make(kind: int | None) -> FakeLoopback:
        made = FakeLoopback(kind)
        monkeypatch.setattr(viewers.fcntl, "ioctl", made.ioctl)
        return made

    return make


@pytest.mark.parametrize("kind", [0x10E00001, 0x08000000], ids=["0.13", "patched 0.12"])
def test_the_drivers_event_tells(kind, loopback, tmp_path):
    device = tmp_path / "video10"
    device.touch()
    made = loopback(kind)
    assert client_usage(str(device)) is False
    made.count = 1
    assert client_usage(str(device)) is True


def test_a_driver_without_the_event_tells_nothing(loopback, tmp_path):
    device = tmp_path / "video10"
    device.touch()
    loopback(None)
    assert client_usage(str(device)) is None
    assert client_usage(str(tmp_path / "missing")) is None


def test_viewers_by_the_event(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(viewers, "_ASK_EVERY_S", 0.01)
    device = tmp_path / "video10"
    device.touch()
    made = loopback(0x10E00001)
    watch = Viewers(str(device), linger_s=0.1)
    try:
        assert not watch.wanted
        made.count = 1
        wait_until(lambda: watch.wanted)
        made.count = 0
        wait_until(lambda: not watch.wanted)
    finally:
        watch.close()
    assert not watch.is_alive()


def test_viewers_by_inotify_and_proc(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(viewers, "_SETTLE_S", 0.02)
    monkeypatch.setattr(viewers, "_LOOK_AGAIN_S", 1e6)  # so that only inotify can tell
    device = tmp_path / "video10"
    device.touch()
    loopback(None)
    others: list[str] = []
    monkeypatch.setattr(viewers, "holders", lambda path: others)
    watch = Viewers(str(device), linger_s=0.1)
    try:
        assert not watch.wanted
        with device.open("rb"):
            others.append("zoom (process 7)")
            wait_until(lambda: watch.wanted)
            others.clear()
        wait_until(lambda: not watch.wanted)
    finally:
        watch.close()
    assert not watch.is_alive()


def test_a_program_that_closes_and_opens_keeps_the_webcam_on(loopback, tmp_path, monkeypatch):
    monkeypatch.setattr(viewers, "_ASK_EVERY_S", 0.01)
    device = tmp_path / "video10"
    device.touch()
    made = loopback(0x10E00001)
    made.count = 1
    watch = Viewers(str(device), linger_s=1e6)
    try:
        wait_until(lambda: watch.wanted)
        made.count = 0
        wait_until(lambda: not watch._viewed)
        assert watch.wanted
    finally:
        watch.close()
