"""Nothing that a run writes destroys what it reads, or something else that it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.made_up_world import FakeCamera, FakeSource, World
from tests.test_cli import refusal


@pytest.mark.parametrize(
    "words",
    [
        ["--schedule", "s.txt", "--log", "s.txt"],
        ["--schedule", "s.txt", "--stats", "sub/../s.txt"],
        ["--schedule", "s.txt", "--log", "link.txt"],
        ["--preset", "own.toml", "--log", "own.toml"],
        ["--preset", "own.toml", "--stats", "own.toml"],
        ["--log", "new.json", "--stats", "sub/../new.json"],
        ["--output", "new.mp4", "--log", "new.mp4"],
        ["--output", "new.mp4", "--stats", "new.mp4"],
        ["--output", "new.mp4,sub/../new.mp4"],
    ],
)
def test_two_names_of_one_file_are_refused(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    texts = {"s.txt": "0 toggle", "own.toml": "intensity = 0.5"}
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("link.txt").hardlink_to("s.txt")
    run = ["run", "--source", "demo", "--output", "null", "--no-ctl", "--fast", "--max-frames", "1"]
    assert "would replace the" in refusal(*run, *words, code=1)
    assert {name: Path(name).read_text() for name in texts} == texts
    assert not any(Path(name).exists() for name in ("new.json", "new.mp4"))


@pytest.mark.skipif(os.name == "nt", reason="its null device has no folder")
def test_devices_may_be_named_twice():
    null = Path(os.devnull)
    world = World(source=FakeSource(3, live=False))
    assert world.run(outputs=("null",), fast=True, log=null, stats=null) == 0


def test_a_camera_is_no_film_whatever_is_in_its_name():
    world = World(source=FakeSource(3), camera=FakeCamera())
    assert world.run(outputs=("camera:/dev/v4l/by-id/usb-1.2",)) == 0
