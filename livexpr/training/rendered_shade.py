"""How an expression changes the light on rendered skin: folds darken.

Three effects, one after the other: the light and shadow that the moved surface itself shows, by ray
casting; folds finer than any mesh, where skin is pressed together; and the two upright lines
between drawn brows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.training.ict_facekit import HeadModel
from livexpr.training.ray_casting import Mesh, Points, Surface, sphere
from livexpr.training.rendered_head import PORTRAIT, light

# Rendered shades are smooth: a coarser canvas than that of photographs holds them.
RENDERED_SIZE = 128
LIGHTS = ("even", "window", "lamp", "left", "right")
_DIRECTIONS = 192
# Light that skin sends on into a fold comes back the redder: its reflectance, BGR.
_SKIN_BGR = np.array([0.36, 0.45, 0.62], np.float32)
# Pictures store light to this power, and so a ratio of light to this power.
_ENCODING = 1 / 2.2
# No skin is darker than this part of what lies open: light comes through it, too.
_LEAST_LIGHT = 0.15
# Rendered skin is matter than skin: what gets brighter there counts for less.
_BRIGHTER_PART = 0.5
_MAX_LOG_GAIN = 0.5
_SMOOTHING_PX = 0.8
_LEAST_SHADE = (0.01, 0.03)
# Where lips touch they are dark already, however hard they press: nothing within the first of
# these distances from the line where they meet, everything beyond the second, px of face space.
_LIP_LINE_PX = (2.0, 6.0)
# Lips crease in other ways than skin does.
_NO_FOLDS_PX = (5.0, 14.0)
# Skin pressed together by more than this part of its length wrinkles, and darkens by so much.
_FOLDS_FROM, _FOLD_SHADE, _FOLD_BLUR_PX = 0.06, 0.44, 1.2
_FOLD_TINT = np.array([1.1, 1.0, 0.85], np.float32)
# The lines between the brows, cm beside the middle at their upper and lower end, and how much they
# darken for brows drawn together by all of their distance.
_FROWN_CM, _FROWN_SHADE, _FROWN_BLUR_PX = (0.46, 0.38), 1.15, 0.7
_BROW_ENDS, _BETWEEN_BROWS = (66, 296), (9, 8)


@lru_cache(maxsize=1)
def _triangle_weights() -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the vertices (S * S, 3) and weights (S * S, 3) that make each pixel of face space.

    Weights are all 0 where there is no face.
    """
    mesh, size = face_mesh.load(), RENDERED_SIZE
    uv = mesh.uv * (size - 1)
    grid = np.mgrid[:size, :size][::-1].reshape(2, -1).T.astype(np.float32)
    vertices, weights = np.zeros((size * size, 3), np.int32), np.zeros((size * size, 3), "f4")
    for corners in mesh.triangles[: mesh.n_face_triangles]:
        a, b, c = uv[corners]
        edges = np.stack([b - a, c - a]).astype(np.float64)
        if abs(np.linalg.det(edges)) < 1e-9:
            continue
        local = (grid - a) @ np.linalg.inv(edges)
        within = (local >= -1e-6).all(axis=1) & (local.sum(axis=1) <= 1 + 1e-6)
        vertices[within] = corners
        weights[within] = np.column_stack([1 - local[within].sum(axis=1), local[within]])
    return vertices, weights


def _over_face_space(values: Points) -> Points:
    """Interpolate values of the landmarks, (468, D), over face space, (S * S, D)."""
    vertices, weights = _triangle_weights()
    corners = face_mesh.all_vertices(values)[vertices]
    return np.asarray(np.einsum("nk,nkd->nd", weights, corners), np.float32)


def place_face_space(model: HeadModel, landmarks: Surface) -> Surface:
    """Return where the pixels of face space lie on the neutral model, (S * S,); -1 for nowhere."""
    points = landmarks.on(model.neutral_cm, model.triangles)
    inside = _triangle_weights()[1].any(axis=1)
    mesh = Mesh(model.neutral_cm, model.triangles)
    hits = mesh.first_hits(*PORTRAIT.rays(_over_face_space(PORTRAIT.project(points))))
    return Surface(np.where(inside, hits.triangle, -1).astype(np.int32), hits.weights)


