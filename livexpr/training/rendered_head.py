"""Pictures of the morphable head, and where on it the landmarks lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.training import ict_facekit
from livexpr.training.face_space import mirrored_landmarks
from livexpr.training.ict_facekit import HeadModel
from livexpr.training.ray_casting import Mesh, Points, Surface, sphere
from livexpr.types import FaceTrack, Frame, NoFace

# The camera stands before the face, level with it; the picture is so wide at the face.
_DISTANCE_CM, _WIDTH_CM, _AIM_CM = 90.0, 34.0, np.array([0.0, -1.5, 5.0], np.float32)
_SIZE_PX = 768
# Reflectances, RGB. Skin has no texture: only its shading matters.
_SKIN = (0.62, 0.45, 0.36)
_ALBEDOS = (
    (ict_facekit.MOUTH_CAVITY, (0.34, 0.12, 0.10)),
    (ict_facekit.GUMS_AND_TONGUE, (0.58, 0.27, 0.25)),
    (ict_facekit.TEETH, (0.86, 0.80, 0.70)),
    (ict_facekit.EYEBALLS, (0.80, 0.79, 0.77)),
)
_IRIS, _IRIS_RADIUS_CM = (0.12, 0.08, 0.06), 0.6
_BACKGROUND = 0.55
# Skin in full light comes to about 200 grey levels.
_EXPOSURE = 0.5
_DIRECTIONS = 96
# With the jaw so far open, upper and lower inner lip are apart and are not mixed up.
_SHUT: dict[str, float] = {}
_PARTED = {"jawOpen": 0.6}
# Of the skin's triangles, so many are looked at for the one nearest to a point.
_CANDIDATES = 24


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera that looks along -z.

    Attributes
    ----------
    centre_cm : ndarray of shape (3,), float32
        Where its middle pixel looks.
    width_cm : float
        What it sees there.
    size_px : int
        Width and height of the picture.
    """

    centre_cm: Points
    width_cm: float
    size_px: int

    def rays(self, at_px: Points) -> tuple[Points, Points]:
        """Return origins and unit directions, (N, 3) each, of rays through pixels (N, 2)."""
        eye = self.centre_cm + np.array([0, 0, _DISTANCE_CM], np.float32)
        unit = self.width_cm / self.size_px
        plane = (at_px - (self.size_px - 1) / 2) * np.array([unit, -unit], np.float32)
        towards = np.column_stack([plane, np.full(len(plane), -_DISTANCE_CM)])
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        return np.tile(eye, (len(plane), 1)).astype(np.float32), towards.astype(np.float32)

    def project(self, points_cm: Points) -> Points:
        """Return pixels (N, 2) of points (N, 3)."""
        relative = points_cm - self.centre_cm
        depth = _DISTANCE_CM / (_DISTANCE_CM - relative[:, 2:])
        unit = self.size_px / self.width_cm
        flat = relative[:, :2] * depth * np.array([unit, -unit], np.float32)
        return np.asarray(flat + (self.size_px - 1) / 2, np.float32)


PORTRAIT = Camera(_AIM_CM, _WIDTH_CM, _SIZE_PX)


def light(kind: str, directions: Points) -> Points:
    """Return the radiance from each direction, (D,): even light on open skin is irradiance 1.

    ``even`` comes from all around; ``window`` from above the camera; ``lamp`` from the ceiling;
    ``left`` and ``right`` from the subject's sides. All but the first keep some of it, and all
    send as much in sum.

    Parameters
    ----------
    kind : str
    directions : ndarray of shape (D, 3), float32
        Evenly spread unit directions towards the light.
    """
    towards = {
        "window": (0.0, 0.35, 0.94),
        "lamp": (0.0, 0.9, 0.44),
        "left": (0.75, 0.25, 0.61),
        "right": (-0.75, 0.25, 0.61),
    }
    radiance = np.ones(len(directions), np.float32)
    if kind != "even":
        lobe = np.maximum(directions @ np.array(towards[kind], np.float32), 0) ** 4
        radiance = (0.35 + 0.65 * lobe / lobe.mean()).astype(np.float32)
    return np.asarray(radiance * (4 / len(directions)), np.float32)


