"""What is before the face: a hand, a cup or a microphone must not be bent into a smile.

The landmark model tells no visibility: under a hand it goes on guessing. So the live face, laid
out in face space, is compared with a slow mean of itself, light taken out. Glasses, beards and
hair are in the mean. Where a part of the face looks unlike itself, something is before it.

Half a smile is another expression. So the verdict on the parts is gathered in three zones that
move together: brows, eyes, and everything below them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, skin_samples, strength
from livexpr.skin_samples import PARTS, ZONES, Look
from livexpr.types import FaceTrack

# A zone's edge is soft by about a finger's breadth.
_ZONE_REACH_CM = 1.6
# A part of which less than this can be seen is not judged.
_LEAST_SEEN = 0.25

# How far a face at work strays from its own mean: what speech, smiles and blinks do on the
# development clips. Skin changes its brightness, hardly its colour.
_TOLERANCE = np.array([0.12, 0.045, 0.045], np.float32)
# What strays often is borne with, up to this many times the variance above.
_BORNE = 1.0
# Light falls otherwise on a head that turned: the tolerance doubles at this angle.
_TURN_RAD = math.radians(25)
# So many tolerances off, a sample begins to count as covered, and counts as covered fully.
_OFF = (1.5, 3.0)
# A part lets go of the effect while what is unlike it grows by this share of it.
_SUSPICION = 0.15
# A part of which this much is covered is remembered less, and not at all.
_UNSURE = (0.05, 0.12)
# The light may change by a plane over the face; its slopes are held down by so many samples.
_HOLDING = np.diag([1e-3, 9.0, 9.0])
_LIGHT_ROUNDS = 2

_SUSPECT = np.array([part.suspect for part in PARTS])
_OF_ZONE = tuple(
    tuple(number for number, part in enumerate(PARTS) if part.zone == zone) for zone in ZONES
)

_EVERY_S = 0.06
"""So often is looked: every second frame of a usual camera."""

_LEARNING_S = 1.0
"""For so long is a new face only looked at."""

_MEAN_S = 2.0
_ACCEPTED_S = 60.0
"""After about a minute, what covers a part is taken for the face's own: glasses put on."""

_SHADOW_S = 15.0
"""The same for what has the face's own colour and is but darker or brighter."""

_STRANGE_S = 4.0
"""A face of which all zones, or most of it, have changed for so long is another one, or in quite
another light: nothing covers so much."""

_FORGOTTEN_S = 3.0
"""A face that comes back within this time is compared with what it was."""

_RETURN = 3.0
"""The effect comes back so many times slower than it goes: a hand seldom moves away for good."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a face looks like to itself.

    Attributes
    ----------
    mean, variance : ndarray of shape (K, 3), float32
        Of each sample's log luma, log red over green and log blue over green.
    line_of_sight : ndarray of shape (3,), float32
        From which it was seen on average, in head space; about of length 1.
    known_s, strange_s : float
        For how long it has been looked at, and has been unlike itself nearly everywhere.
    looked_s : float
        When it was looked at last.
    """

    mean: NDArray[np.float32]
    variance: NDArray[np.float32]
    line_of_sight: NDArray[np.float32]
    known_s: float
    strange_s: float
    looked_s: float


@dataclass(frozen=True, slots=True)
class Cover:
    """How much of each zone is free, and what that is judged by.

    Attributes
    ----------
    free : tuple of three float
        The factor of the effect now, in [0, 1]; eased.
    goal : tuple of three float
        What it is on its way to.
    memory : Memory or None
        None before the first look.
    """

    free: tuple[float, ...] = (1.0,) * len(ZONES)
    goal: tuple[float, ...] = (1.0,) * len(ZONES)
    memory: Memory | None = None


def is_due(cover: Cover, time_s: float) -> bool:
    """Whether it is time to look again."""
    memory = cover.memory
    return memory is None or not 0 <= time_s - memory.looked_s < _EVERY_S


