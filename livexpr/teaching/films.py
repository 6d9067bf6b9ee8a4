"""A lesson from a short film: its calm neutral moments, and those of the strongest expression."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr import head_pose
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.recordings import open_recording
from livexpr.teaching.lesson import Lesson
from livexpr.teaching.looks import Look, average, look
from livexpr.teaching.photographs import steady_track
from livexpr.types import FaceTrack, Frame

# Of a longer film only the beginning is looked at, and of many frames a second only so many.
_LONGEST_S, _RATE = 30.0, 15.0
_LEAST_FRAMES = 6
_MAX_TURN_RAD = math.radians(20)
# From the neutral to the strongest moment, 0 to 1: below the first a face is neutral, above the
# second it shows the expression.
_NEUTRAL_BELOW, _EXPRESSIVE_ABOVE = 0.2, 0.85
# The length of the difference of blendshapes that is an expression at all.
_LEAST_DIFFERENCE = 0.25
_SHUT_EYES = 0.6
# Frames so near each other are one moment; so many moments, and frames of each, are looked at.
_SAME_MOMENT_S, _MOST_MOMENTS, _FRAMES_OF_MOMENT = 0.25, 4, 3
# Where eyes look and whether they blink is no expression here.
_COUNTED = np.array(
    [not ("Look" in name or "Blink" in name or name == "_neutral") for name in BLENDSHAPE_NAMES]
)
_BLINKS = [BLENDSHAPE_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]


def lesson_from(path: Path, landmarker: Landmarker) -> Lesson:
    """Return a lesson from a film.

    Parameters
    ----------
    path : Path
    landmarker : Landmarker
        For stills; frames that are chosen are looked at closely.

    Raises
    ------
    CameraError
        If it is no readable film.
    LivexprError
        If it shows a face in too few frames, or no expression that differs from the neutral face.
    """
    with Landmarker(video=True) as following:
        tracks = {
            frame.index: (frame.captured_at_s, track)
            for frame in _frames(path)
            if isinstance(track := following.detect(frame), FaceTrack)
        }
    moments = chosen_moments(tracks, str(path))
    wanted = {index for kind in moments for moment in kind for index in moment}
    looks: dict[int, Look] = {}
    for frame in _frames(path):
        if frame.index in wanted:
            _, track = tracks[frame.index]
            looks[frame.index] = look(frame.pixels, steady_track(frame.pixels, track, landmarker))
    neutrals, expressives = (
        tuple(average([looks[index] for index in moment]) for moment in kind) for kind in moments
    )
    return Lesson(neutrals, expressives)


def _frames(path: Path) -> Iterator[Frame]:
    """Yield the frames that are looked at, the same ones each time, at their times in the film."""
    film = open_recording(path, name=path.name, fps=None, mirror=False, loop=False, fast=True)
    try:
        every = max(1, round(film.fps / _RATE))
        count = 0
        while (frame := film.read()) is not None and count < _LONGEST_S * film.fps:
            if count % every == 0:
                yield Frame(frame.pixels, count, count / film.fps)
            count += 1
    finally:
        film.close()


Moment = list[int]


def chosen_moments(
    tracks: dict[int, tuple[float, FaceTrack]], source: str
) -> tuple[list[Moment], list[Moment]]:
    """Return the frames of neutral and of expressive moments, the best ones of each.

    Parameters
    ----------
    tracks : dict of frame index to (time in s, FaceTrack)
        In order.
    source : str
        For messages.

    Raises
    ------
    LivexprError
        If there are too few frames with a frontal face, or no expression among them.
    """
    usable = {
        index: (time_s, track)
        for index, (time_s, track) in tracks.items()
        if max(map(abs, head_pose.angles_rad(track.frame_from_head)[:2])) <= _MAX_TURN_RAD
    }
    if len(usable) < _LEAST_FRAMES:
        raise LivexprError(
            f"{source}: a face that looks into the camera on {len(usable)} frames only, expected "
            f"at least {_LEAST_FRAMES}"
        )
    indices = np.array(list(usable))
    times = np.array([time_s for time_s, _ in usable.values()])
    shapes = np.stack([track.blendshapes for _, track in usable.values()])
    strength = _strengths(shapes[:, _COUNTED], source)
    awake = shapes[:, _BLINKS].min(axis=1) < _SHUT_EYES
    unrest = np.abs(np.gradient(shapes[:, _COUNTED], axis=0)).sum(axis=1)
    calm = unrest <= np.median(unrest) + 1e-6
    kinds = []
    for chosen, best_first in (
        (awake & (strength <= _NEUTRAL_BELOW), strength + unrest),
        (strength >= _EXPRESSIVE_ABOVE, unrest - strength),
    ):
        kept = chosen & calm if (chosen & calm).any() else chosen
        kinds.append(_moments(indices[kept], times[kept], best_first[kept]))
    if not kinds[0]:
        raise LivexprError(f"{source}: no neutral face with open eyes; begin the film with one")
    return kinds[0], kinds[1]


def _strengths(shapes: NDArray[np.float32], source: str) -> NDArray[np.float64]:
    """Return how much of the expression each frame shows, from 0, neutral, to 1, most."""
    active = np.linalg.norm(shapes, axis=1)
    few = max(1, len(shapes) // 10)
    order = np.argsort(active)
    neutral = np.median(shapes[order[:few]], axis=0)
    away = np.linalg.norm(shapes - neutral, axis=1)
    strongest = np.median(shapes[np.argsort(away)[-few:]], axis=0)
    direction = (strongest - neutral).astype(np.float64)
    length = float(np.linalg.norm(direction))
    if length < _LEAST_DIFFERENCE:
        raise LivexprError(
            f"{source}: no expression that differs from the neutral face; show it more strongly, "
            "or name two photographs"
        )
    return np.asarray((shapes - neutral) @ direction / length**2)


def _moments(
    indices: NDArray[np.intp], times: NDArray[np.float64], best_first: NDArray[np.float64]
) -> list[Moment]:
    """Return groups of frames that are near each other, the best of each, of the best groups."""
    if not len(indices):
        return []
    breaks = np.flatnonzero(np.diff(times) > _SAME_MOMENT_S) + 1
    groups: Sequence[NDArray[np.intp]] = np.split(np.arange(len(indices)), breaks)
    groups = sorted(groups, key=lambda group: float(best_first[group].min()))[:_MOST_MOMENTS]
    return [
        sorted(int(indices[at]) for at in group[np.argsort(best_first[group])][:_FRAMES_OF_MOMENT])
        for group in groups
    ]
