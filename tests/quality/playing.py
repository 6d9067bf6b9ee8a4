"""A clip through the whole filter, with what the measures need of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, pipeline, placement
from livexpr.landmarks import Landmarker
from livexpr.pipeline import Effect
from livexpr.recordings import Film
from livexpr.types import FaceTrack, Frame


@dataclass
class Played:
    """Frames on which there was a face, before and after, and where it was."""

    before: list[NDArray[np.uint8]] = field(default_factory=list)
    after: list[NDArray[np.uint8]] = field(default_factory=list)
    tracks: list[FaceTrack] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)
    live: list[NDArray[np.float32]] = field(default_factory=list)
    smoothed: list[NDArray[np.float32]] = field(default_factory=list)
    target: list[NDArray[np.float32]] = field(default_factory=list)
    free: list[tuple[float, ...]] = field(default_factory=list)
    index: list[int] = field(default_factory=list)

    def height_px(self) -> float:
        """Return the height of the face, median over the frames."""
        heights = [np.ptp(one[: face_mesh.N_LANDMARKS, 1]) for one in self.live]
        return float(np.median(heights))


def play(pictures: Iterable[tuple[NDArray[np.uint8], float]], effect: Effect) -> Played:
    """Filter pictures, each with its time in seconds."""
    pipeline.warm_up()
    played = Played()
    state = pipeline.settled_state(effect)
    placed = []

    def recorded(*args, _place=placement.place, **keywords):
        placed.append(_place(*args, **keywords))
        return placed[-1]

    with mock.patch.object(placement, "place", recorded), Landmarker(video=True) as landmarker:
        for index, (pixels, time_s) in enumerate(pictures):
            frame = Frame(pixels, index, time_s)
            track = landmarker.detect(frame)
            placed.clear()
            result = pipeline.process(frame, track, effect, state)
            state = result.state
            if not isinstance(track, FaceTrack) or not placed:
                continue
            played.before.append(pixels)
            played.after.append(result.frame.pixels)
            played.tracks.append(track)
            played.times_s.append(time_s)
            played.live.append(track.landmarks_px)
            played.smoothed.append(result.track.landmarks_px)
            played.target.append(placed[0].target_px[: face_mesh.N_LANDMARKS])
            played.free.append(state.cover.free)
            played.index.append(index)
    return played


def clip(path: Path, start: int = 0, stop: int | None = None):
    """Yield the pictures of a film from one frame to another, each with its time."""
    film = Film(path, name=path.name, mirror=False, loop=False, fast=True)
    try:
        for pixels, time_s in islice(film.timed_pictures(), start, stop):
            yield pixels.copy(), time_s
    finally:
        film.close()


def openings_after(played: Played) -> NDArray[np.float32]:
    """Return the landmarks of the filtered pictures, found anew, (T, 478, 3); NaN where none."""
    found = []
    with Landmarker(video=True) as landmarker:
        for index, pixels in enumerate(played.after):
            track = landmarker.detect(Frame(pixels, index, index / 25))
            found.append(
                track.landmarks_px
                if isinstance(track, FaceTrack)
                else np.full((478, 3), np.nan, np.float32)
            )
    return np.stack(found)


def path_of_motion(n: int) -> NDArray[np.float64]:
    """Return a known path for a still, (T, 4): x and y in px, turn in rad, log scale."""
    times = np.arange(n) / 30
    return np.stack(
        [
            40 * np.sin(2 * np.pi * 0.7 * times),
            25 * np.sin(2 * np.pi * 0.9 * times + 1),
            0.2 * np.sin(2 * np.pi * 0.5 * times),
            0.12 * np.sin(2 * np.pi * 0.4 * times + 2),
        ],
        axis=1,
    )


def moved_still(
    pixels: NDArray[np.uint8], n: int, noise: float = 0.0, *, moving: bool = True, seed: int = 0
) -> tuple[list[tuple[NDArray[np.uint8], float]], NDArray[np.float64]]:
    """Return `n` pictures of a still on its known path, 30 a second, and their matrices, (T, 2, 3).

    `noise` is the camera's, new on every frame, in grey levels.
    """
    rng = np.random.default_rng(seed)
    height, width = pixels.shape[:2]
    centre = np.array([width / 2, height / 2])
    pictures, matrices = [], []
    for x, y, turn, scale in path_of_motion(n) * moving:
        linear = np.exp(scale) * np.array(
            [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        )
        shift = centre + np.array([x, y]) - linear @ centre
        matrix = np.concatenate([linear, shift[:, None]], axis=1)
        picture = cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        )
        noisy = picture + rng.normal(0, noise, picture.shape) if noise else picture
        pictures.append((np.clip(np.round(noisy), 0, 255).astype(np.uint8), len(pictures) / 30))
        matrices.append(matrix)
    return pictures, np.array(matrices)