def looked(cover: Cover, pixels: NDArray[np.uint8], track: FaceTrack, time_s: float) -> Cover:
    """Look at the face: remember it, and tell what is free of it.

    Parameters
    ----------
    cover : Cover
        From the last frame; ``Cover()`` for a new face.
    pixels : ndarray of shape (H, W, 3), uint8
        BGR.
    track : FaceTrack
        The face on it.
    time_s : float
        Of this frame, s.
    """
    memory = cover.memory
    if memory is not None and not 0 <= time_s - memory.looked_s <= _FORGOTTEN_S:
        memory = None
    memory, free = _looked(memory, skin_samples.look(pixels, track), time_s)
    return replace(cover, memory=memory, goal=free)


def followed(cover: Cover, dt_s: float, easing_s: float) -> Cover:
    """Ease the zones towards what is free of them.

    Parameters
    ----------
    cover : Cover
    dt_s : float
        Since the last frame, s.
    easing_s : float
        After which a zone that is covered has lost 95 % of the effect.
    """
    if cover.free == cover.goal:
        return cover
    away, back = (strength.easing_step(dt_s, easing_s * slower) for slower in (1.0, _RETURN))
    return replace(
        cover,
        free=tuple(
            now + (away if goal < now else back) * (goal - now)
            for now, goal in zip(cover.free, cover.goal, strict=True)
        ),
    )


def seen_again(cover: Cover, time_s: float) -> Cover:
    """Return what is known of a face after nobody has looked at it for a while."""
    memory = cover.memory
    gone = memory is not None and not 0 <= time_s - memory.looked_s <= _FORGOTTEN_S
    return Cover() if gone else cover


def landmark_factors(cover: Cover) -> NDArray[np.float32]:
    """Return the factor of the effect at each landmark, (468,), float32, in [0, 1]."""
    return zone_fields() @ np.array(cover.free, np.float32)


@lru_cache(maxsize=1)
def zone_fields() -> NDArray[np.float32]:
    """Return how much each landmark belongs to each zone, (468, 3), float32; rows add up to 1."""
    rest = face_mesh.load().rest_cm
    fields = []
    for zone in ZONES:
        seeds = rest[[index for part in PARTS if part.zone == zone for index in part.landmarks]]
        distance = np.linalg.norm(rest[:, None] - seeds[None], axis=2).min(axis=1)
        fields.append(np.exp(-0.5 * (distance / _ZONE_REACH_CM) ** 2))
    stacked = np.stack(fields, axis=1).astype(np.float32)
    result: NDArray[np.float32] = stacked / stacked.sum(axis=1, keepdims=True)
    result.setflags(write=False)
    return result


def _looked(memory: Memory | None, look: Look, time_s: float) -> tuple[Memory, tuple[float, ...]]:
    """Compare a look with the memory. Return the memory with it, and what is free per zone."""
    everything = (1.0,) * len(ZONES)
    if memory is None or memory.strange_s > _STRANGE_S:
        nothing = np.zeros_like(look.colours)
        return Memory(look.colours, nothing, look.line_of_sight, 0.0, 0.0, time_s), everything
    dt = time_s - memory.looked_s
    off = look.colours - memory.mean
    variance = _tolerated(memory, look)
    off -= _light(off, variance, look.seen)
    squares = off * off / variance
    distance = np.sqrt(squares[:, 0] + squares[:, 1] + squares[:, 2])
    covered = _between((distance - _OFF[0]) / (_OFF[1] - _OFF[0]))
    parts = _parts_covered(covered, look.seen)
    free = _free(parts) if memory.known_s > _LEARNING_S else everything
    strange = float(covered @ look.seen) > 0.5 * float(look.seen.sum()) or max(free) < 0.5
    coloured = squares[:, 1] + squares[:, 2] > 1
    accepted_s = np.where(coloured, _ACCEPTED_S, _SHADOW_S)
    rate = look.seen * _learning_rates(covered, parts, accepted_s, memory.known_s, dt)
    rate = rate[:, None].astype(np.float32)
    bounded = np.minimum(off * off, np.float32(4) * _TOLERANCE**2).astype(np.float32)
    turned = np.float32(min(dt / _MEAN_S, 1.0)) * (look.line_of_sight - memory.line_of_sight)
    followed = Memory(
        mean=memory.mean + rate * off,
        variance=memory.variance + rate * (bounded - memory.variance),
        line_of_sight=memory.line_of_sight + turned,
        known_s=memory.known_s + dt,
        strange_s=memory.strange_s + dt if strange else 0.0,
        looked_s=time_s,
    )
    return followed, free


