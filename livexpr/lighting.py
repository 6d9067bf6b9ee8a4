"""How the live face is lit: from its own skin and the whites of its eyes.

Bias is measured against skin. Teeth are not: under one light everybody's teeth are about as
bright, whatever the skin, so a mouth lit by skin luma alone would be grey in a dark face. The
whites of the eyes see the same light and have no skin's colour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.types import FaceTrack

# Rec. 601 luma of BGR.
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)

# Measured on the 81 neutral faces of the London set: skin luma over the luma of the brightest
# tenth of the eye opening, mean skin luma, and the colour of those whites over their luma.
_SKIN_PER_WHITE = 1.1
_TYPICAL_SKIN_LUMA = 150.0
_WHITE_BGR = np.array([0.95, 0.97, 1.09], np.float32)
# The light on the mouth is a geometric mean of what whites, skin and experience say.
_WHITE_SHARE, _SKIN_SHARE = 0.55, 0.1
# How much of the whites' colour cast is taken over: they are a little red themselves.
_CAST_SHARE = 0.7
# Brighter whites than this, against skin, are reflections in glasses.
_MAX_WHITE_PER_SKIN = 1.9
_WHITE_QUANTILE = 0.9
# A mouth open this far, cm, is fully lit; the narrowest slit gets this part of the light.
_LIT_OPENING_CM, _SLIT_SHADE = 0.7, 0.5
# Lids nearer than this part of the eye's width show no white.
_LEAST_EYE_OPENING = 0.12
# Light changes slowly: so often is looked, and with this time constant followed, s.
_EVERY_S, _FOLLOWING_S = 0.1, 0.5
# Where none of these landmarks is brighter than this part of the skin that was seen, it is darker.
_PROBES, _DARKENED = [151, 5, 50, 280, 205, 425], 0.7
# While it is followed, it is taken to be at most so many times as bright as it was seen.
_MOST_TOO_BRIGHT = 1.5


@dataclass(frozen=True, slots=True)
class Light:
    """The light on a face from frame to frame; colours (3,), float32, BGR grey levels.

    Attributes
    ----------
    skin_bgr, skin_seen : ndarray
        As it is taken to be, and as it was seen last.
    white_bgr, white_seen : ndarray or None
        That of the eyes' whites; None while they were never seen.
    looked_s : float
        When it was looked at last.
    """

    skin_bgr: NDArray[np.float32]
    skin_seen: NDArray[np.float32]
    white_bgr: NDArray[np.float32] | None
    white_seen: NDArray[np.float32] | None
    looked_s: float


def first_seen(pixels: NDArray[np.uint8], track: FaceTrack, time_s: float) -> Light:
    """Return the light on a new face, on a picture (H, W, 3), uint8, BGR."""
    skin = skin_bgr(pixels, track.landmarks_px)
    white = eye_white_bgr(pixels, track.landmarks_px)
    return Light(skin, skin, white, white, time_s)


def has_darkened(light: Light, pixels: NDArray[np.uint8], track: FaceTrack) -> bool:
    """Whether skin on a picture, (H, W, 3), uint8, BGR, is much darker than it was seen last.

    Takes much less time than a look, so that a lamp that goes out is noticed at once.
    """
    height, width = pixels.shape[:2]
    places = track.landmarks_px[_PROBES, :2].tolist()
    inside = [(int(y), int(x)) for x, y in places if 0 <= x < width and 0 <= y < height]
    most = _DARKENED * luma(light.skin_seen)
    return bool(inside) and not any(luma(pixels[place]) > most for place in inside)


def no_brighter(light: Light, pixels: NDArray[np.uint8], track: FaceTrack) -> Light:
    """Return the light that is left where a picture, (H, W, 3), uint8, BGR, has become darker."""
    return _at_most(light, luma(skin_bgr(pixels, track.landmarks_px)))


def _at_most(light: Light, skin_luma: float) -> Light:
    """Return the light, dimmed where skin would be brighter in it."""
    left = skin_luma / max(luma(light.skin_bgr), 1.0)
    if left >= 1:
        return light
    white = None if light.white_bgr is None else light.white_bgr * np.float32(left)
    return replace(light, skin_bgr=light.skin_bgr * np.float32(left), white_bgr=white)


def is_due(light: Light, time_s: float) -> bool:
    """Whether it is time to look again."""
    return not 0 <= time_s - light.looked_s < _EVERY_S


def looked(light: Light, pixels: NDArray[np.uint8], track: FaceTrack, time_s: float) -> Light:
    """Look at skin and whites anew, on a picture (H, W, 3), uint8, BGR."""
    white = eye_white_bgr(pixels, track.landmarks_px)
    return replace(
        light,
        skin_seen=skin_bgr(pixels, track.landmarks_px),
        white_seen=light.white_seen if white is None else white,
        looked_s=time_s,
    )


def followed(light: Light, dt_s: float) -> Light:
    """Move the light, after `dt_s` seconds, towards what was seen."""
    step = np.float32(1 - math.exp(-dt_s / _FOLLOWING_S))
    white, goal = light.white_bgr, light.white_seen
    if white is None:
        white = goal
    elif goal is not None:
        white = white + step * (goal - white)
    skin = light.skin_bgr + step * (light.skin_seen - light.skin_bgr)
    # Lamps go out at once, and teeth must not glow meanwhile.
    most = _MOST_TOO_BRIGHT * luma(light.skin_seen)
    return _at_most(replace(light, skin_bgr=skin, white_bgr=white), most)


def skin_bgr(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median skin colour of a face.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    landmarks_px : ndarray of shape (N, 3), float32
        N at least 468, px; those outside the frame do not count.

    Returns
    -------
    bgr : ndarray of shape (3,), float32
        Grey levels; mid-grey when no skin lies inside the frame.
    """
    height, width = pixels.shape[:2]
    points = np.round(landmarks_px[list(face_mesh.SKIN_PATCHES), :2]).astype(np.intp)
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    if not inside.any():
        return np.full(3, 128, np.float32)
    samples = pixels[points[inside, 1], points[inside, 0]]
    return np.asarray(np.median(samples, axis=0), np.float32)