@dataclass(frozen=True, slots=True)
class Illumination:
    """Light on the pixels of face space.

    Attributes
    ----------
    irradiance : ndarray of shape (L, S * S), float32
        Under each of :data:`LIGHTS`; 1 where skin lies open to even light.
    openness : ndarray of shape (S * S,), float32
        The part of all directions, by cosine, that nothing hides.
    """

    irradiance: Points
    openness: Points


def illuminate(model: HeadModel, places: Surface, vertices: Points) -> Illumination:
    """Return the light on places of the model's skin when its vertices (N, 3) lie there."""
    seen = places.triangle >= 0
    some = Surface(places.triangle[seen], places.weights[seen])
    mesh = Mesh(vertices, model.triangles)
    normals = some.on(mesh.normals(), mesh.triangles)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    directions = sphere(_DIRECTIONS)
    visible = mesh.visibility(some.on(vertices, mesh.triangles), normals, directions)
    lit = np.ones((len(LIGHTS), len(seen)), np.float32)
    lit[:, seen] = np.stack([visible @ light(kind, directions) for kind in LIGHTS])
    openness = np.ones(len(seen), np.float32)
    openness[seen] = visible.sum(axis=1) * (4 / _DIRECTIONS)
    return Illumination(lit, openness)


def log_gain(neutral: Illumination, expressive: Illumination) -> NDArray[np.float32]:
    """Return the logarithm of how the skin's stored grey levels change, (S, S, 3), BGR.

    The mean over the lights. Light that skin sends on into folds is added by the approximation of
    Jimenez et al. (2016), Practical Realtime Strategies for Accurate Indirect Occlusion, section 5:
    less is lost in the colours that skin reflects more of.
    """
    logs = []
    for one in (neutral, expressive):
        openness = np.clip(one.openness, _LEAST_LIGHT, 1)[:, None]
        returned = 1 - _SKIN_BGR * (1 - openness)
        direct = np.log(np.maximum(one.irradiance, _LEAST_LIGHT))
        logs.append(direct[..., None] - np.log(returned)[None])
    ratio = np.mean(logs[1] - logs[0], axis=0) * _ENCODING
    size = RENDERED_SIZE
    return np.asarray(ratio.reshape(size, size, 3) * _off_lips(_LIP_LINE_PX)[..., None], np.float32)


@lru_cache(maxsize=2)
def _off_lips(between_px: tuple[float, float]) -> NDArray[np.float32]:
    """Return 0 where the lips meet, 1 beyond some distances from there, (S, S), float32."""
    uv = face_mesh.load().uv * (RENDERED_SIZE - 1)
    line = np.ones((RENDERED_SIZE, RENDERED_SIZE), np.uint8)
    for lip in (face_mesh.INNER_LIP_UPPER, face_mesh.INNER_LIP_LOWER):
        cv2.polylines(line, [np.rint(uv[list(lip)]).astype(np.int32)], False, (0,))
    start, stop = between_px
    away = cv2.distanceTransform(line, cv2.DIST_L2, 5)
    return np.asarray(np.clip((away - start) / (stop - start), 0, 1), np.float32)


