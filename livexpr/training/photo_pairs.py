"""A pixel map from photographs: pairs of the same person, neutral and with the expression.

A folder ``neutral/ID.jpg`` and ``EXPRESSION/ID.jpg``. Every pair gives a displacement of the
landmarks in head space, and two pictures in face space whose moments are summed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import livexpr
from kernels.moments import MOMENTS, accumulate
from livexpr import face_mesh, head_pose, lighting, pixel_map
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import CameraError, LivexprError
from livexpr.landmarks import Landmarker
from livexpr.pictures import read_image
from livexpr.pixel_map import PixelMap
from livexpr.training import face_space, mouth_picture
from livexpr.training.regression import ridge_towards_no_change
from livexpr.types import FaceTrack, Frame, NoFace

MAP_SIZE = 192
MOUTH_SIZE = 128
# A photograph is frontal within this angle of yaw and of pitch.
_MAX_TURN_RAD = np.radians(20)
# Pairs that show less than this part of the mean expression are left out of it.
_LEAST_STRENGTH = 0.6
_STRENGTH_ROUNDS = 10
# Penalties of the ridge, where the weights of a few dozen pairs add up to about twenty and
# intensities are in units of skin luma. The bias pays more: a gain suits every skin alike.
_GAIN_PENALTY, _BIAS_PENALTY = 4.0, 40.0
# Moments are shared with neighbours over this width, px of a 256 px canvas.
_SHARE_PX = 1.6
_MAX_LOG_GAIN = 1.2
# Mouths opened by at least this much, cm, are averaged for the mouth picture, if so many are.
_OPEN_MOUTH_CM, _LEAST_MOUTHS = 0.6, 5
_NO_MOUTH_CM = 0.1


@dataclass(frozen=True, slots=True)
class PairObservation:
    """What one pair of photographs tells.

    Attributes
    ----------
    person : str
    offset_cm : ndarray of shape (468, 3), float32
        Expression minus neutral in head space.
    neutral, expressive : ndarray of shape (S, S, 3), uint8
        In face space, BGR.
    mouth : ndarray of shape (M, M, 3), uint8
        Between the inner lips of the expression.
    mouth_opening_cm : float
        By how much the expression opens the mouth in the middle.
    skin_luma : float
        Of the expressive photograph, grey levels.
    blendshapes : ndarray of shape (52,), float32
        Expression minus neutral.
    """

    person: str
    offset_cm: NDArray[np.float32]
    neutral: NDArray[np.uint8]
    expressive: NDArray[np.uint8]
    mouth: NDArray[np.uint8]
    mouth_opening_cm: float
    skin_luma: float
    blendshapes: NDArray[np.float32]


class UnusablePair(LivexprError):
    """A pair that cannot be learned from, and why."""


def find_pairs(pairs_dir: Path, expression: str) -> dict[str, tuple[Path, Path]]:
    """Return person -> (neutral picture, picture with the expression), in order of the IDs.

    The folder of the second picture is called `expression`, or is the only one beside ``neutral``.

    Raises
    ------
    LivexprError
        If there is no such folder, or nobody is in both.
    """
    folders = {folder.name: folder for folder in sorted(pairs_dir.glob("*/"))}
    neutral = folders.pop("neutral", None)
    other = folders.get(expression) or (next(iter(folders.values())) if len(folders) == 1 else None)
    if neutral is None or other is None:
        raise LivexprError(
            f"{pairs_dir}: expected the folders neutral/ and {expression}/, "
            f"found {', '.join(folders) or 'none'}"
        )
    pictures = [{p.stem: p for p in sorted(folder.iterdir())} for folder in (neutral, other)]
    pairs = {
        name: (pictures[0][name], pictures[1][name]) for name in pictures[0].keys() & pictures[1]
    }
    if not pairs:
        raise LivexprError(f"no file of {neutral} has its pair, of the same name, in {other}")
    return dict(sorted(pairs.items()))


def _photograph(path: Path, landmarker: Landmarker) -> tuple[NDArray[np.uint8], FaceTrack]:
    """Return a photograph and the one frontal face on it; UnusablePair if there is none."""
    try:
        pixels = read_image(path)
    except CameraError as error:
        raise UnusablePair(str(error)) from error
    faces = landmarker.detect_all(Frame(pixels, 0, 0.0))
    label = f"{path.parent.name}/{path.name}"
    if isinstance(faces, NoFace):
        raise UnusablePair(f"{label}: {faces.reason}")
    if len(faces) > 1:
        raise UnusablePair(f"{label}: {len(faces)} faces, expected one")
    yaw, pitch, _ = head_pose.angles_rad(faces[0].frame_from_head)
    if max(abs(yaw), abs(pitch)) > _MAX_TURN_RAD:
        raise UnusablePair(
            f"{label}: head turned by {np.degrees(yaw):.0f}° and tipped by "
            f"{np.degrees(pitch):.0f}°, at most {np.degrees(_MAX_TURN_RAD):.0f}° are of use"
        )
    return pixels, faces[0]


def observe_pair(
    person: str, neutral_path: Path, expressive_path: Path, landmarker: Landmarker
) -> PairObservation:
    """Return what a pair tells.

    Raises
    ------
    UnusablePair
        Unreadable file, no face, several faces, or a turned head.
    """
    neutral_pixels, neutral = _photograph(neutral_path, landmarker)
    pixels, track = _photograph(expressive_path, landmarker)
    n = face_mesh.N_LANDMARKS
    offset = head_pose.to_head(track.landmarks_px[:n], track.frame_from_head)
    offset -= head_pose.to_head(neutral.landmarks_px[:n], neutral.frame_from_head)
    middle = len(face_mesh.INNER_LIP_UPPER) // 2
    upper, lower = face_mesh.INNER_LIP_UPPER[middle], face_mesh.INNER_LIP_LOWER[middle]
    return PairObservation(
        person=person,
        offset_cm=offset,
        neutral=face_space.unwrap_face(neutral_pixels, neutral.landmarks_px, MAP_SIZE),
        expressive=face_space.unwrap_face(pixels, track.landmarks_px, MAP_SIZE),
        mouth=face_space.unwrap_mouth(pixels, track.landmarks_px, MOUTH_SIZE),
        mouth_opening_cm=float(offset[upper, 1] - offset[lower, 1]),
        skin_luma=lighting.luma(lighting.skin_bgr(pixels, track.landmarks_px)),
        blendshapes=track.blendshapes - neutral.blendshapes,
    )


def observe(
    pairs: Iterable[tuple[str, tuple[Path, Path]]],
    on_progress: Callable[[str], None] = lambda person: None,
) -> tuple[list[PairObservation], dict[str, str]]:
    """Look at every pair once.

    Returns
    -------
    observations : list of PairObservation
    rejected : dict of person to reason
    """
    observations, rejected = [], {}
    with Landmarker(video=False, max_faces=2) as landmarker:
        for person, paths in pairs:
            try:
                observations.append(observe_pair(person, *paths, landmarker))
            except UnusablePair as error:
                rejected[person] = str(error)
            on_progress(person)
    return observations, rejected


def expression_weights(offsets_cm: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how much each pair counts, from how strongly it shows what all have in common.

    Parameters
    ----------
    offsets_cm : ndarray of shape (N, 468, 3), float32

    Returns
    -------
    weights : ndarray of shape (N,), float64
        In [0, 1]. A pair's strength is its projection on the weighted mean displacement; faint
        ones (people asked for a smile often barely give one) get 0, and the mean is taken anew.
    """
    weights = np.ones(len(offsets_cm))
    for _ in range(_STRENGTH_ROUNDS):
        mean = np.average(offsets_cm, axis=0, weights=weights)
        strengths = (offsets_cm * mean).sum(axis=(1, 2)) / max(float((mean * mean).sum()), 1e-9)
        updated = np.clip(strengths - _LEAST_STRENGTH, 0, 1)
        if not updated.any():
            break
        weights = updated
    return weights