def albedo(model: HeadModel) -> Points:
    """Return the reflectance of each vertex of the model, BGR, (N, 3), float32."""
    colours = np.tile(np.array(_SKIN, np.float32), (ict_facekit.N_VERTICES, 1))
    for part, colour in _ALBEDOS:
        colours[part] = colour
    for iris in ict_facekit.IRISES:
        # The cornea covers the iris and, being opaque here, wears its colour.
        away = model.neutral_cm - model.neutral_cm[iris].mean(axis=0)
        near = np.hypot(away[:, 0], away[:, 1]) < _IRIS_RADIUS_CM
        near[: ict_facekit.EYEBALLS.start] = False
        colours[near] = _IRIS
    return np.ascontiguousarray(colours[:, ::-1])


def render(
    model: HeadModel,
    vertices: Points,
    camera: Camera = PORTRAIT,
    kinds: Sequence[str] = ("window",),
    samples: int = 1,
    ambient: float = 0.0,
    inside_mouth: bool = False,
    reflectance: Points | None = None,
) -> Points:
    """Return a picture of the head in linear light, BGR, (size, size, 3), float32.

    Diffuse reflection of direct light, a mixture of `kinds`, with its shadows; `samples` squared
    rays a pixel. `ambient` is irradiance that gets everywhere, in place of light that surfaces
    send on to each other. With `inside_mouth` only what lies behind the lips is seen, though the
    lips still shade it. `reflectance` of each vertex, (N, 3), BGR, is :func:`albedo` by default.

    Raises
    ------
    LivexprError
        If Embree is not installed.
    """
    mesh = Mesh(vertices, model.triangles)
    size = camera.size_px * samples
    grid = np.mgrid[:size, :size][::-1].reshape(2, -1).T.astype(np.float32)
    rays = camera.rays((grid + 0.5) / samples - 0.5)
    shown = np.flatnonzero(_in_mouth(model)) if inside_mouth else np.arange(len(model.triangles))
    hits = Mesh(vertices, model.triangles[shown]).first_hits(*rays)
    seen = hits.triangle >= 0
    surface = Surface(shown[hits.triangle[seen]].astype(np.int32), hits.weights[seen])
    points = surface.on(vertices, model.triangles)
    normals = surface.on(mesh.normals(), model.triangles)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    directions = sphere(_DIRECTIONS)
    radiance = np.mean([light(kind, directions) for kind in kinds], axis=0).astype(np.float32)
    irradiance = mesh.visibility(points, normals, directions) @ radiance + np.float32(ambient)
    picture = np.full((size * size, 3), 0 if inside_mouth else _BACKGROUND, np.float32)
    colours = albedo(model) if reflectance is None else reflectance
    picture[seen] = surface.on(colours, model.triangles) * irradiance[:, None]
    whole = picture.reshape(size, size, 3)
    return np.asarray(
        cv2.resize(whole, (camera.size_px,) * 2, interpolation=cv2.INTER_AREA), np.float32
    )


def _in_mouth(model: HeadModel) -> NDArray[np.bool_]:
    """Return which triangles are cavity, gums, tongue or teeth, (T,)."""
    parts = (ict_facekit.MOUTH_CAVITY, ict_facekit.GUMS_AND_TONGUE, ict_facekit.TEETH)
    low, high = model.triangles.min(axis=1), model.triangles.max(axis=1)
    inside = [(low >= part.start) & (high < part.stop) for part in parts]
    return np.asarray(np.any(inside, axis=0), np.bool_)


def displayed(linear: Points) -> NDArray[np.uint8]:
    """Return linear light as a camera would store it, uint8, with the gamma of sRGB (about 2.2)."""
    exposed = np.clip(_EXPOSURE * linear, 0, 1) ** (1 / 2.2)
    return np.asarray(np.rint(255 * exposed), np.uint8)


