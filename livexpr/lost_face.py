"""What is shown while no face is found: the picture itself, the last filtered one, or a blur.

*blur* is for those who must never be seen unfiltered. It also covers what was before the first
face, a head that turned too far for the filter, and a filter that is starting or has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.settings import OnLost

# A face is carried again when it has this much of the effect, and no more below the other.
_CARRIED, _UNCARRIED = 0.75, 0.5
_FADE_S = 0.15
"""Over this time the live picture takes over again, or gives way to a head that turns."""

_HOLD_S = 0.3
"""For so long *blur* shows the last filtered picture: most faces are found again by then."""

# Rows of the picture that is left of a blurred one: no face in it has features.
_BLUR_ROWS = 12


@dataclass(frozen=True, slots=True)
class Veil:
    """What stands before the live picture; ``Veil()`` before the first frame.

    Attributes
    ----------
    drawn : float
        Opacity of what stands in, in [0, 1].
    closing : bool
        Whether it is to stand in.
    lost : bool
        Whether it came down because no face was found.
    filtered : ndarray of shape (H, W, 3), uint8, or None
        The last picture with a filtered face in it.
    filtered_s, time_s : float or None
        When that was, and the last frame of all.
    """

    drawn: float = 1.0
    closing: bool = True
    lost: bool = False
    filtered: NDArray[np.uint8] | None = None
    filtered_s: float | None = None
    time_s: float | None = None


def shown(
    mode: OnLost, pixels: NDArray[np.uint8], presence: float | None, time_s: float, veil: Veil
) -> tuple[NDArray[np.uint8], Veil]:
    """Return the picture to show, and the veil for the next call.

    Parameters
    ----------
    mode : str
        *passthrough* shows the picture as it is. *freeze* shows the last filtered picture, if
        there was one, until a face is filtered again. *blur* shows that for a moment, then
        nothing but the blurred picture; also while a head is turned too far.
    pixels : ndarray of shape (H, W, 3), uint8
        BGR, filtered as far as it could be; not written to.
    presence : float or None
        How much of the effect the face carries, in [0, 1]; None without a face, or a filter.
    time_s : float
        Of this frame, s.
    veil : Veil
        From the last call.
    """
    if mode == "passthrough":
        return pixels, veil
    if veil.filtered is not None and veil.filtered.shape != pixels.shape:
        veil = replace(veil, filtered=None, filtered_s=None)
    veil = _moved(mode, presence, time_s, veil)
    if veil.drawn == 0 and presence is not None:
        return pixels, replace(veil, filtered=pixels, filtered_s=time_s)
    instead = _instead(mode, pixels, veil)
    if veil.drawn == 1 or instead is pixels:
        return instead, veil
    mixed = cv2.addWeighted(instead, veil.drawn, pixels, 1 - veil.drawn, 0)
    return np.asarray(mixed, np.uint8), veil


def together(mode: OnLost, presences: Sequence[float | None]) -> float | None:
    """Return what :func:`shown` is to go by where several people are followed.

    Parameters
    ----------
    mode : str
        *blur* lets nobody be seen unfiltered: the one who carries least counts, and it is None
        while anybody is missing, or new. Whoever has been away for seconds is followed no more,
        and more people than there are places for are not hidden. Else the one who carries most
        counts, and the picture goes on while anybody is found.
    presences : sequence of float or None
        As :func:`shown` takes it, of each who is followed.

    >>> together("blur", [1.0, None]), together("freeze", [1.0, None]), together("blur", [])
    (None, 1.0, None)
    """
    found = [presence for presence in presences if presence is not None]
    if mode == "blur":
        return min(found) if found and len(found) == len(presences) else None
    return max(found, default=None)


def blurred(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture so blurred that nobody can be told in it, (H, W, 3) uint8."""
    height, width = pixels.shape[:2]
    rows = min(_BLUR_ROWS, height)
    columns = max(round(width * rows / height), 1)
    small = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (3, 3), 0)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _moved(mode: OnLost, presence: float | None, time_s: float, veil: Veil) -> Veil:
    """Return the veil a frame later: closed at once without a face, else drawn little by little."""
    if presence is None:
        return replace(veil, drawn=1.0, closing=True, lost=True, time_s=time_s)
    # Frozen, a head that turns away would seem to hang: it is the live one that is shown.
    least = _CARRIED if veil.closing else _UNCARRIED if mode == "blur" else 0.0
    closing = presence < least
    dt = 0.0 if veil.time_s is None else max(time_s - veil.time_s, 0.0)
    step = dt / _FADE_S if closing else -dt / _FADE_S
    drawn = min(max(veil.drawn + step, 0.0), 1.0)
    lost = veil.lost and drawn > 0
    return replace(veil, drawn=drawn, closing=closing, lost=lost, time_s=time_s)


def _instead(mode: OnLost, pixels: NDArray[np.uint8], veil: Veil) -> NDArray[np.uint8]:
    """Return what stands in for the live picture."""
    if mode == "freeze":
        return pixels if veil.filtered is None else veil.filtered
    if veil.lost and veil.filtered is not None:
        assert veil.filtered_s is not None
        assert veil.time_s is not None
        if 0 <= veil.time_s - veil.filtered_s <= _HOLD_S:
            return veil.filtered
    return blurred(pixels)
