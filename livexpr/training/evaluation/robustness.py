"""What misalignment, exposure and light of another colour do to a fitted map.

Landmarks that lie wrong are made, not waited for: those found are moved or turned. A light that
differs is made in linear light. How far a method is thrown off is told by the judges, and without
any judge by *equivariance*: filtering the altered picture should give the altered filtered
picture, and filtering with landmarks that lie wrong should give what right ones give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.face_canvas import CROP_POINTS_PX
from livexpr.training.evaluation.contenders import Contender, Image, trial
from livexpr.training.evaluation.fidelity import Shown, difference, paper_crop
from livexpr.training.evaluation.measures import Measures
from livexpr.training.evaluation.method_table import row
from livexpr.training.evaluation.portraits import Judge, Portrait
from livexpr.training.evaluation.sharpness import interocular_px
from livexpr.types import FaceTrack, NoFace

SHIFTS_PX = (0.0, 2.0, 4.0, 6.0, 8.0)
ANGLES_DEG = (0.0, 2.0, 4.0, 6.0, 8.0)
STOPS = (-2.0, -1.0, 0.0, 1.0, 2.0)
# Gains of blue, green and red in linear light: a lamp, shade, old fluorescent tubes, a red wall.
CASTS: Mapping[str, tuple[float, float, float]] = {
    "none": (1.0, 1.0, 1.0),
    "lamp": (0.45, 0.85, 1.3),
    "shade": (1.5, 1.0, 0.7),
    "tubes": (0.8, 1.2, 0.8),
    "red wall": (0.6, 0.7, 1.4),
}


def moved_track(
    track: FaceTrack, shift_px: tuple[float, float] = (0.0, 0.0), angle_deg: float = 0.0
) -> FaceTrack:
    """Return a face whose landmarks lie wrong.

    Parameters
    ----------
    track : FaceTrack
    shift_px : pair of float
        x and y, in px of the paper's crop of 128 px, whose eyes are 59 px apart.
    angle_deg : float
        Turned clockwise as seen, about the middle of the landmarks.
    """
    points = track.landmarks_px.astype(np.float64)
    unit = interocular_px(track.landmarks_px) / (CROP_POINTS_PX[1][0] - CROP_POINTS_PX[0][0])
    middle = points[: face_mesh.N_LANDMARKS, :2].mean(axis=0)
    cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
    turned = (points[:, :2] - middle) @ np.array([[cos, sin], [-sin, cos]])
    points[:, :2] = turned + middle + unit * np.array(shift_px)
    landmarks = points.astype(np.float32)
    return replace(track, landmarks_px=landmarks, frame_from_head=head_pose.fit_pose(landmarks))


def relit(pixels: Image, stops: float = 0.0, cast: Sequence[float] = (1.0, 1.0, 1.0)) -> Image:
    """Return a picture under more, less or other light.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR, sRGB-encoded.
    stops : float
        Each doubles the light.
    cast : sequence of three float
        Gains of blue, green and red in linear light.

    References
    ----------
    IEC 61966-2-1:1999, sRGB.
    """
    levels = np.arange(256) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    gains = 2.0**stops * np.asarray(cast, np.float64)
    lit = np.clip(linear[:, None] * gains, 0, 1)
    encoded = np.where(lit <= 0.0031308, 12.92 * lit, 1.055 * lit ** (1 / 2.4) - 0.055)
    curves: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return np.stack([curves[pixels[..., channel], channel] for channel in range(3)], axis=-1)


@dataclass(frozen=True, slots=True)
class Condition:
    """One way in which a picture or its landmarks are worse than they were.

    Attributes
    ----------
    family : str
        ``shift``, ``angle``, ``exposure`` or ``cast``.
    label : str
        How much, for the table.
    track : callable
        What becomes of the landmarks; given the person's number, so that directions vary.
    light : callable
        What becomes of a picture.
    nothing : bool
        Whether both stay as they were.
    """

    family: str
    label: str
    track: Callable[[FaceTrack, int], FaceTrack] = lambda track, number: track
    light: Callable[[Image], Image] = lambda pixels: pixels
    nothing: bool = False


def conditions() -> list[Condition]:
    """Return all conditions; each family has one in which nothing is worse."""
    return [
        *(Condition("shift", f"{x:g}", _shifted(x), nothing=not x) for x in SHIFTS_PX),
        *(Condition("angle", f"{x:g}", _turned(x), nothing=not x) for x in ANGLES_DEG),
        *(Condition("exposure", f"{x:+g}", light=_lit(stops=x), nothing=not x) for x in STOPS),
        *(
            Condition("cast", name, light=_lit(cast=gains), nothing=name == "none")
            for name, gains in CASTS.items()
        ),
    ]


def _shifted(shift: float) -> Callable[[FaceTrack, int], FaceTrack]:
    def move(track: FaceTrack, number: int) -> FaceTrack:
        # Another direction for every person: a golden-angle walk around the circle.
        angle = number * math.pi * (3 - math.sqrt(5))
        return moved_track(track, (shift * math.cos(angle), shift * math.sin(angle)))

    return move


def _turned(angle: float) -> Callable[[FaceTrack, int], FaceTrack]:
    return lambda track, number: moved_track(track, angle_deg=angle if number % 2 else -angle)


def _lit(stops: float = 0.0, cast: Sequence[float] = (1.0, 1.0, 1.0)) -> Callable[[Image], Image]:
    return lambda pixels: relit(pixels, stops, cast)


def try_conditions(
    people: Sequence[Portrait],
    contenders: Sequence[tuple[Contender, Any]],
    judge: Judge,
    expression: str,
    *,
    chosen: Sequence[Condition] | None = None,
    on_progress: Callable[[str], None] = lambda done: None,
) -> dict[str, Any]:
    """Judge fitted contenders under every condition.

    Parameters
    ----------
    people : sequence of Portrait
        Neutral, and not fitted on.
    contenders : sequence of (Contender, model)
    judge : callable
    expression : str
        As the classifiers name it.
    chosen : sequence of Condition
        All by default.

    Returns
    -------
    dict
        ``people`` and ``rows``: family -> contender -> list of rows with their ``label``. A row
        is that of :func:`livexpr.training.evaluation.method_table.row`, with ``equivariance``, dB.
    """
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    undisturbed: dict[str, dict[str, float]] = {}
    for condition in conditions() if chosen is None else chosen:
        worse = [_altered(one, condition, judge) for one in people]
        for contender, model in contenders:
            on_progress(f"{contender.name}, {condition.family} {condition.label}")
            if condition.nothing and contender.name in undisturbed:
                found = undisturbed[contender.name]
            else:
                apply = _with_model(contender, model)
                found = row(_try_condition(condition, people, worse, apply, judge, expression))
            if condition.nothing:
                undisturbed[contender.name] = found
            table = rows.setdefault(condition.family, {}).setdefault(contender.name, [])
            table.append({"label": condition.label, **found})
    return {"people": len(people), "rows": rows}


def _with_model(contender: Contender, model: Any) -> Callable[[Image, FaceTrack], Image]:
    return lambda pixels, track: contender.apply(pixels, track, model)


def _try_condition(
    condition: Condition,
    people: Sequence[Portrait],
    worse: Sequence[Portrait | NoFace],
    apply: Callable[[Image, FaceTrack], Image],
    judge: Judge,
    expression: str,
) -> list[Measures]:
    """Return the measures of everybody who still has a face."""
    taken = []
    for number, (neutral, altered) in enumerate(zip(people, worse, strict=True)):
        if isinstance(altered, NoFace):
            continue
        filtered = apply(altered.pixels, condition.track(neutral.track, number))
        expected = condition.light(apply(neutral.pixels, neutral.track))
        measured = trial(altered, filtered, judge, expression)
        measured["equivariance"] = _nearness(filtered, expected, neutral)
        taken.append(measured)
    return taken


def _altered(neutral: Portrait, condition: Condition, judge: Judge) -> Portrait | NoFace:
    """Return the portrait under another light, its landmarks where they were."""
    pixels = condition.light(neutral.pixels)
    if np.array_equal(pixels, neutral.pixels):
        return neutral
    verdict = judge(pixels)
    if isinstance(verdict, NoFace):
        return verdict
    return Portrait(pixels, neutral.track, verdict)


def _nearness(filtered: Image, expected: Image, neutral: Portrait) -> float:
    """Return the PSNR of two filtered pictures in the paper's crop, dB."""
    points = neutral.track.landmarks_px
    one, other = (paper_crop(Shown(pixels, points)) for pixels in (filtered, expected))
    return difference(one, other).psnr_db
