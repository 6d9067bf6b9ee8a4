"""Still pictures, read as 8-bit BGR whatever they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.errors import CameraError
from livexpr.ordinary_files import read_ordinary, size_of
from livexpr.picture_size import claimed_size
from livexpr.quiet_stderr import quiet_native_stderr

MIN_SIDE_PX = 16
"""Below this no face can be seen and no film can be written."""

MAX_PIXELS = 8192 * 8192
"""Of a picture, still or of a film: checked before it is decoded, which takes memory for all."""

_MAX_BYTES = 2**29
_BAND_ROWS = 256

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".jp2"}
)


def check_file(path: Path) -> None:
    """Raise a CameraError unless `path` is a file with something in it."""
    try:
        if size_of(path) == 0:
            raise CameraError(f"{path} is empty (0 bytes): expected a film or a picture")
        with path.open("rb"):
            pass
    except IsADirectoryError:
        raise CameraError(f"{path} is a folder, expected a film or a picture") from None
    except FileNotFoundError:
        raise CameraError(f"there is no file {path}: check its name") from None
    except OSError as error:
        raise CameraError(f"cannot read {path}: {error.strerror or error}") from None


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read a picture of any kind as 8-bit BGR; see :func:`decode_image`.

    Raises
    ------
    CameraError
        When the file is missing, unreadable, empty, no picture, or smaller than 16x16 px.
    """
    return decode_image(read_content(Path(path)), str(path))


def read_content(path: Path) -> bytes:
    """Return what is in the file of a picture; CameraError when it is missing or empty."""
    check_file(path)
    try:
        return read_ordinary(path, _MAX_BYTES)
    except OSError as error:
        raise CameraError(f"cannot read {path}: {error.strerror or error}") from None


def decode_image(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture of any kind as 8-bit BGR.

    Grey, 16-bit and floating-point pictures are converted. Transparent ones are laid on white;
    to all others the orientation that a camera noted in the file is applied.

    Parameters
    ----------
    content : bytes
        PNG, JPEG, TIFF, WebP and what else OpenCV reads.
    name : str
        The file's, for messages.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        BGR.

    Raises
    ------
    CameraError
        When it is no picture, smaller than 16x16 px, or larger than 67 megapixels.
    """
    claimed = claimed_size(content)
    if claimed is not None:
        check_size(Path(name).name, claimed)
    pixels = None if claimed is None else _decoded(np.frombuffer(content, np.uint8))
    if pixels is None:
        raise CameraError(
            f"{name} cannot be read as a picture: it is damaged or of an unknown kind, "
            "expected PNG, JPEG, TIFF or WebP"
        )
    check_size(Path(name).name, (pixels.shape[1], pixels.shape[0]))
    return _as_bgr8(pixels)


def _decoded(encoded: NDArray[np.uint8]) -> NDArray[Any] | None:
    """Decode to (H, W, 3 or 4) of any depth; None when it is damaged."""
    # Of damaged pictures OpenCV has much to say.
    with quiet_native_stderr():
        try:
            pixels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
            if pixels is not None and (pixels.ndim == 2 or pixels.shape[2] != 4):
                pixels = None
                # Only without IMREAD_UNCHANGED is the noted orientation applied.
                pixels = cv2.imdecode(encoded, cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
        except (cv2.error, MemoryError):
            return None
    return pixels


def _as_bgr8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert (H, W, 3 or 4) of any depth to (H, W, 3) uint8, in bands: floats take much memory."""
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels)
    whole = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _BAND_ROWS):
        whole[top : top + _BAND_ROWS] = _band_as_bgr8(pixels[top : top + _BAND_ROWS])
    return whole


def _band_as_bgr8(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint8:
        unit = pixels
        white = 255.0
    else:
        white = 65535.0 if pixels.dtype == np.uint16 else 1.0
        unit = np.clip(np.nan_to_num(pixels), 0.0, white).astype(np.float32)
    if pixels.shape[2] == 4:
        colour, alpha = unit[..., :3].astype(np.float32), unit[..., 3:].astype(np.float32) / white
        unit = colour * alpha + white * (1.0 - alpha)
    scaled = np.clip(unit * (255.0 / white), 0.0, 255.0)
    return np.rint(scaled).astype(np.uint8)


def check_size(name: str, size: tuple[int, int]) -> None:
    """Raise a CameraError when (width, height) is too small to hold a face, or too large."""
    if min(size) < MIN_SIDE_PX:
        raise CameraError(
            f"{name} is {size[0]}x{size[1]} px: too small, "
            f"at least {MIN_SIDE_PX}x{MIN_SIDE_PX} px are needed"
        )
    if size[0] * size[1] > MAX_PIXELS:
        raise CameraError(
            f"{name} is {size[0]}x{size[1]} px: too large, "
            f"at most {MAX_PIXELS // 10**6} megapixels are read; make it smaller"
        )
