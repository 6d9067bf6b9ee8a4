"""Recognising people: each face found is somebody known, or somebody new."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from livexpr import likeness, liveliness
from livexpr.likeness import Looks
from livexpr.liveliness import Stillness
from livexpr.types import FaceTrack

_ONE_FACE = 0.25
"""Two faces within this part of their height, and of their size, are one found twice."""

_MOST_KNOWN = 12
"""More are not kept in mind beside those who are followed."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody in the picture.

    Attributes
    ----------
    number : int
        From 1, rising.
    looks : Looks
    stillness : Stillness
    track : FaceTrack
        When seen last.
    first_s, seen_s : float
        When seen first and last.
    """

    number: int
    looks: Looks
    stillness: Stillness
    track: FaceTrack
    first_s: float
    seen_s: float


def recognised(
    known: tuple[Known, ...],
    faces: Iterable[FaceTrack],
    time_s: float,
    *,
    last_number: int,
    followed: Collection[int],
) -> tuple[tuple[Known, ...], int]:
    """Give each face to somebody known, or to somebody new.

    Parameters
    ----------
    known : tuple of Known
        Whoever was seen lately.
    faces : iterable of FaceTrack
        In no order.
    time_s : float
        Of their frame, s; not before anybody known was seen.
    last_number : int
        The highest that was given so far.
    followed : collection of int
        The numbers of those who must not be forgotten among many.

    Returns
    -------
    known, last_number
    """
    tracks, looks, misfits = _distinct(known, faces, time_s)
    owners = likeness.assigned(misfits)
    now = list(known)
    # From left to right, since faces come in no order.
    for face in sorted(range(len(tracks)), key=lambda i: tuple(looks[i].centre_px)):
        track, look = tracks[face], looks[face]
        if face in owners:
            now[owners[face]] = _seen_again(now[owners[face]], track, look, time_s)
        else:
            last_number += 1
            stillness = liveliness.first_seen(track, time_s)
            now.append(Known(last_number, look, stillness, track, time_s, time_s))
    others = sorted((one for one in now if one.number not in followed), key=lambda one: one.seen_s)
    for one in others[: max(len(others) - _MOST_KNOWN, 0)]:
        now.remove(one)
    return tuple(now), last_number


def _seen_again(one: Known, track: FaceTrack, look: Looks, time_s: float) -> Known:
    return replace(
        one,
        looks=likeness.updated(one.looks, look, time_s - one.seen_s, time_s - one.first_s),
        stillness=liveliness.watched(one.stillness, track, time_s),
        track=track,
        seen_s=time_s,
    )


def _distinct(
    known: tuple[Known, ...], faces: Iterable[FaceTrack], time_s: float
) -> tuple[list[FaceTrack], list[Looks], NDArray[np.float64]]:
    """Return the faces, how each looks and fits whom; of one found twice, what fits better."""
    scored = []
    for track in faces:
        look = likeness.of(track)
        fits = [likeness.misfit(one.looks, look, time_s - one.seen_s) for one in known]
        scored.append((min(fits, default=0.0), track, look, fits))
    tracks: list[FaceTrack] = []
    looks: list[Looks] = []
    rows: list[list[float]] = []
    for _, track, look, fits in sorted(scored, key=lambda one: one[0]):
        if not any(look.near(other, _ONE_FACE) for other in looks):
            tracks.append(track)
            looks.append(look)
            rows.append(fits)
    return tracks, looks, np.array(rows, np.float64).reshape(len(rows), len(known)).T
