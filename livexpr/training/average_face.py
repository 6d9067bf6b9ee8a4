"""An average neutral face, nobody's own, with hair and shoulders, from frontal photographs.

Photographs are laid on one canvas by a thin-plate spline through their landmarks, then registered
to their running median by smooth optical flow (groupwise registration, after Joshi et al. 2004,
doi 10.1016/j.neuroimage.2004.07.068), so that outlines fall on outlines. Hair and shirts differ
too much to be averaged over everybody: there, the photographs that are most alike are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.training.canvas import (
    CANVAS_SIZE,
    FACE_HEIGHT,
    GRID_PX,
    between_grid_points,
    look,
    smoothstep,
)
from livexpr.training.frontal_photographs import Photograph, dense, mean_shape, warps_of

# Widths by which flow is smoothed, round by round, px of the half-size canvas.
_FLOW_WIDTHS_PX = (14.0, 10.0, 8.0, 6.0, 4.0, 3.0, 2.5)
# Shirts have folds of their own, which fine flow would tear.
_SHIRT_FLOW_WIDTH_PX = 7.0
# A photograph fades in from its border over this distance, px.
_BORDER_PX = 60.0
# So many photographs, and at most such a part of all, make the hair and the shirt.
_HAIR_PHOTOGRAPHS, _SHIRT_PHOTOGRAPHS, _LARGEST_PART = 27, 20, 1 / 3
# A white shirt: every channel above this.
_SHIRT_LEVEL = 185
# What differs from the median by more than this counts little, grey levels.
_OUTLIER_LEVELS = 40.0
# Part of the canvas's width and height, from the middle, that photographs cover.
_COVERED = 0.7
# What differs from the backdrop by more than this is the person, grey levels.
_PERSON_LEVELS = 9.0
_SHARPEN_AMOUNT, _SHARPEN_PX = 0.5, 2.0


@dataclass(frozen=True, slots=True)
class _Regions:
    """Which photographs make which part, on the half-size canvas; the three add up to 1.

    ``face``, ``hair`` and ``shirt`` are (h, w, 1) float32 in [0, 1].
    """

    face: NDArray[np.float32]
    hair: NDArray[np.float32]
    shirt: NDArray[np.float32]
    measured_hair: NDArray[np.bool_]
    measured_shirt: NDArray[np.bool_]


def _regions(mean: NDArray[np.float32]) -> _Regions:
    half = mean / 2
    width, height = CANVAS_SIZE[0] // 2, CANVAS_SIZE[1] // 2
    unit = FACE_HEIGHT / 2
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    chin_x, chin_y = half[152]
    hull = cv2.convexHull(np.round(half).astype(np.int32))
    inside = cv2.fillConvexPoly(np.zeros((height, width), np.uint8), hull, (1,)) > 0
    beside = np.abs(columns - chin_x)
    around = (rows < chin_y) & ~inside
    shirt = smoothstep((rows - chin_y) / unit / 0.27 - 0.25)
    hair = cv2.GaussianBlur((around & (beside < 0.9 * unit)).astype(np.float32), (0, 0), 6)
    hair *= 1 - shirt
    below_throat = (rows > chin_y + 0.24 * unit) & (rows < chin_y + 0.46 * unit)
    return _Regions(
        face=(1 - hair - shirt)[..., None],
        hair=hair[..., None],
        shirt=shirt[..., None],
        measured_hair=around & (beside < 0.9 * unit),
        measured_shirt=below_throat & (beside < 0.33 * unit),
    )


def _most(scores: NDArray[np.floating], wanted: int) -> NDArray[np.intp]:
    """Return which photographs have the highest scores, at least one."""
    count = max(1, min(wanted, round(len(scores) * _LARGEST_PART)))
    return np.argsort(-scores, kind="stable")[:count]


def _alike(
    pictures: NDArray[np.uint8], template: NDArray[np.uint8], where: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Return the photographs whose hair differs least from the template's."""
    middle = template[where].astype(np.int16)
    differences = [np.minimum(np.abs(p[where] - middle), 60).mean() for p in pictures]
    return _most(-np.array(differences), _HAIR_PHOTOGRAPHS)


def _template(
    pictures: NDArray[np.uint8],
    regions: _Regions,
    alike: NDArray[np.intp],
    shirts: NDArray[np.intp],
) -> NDArray[np.uint8]:
    """Return the median of the photographs, each region's of its own ones."""
    blended = regions.face * np.median(pictures, axis=0)
    blended += regions.hair * np.median(pictures[alike], axis=0)
    blended += regions.shirt * np.median(pictures[shirts], axis=0)
    return np.asarray(blended, np.uint8)


