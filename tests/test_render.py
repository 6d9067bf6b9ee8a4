"""``livexpr render``: pictures, films with their sound, folders."""

from __future__ import annotations

import errno
import signal
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from livexpr import cli, presets
from livexpr import render as rendering
from livexpr.errors import CameraError, LivexprError, VirtualCameraError
from livexpr.film import FilmSink, open_film
from livexpr.pictures import read_image
from livexpr.render import render

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "clips"
HAPPY = presets.load("happy")
OFF = presets.load("off")
FPS = 25
N_FRAMES = 10
RATE = 44100


@pytest.fixture
def portrait(astronaut, tmp_path) -> Path:
    """A picture of a face, a quarter of the astronaut's."""
    path = tmp_path / "portrait.png"
    write(path, astronaut[:256, 90:346])
    return path


def write(path: Path, pixels: np.ndarray) -> None:
    done, content = cv2.imencode(path.suffix, pixels)
    assert done
    path.write_bytes(content.tobytes())


def make_film(path: Path, pixels: np.ndarray, n_frames: int = N_FRAMES) -> None:
    """Write a silent film of one picture that moves to the right."""
    height, width = pixels.shape[:2]
    film = open_film(path, (width, height), FPS)
    for index in range(n_frames):
        film.send(np.roll(pixels, index, axis=1))
    film.close()


def tone(channels: int = 2, seconds: float = N_FRAMES / FPS) -> np.ndarray:
    """Return a rising tone: (channels, samples) float32, the second channel softer."""
    time_s = np.arange(round(RATE * seconds)) / RATE
    wave = np.sin(2 * np.pi * (300 + 1000 * time_s) * time_s).astype(np.float32)
    return np.stack([wave * (0.5 / (1 + each)) for each in range(channels)])


def make_film_with_sound(
    path: Path,
    pixels: np.ndarray,
    codec: str,
    *,
    late_s: float = 0.0,
    picture: str = "libx264",
    n_frames: int = N_FRAMES,
    rate: int = RATE,
    layout: str = "stereo",
) -> None:
    """Write a film with a tone; `late_s` is how much later the picture begins."""
    height, width = pixels.shape[:2]
    with av.open(str(path), "w") as out:
        video = out.add_stream(picture, rate=FPS)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.gop_size, video.max_b_frames = 5, 0
        audio = out.add_stream(codec, rate=rate)
        audio.codec_context.layout = layout
        for index in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.roll(pixels, index, axis=1), format="bgr24")
            frame.pts, frame.time_base = index + round(late_s * FPS), Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        wave = tone(seconds=n_frames / FPS)
        sound = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
        sound.sample_rate, sound.pts, sound.time_base = RATE, 0, Fraction(1, RATE)
        resampler = av.AudioResampler(audio.codec_context.format, layout, rate)
        for part in resampler.resample(sound):
            out.mux(audio.encode(part))
        out.mux(audio.encode(None))


def heard(path: Path) -> tuple[np.ndarray, float]:
    """Return the sound of a film, (2, samples), and when it begins after the picture, s."""
    with av.open(str(path)) as film:
        resampler = av.AudioResampler("fltp", "stereo", RATE)
        frames = [out for frame in film.decode(audio=0) for out in resampler.resample(frame)]
        begins_s = float(frames[0].pts * frames[0].time_base)
        samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return samples, begins_s - times_of(path)[0]


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as film:
        return [float(frame.pts * frame.time_base) for frame in film.decode(video=0)]


def pictures_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


def sound_kinds(path: Path) -> list[str]:
    with av.open(str(path)) as film:
        return [stream.codec_context.codec.canonical_name for stream in film.streams.audio]


