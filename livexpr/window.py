"""The preview window, and the keys that are pressed in it. For the main thread only."""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.display import why_no_window
from livexpr.errors import VirtualCameraError

_FIRST_SIZE_PX = (1280, 720)
"""Fits the smallest screens in use, with their panels, or nearly so."""

_SMALLEST_SIDE_PX = 160
# Arrows of Qt and GTK, Windows, macOS; then GTK's number pad.
_SPECIAL = {
    **dict.fromkeys((0xFF52, 0x260000, 0xF700), "up"),
    **dict.fromkeys((0xFF54, 0x280000, 0xF701), "down"),
    0xFFAB: "+",
    0xFFAD: "-",
}
_ESCAPE = 27


def key_name(code: int) -> str | None:
    """Return the name of a key that OpenCV reports, None for none and for unnamed ones.

    >>> key_name(0xFF52), key_name(ord("q")), key_name(-1)
    ('up', 'q', None)
    """
    named = _SPECIAL.get(code)
    if named is not None or code < 0:
        return named
    # GTK adds the state of shift and locks above the sixteenth bit.
    code &= 0xFFFF
    if code in _SPECIAL:
        return _SPECIAL[code]
    if code == _ESCAPE:
        return "esc"
    return chr(code) if 32 <= code < 127 else None


def fitted_size(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (width, height) of the same shape that fits, never larger than `size`.

    >>> fitted_size((1920, 1080), (1280, 720)), fitted_size((640, 480), (1280, 720))
    ((1280, 720), (640, 480))
    """
    scale = min(room[0] / size[0], room[1] / size[1], 1.0)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


class PreviewWindow:
    """A window that shows pictures and reads keys.

    Parameters
    ----------
    title : str
        What stands above it.
    size : tuple of int
        (width, height) in px of the pictures to come; a large one is shown smaller.

    Raises
    ------
    VirtualCameraError
        When no window can be opened here.
    """

    def __init__(self, title: str, size: tuple[int, int]) -> None:
        if (reason := why_no_window()) is not None:
            raise VirtualCameraError(reason)
        self.name = "window"
        self._title = title
        # The wheel's toolkit looks for fonts where it has none and complains on stderr.
        os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;*.warning=false")
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(title, *fitted_size(size, _FIRST_SIZE_PX))
        except cv2.error as error:
            raise VirtualCameraError(
                f"OpenCV cannot open a window ({error.err}): run `livexpr doctor`"
            ) from None
        self._shown = False
        self._open = True

    @property
    def closed(self) -> bool:
        """Whether the user has closed it."""
        if self._open and self._shown:
            try:
                self._open = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
            except cv2.error:
                self._open = False
        return not self._open

    def picture_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (width, height) at which a picture of `size` is best drawn.

        The window scales what it is shown; text stays crisp in a picture that is no larger
        than the window.
        """
        try:
            _, _, width, height = cv2.getWindowImageRect(self._title)
        except cv2.error:
            return size  # the user has just closed it
        if min(width, height) < _SMALLEST_SIDE_PX:
            return size
        return fitted_size(size, (width, height))

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture: (H, W, 3) uint8 BGR."""
        if not self.closed:
            cv2.imshow(self._title, pixels)
            self._shown = True

    def keys(self) -> list[str]:
        """Let the window do its work, and return the keys pressed since the last call."""
        keys = []
        if self._open:
            while (code := cv2.waitKeyEx(1)) != -1:
                if (name := key_name(code)) is not None:
                    keys.append(name)
        return keys

    def close(self) -> None:
        """Close the window. A second call does nothing."""
        if self._open:
            self._open = False
            try:
                cv2.destroyWindow(self._title)
                cv2.waitKeyEx(1)
            except cv2.error:
                return  # the user was faster