def find_face(landmarker: Landmarker, picture: NDArray[np.uint8]) -> FaceTrack:
    """Return the face that the landmark model finds on a render.

    Raises
    ------
    LivexprError
        If it finds none.
    """
    track = landmarker.detect(Frame(picture, 0, 0.0))
    if isinstance(track, NoFace):
        raise LivexprError(f"the landmark model finds no face on the rendered head: {track.reason}")
    return track


def landmarks_on_head(model: HeadModel, landmarker: Landmarker) -> Surface:
    """Return where on the model's skin each of the 468 landmarks lies.

    They are found on two renders, with the mouth shut and open: inner lips that touch would be
    mixed up, and would tear when the mouth opens. Left and right are made mirror images.

    Raises
    ------
    LivexprError
        If the landmark model finds no face on the renders.
    """
    found = [_skin_points(model, landmarker, shape) for shape in (_SHUT, _PARTED)]
    places = found[0].copy()
    lips = list(face_mesh.INNER_LIP_UPPER + face_mesh.INNER_LIP_LOWER)
    places[lips] = found[1][lips]
    mirrored = places[mirrored_landmarks()] * np.array([-1, 1, 1], np.float32)
    return _nearest_skin(model, (places + mirrored) / 2)


def _skin_points(model: HeadModel, landmarker: Landmarker, shape: dict[str, float]) -> Points:
    """Return, at rest, the points of the skin on which landmarks fall when it is in `shape`."""
    vertices = model.shaped(shape)
    track = find_face(landmarker, displayed(render(model, vertices)))
    pixels = track.landmarks_px[: face_mesh.N_LANDMARKS, :2]
    mesh = Mesh(vertices, model.triangles)
    seen = mesh.first_hits(*PORTRAIT.rays(PORTRAIT.project(vertices[ict_facekit.SKIN])))
    towards = PORTRAIT.centre_cm + np.array([0, 0, _DISTANCE_CM], np.float32)
    to_eye = towards - vertices[ict_facekit.SKIN]
    range_cm = np.linalg.norm(to_eye, axis=1)
    first = seen.on(vertices, model.triangles)
    hidden = np.linalg.norm(towards - first, axis=1) < range_cm - 0.1
    flat = PORTRAIT.project(vertices[ict_facekit.SKIN])
    flat[hidden] = np.inf
    rest = np.empty((len(pixels), 3), np.float32)
    for index, pixel in enumerate(pixels):
        distance = np.hypot(*(flat - pixel).T)
        near = np.argsort(distance)[:3]
        # A landmark lies between vertices; the nearest three, by closeness, come near enough to
        # where it is, and stay on the skin at its edges.
        weight = 1 / np.maximum(distance[near], 0.05)
        rest[index] = weight @ model.neutral_cm[near] / weight.sum()
    return rest


def _nearest_skin(model: HeadModel, points: Points) -> Surface:
    """Return the places on the skin nearest to points (N, 3)."""
    skin = np.flatnonzero((model.triangles < ict_facekit.SKIN.stop).all(axis=1))
    corners = model.neutral_cm[model.triangles[skin]]
    centres = corners.mean(axis=1)
    triangles = np.empty(len(points), np.int32)
    weights = np.empty((len(points), 3), np.float32)
    for index, point in enumerate(points):
        near = np.argsort(((centres - point) ** 2).sum(axis=1))[:_CANDIDATES]
        inside = _barycentric(corners[near], point)
        away = np.linalg.norm(np.einsum("nk,nkd->nd", inside, corners[near]) - point, axis=1)
        best = int(np.argmin(away))
        triangles[index], weights[index] = skin[near[best]], inside[best]
    return Surface(triangles, weights)


def _barycentric(corners: Points, point: Points) -> Points:
    """Return weights (N, 3) of triangles (N, 3, 3) where each is about nearest to a point.

    Exact where the foot of the perpendicular lies inside; otherwise moved to the border.
    """
    a, b, c = (corners[:, k] for k in range(3))
    ab, ac, ap = b - a, c - a, point - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    determinant = np.maximum(d00 * d11 - d01 * d01, 1e-12)
    v = (d11 * d20 - d01 * d21) / determinant
    w = (d00 * d21 - d01 * d20) / determinant
    weights = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
