"""Valid inputs of every kind, small and drawn, from which hostile ones are made."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import intensity_file, pixel_map
from livexpr.intensity_map import IntensityMap
from livexpr.pixel_map import PixelMap
from livexpr.presets import builtin_dir

SIZE = 16
PICTURE_SUFFIXES = (".png", ".jpg", ".bmp", ".tif", ".webp", ".ppm")
FILM_KINDS = {
    ".mp4": "libx264",
    ".mkv": "mpeg4",
    ".avi": "mjpeg",
    ".mpg": "mpeg2video",
    ".ts": "mpeg2video",
    ".mov": "png",
}


@functools.cache
def preset_texts() -> list[bytes]:
    """Every shipped preset, and one that has everything."""
    everything = (
        'name = "Calm"\ndescription = """A\nsmile."""\nintensity = -0.5\ndamping = 0.25\n'
        'mix = { happy = 2, "own/map.safetensors" = 0x1 }\n[regions]\nbrows = 0\nmouth = 2.0\n'
        "[feel]\nsmoothing = 1e-1\neasing_s = 5\n"
    )
    shipped = [path.read_bytes() for path in sorted(builtin_dir().glob("*.toml"))]
    return [*shipped, everything.encode()]


@functools.cache
def map_files() -> list[bytes]:
    """A small map of each kind."""
    flat = np.zeros((SIZE, SIZE), np.float32)
    offset = np.linspace(-0.5, 0.5, 468 * 3, dtype=np.float32).reshape(468, 3)
    mouth = np.full((8, 8, 4), 0.5, np.float32)
    log_gain = np.repeat(flat[..., None], 3, axis=2)
    drawn = PixelMap(offset, log_gain, flat, flat + 1.0, mouth, {"jawOpen": 0.5})
    gain = np.full((8, 8, 1), 0.5, np.float32)
    shift = np.ones((8, 8, 2), np.int8)
    curve = np.linspace(0.0, 1.0, 3 * 64, dtype=np.float32).reshape(3, 8, 8, 1)
    kinds = {
        "ridge": {"gain": gain, "bias": gain},
        "located": {"gain": gain, "bias": gain, "shift": shift},
        "kernel": {"curve": curve},
    }
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        pixel_map.save(drawn, path)
        found.append(path.read_bytes())
        for kind, arrays in kinds.items():
            width = 0.5 if kind == "kernel" else 0.0
            made = IntensityMap("crop", kind, arrays, False, width, {}, {})
            intensity_file.save(made, path)
            found.append(path.read_bytes())
    return found


def drawing(width: int = 32, height: int = 24, phase: int = 0) -> NDArray[np.uint8]:
    """A coloured ramp, BGR."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 8 + phase, columns * 7, rows + columns], axis=2).astype(np.uint8)


@functools.cache
def picture_files() -> list[bytes]:
    """One drawing in every kind of picture, and deeper and transparent ones."""
    pixels = drawing()
    found = [cv2.imencode(suffix, pixels)[1].tobytes() for suffix in PICTURE_SUFFIXES]
    # The encoder of JPEG 2000 refuses less.
    found.append(cv2.imencode(".jp2", drawing(128, 128))[1].tobytes())
    found.append(cv2.imencode(".pgm", pixels[..., 0])[1].tobytes())
    deep = pixels.astype(np.uint16) * 257
    transparent = np.dstack([pixels, pixels[..., :1]])
    for each, suffix in ((deep, ".png"), (transparent, ".png"), (transparent, ".webp")):
        found.append(cv2.imencode(suffix, each)[1].tobytes())
    found.append(cv2.imencode(".tif", pixels.astype(np.float32) / 255.0)[1].tobytes())
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    found.append(cv2.imencode(".jpg", pixels, progressive)[1].tobytes())
    return found


@functools.cache
def film_files() -> list[bytes]:
    """A film of a few pictures in every kind whose encoder is here."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix, encoder in FILM_KINDS.items():
            path = Path(folder) / f"film{suffix}"
            try:
                write_film(path, encoder)
            except (av.FFmpegError, ValueError):  # not in every build
                continue
            found.append(path.read_bytes())
    return found


def write_film(path: Path, encoder: str, count: int = 5) -> None:
    """Write a film of drawings, 64x48 px."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream(encoder, rate=25)
        stream.width, stream.height = 64, 48
        formats = {"mjpeg": "yuvj420p", "png": "rgb24"}
        stream.pix_fmt = formats.get(encoder, "yuv420p")
        for index in range(count):
            picture = av.VideoFrame.from_ndarray(drawing(64, 48, 9 * index), format="bgr24")
            film.mux(stream.encode(picture))
        film.mux(stream.encode())


@functools.cache
def command_lines() -> list[bytes]:
    """Command lines that are understood, words with null bytes between them."""
    lines = (
        "run --expression happy=0.5 -e sad --intensity 1 --source demo --output camera,window",
        "run --preset happy --size 640x480 --fps 29.97 --mirror --no-preview --max-frames 3",
        "run --on-demand --on-lost blur --stats stats.json --loop --fast --output out.mp4",
        "render in.jpg out.jpg --expression happy --compare",
        "fit . --expression happy -o happy.safetensors --method ridge --align mesh --min-max",
        "fit-rendered . --output . --people 2 angry",
        "evaluate . --expression happy --people 20 --part methods --report report.md",
        *("cameras", "presets", "doctor", "bench --json", "--version", "--help", "run -h", ""),
    )
    return [line.replace(" ", "\0").encode() for line in lines]
