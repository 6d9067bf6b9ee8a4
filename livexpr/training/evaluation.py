"""How well a fitted expression does on people who had no part in its fitting.

People, not pictures, are divided into folds. For each fold a map is fitted from everybody else and
applied to the neutral photographs of the fold; independent judges then compare neutral, filtered
and real expression of the same person: ``python -m livexpr.training.evaluation PAIRS_DIR``.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, TypeVar

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich import progress
from rich.console import Console

from livexpr import pipeline
from livexpr.errors import CameraError, LivexprError
from livexpr.face_mesh import (
    EYE_CENTRES,
    FACE_OVAL,
    LEFT_LID_LOWER,
    LEFT_LID_UPPER,
    N_LANDMARKS,
    RIGHT_LID_LOWER,
    RIGHT_LID_UPPER,
)
from livexpr.landmarks import Landmarker
from livexpr.pictures import read_image
from livexpr.pixel_map import PixelMap
from livexpr.presets import Preset
from livexpr.training.evaluation_table import PICTURES, Evaluation, Person
from livexpr.training.judges import EXPRESSIONS, Judges, Verdict, identity_distance
from livexpr.training.photo_pairs import PairObservation, find_pairs, fit_observations, observe
from livexpr.types import FaceTrack, Frame, NoFace

Image = NDArray[np.uint8]
Map = TypeVar("Map")
# Inside the hulls of lips and lids is no skin.
_OUTER_LIPS = (61, 40, 39, 37, 0, 267, 269, 270, 291, 321, 405, 314, 17, 84, 181, 91)
_NO_SKIN = (_OUTER_LIPS, RIGHT_LID_UPPER + RIGHT_LID_LOWER, LEFT_LID_UPPER + LEFT_LID_LOWER)
# So far from the oval, lips and lids their own edges do not count, in interocular distances.
_SKIN_MARGIN = 0.08
_AGE_BANDS = ((25, "under 25"), (35, "25 to 34"))
_OLDEST_BAND = "35 and over"


def split_people(people: Sequence[str], folds: int) -> list[list[str]]:
    """Divide people into folds whose sizes differ by one at most.

    The order of `people` does not matter, and nothing is drawn at random: the fold follows from
    the hashed IDs, so that runs of IDs from one session or group are spread.

    Raises
    ------
    LivexprError
        If there are fewer than two folds, or fewer people than folds.

    Examples
    --------
    >>> [sorted(fold) for fold in split_people(["003", "001", "002"], 2)]
    [['001', '002'], ['003']]
    """
    ranked = sorted(set(people), key=lambda person: hashlib.sha256(person.encode()).digest())
    if not 2 <= folds <= len(ranked):
        raise LivexprError(
            f"cannot hold out {len(ranked)} people in {folds} folds; "
            f"choose 2 to {len(ranked)} folds, or give more pairs"
        )
    return [ranked[start::folds] for start in range(folds)]


def sharpness(pixels: Image, landmarks_px: NDArray[np.float32]) -> float:
    """Return the gradient energy of the skin, relative to its brightness.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    landmarks_px : ndarray of shape (468 or more, 2 or 3), float32
        The face, px. Skin is its oval without eyes and lips.

    Returns
    -------
    energy : float
        Mean squared gradient of luma divided by the squared mean luma; NaN without skin.
    """
    luma = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    skin = _skin(luma.shape, landmarks_px[:N_LANDMARKS, :2])
    if not skin.any():
        return float("nan")
    down, right = np.gradient(luma)
    energy = (down**2 + right**2)[skin].mean()
    return float(energy / max(float(luma[skin].mean()) ** 2, 1.0))


def _skin(shape: tuple[int, ...], points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the mask (H, W) of skin."""
    eyes = [points[list(corners)].mean(axis=0) for corners in EYE_CENTRES]
    margin = max(round(_SKIN_MARGIN * float(np.linalg.norm(eyes[0] - eyes[1]))), 1)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points[list(FACE_OVAL)]).astype(np.int32)], (1,))
    for ring in _NO_SKIN:
        hull = cv2.convexHull(np.rint(points[list(ring)]).astype(np.int32))
        cv2.fillPoly(mask, [hull], (0,))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    eroded = cv2.erode(mask, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return eroded.astype(np.bool_)


def read_groups(pairs_dir: Path) -> dict[str, dict[str, str]]:
    """Return person -> gender, age band and ethnicity from ``people.csv``; empty without it."""
    try:
        text = (pairs_dir / "people.csv").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    groups = {}
    for row in csv.DictReader(text.splitlines()):
        found = {"gender": row.get("gender"), "age": None, "ethnicity": row.get("ethnicity")}
        age = row.get("age") or ""
        if age.isdigit():
            bands = (band for limit, band in _AGE_BANDS if int(age) < limit)
            found["age"] = next(bands, _OLDEST_BAND)
        groups[row.get("id") or ""] = {kind: value or "not stated" for kind, value in found.items()}
    return groups


def evaluate_folds(
    pairs_dir: Path,
    expression: str,
    fit: Callable[[Sequence[str]], Map],
    apply: Callable[[Image, Map, float], Image],
    judges: Callable[[Image], Verdict | NoFace],
    *,
    folds: int = 5,
    intensity: float = 1.0,
    on_progress: Callable[[str], None] = lambda person: None,
) -> Evaluation:
    """Fit on all folds but one, judge on that one, and so on round.

    Parameters
    ----------
    pairs_dir : Path
        ``neutral/ID.jpg``, ``EXPRESSION/ID.jpg`` and, for the groups, ``people.csv``.
    expression : str
        One of :data:`livexpr.training.judges.EXPRESSIONS`.
    fit : callable
        Makes a map from the pairs of the people with these IDs.
    apply : callable
        Returns the filtered copy of a picture (H, W, 3), uint8, BGR.
    judges : callable
        Usually :class:`livexpr.training.judges.Judges`.
    on_progress : callable
        Told each person whose turn is over.

    Raises
    ------
    LivexprError
        If the judges do not know the expression, or people or pictures are too few.
    """
    if expression not in EXPRESSIONS:
        raise LivexprError(f"no judge knows {expression!r}; they know {', '.join(EXPRESSIONS)}")
    pairs, groups = find_pairs(pairs_dir, expression), read_groups(pairs_dir)
    people: dict[str, Person] = {}
    skipped: dict[str, str] = {}
    split = split_people(list(pairs), folds)
    for number, held_out in enumerate(split):
        fitted = fit([person for fold in split if fold is not held_out for person in fold])
        for person in held_out:
            try:
                neutral, real = (read_image(path) for path in pairs[person])
                pictures = (neutral, apply(neutral, fitted, intensity), real)
                measures = _measure(pictures, expression, judges)
            except (_Unjudged, CameraError) as error:
                skipped[person] = str(error)
            else:
                people[person] = Person(number, measures, groups.get(person, {}))
            on_progress(person)
    if not people:
        raise LivexprError(f"nobody could be judged; first: {next(iter(skipped.items()))}")
    return Evaluation(expression, intensity, folds, dict(sorted(people.items())), skipped)


class _Unjudged(Exception):
    """A picture on which the judges find no face."""


def _measure(
    pictures: Sequence[Image], expression: str, judges: Callable[[Image], Verdict | NoFace]
) -> dict[str, tuple[float, float, float]]:
    """Return measure -> its value on the neutral, filtered and real picture."""
    verdicts: list[Verdict] = []
    for name, picture in zip(PICTURES, pictures, strict=True):
        verdict = judges(picture)
        if isinstance(verdict, NoFace):
            raise _Unjudged(f"the {name} picture: {verdict.reason}")
        verdicts.append(verdict)
    columns: dict[str, list[float]] = {}
    for judge in verdicts[0].expressions:
        said = [verdict.expressions[judge] for verdict in verdicts]
        columns[f"{judge} {expression}"] = [one[expression] for one in said]
        columns[f"{judge} recognised"] = [
            float(max(one, key=one.__getitem__) == expression) for one in said
        ]
    columns["identity distance"] = [identity_distance(verdicts[0], one) for one in verdicts]
    energies = [sharpness(p, v.landmarks_px) for p, v in zip(pictures, verdicts, strict=True)]
    columns["skin sharpness"] = [energy / energies[0] for energy in energies]
    return {name: (a, b, c) for name, (a, b, c) in columns.items()}


def photograph_filter(
    expression: str, detect: Callable[[Frame], FaceTrack | NoFace]
) -> Callable[[Image, PixelMap, float], Image]:
    """Return what applies a map to a photograph as the live filter does once it has eased in."""
    preset = Preset(expression, {expression: 1.0})

    def apply(pixels: Image, fitted: PixelMap, intensity: float) -> Image:
        effect = pipeline.Effect(preset, {expression: fitted}, intensity)
        frame = Frame(pixels, 0, 0.0)
        state = pipeline.settled_state(effect)
        return pipeline.process(frame, detect(frame), effect, state).frame.pixels

    return apply


def _main(
    pairs_dir: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    expression: Annotated[str, typer.Option(help="Its name, as the judges know it.")],
    folds: Annotated[int, typer.Option(help="Into how many groups people are divided.")] = 5,
    intensity: Annotated[float, typer.Option(help="Of the filter, -1 to 2.")] = 1.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write everything here.")
    ] = None,
) -> None:
    """Fit and judge an expression on people held out; prints Markdown tables."""
    try:
        pairs = find_pairs(pairs_dir, expression)
        bar = progress.Progress(console=Console(stderr=True))
        with Judges() as judges, Landmarker(video=False) as landmarker, bar:
            watching = bar.add_task("Looking at pairs", total=len(pairs))
            judging = bar.add_task("Judging", total=len(pairs))

            @cache  # once for all folds, and not before the options have been found good
            def observed() -> tuple[list[PairObservation], dict[str, str]]:
                return observe(pairs.items(), lambda person: bar.advance(watching))

            result = evaluate_folds(
                pairs_dir,
                expression,
                lambda people: fit_observations([o for o in observed()[0] if o.person in people]),
                photograph_filter(expression, landmarker.detect),
                judges,
                folds=folds,
                intensity=intensity,
                on_progress=lambda person: bar.advance(judging),
            )
        for person, reason in observed()[1].items():
            typer.echo(f"not learned from: {person}: {reason}", err=True)
        typer.echo(result.to_markdown())
        if json_file is not None:
            _write(json_file, result.to_json())
    except LivexprError as error:
        sys.exit(str(error))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LivexprError(f"cannot write {path}: {error.strerror}") from error


if __name__ == "__main__":
    typer.run(_main)
