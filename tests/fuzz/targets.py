"""What is fuzzed: each target takes bytes from anywhere and returns, or raises a LivexprError.

Anything else that a target raises, a message of several lines, a number out of its range, an end
of the process, is a finding.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from livexpr import cli, maps, pixel_map, presets
from livexpr.errors import LivexprError
from livexpr.pictures import MAX_PIXELS, decode_image
from livexpr.pixel_map import PixelMap
from livexpr.recordings import Film
from livexpr.soundtrack import has_sound
from tests.fuzz import seeds

LONGEST_MESSAGE = 2000
FRAMES = 6
"""So many pictures of a film are decoded."""

STAND_INS = {
    "livexpr.runtime": ("run",),
    "livexpr.render": ("render",),
    "livexpr.doctor": ("findings", "run"),
    "livexpr.doctor_fix": ("fix", "has_terminal", "ask_in_terminal", "Hands", "run_program"),
    "livexpr.editing": ("edit",),
    "livexpr.bench": ("main",),
    "livexpr.tables": ("print_cameras", "print_presets"),
    "livexpr.training.photo_pairs": ("fit_command",),
    "livexpr.training.rendered_command": ("fit_rendered_command", "Request"),
    "livexpr.training.evaluation.command": ("evaluate", "Request"),
    "livexpr.teaching.command": ("teach", "Request"),
    "livexpr.whole_file": ("write_whole",),
}
"""What commands do once their words are understood; not done here."""


@dataclass(frozen=True)
class Target:
    """Attributes: what takes the bytes, and valid ones to begin with."""

    take: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


@contextlib.contextmanager
def as_file(content: bytes, suffix: str) -> Iterator[Path]:
    """A file with this content, in memory where the system has such a folder."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory, prefix="livexpr-fuzz-") as folder:
        path = Path(folder) / f"hostile{suffix}"
        path.write_bytes(content)
        yield path


def take_preset(content: bytes) -> None:
    """Read a preset."""
    with as_file(content, ".toml") as path:
        preset = presets.load(str(path))
    assert -1.0 <= preset.intensity <= 2.0
    assert all(-1.0 <= amount <= 2.0 for amount in preset.mix.values())
    assert f"{preset.name}{preset.description}".isprintable()


def take_map(content: bytes) -> None:
    """Read a map of either kind, and mix it if it is one that displaces."""
    with as_file(content, ".safetensors") as path:
        loaded = maps.load(path)
    if isinstance(loaded, PixelMap):
        assert np.isfinite(pixel_map.mix([loaded, loaded], [2.0, -1.0]).gain_bias()).all()


def take_picture(content: bytes) -> None:
    """Decode a picture."""
    pixels = decode_image(content, "hostile.png")
    assert pixels.dtype == np.uint8
    assert pixels.shape[2:] == (3,)
    assert pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS


def take_film(content: bytes) -> None:
    """Decode the first pictures of a film; its times never go back, and it never waits long."""
    with as_file(content, ".mp4") as path:
        film = Film(path, name="hostile", mirror=True, loop=False, fast=True)
        try:
            assert 0.1 <= film.fps <= 1000.0
            last_s = 0.0
            for (pixels, time_s), _ in zip(film.timed_pictures(), range(FRAMES), strict=False):
                assert pixels.dtype == np.uint8
                assert pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS
                assert last_s <= time_s <= last_s + 3600.0
                last_s = time_s
        finally:
            film.close()
        has_sound(path)


def take_words(content: bytes) -> None:
    """Understand a command line: words with null bytes between them, as in /proc/self/cmdline."""
    words = [os.fsdecode(word) for word in content.split(b"\0")]
    code, out, said = run_words(words)
    assert code in (0, 1, 2), (words, code)
    if code:
        assert out == "", words
        assert said.count("\n") == 1, (words, said)
        assert said.rstrip("\n").isprintable(), words


def run_words(words: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line whose command is not carried out."""
    out, said = (
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors, write_through=True)
        for errors in ("strict", "backslashreplace")
    )
    with nothing_done(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        try:
            cli.app(args=words, prog_name="livexpr")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return code, *(stream.buffer.getvalue().decode() for stream in (out, said))


@contextlib.contextmanager
def nothing_done() -> Iterator[None]:
    """Commands do nothing while the block lasts."""
    before = {name: sys.modules.get(name) for name in STAND_INS}
    attributes: dict[tuple[str, str], object] = {}
    for name, functions in STAND_INS.items():
        stand_in = types.ModuleType(name)
        for function in functions:
            setattr(stand_in, function, lambda *_, **__: 0)
        sys.modules[name] = stand_in
        parent, _, own = name.rpartition(".")
        if parent in sys.modules:
            attributes[parent, own] = getattr(sys.modules[parent], own, None)
            setattr(sys.modules[parent], own, stand_in)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
        for (parent, own), attribute in attributes.items():
            if attribute is None:
                delattr(sys.modules[parent], own)
            else:
                setattr(sys.modules[parent], own, attribute)


TARGETS = {
    "preset": Target(take_preset, seeds.preset_texts),
    "map": Target(take_map, seeds.map_files),
    "picture": Target(take_picture, seeds.picture_files),
    "film": Target(take_film, seeds.film_files),
    "words": Target(take_words, seeds.command_lines),
}


def survives(target: str, content: bytes) -> str:
    """Give bytes to a target; anything but a return or a clear error is raised on.

    Returns
    -------
    str
        What was said of them, empty where they were taken.
    """
    try:
        TARGETS[target].take(content)
    except LivexprError as error:
        message = str(error)
        assert 0 < len(message) <= LONGEST_MESSAGE, message
        assert "\n" not in message, message
        return message
    return ""
