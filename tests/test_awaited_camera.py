"""A virtual camera that another program had first is taken over when it is free."""

from __future__ import annotations

import numpy as np
import pytest

from livexpr import awaited_camera
from livexpr.awaited_camera import AwaitedCamera
from livexpr.errors import VirtualCameraError
from livexpr.publisher import RepeatingSink
from tests.made_up_world import FakeCamera, FakeWindow, World

PICTURE = np.zeros((48, 64, 3), np.uint8)


def test_a_camera_that_is_busy_first_is_shown_to_as_soon_as_it_is_free(monkeypatch):
    monkeypatch.setattr(awaited_camera, "_RETRY_S", 0.01)
    camera = FakeCamera("late")
    world = World(camera=VirtualCameraError("busy: close that program"))
    world.window = FakeWindow(
        [
            lambda: world.events.count("camera None 64x48") > 2,
            lambda: setattr(world, "camera", camera) or True,
            lambda: max(camera.blues, default=0) >= 100,
            "q",
        ]
    )
    assert world.run() == 0
    assert camera.closed
    told = [line for line in world.said if "camera" in line or "late" in line]
    assert told[0] == "showing a window instead of the virtual camera: busy: close that program"
    assert [line for line in told if "can be had now" in line] == [
        "late can be had now and shows the pictures, too"
    ]


def test_a_camera_that_is_awaited_is_not_said_to_be_published_to():
    world = World(window=FakeWindow("q"))
    assert world.run() == 0
    assert not any("live: virtual camera" in line for line in world.said)


def test_it_is_not_asked_for_at_every_picture(monkeypatch):
    tries = []

    def busy():
        tries.append(None)
        raise VirtualCameraError("busy")

    awaited = AwaitedCamera(busy, lambda line: None, 30.0)
    assert isinstance(awaited, RepeatingSink)
    for _ in range(50):
        awaited.send(PICTURE)
    assert tries == []  # whoever made it has just tried
    monkeypatch.setattr(awaited_camera, "_RETRY_S", 0.0)
    awaited = AwaitedCamera(busy, lambda line: None, 30.0)
    awaited.send(PICTURE)
    assert len(tries) == 1
    assert not awaited.here
    awaited.close()


def test_once_here_its_failures_are_its_own(monkeypatch):
    monkeypatch.setattr(awaited_camera, "_RETRY_S", 0.0)
    camera = FakeCamera("late")
    camera.fail_after = 0
    awaited = AwaitedCamera(lambda: camera, lambda line: None, 30.0)
    with pytest.raises(VirtualCameraError):
        awaited.send(PICTURE)
    assert awaited.here
    awaited.close()
    assert camera.closed
