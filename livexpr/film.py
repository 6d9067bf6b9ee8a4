"""Films as a sink: H.264 that every player reads, readable even when the program is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.errors import VirtualCameraError
from livexpr.letterbox import letterbox

if TYPE_CHECKING:
    import av
    from av.container import OutputContainer
    from av.video.stream import VideoStream

FILM_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")

_ENCODERS = {
    # Some 5 ms of one processor for 1280x720, with no difference to be seen. Frames that refer
    # to later ones ("bf") would shift the times of a film written in fragments.
    "libx264": {"preset": "veryfast", "crf": "18", "bf": "0"},
    "libopenh264": {"b": "8000000"},
}
"""Encoders with their options, best first: not every build of FFmpeg has x264."""

_TIME_BASE = Fraction(1, 90_000)
_MIN_STEP_TICKS = 90
"""Matroska counts whole milliseconds; two frames must not share one."""

_GROUP_S = 2.0
"""A film of a program that was killed lacks at most so much of its end."""

_BT709 = 1
_VIDEO_RANGE, _FULL_RANGE = 1, 2


def open_film(
    path: str | Path, size: tuple[int, int], fps: float, *, called: Path | None = None
) -> FilmSink:
    """Begin a film.

    Parameters
    ----------
    path : str or Path
        File to write, ending in .mp4, .mov, .m4v or .mkv; an older one is replaced.
    size : tuple of int
        (width, height) of the frames in px. An odd side is extended by one pixel, which
        H.264 needs.
    fps : float
        Frames per second where they carry no times of their own.
    called : Path, optional
        What errors call the file, where it is going to be moved there; `path` by default.

    Returns
    -------
    FilmSink
        A sink for :class:`livexpr.publisher.Publisher`, or to be used alone.

    Raises
    ------
    VirtualCameraError
        When the suffix is unknown or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in FILM_SUFFIXES:
        raise VirtualCameraError(
            f"cannot tell what kind of film {path} is to be: "
            f"expected a name that ends in {', '.join(FILM_SUFFIXES)}"
        )
    if not path.parent.is_dir():
        raise VirtualCameraError(
            f"there is no folder {path.parent} to write {path.name} into: create it first"
        )
    return FilmSink(path, size, fps, called or path)


class FilmSink:
    """A film that grows frame by frame; made by :func:`open_film`."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float, called: Path) -> None:
        import av
        from av.video.reformatter import Interpolation, VideoReformatter

        self.name = path.name
        self._path = path
        self._called = called
        self._is_new = not path.exists()
        self._size = size
        self._fps = fps
        self._first_s: float | None = None
        self._last_tick: int | None = None
        self._reformatter = VideoReformatter()
        # Older releases of PyAV, the newest for Python 3.10 among them, do not offer the flag.
        self._interpolation = Interpolation.BILINEAR
        if hasattr(Interpolation, "ACCURATE_RND"):
            self._interpolation |= Interpolation.ACCURATE_RND
        options = {"flush_packets": "1"}
        if path.suffix.lower() != ".mkv":
            # Written in fragments, and joined into an ordinary film at the end.
            options["movflags"] = "hybrid_fragmented"
        with _failures_of(called):
            # As a file even where its name looks like an address.
            self._container: OutputContainer | None = av.open(f"file:{path}", "w", options=options)
            self._stream = _add_stream(self._container, size, fps)
            # FFmpeg opens the file with the first frame only, and crashes if asked to before.
            path.open("ab").close()

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Add a frame, one period after the last.

        Parameters
        ----------
        pixels : ndarray of shape (H, W, 3), uint8
            BGR; of another size than the film's it is letterboxed. Not written to.

        Raises
        ------
        VirtualCameraError
            When the film cannot be continued, such as on a full disk.
        """
        period = round(1.0 / (self._fps * _TIME_BASE))
        self._encode(pixels, 0 if self._last_tick is None else self._last_tick + period)

    def send_at(self, pixels: NDArray[np.uint8], time_s: float) -> None:
        """Add a frame at its time on the monotonic clock, in s; else as :meth:`send`."""
        if self._first_s is None:
            self._first_s = time_s
        earliest = 0 if self._last_tick is None else self._last_tick + _MIN_STEP_TICKS
        self._encode(pixels, max(earliest, round((time_s - self._first_s) / _TIME_BASE)))

    def close(self) -> None:
        """Finish the film, so that it can be played; without any frame, leave no file.

        Raises
        ------
        VirtualCameraError
            When its end cannot be written.
        """
        container, self._container = self._container, None
        if container is None:
            return
        if self._last_tick is None:
            with contextlib.suppress(OSError):
                container.close()
                if self._is_new:
                    self._path.unlink(missing_ok=True)
            return
        with _failures_of(self._called):
            try:
                self._write(container, self._stream.encode(None))
            finally:
                container.close()

    def _encode(self, pixels: NDArray[np.uint8], tick: int) -> None:
        import av

        if self._container is None:
            raise VirtualCameraError(f"{self._called} is closed")
        height, width = self._stream.height, self._stream.width
        pixels = letterbox(pixels, self._size)
        if self._size != (width, height):
            below, right = height - self._size[1], width - self._size[0]
            pixels = np.asarray(
                cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8
            )
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(pixels, format="bgr24"),
            format="yuv420p",
            dst_colorspace=_BT709,
            src_color_range=_FULL_RANGE,
            dst_color_range=_VIDEO_RANGE,
            interpolation=self._interpolation,
        )
        picture.pts, picture.time_base = tick, _TIME_BASE
        self._last_tick = tick
        with _failures_of(self._called):
            self._write(self._container, self._stream.encode(picture))

    def _write(self, container: OutputContainer, packets: list[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            if not packet.duration:  # else a film of one frame lasts no time
                packet.duration = round(1.0 / (self._fps * _TIME_BASE))
            container.mux(packet)


def _add_stream(container: OutputContainer, size: tuple[int, int], fps: float) -> VideoStream:
    """Add the best encoder there is, tagged for the colours of HD video (BT.709)."""
    import av

    encoder = next((name for name in _ENCODERS if name in av.codecs_available), None)
    if encoder is None:
        raise VirtualCameraError(
            f"no film can be written, FFmpeg has none of {', '.join(_ENCODERS)} here: "
            "install PyAV again, with `pip install --force-reinstall av`"
        )
    rate = Fraction(fps).limit_denominator(1001)
    stream = cast(
        "VideoStream", container.add_stream(encoder, rate=rate, options=_ENCODERS[encoder])
    )
    stream.width, stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
    stream.pix_fmt = "yuv420p"
    stream.time_base = _TIME_BASE
    context = stream.codec_context
    context.time_base = _TIME_BASE
    context.gop_size = max(1, round(_GROUP_S * fps))
    context.color_range = _VIDEO_RANGE
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return stream


@contextlib.contextmanager
def _failures_of(path: Path) -> Iterator[None]:
    """Turn what goes wrong with the file into one line."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        reason = error.strerror or str(error)
        raise VirtualCameraError(
            f"cannot write the film {path}: {reason}; take another place for it"
        ) from None
