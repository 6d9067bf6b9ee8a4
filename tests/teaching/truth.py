"""Personal maps judged where the truth is known.

``python -m tests.teaching.truth --people 20`` renders people with smiles of their own, teaches each
smile from one pair of pictures, and judges it under another light, pose and intensity against the
true render, beside the general happy map.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_canvas, face_mesh, pipeline, pixel_map, presets
from livexpr.effect import Effect, settled_state
from livexpr.pixel_map import PixelMap
from livexpr.preset_file import Preset
from livexpr.teaching.looks import look
from livexpr.teaching.nearest import chosen_map
from livexpr.teaching.personal_map import fit
from livexpr.teaching.photographs import steady_track
from livexpr.training import face_space
from livexpr.training.rendered_head import Camera
from livexpr.types import Frame
from tests.teaching.rendered_people import (
    CAMERA,
    Scene,
    found,
    landmarker,
    person,
    photograph,
)

_SIZE = 256
_LIGHTS = ("lamp", "left", "right", "even")


@dataclass(frozen=True)
class Pictures:
    """One person: the pair that is taught from, and the pair that judges."""

    neutral: NDArray[np.uint8]
    expressive: NDArray[np.uint8]
    judged_neutral: NDArray[np.uint8]
    judged_expressive: NDArray[np.uint8]
    amount: float


@dataclass(frozen=True)
class Errors:
    """How far from the true render.

    Attributes
    ----------
    landmarks : float
        Mean distance of the landmarks found on the filtered picture from those found on the true
        one, part of the distance between the eyes, in hundredths.
    face_space : float
        Root mean square difference of both pictures in face space, grey levels.
    """

    landmarks: float
    face_space: float


def judging_scene(number: int) -> tuple[Scene, float]:
    """Return another light and pose than that of the lesson, and an intensity."""
    rng = np.random.default_rng((78, number))
    yaw, pitch = rng.uniform(6, 14) * rng.choice([-1, 1]), rng.uniform(-8, 8)
    scene = Scene(_LIGHTS[number % len(_LIGHTS)], float(yaw), float(pitch))
    return scene, float(rng.uniform(0.5, 0.9))


def pictures(number: int, camera: Camera = CAMERA) -> Pictures:
    """Render one person."""
    one, (scene, amount) = person(number), judging_scene(number)
    return Pictures(
        photograph(one, 0, Scene(), camera),
        photograph(one, 1, Scene(), camera),
        photograph(one, 0, scene, camera),
        photograph(one, amount, scene, camera),
        amount,
    )


def taught(shown: Pictures) -> PixelMap:
    """Return the map taught from one pair."""
    neutral, expressive = (
        look(p, steady_track(p, found(p), landmarker())) for p in (shown.neutral, shown.expressive)
    )
    like = chosen_map([neutral], [expressive])
    return fit([neutral], [expressive], like)


def general() -> PixelMap:
    """Return the shipped happy map."""
    return pixel_map.load(presets.map_path("happy"))


def shown_by(a_map: PixelMap, pixels: NDArray[np.uint8], amount: float) -> NDArray[np.uint8]:
    """Return a picture of a neutral face filtered by a map."""
    effect = Effect(Preset("judged", {"judged": 1.0}), {"judged": a_map}, amount)
    frame = Frame(pixels, 0, 0.0)
    return pipeline.process(frame, found(pixels), effect, settled_state(effect)).frame.pixels


def unwrapped(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return luma in face space, with the mouth, (S, S) float32, laid by (468, 3) landmarks."""
    where = face_canvas.mesh_layout(landmarks_px)
    canvas = face_canvas.unwrap(pixels, where, _SIZE)
    return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY), np.float32)


def errors(filtered: NDArray[np.uint8], true: NDArray[np.uint8]) -> Errors:
    """Return how far a filtered picture is from the true one; both laid by the true face."""
    seen, wanted = found(filtered), found(true)
    apart = np.linalg.norm(
        (seen.landmarks_px - wanted.landmarks_px)[: face_mesh.N_LANDMARKS, :2], axis=1
    )
    right, left = (wanted.landmarks_px[list(eye), :2].mean(axis=0) for eye in face_mesh.EYE_CENTRES)
    landmarks = 100 * float(apart.mean()) / float(np.linalg.norm(left - right))
    difference = unwrapped(filtered, wanted.landmarks_px) - unwrapped(true, wanted.landmarks_px)
    inside = face_space.skin_mask(_SIZE)
    return Errors(landmarks, float(np.sqrt((difference[inside] ** 2).mean())))


def judged(shown: Pictures) -> tuple[Errors, Errors, Errors]:
    """Return the errors of the personal map, of the general one, and of no change."""
    plain, true = shown.judged_neutral, shown.judged_expressive
    personal, general_map = (
        errors(shown_by(a_map, plain, shown.amount), true) for a_map in (taught(shown), general())
    )
    return personal, general_map, errors(plain, true)


def main() -> None:
    """Judge so many people and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    out = sys.stdout
    out.write("person  amount  landmarks: own general none   face space: own general none\n")
    rows = []
    for number in range(options.first, options.first + options.people):
        shown = pictures(number)
        row = judged(shown)
        rows.append(row)
        shape = "".join(f"{one.landmarks:8.2f}" for one in row)
        space = "".join(f"{one.face_space:8.2f}" for one in row)
        out.write(f"{number:6d}  {shown.amount:6.2f} {shape}   {space}\n")
        out.flush()
    nearer = [
        (own.landmarks < all_.landmarks, own.face_space < all_.face_space) for own, all_, _ in rows
    ]
    out.write(
        f"nearer than the general map: landmarks {sum(a for a, _ in nearer)}, "
        f"face space {sum(b for _, b in nearer)}, both {sum(a and b for a, b in nearer)} "
        f"of {len(rows)}\n"
    )


if __name__ == "__main__":
    main()