def _features(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what registration compares: luma with its local contrast evened out."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.createCLAHE(3, (6, 6)).apply(grey), np.uint8)


def _softened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a photograph low-passed for being sampled at half its size."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.7), np.uint8)


def average_face(
    photographs: Sequence[Photograph], on_progress: Callable[[str], None] = lambda name: None
) -> NDArray[np.uint8]:
    """Return the average of photographs on a canvas of ``CANVAS_SIZE``, (H, W, 3) uint8 BGR.

    The same photographs give the same picture.
    """
    mean = mean_shape([p.landmarks_px for p in photographs])
    regions = _regions(mean)
    warps = warps_of(photographs, mean)
    still = np.stack(
        [
            look(_softened(p.pixels), dense(warp, 2), cv2.INTER_LINEAR)
            for p, warp in zip(photographs, warps, strict=True)
        ]
    )
    white = (still[:, regions.measured_shirt].min(axis=2) > _SHIRT_LEVEL).mean(axis=1)
    shirts = _most(white, _SHIRT_PHOTOGRAPHS)
    features = [_features(picture) for picture in still]
    pictures, flows = still, np.empty(0, np.float32)
    template = np.median(pictures, axis=0).astype(np.uint8)
    for width in _FLOW_WIDTHS_PX:
        on_progress(f"registering, {width:g} px")
        alike = _alike(pictures, template, regions.measured_hair)
        template = _template(pictures, regions, alike, shirts)
        flows = _flows(template, features, width, regions.shirt)
        pictures = _displaced(still, flows)
    on_progress("averaging")
    alike = _alike(pictures, template, regions.measured_hair)
    template = _template(pictures, regions, alike, shirts)
    weights = [
        _weight(i, picture, template, regions, alike, shirts) for i, picture in enumerate(pictures)
    ]
    return _combined(photographs, warps, flows, weights)


def _flows(
    template: NDArray[np.uint8],
    features: Sequence[NDArray[np.uint8]],
    width: float,
    shirt: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the smooth flows from the template to each photograph, (N, h, w, 2) px."""
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    fixed = _features(template)
    flows = np.empty((len(features), *fixed.shape, 2), np.float32)
    for i, feature in enumerate(features):
        flow = flow_of.calc(fixed, feature, None)  # type: ignore[call-overload]
        fine = cv2.GaussianBlur(flow, (0, 0), width)
        coarse = cv2.GaussianBlur(flow, (0, 0), max(width, _SHIRT_FLOW_WIDTH_PX))
        flows[i] = fine + shirt * (coarse - fine)
    # What all have in common is taken off, so that the average keeps the mean shape.
    flows -= np.median(flows, axis=0)
    return flows


def _displaced(pictures: NDArray[np.uint8], flows: NDArray[np.float32]) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[: pictures.shape[1], : pictures.shape[2]].astype(np.float32)
    here = np.stack([columns, rows], axis=-1)
    moved = [
        look(picture, here + flow, cv2.INTER_LINEAR)
        for picture, flow in zip(pictures, flows, strict=True)
    ]
    return np.stack(moved)


def _weight(
    i: int,
    picture: NDArray[np.uint8],
    template: NDArray[np.uint8],
    regions: _Regions,
    alike: NDArray[np.intp],
    shirts: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Return how much a photograph counts, (h, w) float32: Geman and McClure's weight."""
    difference = ((picture.astype(np.float32) - template) ** 2).sum(axis=2)
    robust = 1 / (1 + difference / _OUTLIER_LEVELS**2) ** 2
    part = regions.face + regions.hair * (i in alike) + regions.shirt * (i in shirts)
    return np.asarray(cv2.GaussianBlur(robust * part[..., 0], (0, 0), 1) + 1e-6, np.float32)


def _coverage(places: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return 1 where a photograph shows something, next to nothing beyond its border, (H, W)."""
    x, y = places[..., 0], places[..., 1]
    inwards = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y))
    return np.asarray(np.maximum(smoothstep(inwards / _BORDER_PX), 1e-4), np.float32)


def _combined(
    photographs: Sequence[Photograph],
    warps: Sequence[NDArray[np.float32]],
    flows: NDArray[np.float32],
    weights: Sequence[NDArray[np.float32]],
) -> NDArray[np.uint8]:
    """Return the weighted mean at full size: every photograph is sampled once only."""
    width, height = CANVAS_SIZE
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    total = np.zeros((height, width, 3))
    total_weight = np.full((height, width, 1), 1e-9)
    for photograph, warp, flow, weight in zip(photographs, warps, flows, weights, strict=True):
        moved = 2 * cv2.resize(flow, CANVAS_SIZE, interpolation=cv2.INTER_LINEAR)
        x, y = ((axis + moved[..., k]) / GRID_PX for k, axis in enumerate((columns, rows)))
        places = between_grid_points(warp, x, y)
        full = cv2.resize(weight, CANVAS_SIZE, interpolation=cv2.INTER_LINEAR)
        full = (full * _coverage(places, photograph.pixels.shape))[..., None]
        total += full * look(photograph.pixels, places, cv2.INTER_CUBIC)
        total_weight += full
    average = (total / total_weight).astype(np.float32)
    soft = cv2.GaussianBlur(average, (0, 0), _SHARPEN_PX)
    average += _SHARPEN_AMOUNT * (average - soft)
    average = _before_backdrop(average)
    return np.clip(np.rint(average), 0, 255).astype(np.uint8)


def _before_backdrop(average: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay the person on a smooth backdrop, a smooth surface fitted to the studio's own."""
    height, width = average.shape[:2]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    x, y = 2 * columns / width - 1, 2 * rows / height - 1
    # Even in x, so that it stays sane beyond what the photographs show.
    terms = np.stack([np.ones_like(x), y, y**2, x**2, x**2 * y], axis=-1)
    covered = np.abs(x) < _COVERED
    person = (np.abs(x) < _COVERED / 2) | (y > _COVERED / 2)
    for _ in range(4):
        wall = covered & ~person & (y < _COVERED)
        solution = np.linalg.lstsq(terms[wall][::7], average[wall][::7], rcond=None)[0]
        backdrop = (terms @ solution).astype(np.float32)
        differs = np.abs(average - backdrop).max(axis=2) > _PERSON_LEVELS
        blobs = cv2.connectedComponents((differs & covered).astype(np.uint8))[1]
        found = (blobs == blobs[height // 2, width // 2]).astype(np.uint8)
        person = cv2.dilate(found, np.ones((31, 31), np.uint8)) > 0
    opacity = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 8)[..., None]
    return np.asarray(backdrop + opacity * (average - backdrop), np.float32)
