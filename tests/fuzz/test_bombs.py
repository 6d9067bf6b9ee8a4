"""What would fill the memory, wait for ever or reach elsewhere is refused in one line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livexpr import maps, presets
from livexpr.errors import CameraError, FormatError, PresetError
from livexpr.film_opening import open_container
from livexpr.map_file import MAX_BYTES
from livexpr.pictures import read_image
from livexpr.preset_file import MAX_BYTES as MAX_PRESET_BYTES
from livexpr.preset_file import MAX_MAPS
from livexpr.recordings import Film
from tests.fuzz import bombs, seeds

HOME = Path(__file__).resolve().parents[2]
LITTLE_MB = 256
READERS = {
    ".toml": lambda path: presets.load(str(path)),
    ".safetensors": maps.load,
    ".png": read_image,
    ".mp4": open_container,
}
REFUSALS = (CameraError, FormatError, PresetError)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="measured by Linux's /proc")
def test_sizes_are_checked_before_anything_is_allocated(tmp_path):
    """A picture of the claimed 30000x30000 px would take ten times what the process may take."""
    paths = bombs.write_all(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.in_little_memory", str(LITTLE_MB), *map(str, paths)],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert set(said) == {*(path.name for path in paths), "peak"}
    for name in bombs.pictures():
        assert "too large" in said[name], name
    for name in ("network.m3u8", "other.m3u8", "session.sdp", "list.mp4", "noise.mpg"):
        assert "cannot be read as a film" in said[name], name


def refused(path: Path) -> str:
    with pytest.raises(REFUSALS) as caught:
        READERS[path.suffix](path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("suffix", READERS)
def test_a_pipe_is_not_waited_for(tmp_path, suffix):
    path = tmp_path / f"pipe{suffix}"
    os.mkfifo(path)
    assert "pipe or a device" in refused(path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/random", "/dev/null", "/dev/stdin"])
@pytest.mark.parametrize("suffix", READERS)
def test_a_device_is_not_read(tmp_path, suffix, device):
    path = tmp_path / f"link{suffix}"
    path.symlink_to(device)
    refused(path)


@pytest.mark.parametrize("suffix", READERS)
def test_links_that_lead_nowhere_and_folders(tmp_path, suffix):
    circle, dangling, folder = (tmp_path / f"{name}{suffix}" for name in ("circle", "gone", "dir"))
    circle.symlink_to(circle)
    dangling.symlink_to(tmp_path / "nowhere")
    folder.mkdir()
    refused(circle)
    refused(dangling)
    assert "folder" in refused(folder)


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """The superuser may read everything: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system knows no users by number")
@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("mode", ["file", "folder"])
def test_what_may_not_be_read(tmp_path, suffix, mode):
    folder = tmp_path / "closed"
    folder.mkdir()
    path = folder / f"own{suffix}"
    path.write_bytes(b"x")
    (folder if mode == "folder" else path).chmod(0)
    with without_rights():
        assert "ermission denied" in refused(path)
    folder.chmod(0o700)


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "null\0null"])
def test_names_that_no_file_has(tmp_path, suffix, name):
    refused(tmp_path / f"{name}{suffix}")


@pytest.mark.parametrize(
    ("suffix", "most"), [(".toml", MAX_PRESET_BYTES), (".safetensors", MAX_BYTES)]
)
def test_files_that_are_too_large_are_not_read(tmp_path, suffix, most):
    path = tmp_path / f"large{suffix}"
    with path.open("wb") as file:
        file.truncate(2**40)
    assert f"at most {most}" in refused(path)


def test_a_mix_loads_no_more_maps_than_can_be_meant(tmp_path):
    many = "".join(f'"{"./" * count}a.safetensors" = 0\n' for count in range(MAX_MAPS + 1))
    path = tmp_path / "many.toml"
    path.write_text(f"[mix]\n{many}", encoding="utf-8")
    assert f"at most {MAX_MAPS} maps, got {MAX_MAPS + 1}" in refused(path)


@pytest.mark.parametrize(
    "text",
    [
        "intensity = 9\nname = '''\n[" + " " * 60_000 + "\n'''",
        "name = '''\n" + " " * 60_000 + "\n'''\nintensity = 9",
        '[mix]\n"\\u001b[2J\\n.safetensors" = 9',
        "intensity = 1" + "0" * 400,
        "intensity = -0x" + "f" * 5000,
        "a" * 60_000 + " = 1",
        "intensity = " + "[" * 5000,
    ],
    ids=["header", "spaces", "control", "long", "hexadecimal", "key", "deep"],
)
def test_texts_that_take_long_or_steer_the_terminal(text):
    with pytest.raises(PresetError) as caught:
        presets.parse(text, "hostile.toml")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_presets_name_does_not_steer_the_terminal():
    preset = presets.parse('name = "a\\u001b[2Jb\\u202ec"\ndescription = "\\u0007\\r"', "x")
    assert (preset.name, preset.description) == ("a [2Jb c", "")


def test_names_that_cannot_be_printed_are_not_listed():
    folder = presets.user_dir()
    folder.mkdir(parents=True)
    try:
        for name in (b"\xff", b"\x1b[2J", b"good"):
            (folder / os.fsdecode(name + b".toml")).write_text("[mix]", encoding="utf-8")
    except OSError:
        pytest.skip("this system has no such names")
    assert "good" in presets.available()
    assert all(name.isprintable() for name in presets.available())
    assert presets.load(str(folder / "\x1b[2J.toml")).mix == {}


def test_a_film_is_a_file_whatever_its_name(tmp_path, monkeypatch):
    """FFmpeg takes some names for addresses, and some files for lists of others."""
    monkeypatch.chdir(tmp_path)
    for name in ("data:x.mp4", "concat:x.mp4", "http:x.mp4"):
        Path(name).write_bytes(seeds.film_files()[0])
        open_container(Path(name)).close()
    shutil.copy("http:x.mp4", "other.mp4")
    Path("list.ffconcat").write_text("ffconcat version 1.0\nfile other.mp4\n", encoding="utf-8")
    with pytest.raises(CameraError, match="another kind"):
        open_container(Path("list.ffconcat"))


def test_times_that_jump_by_years_do_not_stop_a_film(tmp_path):
    """Nor do they overflow a wait; a film that was shown again goes on where it was."""
    import av

    path = tmp_path / "jump.mkv"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for index, time in enumerate([0, 1, 10**9, 10**9 + 1]):
            picture = av.VideoFrame.from_ndarray(seeds.drawing(64, 48, index), format="bgr24")
            picture.pts = time
            film.mux(stream.encode(picture))
        film.mux(stream.encode())
    source = Film(path, name="jump", mirror=False, loop=False, fast=True)
    times = [time_s for _, time_s in source.timed_pictures()]
    source.close()
    assert len(times) == 4
    assert times == sorted(times)
    assert times[-1] < 1.0
