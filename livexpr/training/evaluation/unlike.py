"""Faces unlike those that were learned from: paintings, statues, drawings.

Nobody knows what a painted face would look like smiling, so nothing is measured against the
truth. What counts is whether the expression comes, whether the brush strokes stay, and whether
anything changes where an expression changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr.errors import CameraError, LivexprError
from livexpr.face_mesh import N_LANDMARKS
from livexpr.pictures import PICTURE_SUFFIXES, read_image
from livexpr.training.evaluation.contenders import Contender, Image, trial
from livexpr.training.evaluation.measures import Measures
from livexpr.training.evaluation.method_table import row
from livexpr.training.evaluation.portraits import Detect, Judge, Portrait, portrait
from livexpr.training.evaluation.sharpness import EYE_RINGS, OUTER_LIPS, interocular_px, skin_of
from livexpr.types import NoFace

# A face of fewer px from eye to eye has nothing left to be seen on.
_LEAST_INTEROCULAR_PX = 20.0
# Within this distance of lips, lids and brows, in interocular distances, change is what is wanted.
_MOVING_MARGIN = 0.35
_BROWS = (70, 63, 105, 66, 107, 300, 293, 334, 296, 336)


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures in a folder and those in it.

    Raises
    ------
    LivexprError
        If there is none.
    """
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not paths:
        raise LivexprError(f"there is no picture in {folder}")
    return paths


def find_faces(
    folder: Path,
    detect: Detect,
    judge: Judge,
    on_progress: Callable[[str], None] = lambda name: None,
) -> tuple[list[Portrait], int]:
    """Return the faces on the pictures of a folder and those in it, and how many pictures it has.

    Raises
    ------
    LivexprError
        If there is no picture.
    """
    paths = pictures_in(folder)
    faces = []
    for path in paths:
        on_progress(path.name)
        try:
            found = portrait(read_image(path), detect, judge)
        except CameraError:
            continue
        if not isinstance(found, NoFace) and _large_enough(found):
            faces.append(found)
    return faces, len(paths)


def _large_enough(found: Portrait) -> bool:
    return interocular_px(found.track.landmarks_px) >= _LEAST_INTEROCULAR_PX


def still_skin(shape: tuple[int, ...], landmarks_px: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the skin of a face away from mouth, eyes and brows, a mask of `shape`[:2]."""
    points = landmarks_px[:N_LANDMARKS, :2]
    moving = np.zeros(shape[:2], np.uint8)
    for ring in (OUTER_LIPS, *EYE_RINGS, _BROWS[:5], _BROWS[5:]):
        hull = cv2.convexHull(np.rint(points[list(ring)]).astype(np.int32))
        cv2.fillPoly(moving, [hull], (1,))
    near = cv2.distanceTransform(1 - moving, cv2.DIST_L2, 5)
    return skin_of(shape, landmarks_px) & (near > _MOVING_MARGIN * interocular_px(points))


def artefacts(before: Image, after: Image, landmarks_px: NDArray[np.float32]) -> Measures:
    """Return what has changed where an expression changes next to nothing.

    Parameters
    ----------
    before, after : ndarray of shape (H, W, 3), uint8
        BGR.
    landmarks_px : ndarray of shape (468 or more, 2 or 3), float32

    Returns
    -------
    Measures
        ``still change``, root mean square of intensities in [0, 1]; ``colour change``, mean
        distance of the two in a* and b* of CIELAB. NaN where the face shows no such skin.
    """
    where = still_skin(before.shape, landmarks_px)
    if not where.any():
        return {"still change": float("nan"), "colour change": float("nan")}
    apart = (after.astype(np.float64) - before)[where] / 255
    lab = [cv2.cvtColor((p / np.float32(255)), cv2.COLOR_BGR2LAB) for p in (before, after)]
    hue = np.linalg.norm((lab[1] - lab[0])[..., 1:][where], axis=1)
    return {"still change": float(np.sqrt((apart**2).mean())), "colour change": float(hue.mean())}


def try_unlike(
    sources: Mapping[str, tuple[Sequence[Portrait], int]],
    contenders: Sequence[tuple[Contender, Any]],
    judge: Judge,
    expression: str,
    *,
    on_progress: Callable[[str], None] = lambda done: None,
) -> dict[str, Any]:
    """Judge fitted contenders on faces that are no photographs.

    Parameters
    ----------
    sources : Mapping
        What they are -> faces found, and pictures looked at.
    contenders : sequence of (Contender, model)
    judge : callable
    expression : str

    Returns
    -------
    dict
        ``pictures`` looked at and ``faces`` found, ``rows``: contender -> row of
        :func:`livexpr.training.evaluation.method_table.row` with :func:`artefacts`, and the same
        for each of ``sources``.
    """
    taken: dict[str, dict[str, list[Measures]]] = {name: {} for name in sources}
    for contender, model in contenders:
        for name, (faces, _) in sources.items():
            on_progress(f"{contender.name}, {name}")
            measured = taken[name].setdefault(contender.name, [])
            for face in faces:
                filtered = contender.apply(face.pixels, face.track, model)
                judged = trial(face, filtered, judge, expression)
                landmarks = face.track.landmarks_px
                measured.append({**judged, **artefacts(face.pixels, filtered, landmarks)})
    names = [contender.name for contender, _ in contenders]
    return {
        "pictures": sum(n for _, n in sources.values()),
        "faces": sum(len(faces) for faces, _ in sources.values()),
        "rows": {
            name: row([one for by_name in taken.values() for one in by_name[name]])
            for name in names
        },
        "sources": {
            source: {
                "pictures": n,
                "faces": len(faces),
                "rows": {name: row(taken[source][name]) for name in names},
            }
            for source, (faces, n) in sources.items()
        },
    }
