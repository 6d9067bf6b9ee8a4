"""Films opened so that a hostile one harms nothing: no other file, no network, no huge picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from livexpr.errors import CameraError
from livexpr.pictures import MAX_PIXELS, check_file, check_size

if TYPE_CHECKING:
    from av.container import InputContainer

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
        check_size(path.name, size)
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    # Small pictures that are decoded side by side cost more in switches than they gain.
    small = max(size) <= _SMALL_SIDE_PX
    stream.thread_type = "SLICE" if small else "AUTO"