def differs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return (H, W), how many grey levels two pictures differ by."""
    return np.abs(one.astype(int) - other.astype(int)).max(axis=2)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".PNG"])
def test_a_face_is_changed_and_the_rest_is_not(portrait, tmp_path, suffix):
    out = tmp_path / f"out{suffix}"
    assert render(portrait, out, HAPPY) == 0
    before, after = read_image(portrait), read_image(out)
    assert after.shape == before.shape
    changed = differs(before, after)
    assert (changed > 8).sum() > 150
    # The border of the picture is as it was, but for what JPEG and WebP lose.
    assert np.median(changed[:20]) <= (0 if suffix.lower() == ".png" else 6)


def test_the_same_twice_gives_the_same_bytes(portrait, tmp_path):
    outs = [tmp_path / "one.png", tmp_path / "two.png"]
    for out in outs:
        render(portrait, out, HAPPY)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_compare_puts_before_left_and_after_right(portrait, tmp_path):
    render(portrait, tmp_path / "after.png", HAPPY)
    render(portrait, tmp_path / "both.png", HAPPY, compare=True)
    before, after = read_image(portrait), read_image(tmp_path / "after.png")
    assert np.array_equal(read_image(tmp_path / "both.png"), np.hstack([before, after]))


def test_off_leaves_the_file_as_it_is(portrait, tmp_path):
    render(portrait, tmp_path / "out.png", OFF)
    assert (tmp_path / "out.png").read_bytes() == portrait.read_bytes()


def test_without_a_face_the_picture_is_copied_and_that_is_said(tmp_path, capsys, rng):
    noise = tmp_path / "noise.jpg"
    write(noise, rng.integers(0, 256, (64, 64, 3), np.uint8))
    assert render(noise, tmp_path / "out.jpg", HAPPY) == 0
    assert (tmp_path / "out.jpg").read_bytes() == noise.read_bytes()
    assert "noise.jpg: no face" in capsys.readouterr().err
    render(noise, tmp_path / "out.png", HAPPY)
    assert np.array_equal(read_image(tmp_path / "out.png"), read_image(noise))


@pytest.mark.parametrize("kind", ["16 bit", "grey", "transparent"])
def test_any_kind_of_picture_is_filtered(astronaut, tmp_path, kind):
    pixels = astronaut[:256, 90:346]
    if kind == "16 bit":
        pixels = pixels.astype(np.uint16) * 257
    elif kind == "grey":
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    else:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
    source, out = tmp_path / "in.png", tmp_path / "out.png"
    write(source, pixels)
    assert render(source, out, HAPPY) == 0
    assert (differs(read_image(source), read_image(out)) > 8).sum() > 150


def test_a_film_keeps_its_size_rate_and_length(astronaut, tmp_path):
    source, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    make_film(source, astronaut[:256, 90:346])
    assert render(source, out, HAPPY) == 0
    before, after = pictures_of(source), pictures_of(out)
    assert [each.shape for each in after] == [each.shape for each in before]
    assert times_of(out) == pytest.approx([index / FPS for index in range(N_FRAMES)], abs=1e-3)
    for one, other in zip(before, after, strict=True):
        # From the first frame on: nothing eases in.
        assert (differs(one, other) > 8).sum() > 150
    assert sound_kinds(out) == []
    with av.open(str(out)) as film:
        assert film.streams.video[0].average_rate == FPS
        assert film.streams.video[0].codec_context.name == "h264"


def test_a_film_keeps_its_colours(tmp_path):
    colours = [(0, 0, 220), (0, 200, 0), (220, 0, 0), (0, 200, 200), (255, 255, 255), (9, 9, 9)]
    bars = np.repeat(np.array([colours], np.uint8), 16, axis=1).repeat(64, axis=0)
    middles = bars[32, 8::16].astype(int)
    source, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    film = open_film(source, (bars.shape[1], bars.shape[0]), FPS)
    for _ in range(3):
        film.send(bars)
    film.close()
    render(source, out, HAPPY)
    for path, limit in ((source, 3), (out, 5)):
        for picture in pictures_of(path):
            assert np.abs(picture[32, 8::16] - middles).max() <= limit


def test_a_film_compared_is_twice_as_wide(astronaut, tmp_path):
    source, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    make_film(source, astronaut[:256, 90:346], 3)
    render(source, out, HAPPY, compare=True)
    for before, both in zip(pictures_of(source), pictures_of(out), strict=True):
        assert both.shape == (256, 512, 3)
        assert np.median(differs(before, both[:, :256])) <= 3
        assert (differs(both[:, :256], both[:, 256:]) > 8).sum() > 150


def test_films_are_the_same_each_time(astronaut, tmp_path):
    source = tmp_path / "in.mkv"
    make_film_with_sound(source, astronaut[:128, 150:278], "aac")
    outs = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for out in outs:
        render(source, out, HAPPY)
    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize(
    ("source", "codec", "out", "kind"),
    [
        ("in.mp4", "aac", "out.mp4", "aac"),
        ("in.mp4", "aac", "out.mkv", "aac"),
        ("in.mkv", "flac", "out.mp4", "flac"),
        ("in.mkv", "pcm_s16le", "out.mov", "pcm_s16le"),
        ("in.mkv", "pcm_s16le", "out.mp4", "aac"),
        ("in.mpg", "mp2", "out.mp4", "aac"),
        ("in.mkv", "flac", "out.m4v", "aac"),
    ],
)
def test_sound_survives(astronaut, tmp_path, source, codec, out, kind):
    picture = "mpeg2video" if source.endswith("mpg") else "libx264"
    make_film_with_sound(tmp_path / source, astronaut[:64, 150:214], codec, picture=picture)
    assert render(tmp_path / source, tmp_path / out, HAPPY) == 0
    assert sound_kinds(tmp_path / out) == [kind]
    # Matroska has no place for what MP4 says of the encoder's lead-in.
    copied = kind == codec and (source, out) != ("in.mp4", "out.mkv")
    assert_sounds_alike(tmp_path / source, tmp_path / out, copied=copied)


def test_sound_whose_decoder_has_a_name_of_its_own_is_kept(astronaut, tmp_path):
    """As that of DTS, which cannot be encoded here."""
    source, out = tmp_path / "in.mkv", tmp_path / "out.mkv"
    make_film_with_sound(source, astronaut[:64, 150:214], "real_144", rate=8000, layout="mono")
    assert render(source, out, HAPPY) == 0
    assert sound_kinds(out) == ["ra_144"]


def assert_sounds_alike(source: Path, out: Path, *, copied: bool) -> None:
    (before, before_s), (after, after_s) = heard(source), heard(out)
    late = round((after_s - before_s) * RATE)
    if copied:
        assert abs(late) <= 0.002 * RATE
        assert np.array_equal(before, after)
        return
    # Encoded anew: the same tone at the same moment after the first picture, to 3 ms.
    window = slice(RATE // 10, RATE // 5)
    wanted = before[0, window]
    lags = range(-RATE // 20, RATE // 20)
    likeness = [
        float(np.corrcoef(wanted, after[0, window.start + lag : window.stop + lag])[0, 1])
        for lag in lags
    ]
    best = int(np.argmax(likeness))
    assert likeness[best] > 0.95
    assert abs(lags[best] + late) <= 0.003 * RATE
    assert after.shape[1] == pytest.approx(before.shape[1], abs=4096)


@pytest.mark.parametrize("out", ["out.mkv", "out.mp4"])
def test_sound_stays_in_step_with_a_picture_that_begins_late(astronaut, tmp_path, out):
    source = tmp_path / "in.mkv"
    make_film_with_sound(source, astronaut[:64, 150:214], "aac", late_s=0.2)
    assert heard(source)[1] == pytest.approx(-0.2, abs=0.03)
    render(source, tmp_path / out, HAPPY)
    assert heard(tmp_path / out)[1] == pytest.approx(heard(source)[1], abs=0.003)


@pytest.mark.parametrize("out", ["out.mkv", "out.mp4"])
def test_sound_stays_in_step_where_the_first_pictures_cannot_be_read(astronaut, tmp_path, out):
    whole, source = tmp_path / "whole.mkv", tmp_path / "in.mkv"
    make_film_with_sound(whole, astronaut[:64, 150:214], "aac")
    with av.open(str(whole)) as film, av.open(str(source), "w") as cut:
        kept = {stream: cut.add_stream_from_template(stream) for stream in film.streams}
        packets = (packet for packet in film.demux() if packet.dts is not None)
        dropped = 0
        for packet in packets:
            if packet.stream.type == "video" and not dropped:
                dropped += 1  # the only one of its group that needs no other
                continue
            packet.stream = kept[packet.stream]
            cut.mux(packet)
    assert heard(source)[1] == pytest.approx(-5 / FPS, abs=0.03)
    render(source, tmp_path / out, HAPPY)
    assert heard(tmp_path / out)[1] == pytest.approx(heard(source)[1], abs=0.003)


@pytest.mark.parametrize("out", ["out.mkv", "out.mp4"])
def test_films_that_were_joined_as_they_were_follow_each_other(astronaut, tmp_path, out):
    n_frames = 40
    part, joined = tmp_path / "part.mpg", tmp_path / "joined.mpg"
    pixels = astronaut[:64, 150:214]
    make_film_with_sound(part, pixels, "mp2", picture="mpeg2video", n_frames=n_frames)
    joined.write_bytes(part.read_bytes() * 2)
    assert render(joined, tmp_path / out, HAPPY) == 0
    times_s = np.array(times_of(tmp_path / out))
    wanted_s = np.arange(2 * n_frames) / FPS
    wanted_s[n_frames] -= 1 / FPS  # known to be of another part only with the next
    assert times_s - times_s[0] == pytest.approx(wanted_s, abs=0.003)
    samples, _ = heard(tmp_path / out)
    n_samples = round(n_frames / FPS * RATE)
    assert samples.shape[1] == pytest.approx(2 * n_samples, abs=0.1 * RATE)
    # The tone begins again with the pictures of the second part, to a packet or two.
    begin = length = RATE // 10
    first = samples[0, begin : begin + length]
    again = samples[0, begin + n_samples :]
    likeness = [
        float(np.corrcoef(first, again[lag : lag + length])[0, 1]) for lag in range(RATE // 20)
    ]
    assert max(likeness) > 0.9


def test_sound_that_was_announced_and_never_came_is_left_out(astronaut, tmp_path):
    source, out = tmp_path / "in.ts", tmp_path / "out.mkv"
    with av.open(str(source), "w") as film:
        video = film.add_stream("mpeg2video", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        film.add_stream("mp2", rate=RATE)
        picture = np.ascontiguousarray(astronaut[:64, 150:214])
        for index in range(5):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
    with av.open(str(source)) as film:
        assert [stream.codec_context.sample_rate for stream in film.streams.audio] == [0]
    assert render(source, out, HAPPY) == 0
    assert sound_kinds(out) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_with_a_colon_is_no_address(astronaut, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("9:15").mkdir()
    make_film_with_sound(Path("in.mp4"), astronaut[:64, 150:214], "aac")
    assert render(Path("in.mp4"), Path("9:15/12:30.mp4"), HAPPY) == 0
    assert sound_kinds(tmp_path / "9:15" / "12:30.mp4") == ["aac"]


def test_a_folder_is_done_but_for_what_cannot_be_read(portrait, astronaut, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "a" / "out"
    folder.mkdir()
    portrait.rename(folder / "a.png")
    write(folder / "a.bmp", astronaut[:256, 90:346])
    write(folder / "b.bmp", astronaut[:256, 90:346])
    make_film(folder / "c.mp4", astronaut[:64, 150:214], 2)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture either")
    (folder / ".hidden.png").write_bytes(b"")
    assert render(folder, out, HAPPY) == 1
    said = capsys.readouterr().err
    for part in ("left out broken.jpg", "left out empty.mp4", "wrote 4 of 6 files"):
        assert part in said
    assert sorted(each.name for each in out.iterdir()) == ["a.bmp.png", "a.png", "b.png", "c.mp4"]
    assert (differs(read_image(out / "b.png"), astronaut[:256, 90:346]) > 8).sum() > 150
    (folder / "broken.jpg").unlink()
    (folder / "empty.mp4").unlink()
    assert render(folder, out, HAPPY) == 0


def test_no_file_of_a_folder_replaces_what_was_made_of_another(tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    names = {
        "p.png": "p.png",
        "p.tif": "p.tif.png.png",
        "p.tif.png": "p.tif.png",
        # On many disks `a.png` is `A.png`.
        "A.bmp": "A.png",
        "a.tif": "a.tif.png",
    }
    for level, name in enumerate(names):
        write(folder / name, np.full((32, 32, 3), 40 * level, np.uint8))
    assert render(folder, out, HAPPY) == 0
    assert sorted(each.name for each in out.iterdir()) == sorted(names.values())
    for level, name in enumerate(names.values()):
        assert (read_image(out / name) == 40 * level).all()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_file_of_a_folder_that_lies_where_it_would_be_written_is_left_out(
    portrait, tmp_path, capsys
):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    original = portrait.rename(out / "a.png").read_bytes()
    (folder / "a.png").symlink_to(out / "a.png")
    assert render(folder, out, HAPPY) == 1
    assert (out / "a.png").read_bytes() == original
    assert "left out a.png" in (said := capsys.readouterr().err)
    assert "its own source" in said


def test_nothing_but_the_result_is_left_behind(portrait, astronaut, tmp_path):
    make_film_with_sound(tmp_path / "in.mp4", astronaut[:64, 150:214], "aac")
    (tmp_path / "out").mkdir()
    render(tmp_path / "in.mp4", tmp_path / "out" / "one.mp4", HAPPY)
    render(portrait, tmp_path / "out" / "two.png", HAPPY)
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["one.mp4", "two.png"]


def test_an_older_file_is_kept_when_it_goes_wrong(tmp_path):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    with pytest.raises(CameraError, match=r"broken\.mp4"):
        render(broken, out, HAPPY)
    assert out.read_bytes() == b"older"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["broken.mp4", "out.mp4"]


def test_a_full_disk_is_said_of_the_file_that_was_asked_for(astronaut, tmp_path, monkeypatch):
    def write_nothing(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    make_film(tmp_path / "in.mp4", astronaut[:64, 150:214], 2)
    monkeypatch.setattr(FilmSink, "_write", write_nothing)
    with pytest.raises(VirtualCameraError) as caught:
        render(tmp_path / "in.mp4", tmp_path / "out.mp4", HAPPY)
    assert str(tmp_path / "out.mp4") in str(caught.value)
    assert "No space left" in str(caught.value)


def test_a_signal_leaves_nothing_unfinished(astronaut, tmp_path, monkeypatch):
    def killed(*_):
        signal.raise_signal(signal.SIGTERM)

    make_film(tmp_path / "in.mp4", astronaut[:64, 150:214], 2)
    monkeypatch.setattr(rendering.crowd, "process", killed)
    # Else it would end the tests where nobody minds it.
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(SystemExit) as ended:
            render(tmp_path / "in.mp4", tmp_path / "out.mp4", HAPPY)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 128 + signal.SIGTERM
    assert [each.name for each in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.parametrize(
    ("source", "out", "said"),
    [
        ("none.png", "out.png", "no file or folder"),
        ("portrait.png", "portrait.png", "its own source"),
        ("portrait.png", "./folder/../portrait.png", "its own source"),
        ("portrait.png", "out.gif", ".png, .jpg, .webp, .jpeg"),
        ("portrait.png", "out", ".png"),
        ("portrait.png", "out.mp4", "from the picture portrait.png"),
        ("portrait.png", "folder", "is a folder"),
        ("portrait.png", "nowhere/out.png", "no folder"),
        ("film.avi", "out.png", "from the film film.avi"),
        ("film.avi", "out.avi", ".mp4, .mov, .m4v, .mkv"),
        ("folder", "portrait.png", "must be one"),
        ("folder", "out.mp4", "expected a folder"),
        ("folder", "folder", "its own source"),
        ("folder", "out", "neither pictures nor films"),
        ("film.avi", "out.mp4", "film.avi"),
    ],
)
@pytest.mark.usefixtures("portrait")
def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, source, out, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "film.avi").write_bytes(b"no film")
    with pytest.raises(LivexprError) as caught:
        render(Path(source), Path(out), HAPPY)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_picture_too_wide_for_its_kind_is_one_line(tmp_path):
    wide = tmp_path / "wide.png"
    write(wide, np.full((16, 17000, 3), 128, np.uint8))
    with pytest.raises(VirtualCameraError, match=r"17000x16 px as \.webp"):
        render(wide, tmp_path / "out.webp", HAPPY)


def test_from_the_command_line(portrait, tmp_path):
    out = tmp_path / "out.png"
    words = ["render", str(portrait), str(out), "--expression", "happy", "--intensity"]
    assert CliRunner().invoke(cli.app, [*words, "0"]).exit_code == 0
    assert out.read_bytes() == portrait.read_bytes()
    assert CliRunner().invoke(cli.app, [*words, "1"]).exit_code == 0
    render(portrait, tmp_path / "same.png", HAPPY)
    assert out.read_bytes() == (tmp_path / "same.png").read_bytes()
    failed = CliRunner().invoke(cli.app, ["render", str(portrait), str(portrait)])
    assert failed.exit_code == 1
    assert failed.stderr.count("\n") == 1


@pytest.mark.shared
@pytest.mark.parametrize("name", ["neutral_and_smile.mp4", "speech_1.mpg"])
def test_real_films(tmp_path, name):
    out = tmp_path / "out.mp4"
    assert render(CLIPS / name, out, HAPPY) == 0
    before, after = pictures_of(CLIPS / name), pictures_of(out)
    assert len(after) == len(before)
    assert [each.shape for each in after] == [each.shape for each in before]
    # Most of each picture is not the face.
    assert all(np.median(differs(a, b)) <= 4 for a, b in zip(before, after, strict=True))
    assert any((differs(a, b) > 15).sum() > 100 for a, b in zip(before, after, strict=True))
    if kinds := sound_kinds(CLIPS / name):
        assert len(sound_kinds(out)) == len(kinds)
        (one, one_s), (other, other_s) = heard(CLIPS / name), heard(out)
        assert other_s == pytest.approx(one_s, abs=0.03)
        assert other.shape[1] == pytest.approx(one.shape[1], abs=5000)
