"""How an expression changes light and shade on the face of one person.

The logarithm of the ratio of two pictures in face space holds the expression's folds, but also
another light, skin that the mesh lays a pixel beside itself, and the camera's noise. Folds are
wider than the noise and narrower than a change of light, and a ratio means little at the edges of
brows, lips and nostrils.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.pixel_map import PixelMap
from livexpr.teaching.looks import CANVAS_SIZE
from livexpr.training import face_space

Canvas = NDArray[np.float32]

# Added to luma, in units of skin luma, before the logarithm: the darkest pixels say nothing.
_FLOOR = 0.08
# What is narrower than the first, px of the canvas, is noise; what is wider than the second, light.
_FINEST_PX, _WIDEST_PX = 0.9, 18.0
# By how much people's folds differ from the shipped ones, in the logarithm.
_DIFFERENCE = 0.15
# Noise of the logarithm on smooth skin, by how many px the mesh lays skin beside itself, and over
# how many that blurs.
_NOISE, _MISPLACED_PX, _STEEP_BLUR_PX = 0.04, 1.0, 2.0
# What is darker than its surroundings, so many px wide, from the first of these logarithms on, and
# surely from the second, is hair or a hole, and no fold.
_SURROUNDINGS_PX, _DARK, _DARK_REACH_PX = 12.0, (0.35, 0.65), 3
# Within the first of these distances from where the lips meet, teeth show; beyond the second none.
_LIP_LINE_PX = (3.0, 8.0)
# Skin seen at such a cosine is stretched from a few pixels, and mixed with what is behind it.
_EDGE_ON = (0.5, 0.75)
# What gets brighter is sheen in part, which moves with the light.
_BRIGHTER_PART = 0.8
# No fold is deeper than this; deeper ones come near it, so that more than all of an expression
# leaves no smudge.
_MAX_LOG_GAIN = 0.4


def log_luma(face: NDArray[np.uint8]) -> Canvas:
    """Return the logarithm of a face's luma, in units of its own mean skin, (S, S), float32."""
    grey = np.asarray(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), np.float32)
    skin = max(float(grey[face_space.skin_mask(len(face))].mean()), 1.0)
    return np.asarray(np.log(grey / skin + np.float32(_FLOOR)), np.float32)


def _ramp(values: NDArray[Any], between: tuple[float, float]) -> Canvas:
    start, stop = between
    return np.asarray(np.clip((values - start) / (stop - start), 0, 1), np.float32)


def _facing() -> Canvas:
    """Return the cosine at which each pixel of face space is seen from the front, (S, S)."""
    mesh = face_mesh.load()
    triangles = mesh.triangles[: mesh.n_face_triangles]
    corners = face_mesh.all_vertices(mesh.rest_cm)[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.maximum(np.linalg.norm(normals, axis=1), 1e-9)
    cosine = np.zeros((CANVAS_SIZE, CANVAS_SIZE), np.float32)
    at_px = np.rint(mesh.uv * (CANVAS_SIZE - 1)).astype(np.int32)
    for triangle, towards in zip(triangles, np.abs(normals[:, 2]) / length, strict=True):
        cv2.fillConvexPoly(cosine, at_px[triangle], (float(towards),))
    return np.asarray(cv2.GaussianBlur(cosine, (0, 0), 4.0), np.float32)


@lru_cache(maxsize=1)
def _readable() -> Canvas:
    """Return where pictures of skin can be compared at all, (S, S), in [0, 1]."""
    uv = face_mesh.load().uv * (CANVAS_SIZE - 1)
    line = np.ones((CANVAS_SIZE, CANVAS_SIZE), np.uint8)
    for lip in (face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER):
        cv2.polylines(line, [np.rint(uv[list(lip)]).astype(np.int32)], False, (0,))
    off_lips = _ramp(cv2.distanceTransform(line, cv2.DIST_L2, 5), _LIP_LINE_PX)
    inside = (face_space.feather_mask(CANVAS_SIZE) > 0).astype(np.float32)
    return np.asarray(inside * off_lips * _ramp(_facing(), _EDGE_ON), np.float32)


def _hair_or_hole(picture: Canvas) -> Canvas:
    """Return where a picture shows brows, lashes, beard or nostrils, (S, S), in [0, 1]."""
    darker = cv2.GaussianBlur(picture, (0, 0), _SURROUNDINGS_PX) - picture
    reach = np.ones((2 * _DARK_REACH_PX + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(_ramp(darker, _DARK), reach), np.float32)


def _variance(neutral: Canvas) -> Canvas:
    """Return how far one ratio is to be mistrusted, (S, S): the square of its expected error."""
    blurred = cv2.GaussianBlur(neutral, (0, 0), 1.0)
    across, down = (cv2.Sobel(blurred, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    steep = cv2.GaussianBlur(across**2 + down**2, (0, 0), _STEEP_BLUR_PX)
    return np.asarray(_NOISE**2 + _MISPLACED_PX**2 * steep, np.float32)


def _blurred(values: Canvas, precision: Canvas, width_px: float) -> Canvas:
    """Return a mean of neighbours, each by its precision: normalised convolution.

    References
    ----------
    Knutsson & Westin (1993), Normalized and differential convolution, CVPR.
    """
    weighted, weight = (
        cv2.GaussianBlur(part, (0, 0), width_px) for part in (values * precision, precision)
    )
    return np.asarray(weighted / np.maximum(weight, 1e-6), np.float32)


def expected_change(like: PixelMap, amount: float, log_neutral: Canvas) -> Canvas:
    """Return by what a shipped map of the same size changes the logarithm of luma, (S, S)."""
    luma = np.exp(log_neutral)
    gain = np.float32(amount) * like.log_gain.mean(axis=2)
    changed = np.exp(gain) * (luma - _FLOOR) + np.float32(amount) * like.bias + _FLOOR
    return np.asarray(np.log(np.maximum(changed, 0.1 * luma)) - log_neutral, np.float32)


def personal_change(pairs: Sequence[tuple[Canvas, Canvas]], expected: Sequence[Canvas]) -> Canvas:
    """Return what to add to the expected logarithm of the gain, (S, S), float32.

    Parameters
    ----------
    pairs : sequence of (neutral, expressive)
        From :func:`log_luma`; one for each expressive look.
    expected : sequence of ndarray of shape (S, S), float32
        What each of them should show if the person were like everybody.

    Returns
    -------
    ndarray of shape (S, S), float32
        Shrunk per pixel by ``n / (n + k)``, where k is the variance of one ratio's error over that
        of what is personal.
    """
    skin = face_space.skin_mask(CANVAS_SIZE)
    differences, precisions = [], []
    for (neutral, expressive), change in zip(pairs, expected, strict=True):
        ratio = expressive - neutral - change
        differences.append(ratio - np.float32(np.median(ratio[skin])))
        hidden = np.maximum(_hair_or_hole(neutral), _hair_or_hole(expressive))
        precisions.append(_readable() * (1 - hidden) / _variance(neutral))
    seen = np.median(differences, axis=0).astype(np.float32)
    precision = np.asarray(np.sum(precisions, axis=0), np.float32)
    band = _blurred(seen, precision, _FINEST_PX) - _blurred(seen, precision, _WIDEST_PX)
    trust = precision / (precision + np.float32(1 / _DIFFERENCE**2))
    change = trust * np.where(band > 0, np.float32(_BRIGHTER_PART) * band, band)
    limit = np.float32(_MAX_LOG_GAIN)
    return np.asarray(limit * np.tanh(change / limit), np.float32)