def luma(bgr: NDArray[np.float32]) -> float:
    """Return the luma of one colour, in its own unit (Rec. 601)."""
    return float(bgr @ _LUMA)


def eye_white_bgr(
    pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]
) -> NDArray[np.float32] | None:
    """Return the colour of the whites of the eyes, (3,) float32; None while they are shut.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    landmarks_px : ndarray of shape (N, 3), float32
        N at least 468, px.
    """
    height, width = pixels.shape[:2]
    samples = []
    for rims in (
        (face_mesh.RIGHT_LID_UPPER, face_mesh.RIGHT_LID_LOWER),
        (face_mesh.LEFT_LID_UPPER, face_mesh.LEFT_LID_LOWER),
    ):
        upper, lower = (landmarks_px[list(rim), :2] for rim in rims)
        opening = np.linalg.norm(upper - lower, axis=1).max()
        if opening < _LEAST_EYE_OPENING * np.linalg.norm(upper[0] - upper[-1]):
            continue
        for down in (0.35, 0.5, 0.65):
            samples.append((upper + down * (lower - upper))[1:-1])
    if not samples:
        return None
    points = np.round(np.concatenate(samples)).astype(np.intp)
    points = points[((points >= 0) & (points < (width, height))).all(axis=1)]
    if not len(points):
        return None
    colours = pixels[points[:, 1], points[:, 0]].astype(np.float32)
    lumas = colours @ _LUMA
    ranked = np.sort(lumas)
    at = _WHITE_QUANTILE * (len(ranked) - 1)
    below, above = ranked[math.floor(at)], ranked[math.ceil(at)]
    brightest = lumas >= below + np.float32(at % 1) * (above - below)
    return np.asarray(colours[brightest].mean(axis=0), np.float32)


def mouth_light(
    skin: NDArray[np.float32], eye_white: NDArray[np.float32] | None, opening_cm: float
) -> NDArray[np.float32]:
    """Return the light on the inside of the mouth, (3,) float32, BGR grey levels.

    In the unit of skin luma: on the average face of the London set it is the skin's luma.

    Parameters
    ----------
    skin : ndarray of shape (3,), float32
        From :func:`skin_bgr`.
    eye_white : ndarray of shape (3,), float32, or None
        From :func:`eye_white_bgr`; without it, skin alone decides.
    opening_cm : float
        How far the mouth is open: less light falls through a narrow slit.
    """
    entering = min(max(opening_cm / _LIT_OPENING_CM, 0.0), 1.0)
    shade = _SLIT_SHADE + (1 - _SLIT_SHADE) * entering
    skin_luma = max(luma(skin), 1.0)
    if eye_white is None:
        return np.full(3, skin_luma * shade, np.float32)
    white_luma = max(luma(eye_white), 1.0)
    white = min(white_luma * _SKIN_PER_WHITE, skin_luma * _MAX_WHITE_PER_SKIN)
    level = (
        white**_WHITE_SHARE
        * skin_luma**_SKIN_SHARE
        * _TYPICAL_SKIN_LUMA ** (1 - _WHITE_SHARE - _SKIN_SHARE)
    )
    cast = (np.maximum(eye_white, 1.0) / white_luma / _WHITE_BGR) ** _CAST_SHARE
    return np.asarray(level * cast * shade, np.float32)
