"""The inside of a person's own mouth, as an expression shows it: their own teeth."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import lighting
from livexpr.teaching.looks import Look

# A mouth that the expression opens by less than this shows nothing that is worth keeping, cm;
# one seen with fewer pixels would be a blur.
_LEAST_OPENING_CM, _LEAST_OPENING_PX = 0.2, 6.0
# Opacity rises from the lips over these parts of height and width, as in shipped maps.
_EDGE_ABOVE, _EDGE_BELOW, _EDGE_BESIDE = 0.05, 0.06, 0.03
_MOST_LIGHT = 3.9


def own_mouth(expressives: Sequence[Look], neutrals: Sequence[Look]) -> NDArray[np.float32] | None:
    """Return the mouth layer of a personal map, (M, M, 4), float32; None without a mouth to show.

    One look's own picture, never an average: teeth that fall beside themselves are ghosts. It is
    divided by the light on it, so that the same light gives it back as it was.
    """
    rest_cm = float(np.median([one.opening_cm for one in neutrals]))
    seen = [
        one
        for one in expressives
        if one.opening_cm - rest_cm >= _LEAST_OPENING_CM and one.opening_px >= _LEAST_OPENING_PX
    ]
    if not seen:
        return None
    best = max(seen, key=_sharpness)
    size = len(best.mouth)
    colour = best.mouth.astype(np.float32) / np.maximum(_light_on(best, neutrals), 1.0)
    along = np.linspace(0, 1, size, dtype=np.float32)
    down = np.clip(along / _EDGE_ABOVE, 0, 1) * np.clip((1 - along) / _EDGE_BELOW, 0, 1)
    across = np.clip(along / _EDGE_BESIDE, 0, 1) * np.clip((1 - along) / _EDGE_BESIDE, 0, 1)
    opacity = down[:, None] * across[None, :]
    return np.dstack([np.minimum(colour, _MOST_LIGHT), opacity]).astype(np.float32)


def _light_on(expressive: Look, neutrals: Sequence[Look]) -> NDArray[np.float32]:
    """Return the light on a mouth as the filter will find it: on the neutral face, (3,), BGR.

    Eyes that an expression narrows show hardly any white; so the whites are those of the neutral
    looks, as bright as the skin tells that the expression's picture is.
    """
    whites = [
        one.eye_white_bgr / max(lighting.luma(one.skin_bgr), 1.0)
        for one in neutrals
        if one.eye_white_bgr is not None
    ]
    white = None
    if whites:
        brightness = np.float32(lighting.luma(expressive.skin_bgr))
        white = np.asarray(np.median(whites, axis=0) * brightness, np.float32)
    return lighting.mouth_light(expressive.skin_bgr, white, expressive.opening_cm)


def _sharpness(one: Look) -> float:
    """Return how much detail a mouth shows, by the pixels that it was sampled from."""
    grey = cv2.cvtColor(one.mouth, cv2.COLOR_BGR2GRAY).astype(np.float32)
    detail = float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())
    return detail * one.opening_px