def _in_plane(points: Points, triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return both edges from each triangle's first corner in its own plane, (T, 2, 2), columns."""
    ab = (points[triangles[:, 1]] - points[triangles[:, 0]]).astype(np.float64)
    ac = (points[triangles[:, 2]] - points[triangles[:, 0]]).astype(np.float64)
    first = ab / np.linalg.norm(ab, axis=1, keepdims=True)
    across = ac - (ac * first).sum(axis=1, keepdims=True) * first
    second = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    return np.stack(
        [
            np.stack([(ab * first).sum(axis=1), (ac * first).sum(axis=1)], axis=1),
            np.stack([(ab * second).sum(axis=1), (ac * second).sum(axis=1)], axis=1),
        ],
        axis=1,
    )


def compression(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by what part skin is pressed together at each landmark, (468,), at least 0.

    The least singular value of the deformation of each triangle, averaged over those that meet.
    """
    mesh = face_mesh.load()
    triangles = mesh.triangles[: mesh.n_face_triangles]
    triangles = triangles[(triangles < face_mesh.N_LANDMARKS).all(axis=1)]
    before = _in_plane(mesh.rest_cm, triangles)
    after = _in_plane(mesh.rest_cm + offset_cm, triangles)
    shrunk = np.linalg.svd(after @ np.linalg.inv(before), compute_uv=False)[:, 1]
    area = np.abs(np.linalg.det(before))
    total, weight = np.zeros(face_mesh.N_LANDMARKS), np.full(face_mesh.N_LANDMARKS, 1e-12)
    for corner in range(3):
        np.add.at(total, triangles[:, corner], area * shrunk)
        np.add.at(weight, triangles[:, corner], area)
    # Landmarks at the edges of lips and lids belong to no triangle of skin, or to few.
    return np.asarray(np.where(weight > 1e-9, np.maximum(1 - total / weight, 0), 0), np.float32)


def _frown_lines(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much the lines between the brows darken, (S, S), float32."""
    mesh, size = face_mesh.load(), RENDERED_SIZE
    right, left = _BROW_ENDS
    apart = mesh.rest_cm[left, 0] - mesh.rest_cm[right, 0]
    drawn = float(offset_cm[right, 0] - offset_cm[left, 0]) / float(apart)
    lines = np.zeros((size, size), np.float32)
    if drawn <= 0:
        return lines
    uv = mesh.uv * (size - 1)
    unit = float(uv[left, 0] - uv[right, 0]) / float(apart)
    upper, lower = (uv[index] for index in _BETWEEN_BROWS)
    for side in (-1, 1):
        ends = [
            centre + np.array([side * beside * unit, 0], np.float32)
            for centre, beside in zip((upper, lower), _FROWN_CM, strict=True)
        ]
        # In sixteenths of a pixel.
        start, stop = ([round(16 * float(x)) for x in end] for end in ends)
        cv2.line(lines, start, stop, (1.0,), 1, cv2.LINE_AA, 4)
    lines = cv2.GaussianBlur(lines, (0, 0), _FROWN_BLUR_PX).astype(np.float32)
    return np.asarray(lines * (_FROWN_SHADE * drawn / float(lines.max())), np.float32)


def fold_shade(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logarithm of how folds finer than the mesh change grey levels, (S, S, 3), <= 0.

    Parameters
    ----------
    offset_cm : ndarray of shape (468, 3), float32
    """
    size = RENDERED_SIZE
    pressed = np.clip(compression(offset_cm) - _FOLDS_FROM, 0, 0.5)
    folds = _over_face_space(pressed[:, None]).reshape(size, size)
    folds = cv2.GaussianBlur(folds, (0, 0), _FOLD_BLUR_PX) * _off_lips(_NO_FOLDS_PX)
    shade = _FOLD_SHADE * folds + _frown_lines(offset_cm)
    return np.asarray(-shade[..., None] * _FOLD_TINT, np.float32)


def finished(shade: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a mean log gain (S, S, 3) smoothed, limited and without its least changes."""
    shade = np.where(shade > 0, np.float32(_BRIGHTER_PART) * shade, shade).astype(np.float32)
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), _SMOOTHING_PX), np.float32)
    size = np.abs(shade).max(axis=2, keepdims=True)
    start, stop = _LEAST_SHADE
    shade = shade * np.clip((size - start) / (stop - start), 0, 1)
    return np.asarray(np.clip(shade, -_MAX_LOG_GAIN, _MAX_LOG_GAIN), np.float32)
