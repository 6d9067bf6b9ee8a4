"""People whose expressions are known: random faces of the head model, each with its own smile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from livexpr.landmarks import Landmarker
from livexpr.training import ict_facekit, rendered_head
from livexpr.training.ict_facekit import HeadModel
from livexpr.training.rendered_head import PORTRAIT, Camera, displayed
from livexpr.types import FaceTrack, Frame, NoFace

MODEL = Path(__file__).resolve().parents[3] / "shared/data/ict_facekit/ict_facekit.npz"
CAMERA = Camera(PORTRAIT.centre_cm, 30.0, 400)
# A head turns about a point behind its face.
_AXIS_CM = np.array([0, 0, -2], np.float32)
_STRENGTH, _MODES = 0.8, 40
# What a smile is made of, both sides, and how much it differs from person to person.
_SMILE = {
    "mouthSmile": (0.85, 0.2),
    "cheekSquint": (0.4, 0.2),
    "eyeSquint": (0.25, 0.15),
    "mouthUpperUp": (0.35, 0.2),
    "mouthLowerDown": (0.25, 0.15),
    "mouthDimple": (0.2, 0.2),
    "mouthStretch": (0.15, 0.15),
    "jawOpen": (0.08, 0.08),
    "browInnerUp": (0.0, 0.2),
    "browOuterUp": (0.1, 0.15),
    "noseSneer": (0.1, 0.1),
}
# Reflectances, and over how many cm they give way to that of skin.
_LIP_BGR, _BROW_BGR, _SOFT_CM = (0.24, 0.22, 0.48), (0.08, 0.1, 0.14), 0.15
# Outlines on the head model at rest, cm: of lips and of the left brow.
_LIPS_CM = (
    *((-2.42, -3.48), (-1.78, -3.1), (-1.31, -2.89), (-0.7, -2.69), (0.0, -2.82), (0.7, -2.69)),
    *((1.31, -2.89), (1.78, -3.1), (2.42, -3.48), (1.84, -3.89), (1.34, -4.12), (0.71, -4.27)),
    *((0.0, -4.31), (-0.71, -4.27), (-1.34, -4.12), (-1.84, -3.89)),
)
_LEFT_BROW_CM = (
    *((5.74, 4.79), (5.13, 5.28), (4.24, 5.57), (3.02, 5.54), (1.54, 5.36), (1.28, 4.57)),
    *((2.91, 5.08), (4.06, 5.12), (4.83, 4.92), (5.38, 4.51)),
)
_FRONT_CM = 6.5
# Of each amount, by how much left and right differ.
_SIDES = 0.2


@dataclass(frozen=True)
class Person:
    """A rendered identity with its own smile, as amounts of the head model's shapes."""

    shape: dict[str, float]
    smile: dict[str, float]


@dataclass(frozen=True)
class Scene:
    """How a picture is taken: light, yaw and pitch in degrees."""

    light: str = "window"
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0


def person(number: int) -> Person:
    """Return a person, the same for the same number."""
    rng = np.random.default_rng((77, number))
    shape = {
        f"identity{mode:03d}": float(value)
        for mode, value in enumerate(_STRENGTH * rng.standard_normal(_MODES))
    }
    smile: dict[str, float] = {}
    for name, (middle, spread) in _SMILE.items():
        amount = max(rng.normal(middle, spread), 0.0)
        if name in ("jawOpen", "browInnerUp"):
            smile[name] = float(amount)
            continue
        for side in ("L", "R"):
            smile[f"{name}_{side}"] = float(amount * max(1 + _SIDES * rng.standard_normal(), 0.0))
    return Person(shape, smile)


@lru_cache(maxsize=1)
def landmarker() -> Landmarker:
    return Landmarker(video=False)


@lru_cache(maxsize=1)
def head_model() -> HeadModel:
    return ict_facekit.load(MODEL)


@lru_cache(maxsize=1)
def made_up() -> NDArray[np.float32]:
    """Return the reflectance of each vertex, (N, 3), BGR: the head model's, with lips and brows.

    The landmark model finds lips by their colour: of those of plain clay it sees little.
    """
    colours = rendered_head.albedo(head_model())
    skin = head_model().neutral_cm[ict_facekit.SKIN]
    right_brow = [(-x, y) for x, y in _LEFT_BROW_CM]
    for ring, colour in (
        (_LIPS_CM, _LIP_BGR),
        (_LEFT_BROW_CM, _BROW_BGR),
        (right_brow, _BROW_BGR),
    ):
        outline = np.array(ring, np.float32)
        inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y, _ in skin]
        share = np.clip(np.array(inside) / _SOFT_CM + 0.5, 0, 1) * (skin[:, 2] > _FRONT_CM)
        part = colours[ict_facekit.SKIN]
        part += (share[:, None] * (np.array(colour) - part)).astype(np.float32)
    return colours


def vertices(one: Person, amount: float, scene: Scene) -> NDArray[np.float32]:
    """Return the vertices of a person who shows so much of the own smile."""
    weights = {name: amount * value for name, value in one.smile.items()}
    shaped = head_model().shaped({**one.shape, **weights})
    turn = Rotation.from_euler("YX", [scene.yaw_deg, scene.pitch_deg], degrees=True).as_matrix()
    return ((shaped - _AXIS_CM) @ turn.T.astype(np.float32) + _AXIS_CM).astype(np.float32)


def photograph(
    one: Person, amount: float, scene: Scene, camera: Camera = CAMERA
) -> NDArray[np.uint8]:
    """Return a picture of a person, uint8 BGR."""
    linear = rendered_head.render(
        head_model(),
        vertices(one, amount, scene),
        camera,
        (scene.light, "even"),
        ambient=0.02,
        reflectance=made_up(),
    )
    return displayed(linear)


def found(pixels: NDArray[np.uint8]) -> FaceTrack:
    """Return the face that the landmark model finds on a picture."""
    track = landmarker().detect(Frame(pixels, 0, 0.0))
    assert not isinstance(track, NoFace), track.reason
    return track
