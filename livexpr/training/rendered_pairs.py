"""Pixel maps from a rendered head, for expressions that nobody has openly licensed pairs of.

Identities of the morphable head are taken neutral and with the expression. The mesh says where
every piece of skin goes, exactly and in three dimensions; shading both under the same lights says
how it changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

import livexpr
from livexpr import face_mesh, head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.training import face_space, mouth_picture, rendered_head, rendered_shade
from livexpr.training.ict_facekit import HeadModel
from livexpr.training.pair_observations import MOUTH_SIZE
from livexpr.training.ray_casting import Points, Surface
from livexpr.training.rendered_head import Camera, displayed, find_face
from livexpr.training.rendered_shade import LIGHTS, RENDERED_SIZE

# Each identity is a random face, its modes this strong; of 100, the first ones shape the face.
IDENTITY_STRENGTH, IDENTITY_MODES = 0.8, 40
_LEAST_OPENING_CM = 0.15
# The close-up of the mouth, and rays a pixel each way.
_MOUTH_CAMERA_CM, _MOUTH_CAMERA_PX, _MOUTH_SAMPLES = 9.0, 320, 2
# What light lips and teeth send on to each other adds to the irradiance in the mouth.
_MOUTH_AMBIENT = 0.05
_LEAST_BLENDSHAPE = 0.05
# Of the sneer, the part above these heights of the head (cm) draws the brows down and together.
BROW_FURROW = "browFurrow"
_FURROW_FROM, _FURROW_HEIGHTS_CM = "noseSneer", (3.15, 4.3)


@dataclass(frozen=True, slots=True)
class RenderedFace:
    """The model with what its neutral pictures tell, found once.

    Attributes
    ----------
    model : HeadModel
        With the shape :data:`BROW_FURROW` added.
    landmarks : Surface
        Where the 468 landmarks lie on the skin.
    face_space : Surface
        Where the pixels of face space lie on it, (S * S,); -1 where there is no face.
    neutral_blendshapes : ndarray of shape (52,), float32
        What the landmark model sees on the neutral mean face.
    """

    model: HeadModel
    landmarks: Surface
    face_space: Surface
    neutral_blendshapes: NDArray[np.float32]


def study(model: HeadModel, landmarker: Landmarker) -> RenderedFace:
    """Find the landmarks on the model, and the place on it of every pixel of face space.

    Raises
    ------
    LivexprError
        If the landmark model finds no face on its renders.
    """
    model = _with_furrow(model)
    landmarks = rendered_head.landmarks_on_head(model, landmarker)
    places = rendered_shade.place_face_space(model, landmarks)
    return RenderedFace(model, landmarks, places, _seen_blendshapes(model, {}, landmarker))


def _with_furrow(model: HeadModel) -> HeadModel:
    """Add the shape that draws the brows down and together without wrinkling the nose.

    The model's own lowered brow sinks as a whole; the muscle between the brows (procerus), which
    makes a frown of it, moves in its sneer only.
    """
    low, high = _FURROW_HEIGHTS_CM
    t = np.clip((model.neutral_cm[:, 1:2] - low) / (high - low), 0, 1)
    part = (t * t * (3 - 2 * t)).astype(np.float32)
    added = {
        name.replace(_FURROW_FROM, BROW_FURROW): np.asarray(
            part * model.displacements_cm[name].astype(np.float32)
        )
        for name in model.shapes_of(_FURROW_FROM)
    }
    return replace(model, displacements_cm={**model.displacements_cm, **added})


def identities(model: HeadModel, count: int) -> list[dict[str, float]]:
    """Return the shape of `count` people: the mean face, then random ones, always the same.

    Every random face is followed by its opposite, so that an odd `count` is the mean face together.
    """
    rng = np.random.default_rng(0)
    names = model.identities[:IDENTITY_MODES]
    people: list[dict[str, float]] = [{}]
    while len(people) < count:
        drawn = IDENTITY_STRENGTH * rng.standard_normal(len(names))
        people += [dict(zip(names, (sign * drawn).tolist(), strict=True)) for sign in (1, -1)]
    return people[:count]


def rendered_offset(
    face: RenderedFace, person: Mapping[str, float], expression: Mapping[str, float]
) -> NDArray[np.float32]:
    """Return the displacement of each landmark in head space, (468, 3), cm."""
    model = face.model
    neutral, expressive = (
        face.landmarks.on(model.shaped({**person, **shape}), model.triangles)
        for shape in ({}, expression)
    )
    stable = list(face_mesh.STABLE)
    head_from_model = head_pose.fit_similarity(neutral[stable], face_mesh.load().rest_cm[stable])
    return np.asarray((expressive - neutral) @ head_from_model[:3, :3].T, np.float32)


def _log_gain(
    face: RenderedFace, person: Mapping[str, float], expression: Mapping[str, float]
) -> NDArray[np.float32]:
    """Return the log gain (S, S, 3) of one person under all lights."""
    neutral, expressive = (
        rendered_shade.illuminate(
            face.model, face.face_space, face.model.shaped({**person, **shape})
        )
        for shape in ({}, expression)
    )
    return rendered_shade.log_gain(neutral, expressive)


def rendered_mouth(
    face: RenderedFace, expression: Mapping[str, float], opening_cm: float
) -> NDArray[np.float32]:
    """Return the mouth layer (M, M, 4) that the expression opens; all zero where lips stay shut.

    Teeth, gums, tongue and cavity of the mean face, by how far the lips part.
    """
    if opening_cm < _LEAST_OPENING_CM:
        return np.zeros((MOUTH_SIZE, MOUTH_SIZE, 4), np.float32)
    model = face.model
    vertices = model.shaped(expression)
    points = face.landmarks.on(vertices, model.triangles)
    lips = list(face_mesh.INNER_LIP_UPPER + face_mesh.INNER_LIP_LOWER)
    centre = points[lips].mean(axis=0).astype(np.float32)
    camera = Camera(centre, _MOUTH_CAMERA_CM, _MOUTH_CAMERA_PX)
    lights = ("window", "even")
    linear = rendered_head.render(
        model, vertices, camera, lights, _MOUTH_SAMPLES, _MOUTH_AMBIENT, inside_mouth=True
    )
    picture = displayed(linear)
    flat = np.zeros((face_mesh.N_LANDMARKS, 3), np.float32)
    flat[:, :2] = camera.project(points)
    mouth = face_space.unwrap_mouth(picture, flat, MOUTH_SIZE).astype(np.float32)
    symmetric = np.asarray((mouth + mouth[:, ::-1]) / 2, np.float32)
    skin = displayed(rendered_head.render(model, vertices, camera, lights))
    return mouth_picture.mouth_layer(symmetric, _skin_luma(skin, flat))


def _skin_luma(picture: NDArray[np.uint8], flat: Points) -> float:
    """Return the median luma of the patches of skin that the close-up shows."""
    at = flat[list(face_mesh.SKIN_PATCHES), :2]
    inside = ((at >= 0) & (at <= len(picture) - 1)).all(axis=1)
    column, row = np.round(at[inside]).astype(int).T
    return float(np.median(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[row, column]))


def _seen_blendshapes(
    model: HeadModel, shape: Mapping[str, float], landmarker: Landmarker
) -> NDArray[np.float32]:
    picture = displayed(rendered_head.render(model, model.shaped(shape)))
    return find_face(landmarker, picture).blendshapes


def rendered_blendshapes(
    face: RenderedFace, expression: Mapping[str, float], landmarker: Landmarker
) -> dict[str, float]:
    """Return by how much the landmark model sees each blendshape rise on the rendered mean face."""
    raised = _seen_blendshapes(face.model, expression, landmarker) - face.neutral_blendshapes
    return {
        name: round(float(value), 4)
        for name, value in zip(BLENDSHAPE_NAMES, raised, strict=True)
        if abs(value) >= _LEAST_BLENDSHAPE
    }


def fit_rendered(
    face: RenderedFace,
    expression: Mapping[str, float],
    people: Sequence[Mapping[str, float]],
    landmarker: Landmarker,
    *,
    metadata: Mapping[str, str] | None = None,
) -> PixelMap:
    """Return the map of an expression, the mean over rendered people.

    Parameters
    ----------
    face : RenderedFace
    expression : Mapping of str to float
        Amounts of the model's shapes; a name without its side stands for both.
    people : sequence of Mapping
        As from :func:`identities`.
    landmarker : Landmarker
        For stills; says which blendshapes the expression raises.
    metadata : Mapping, optional
        Further entries for the file.

    Raises
    ------
    LivexprError
        If the model has no shape of a name, or the landmark model finds no face on a render.
    """
    offsets = [rendered_offset(face, person, expression) for person in people]
    offset = np.mean(offsets, axis=0).astype(np.float32)
    shade = np.mean([_log_gain(face, person, expression) for person in people], axis=0)
    middle = len(face_mesh.INNER_LIP_UPPER) // 2
    upper, lower = face_mesh.INNER_LIP_UPPER[middle], face_mesh.INNER_LIP_LOWER[middle]
    return PixelMap(
        offset_cm=offset,
        log_gain=rendered_shade.finished(shade + rendered_shade.fold_shade(offset)),
        bias=np.zeros(shade.shape[:2], np.float32),
        mask=face_space.feather_mask(RENDERED_SIZE),
        mouth=rendered_mouth(face, expression, float(offset[upper, 1] - offset[lower, 1])),
        blendshapes=rendered_blendshapes(face, expression, landmarker),
        metadata={
            "method": "rendered pairs: exact offsets, log ratio of irradiance",
            "livexpr": livexpr.__version__,
            "size": str(RENDERED_SIZE),
            "pairs": str(len(people) * len(LIGHTS)),
            "shapes": ", ".join(f"{name} {weight:g}" for name, weight in expression.items()),
            **(metadata or {}),
        },
    )