def _mirrored(offset_cm: NDArray[np.float32]) -> NDArray[np.float32]:
    flip = np.array([-1, 1, 1], np.float32)
    mirrored: NDArray[np.float32] = offset_cm[face_space.mirrored_landmarks()] * flip
    return mirrored


def _appearance(
    observations: Sequence[PairObservation], weights: NDArray[np.float64], symmetric: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return log gain (S, S, 3) and bias (S, S) of the weighted pairs."""
    skin = face_space.skin_mask(MAP_SIZE)
    moments = np.zeros((len(MOMENTS), MAP_SIZE, MAP_SIZE, 3))
    for observation, weight in zip(observations, weights, strict=True):
        if not weight:
            continue
        x, y = (p.astype(np.float32) for p in (observation.neutral, observation.expressive))
        luma_x, luma_y = (cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[skin] for p in (x, y))
        # Whatever changed over the whole skin was the exposure, not the expression.
        exposure = float(np.median((luma_y + 4) / (luma_x + 4)))
        mean_luma = float(luma_x.mean())
        everywhere = np.full(skin.shape, weight, np.float32)
        accumulate(moments, x / mean_luma, y / (mean_luma * exposure), everywhere)
    width = _SHARE_PX * MAP_SIZE / 256
    shared = np.stack([cv2.GaussianBlur(moment, (0, 0), width) for moment in moments])
    gain, bias = ridge_towards_no_change(shared, _GAIN_PENALTY, _BIAS_PENALTY)
    bias = cv2.cvtColor(bias.astype(np.float32), cv2.COLOR_BGR2GRAY)
    log_gain = np.log(np.maximum(gain, 1e-3)).clip(-_MAX_LOG_GAIN, _MAX_LOG_GAIN)
    if symmetric:
        log_gain, bias = (log_gain + log_gain[:, ::-1]) / 2, (bias + bias[:, ::-1]) / 2
    return log_gain.astype(np.float32), bias.astype(np.float32)


def _mouth(observations: Sequence[PairObservation]) -> NDArray[np.float32]:
    """Return the mouth layer (M, M, 4); all zero if too few of the pairs open the mouth."""
    opened = [o for o in observations if o.mouth_opening_cm >= _OPEN_MOUTH_CM]
    if len(opened) < _LEAST_MOUTHS:
        return np.zeros((MOUTH_SIZE, MOUTH_SIZE, 4), np.float32)
    average = mouth_picture.registered_average([o.mouth for o in opened], [1.0] * len(opened))
    skin_luma = float(np.mean([o.skin_luma for o in opened]))
    return mouth_picture.mouth_layer(average, skin_luma)


def fit_observations(
    observations: Sequence[PairObservation],
    *,
    symmetric: bool = True,
    metadata: dict[str, str] | None = None,
) -> PixelMap:
    """Fit where and how from observed pairs.

    Parameters
    ----------
    observations : sequence of PairObservation
        At least one.
    symmetric : bool
        Average the map with its mirror image, for expressions that have no side.
    metadata : dict
        Further entries for the file.

    Returns
    -------
    PixelMap

    Raises
    ------
    LivexprError
        Without observations.
    """
    if not observations:
        raise LivexprError("no usable pair of photographs; see the reasons given for each")
    offsets = np.stack([o.offset_cm for o in observations])
    weights = expression_weights(offsets)
    offset = np.average(offsets, axis=0, weights=weights).astype(np.float32)
    if symmetric:
        offset = (offset + _mirrored(offset)) / 2
    log_gain, bias = _appearance(observations, weights, symmetric)
    raised = np.average([o.blendshapes for o in observations], axis=0, weights=weights)
    return PixelMap(
        offset_cm=offset,
        log_gain=log_gain,
        bias=bias,
        mask=face_space.feather_mask(MAP_SIZE),
        mouth=_mouth(observations),
        blendshapes={
            name: round(float(value), 4)
            for name, value in zip(BLENDSHAPE_NAMES, raised, strict=True)
            if abs(value) >= 0.05
        },
        metadata={
            "method": "ridge towards no change, located by the mesh",
            "livexpr": livexpr.__version__,
            "size": str(MAP_SIZE),
            "pairs": str(len(observations)),
            "pairs_weighted": str(int((weights > 0).sum())),
            **(metadata or {}),
        },
    )


def fit_pairs(
    pairs_dir: Path, expression: str, people: Collection[str] | None = None
) -> PixelMap:
    """Fit the pairs of a folder, or of some `people` in it; see :func:`fit_observations`."""
    pairs = find_pairs(pairs_dir, expression)
    chosen = [item for item in pairs.items() if people is None or item[0] in people]
    observations, _ = observe(chosen)
    return fit_observations(observations)


def fit_command(
    pairs_dir: Path, expression: str, out: Path, *, symmetric: bool = True, attribution: str = ""
) -> None:
    """Fit a map with a progress bar, say which pairs were of no use, and write it.

    The same photographs give the same bytes.

    Raises
    ------
    LivexprError
        If no pair is usable, or the map cannot be written.
    """
    from rich.console import Console
    from rich.progress import track as progress

    console = Console(stderr=True)
    pairs = find_pairs(pairs_dir, expression)
    shown = progress(pairs.items(), f"{expression}: looking at pairs", console=console)
    observations, rejected = observe(shown)
    for person, reason in rejected.items():
        console.print(f"left out {person}: {reason}", highlight=False)
    newest = max(path.stat().st_mtime for paths in pairs.values() for path in paths)
    date = datetime.fromtimestamp(newest, timezone.utc).date().isoformat()
    metadata = {"expression": expression, "photographs_until": date, "attribution": attribution}
    fitted = fit_observations(observations, symmetric=symmetric, metadata=metadata)
    pixel_map.save(fitted, out)
    console.print(
        f"used {len(observations)} of {len(pairs)} pairs "
        f"({fitted.metadata['pairs_weighted']} show the expression clearly); "
        f"wrote {out} ({out.stat().st_size} bytes)",
        highlight=False,
    )
    raises = json.dumps(dict(sorted(fitted.blendshapes.items())))
    console.print(f"raises {raises}", highlight=False)
