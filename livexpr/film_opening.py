"""Films opened so that a hostile one harms nothing: no other file, no network, no huge picture.

And decoded so that a broken one shows what it can: damaged parts are skipped, times only rise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from livexpr.errors import CameraError
from livexpr.pictures import MAX_PIXELS, check_file, check_size

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

_KINDS = (
    *("3g2", "3gp", "apng", "asf", "av1", "avi", "dv", "flv", "gif", "h264", "hevc", "ivf", "m4v"),
    *("matroska", "mjpeg", "mov", "mp4", "mpeg", "mpegts", "mpegvideo", "mpjpeg", "mxf", "nut"),
    *("obu", "ogg", "rm", "vvc", "webm", "wtv", "yuv4mpegpipe"),
    # Pictures whose names do not say that they are.
    *("bmp_pipe", "jpeg_pipe", "jpegxl_pipe", "png_pipe", "tiff_pipe", "webp_pipe"),
    # Sound, of which it is to be said that it has no picture.
    *("mp3", "wav"),
)
"""Kinds that are films by themselves. FFmpeg knows lists of other files and addresses, too."""

_SMALL_SIDE_PX = 1920
"""Pictures of this size take some milliseconds to decode, in one thread."""

_NARROWEST, _WIDEST = 0.25, 4.0
"""Pixels of other shapes are damaged claims."""

_NEARLY_SQUARE = 0.01
"""Pixels that are out of square by less are left so: stretching blurs, and nobody sees the rest."""

_USUAL_FPS = 30.0
_LONGEST_PAUSE_S, _STEP_BACK_S = 3600.0, 1.0
"""Between two pictures of a film; where its times say more, its clock was set."""

_OPTIONS = {
    "format_whitelist": ",".join(_KINDS),
    "protocol_whitelist": "file",
    "max_pixels": str(MAX_PIXELS),
}


def open_container(path: Path) -> InputContainer:
    """Open a film for reading, as far as its header.

    Returns
    -------
    av.container.InputContainer
        With at least one stream of pictures, whose decoder is known. Pictures that claim to be
        larger than :data:`livexpr.pictures.MAX_PIXELS` are not decoded.

    Raises
    ------
    CameraError
        When the file is missing, no ordinary file, empty or no film, or its pictures are too large.
    """
    import av

    check_file(path)
    try:
        # As a file even where its name looks like an address; some kinds take options only here.
        container = av.open(f"file:{path}", options=_OPTIONS)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        unknown = isinstance(error, av.ArgumentError)
        reason = "it is of another kind" if unknown else getattr(error, "strerror", None) or error
        raise CameraError(
            f"{path} cannot be read as a film: {reason}; expected MP4, MKV, MOV, MPEG or the like"
        ) from None
    try:
        _check_pictures(container, path)
    except CameraError:
        container.close()
        raise
    return container


def _check_pictures(container: InputContainer, path: Path) -> None:
    if not container.streams.video:
        raise CameraError(f"{path} has no picture, only sound or data")
    stream = container.streams.video[0]
    # Without a decoder there is none, whatever PyAV's types say.
    context: object = stream.codec_context
    if context is None:
        raise CameraError(f"{path} holds pictures of a kind that cannot be decoded")
    size = (stream.codec_context.width, stream.codec_context.height)
    if all(size):  # else they are told with the first picture only
        check_size(path.name, (round(size[0] * pixel_width(stream)), size[1]))
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    # Small pictures that are decoded side by side cost more in switches than they gain.
    small = max(size) <= _SMALL_SIDE_PX
    stream.thread_type = "SLICE" if small else "AUTO"


def frame_rate(stream: VideoStream) -> float:
    """Return the pictures per second of a film; what is usual where it tells nonsense."""
    rate = float(stream.average_rate or stream.guessed_rate or 0.0)
    return rate if 0.1 <= rate <= 1000.0 else _USUAL_FPS


def pixel_width(stream: VideoStream) -> float:
    """Return how wide the pixels of a film are, in their heights: of most 1, of DVDs not."""
    width = float(stream.sample_aspect_ratio or 1.0)
    is_shape = _NARROWEST <= width <= _WIDEST and abs(width - 1.0) > _NEARLY_SQUARE
    return width if is_shape else 1.0


def decoded(container: InputContainer) -> Iterator[av.VideoFrame]:
    """Yield the pictures of the first video stream, leaving out what is damaged."""
    import av

    stream = container.streams.video[0]
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:  # the file ends in the middle
            return
        if packet is None:
            return
        try:
            pictures = packet.decode()
        except av.FFmpegError:
            continue
        yield from pictures


class RisingTimes:
    """Turns the times that a film gives its pictures into ones that rise from 0.

    Films that are broken, or were joined as they were, set their clock in the middle.

    Parameters
    ----------
    period_s : float
        Between two pictures, where they do not tell.

    Attributes
    ----------
    last_s : float
        Of the last picture, from 0.
    zeros_s : list of float
        What the film's clock showed, or would have shown, at time 0; once more for each time that
        it was set. Emptied, it begins with the next picture, which follows the last.
    """

    def __init__(self, period_s: float) -> None:
        self.last_s = -period_s
        self.zeros_s: list[float] = []
        self._period_s = period_s
        self._was_back = False

    def due_s(self, own_s: float | None) -> float:
        """Return the time of the next picture, whose own is `own_s` if it tells any."""
        due_s = self.last_s + self._period_s
        if own_s is not None:
            step_s = own_s - self.zeros_s[-1] - self.last_s if self.zeros_s else math.inf
            was_back, self._was_back = self._was_back, step_s < -_STEP_BACK_S
            if step_s > _LONGEST_PAUSE_S:
                self.zeros_s.append(own_s - due_s)
            elif was_back and self._was_back:
                # One picture alone may lie. This is the second by a clock that was set back.
                self.zeros_s.append(own_s - due_s - self._period_s)
            due_s = own_s - self.zeros_s[-1]
        # Pictures whose times go back are due at once.
        self.last_s = max(self.last_s, due_s)
        return self.last_s
