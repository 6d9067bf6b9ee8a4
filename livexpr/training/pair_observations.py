"""Pairs of photographs of the same person, neutral and with an expression: what each one tells.

A folder ``neutral/ID.jpg`` and ``EXPRESSION/ID.jpg``. Every pair gives a displacement of the
landmarks in head space, and two pictures in face space. Pairs are looked at in chunks, always
the same ones, so that chunks may be looked at anywhere.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose, lighting
from livexpr.errors import CameraError, LivexprError
from livexpr.intensity_map import Align
from livexpr.landmarks import Landmarker
from livexpr.pictures import PICTURE_SUFFIXES, decode_image, read_content
from livexpr.training import face_space
from livexpr.training.canvas_pairs import CanvasPair, canvas_pairs
from livexpr.training.workers import OrderedMap, chunked, in_this_process
from livexpr.types import FaceTrack, Frame, NoFace

MAP_SIZE = 192
MOUTH_SIZE = 128
# A photograph is frontal within this angle of yaw and of pitch.
_MAX_TURN_RAD = np.radians(20)
# So many pairs are looked at by one call: about half a second of work.
_CHUNK = 8
# Chunks in threads of one process, as a cluster may send them, share its landmark model.
_ONE_CHUNK = threading.Lock()


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
    canvases : Mapping of alignment to CanvasPair
        Both pictures as intensity maps see them; empty unless asked for.
    """

    person: str
    offset_cm: NDArray[np.float32]
    neutral: NDArray[np.uint8]
    expressive: NDArray[np.uint8]
    mouth: NDArray[np.uint8]
    mouth_opening_cm: float
    skin_luma: float
    blendshapes: NDArray[np.float32]
    canvases: Mapping[Align, CanvasPair] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph as it is on disk, ready to be sent to where it is looked at.

    Attributes
    ----------
    label : str
        Its folder and file, for messages.
    content : bytes
    problem : str
        Why there is no content.
    """

    label: str
    content: bytes
    problem: str = ""

    @classmethod
    def read(cls, path: Path) -> Photograph:
        """Read a file; one that cannot be read is a photograph with a problem."""
        label = f"{path.parent.name}/{path.name}"
        try:
            return cls(label, read_content(path))
        except CameraError as error:
            return cls(label, b"", str(error))


Pair = tuple[str, Photograph, Photograph]
"""Person, neutral photograph, photograph with the expression."""


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
    try:
        folders = {entry.name: entry for entry in sorted(pairs_dir.iterdir()) if entry.is_dir()}
    except OSError as error:
        raise LivexprError(f"{pairs_dir}: not a readable folder ({error.strerror})") from error
    neutral = folders.pop("neutral", None)
    other = folders.get(expression) or (next(iter(folders.values())) if len(folders) == 1 else None)
    if neutral is None or other is None:
        raise LivexprError(
            f"{pairs_dir}: expected the folders neutral/ and {expression}/, "
            f"found {', '.join(folders) or 'none'}"
        )
    pictures = [{p.stem: p for p in _by_rank(folder)} for folder in (neutral, other)]
    pairs = {
        name: (pictures[0][name], pictures[1][name]) for name in pictures[0].keys() & pictures[1]
    }
    if not pairs:
        raise LivexprError(f"no file of {neutral} has its pair, of the same name, in {other}")
    return dict(sorted(pairs.items()))


def _by_rank(folder: Path) -> list[Path]:
    """Return what is in a folder, pictures last: notes beside them may have the same name."""
    return sorted(folder.iterdir(), key=lambda p: (p.suffix.lower() in PICTURE_SUFFIXES, p))


def _frontal_face(
    photograph: Photograph, landmarker: Landmarker
) -> tuple[NDArray[np.uint8], FaceTrack]:
    """Return a photograph and the one frontal face on it; UnusablePair if there is none."""
    if photograph.problem:
        raise UnusablePair(photograph.problem)
    label = photograph.label
    try:
        pixels = decode_image(photograph.content, label)
    except CameraError as error:
        raise UnusablePair(str(error)) from error
    faces = landmarker.detect_all(Frame(pixels, 0, 0.0))
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
    person: str,
    before: Photograph,
    after: Photograph,
    landmarker: Landmarker,
    *,
    canvases: bool = False,
) -> PairObservation:
    """Return what a pair tells; with `canvases`, also to methods that move no pixel.

    Raises
    ------
    UnusablePair
        Unreadable file, no face, several faces, or a turned head.
    """
    neutral_pixels, neutral = _frontal_face(before, landmarker)
    pixels, track = _frontal_face(after, landmarker)
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
        canvases=canvas_pairs(neutral_pixels, neutral, pixels, track) if canvases else {},
    )


@lru_cache(maxsize=1)
def _landmarker() -> Landmarker:
    """Return the landmark model of this process, which starts once."""
    landmarker = Landmarker(video=False, max_faces=2)
    atexit.register(landmarker.close)
    return landmarker


def _observe_chunk(
    pairs: Sequence[Pair], canvases: bool
) -> tuple[list[PairObservation], dict[str, str]]:
    """Look at some pairs; runs where the chunk is worked on."""
    observations, rejected = [], {}
    with _ONE_CHUNK:
        landmarker = _landmarker()
        for person, neutral, expressive in pairs:
            try:
                observations.append(
                    observe_pair(person, neutral, expressive, landmarker, canvases=canvases)
                )
            except UnusablePair as error:
                rejected[person] = str(error)
    return observations, rejected


def observe(
    pairs: Iterable[tuple[str, tuple[Path, Path]]],
    on_progress: Callable[[str], None] = lambda person: None,
    in_order: OrderedMap = in_this_process,
    *,
    canvases: bool = False,
) -> tuple[list[PairObservation], dict[str, str]]:
    """Look at every pair once.

    Parameters
    ----------
    pairs : iterable of (person, (neutral path, path with the expression))
    on_progress : callable
        Called with each person looked at, some at a time.
    in_order : OrderedMap
        Where chunks of pairs are looked at; the photographs are sent there.
    canvases : bool
        Whether to lay the photographs onto the canvases of intensity maps as well.

    Returns
    -------
    observations : list of PairObservation
        In the order of `pairs`, wherever they were looked at.
    rejected : dict of person to reason
    """
    read = (
        (person, Photograph.read(neutral), Photograph.read(expressive))
        for person, (neutral, expressive) in pairs
    )
    observations: list[PairObservation] = []
    rejected: dict[str, str] = {}
    look = partial(_observe_chunk, canvases=canvases)
    for seen, useless in in_order(look, chunked(read, _CHUNK)):
        observations += seen
        rejected |= useless
        for person in [*(one.person for one in seen), *useless]:
            on_progress(person)
    return observations, rejected