def _tolerated(memory: Memory, look: Look) -> NDArray[np.float32]:
    """Return the square of how far each sample may be off, (K, 3)."""
    lengths = np.linalg.norm(memory.line_of_sight) * np.linalg.norm(look.line_of_sight)
    cosine = float(memory.line_of_sight @ look.line_of_sight) / max(float(lengths), 1e-6)
    widened = 1 + math.acos(min(max(cosine, -1.0), 1.0)) / _TURN_RAD
    usual = _TOLERANCE**2
    borne = np.minimum(4 * memory.variance, _BORNE * usual)
    return np.asarray((usual + borne) * np.float32(widened**2), np.float32)


def _light(
    off: NDArray[np.float32], variance: NDArray[np.float32], seen: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the part of the differences, (K, 3), that a change of light explains.

    A plane over face space for each colour, fitted with a redescending weight (Geman & McClure),
    so that a hand has no say in it.
    """
    plane = skin_samples.load().plane
    looked_at = seen > 0
    if not looked_at.any():
        return np.zeros_like(off)
    ranked = np.sort(off[looked_at].T, axis=1)
    n = ranked.shape[1]
    light = (ranked[:, (n - 1) // 2] + ranked[:, n // 2]) / 2
    for _ in range(_LIGHT_ROUNDS):
        left = off - light
        squares = left * left / variance
        weight = seen / (1 + squares[:, 0] + squares[:, 1] + squares[:, 2]) ** 2
        weighted = plane.T * weight
        light = plane @ np.linalg.solve(weighted @ plane + _HOLDING, weighted @ off)
    return np.asarray(light, np.float32)


def _parts_covered(covered: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return which share of each part's visible samples is covered, (P,)."""
    parts = skin_samples.load().parts
    visible = parts @ seen
    shares = parts @ (covered * seen) / np.maximum(visible, 1e-3)
    return np.asarray(shares * (visible >= _LEAST_SEEN * parts.sum(axis=1)), np.float32)


def _learning_rates(
    covered: NDArray[np.float32],
    parts: NDArray[np.float32],
    accepted_s: NDArray[np.float64],
    known_s: float,
    dt: float,
) -> NDArray[np.float32]:
    """Return what part of its difference each sample takes over into the mean, (K,)."""
    usual = min(dt / max(min(known_s + dt, _MEAN_S), 1e-6), 1.0)
    if known_s <= _LEARNING_S:
        return np.full(len(covered), usual, np.float32)
    unsure = _between((parts - _UNSURE[0]) / (_UNSURE[1] - _UNSURE[0]))
    sure = (1 - covered) * (1 - unsure @ skin_samples.load().parts)
    return np.asarray(sure * usual + (1 - sure) * np.minimum(dt / accepted_s, 1.0), np.float32)


def _free(parts: NDArray[np.float32]) -> tuple[float, ...]:
    """Return how much of each zone is free: as its most covered part says."""
    t = _between((parts - _SUSPECT) / _SUSPICION)
    free = (1 - t * t * (3 - 2 * t)).tolist()
    return tuple(min(free[part] for part in of_zone) for of_zone in _OF_ZONE)


def _between(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return values held between 0 and 1."""
    return np.asarray(np.minimum(np.maximum(values, 0), 1))
