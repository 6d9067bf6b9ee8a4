"""A personal smile taught from two frames of a clip, judged on its other smiling frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, head_pose
from livexpr.landmarks import Landmarker
from livexpr.pixel_map import PixelMap
from livexpr.recordings import open_recording
from livexpr.teaching import films, shape
from livexpr.teaching.lesson import Lesson, learned
from livexpr.teaching.looks import look
from livexpr.teaching.photographs import steady_track
from livexpr.training import face_space
from livexpr.types import FaceTrack, Frame
from tests.teaching import truth
from tests.teaching.rendered_people import found, landmarker

CLIP = Path(__file__).resolve().parents[3] / "shared/clips/neutral_and_smile.mp4"
# Smiling frames that are judged show at least this much of the smile that was taught.
_LEAST_SMILE = 0.5


@dataclass(frozen=True)
class Judged:
    """One smiling frame: how much of the taught smile it shows, and errors of both maps."""

    index: int
    amount: float
    personal: truth.Errors
    general: truth.Errors


def frames() -> list[NDArray[np.uint8]]:
    """Return the pictures of the clip."""
    film = open_recording(CLIP, name="clip", fps=None, mirror=False, loop=False, fast=True)
    pictures = []
    while (frame := film.read()) is not None:
        pictures.append(np.array(frame.pixels))
    film.close()
    return pictures


def judge(every: int = 1) -> tuple[PixelMap, list[Judged]]:
    """Teach from the best neutral and the best smiling frame, and judge every so many others."""
    pictures = frames()
    with Landmarker(video=True) as following:
        tracks = {
            i: (i / 25, track)
            for i, pixels in enumerate(pictures)
            if isinstance(track := following.detect(Frame(pixels, i, i / 25)), FaceTrack)
        }
    neutral_moments, smiling_moments = films.chosen_moments(tracks, "clip")
    at_neutral, at_smile = neutral_moments[0][0], smiling_moments[0][0]
    neutral, smile = (
        look(pictures[i], steady_track(pictures[i], tracks[i][1], landmarker()))
        for i in (at_neutral, at_smile)
    )
    personal = learned(Lesson((neutral,), (smile,)), "smile")
    general = truth.general()
    # Another neutral frame than that of the lesson is what is made to smile.
    others = [i for moment in neutral_moments for i in moment if i != at_neutral]
    plain = pictures[others[-1]]
    taught_cm = shape.displacement(smile, [neutral])
    judged = []
    for i, (_, track) in list(tracks.items())[::every]:
        seen = look(pictures[i], steady_track(pictures[i], track, landmarker()))
        amount = shape.amount_of(shape.displacement(seen, [neutral]), taught_cm)
        if i == at_smile or amount < _LEAST_SMILE:
            continue
        both = [_errors(a_map, amount, plain, pictures[i], track) for a_map in (personal, general)]
        judged.append(Judged(i, amount, *both))
    return personal, judged


def _errors(
    a_map: PixelMap,
    amount: float,
    plain: NDArray[np.uint8],
    true: NDArray[np.uint8],
    true_track: FaceTrack,
) -> truth.Errors:
    """Return how far a neutral frame with a map is from a frame that truly smiles.

    Both heads are held differently: shapes are compared in head space, pictures in face space.
    """
    plain_track = found(plain)
    filtered = truth.shown_by(a_map, plain, amount)
    seen = found(filtered)
    heads = [
        look_head(track)
        for track in (replace(seen, frame_from_head=seen.frame_from_head), true_track)
    ]
    over = shape.rigid_similarity(heads[0], heads[1])
    apart = np.linalg.norm((head_pose.to_frame(heads[0], over) - heads[1])[:, :2], axis=1)
    eyes = [heads[1][list(eye), :2].mean(axis=0) for eye in face_mesh.EYE_CENTRES]
    landmarks = 100 * float(apart.mean()) / float(np.linalg.norm(eyes[0] - eyes[1]))
    carry = shape.rigid_similarity(heads[1], look_head(plain_track))
    carried = head_pose.to_frame(head_pose.to_frame(heads[1], carry), plain_track.frame_from_head)
    one, other = (
        truth.unwrapped(filtered, carried),
        truth.unwrapped(true, true_track.landmarks_px),
    )
    inside = face_space.skin_mask(one.shape[0])
    other *= np.median(one[inside]) / np.median(other[inside])
    return truth.Errors(landmarks, float(np.sqrt(((one - other)[inside] ** 2).mean())))


def look_head(track: FaceTrack) -> NDArray[np.float32]:
    """Return landmarks in head space, (468, 3), cm."""
    points = track.landmarks_px[: face_mesh.N_LANDMARKS]
    return head_pose.to_head(points, track.frame_from_head)
