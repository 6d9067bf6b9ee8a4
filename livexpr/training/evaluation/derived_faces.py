"""Faces of nobody: averages of many people, and rendered heads. Only such are in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from livexpr import face_mesh
from livexpr.training import ict_facekit, rendered_head
from livexpr.training.average_face import average_face
from livexpr.training.evaluation.groups import NOT_STATED
from livexpr.training.evaluation.portraits import Detect, Image, Judge, Portrait, Portraits
from livexpr.training.frontal_photographs import Photograph
from livexpr.training.rendered_pairs import IDENTITY_MODES, IDENTITY_STRENGTH
from livexpr.types import FaceTrack, Frame, NoFace

# Fewer would be recognised in their average.
_LEAST_PEOPLE = 12
_SEED = 20170613


@dataclass(frozen=True, slots=True)
class DerivedFace:
    """A picture (H, W, 3), uint8, BGR, of nobody, and the face found on it."""

    label: str
    pixels: Image
    track: FaceTrack

    def judged(self, judge: Judge) -> Portrait | NoFace:
        """Return the face with what the judges say of it."""
        verdict = judge(self.pixels)
        if isinstance(verdict, NoFace):
            return verdict
        return Portrait(self.pixels, self.track, verdict)


def average_faces(
    portraits: Portraits, groups: Mapping[str, Mapping[str, str]], detect: Detect
) -> list[DerivedFace]:
    """Return the average neutral face of each gender of which there are people enough."""
    genders = sorted({groups.get(p, {}).get("gender", NOT_STATED) for p in portraits.people})
    faces: list[DerivedFace] = []
    for gender in genders:
        people = [p for p in portraits.people if groups.get(p, {}).get("gender") == gender]
        if gender == NOT_STATED or len(people) < _LEAST_PEOPLE:
            continue
        photographs = [
            Photograph(one.pixels, one.track.landmarks_px[: face_mesh.N_LANDMARKS, :2])
            for _, one in portraits.chosen(people)
        ]
        label = f"average of {len(people)}, {gender}"
        faces += _found(label, average_face(photographs), detect)
    return faces


def head_identities(n: int) -> list[dict[str, float]]:
    """Return amounts of the head model's identity modes for `n` heads, always the same ones."""
    rng = np.random.default_rng(_SEED)
    drawn = IDENTITY_STRENGTH * rng.standard_normal((n, IDENTITY_MODES))
    return [{f"identity{k:03d}": float(w) for k, w in enumerate(weights)} for weights in drawn]


def rendered_heads(path: Path, n: int, detect: Detect, *, plaster: bool) -> list[DerivedFace]:
    """Return renders of random heads of the model at `path` on which a face is found.

    Parameters
    ----------
    path : Path
        As :func:`livexpr.training.ict_facekit.load` takes it.
    n : int
        So many are rendered.
    detect : callable
    plaster : bool
        Without colour, as a cast is.

    Raises
    ------
    LivexprError
        If there is no model, or Embree is not installed.
    """
    model = ict_facekit.load(path)
    faces: list[DerivedFace] = []
    for number, identity in enumerate(head_identities(n)):
        kind = ("window", "left", "lamp")[number % 3]
        linear = rendered_head.render(model, model.shaped(identity), kinds=(kind,))
        pixels = rendered_head.displayed(linear)
        if plaster:
            grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
            pixels = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
        kind_of_head = "plaster head" if plaster else "rendered head"
        faces += _found(f"{kind_of_head} {number + 1}", pixels, detect)
    return faces


def _found(label: str, pixels: Image, detect: Detect) -> Sequence[DerivedFace]:
    track = detect(Frame(pixels, 0, 0.0))
    return [] if isinstance(track, NoFace) else [DerivedFace(label, pixels, track)]
