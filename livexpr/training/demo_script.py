"""What the face of the demo film does when: turning, nodding, blinking, speaking."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Blinks: when the lid begins to fall, s. It falls, stays and rises for so long.
_BLINKS_S = (0.75, 3.55, 6.75, 10.85)
_FALL_S, _STAY_S, _RISE_S = 0.10, 0.04, 0.18
# Syllables: time of the widest opening, s; opening of the lips, cm; pursing, negative is wide.
_SYLLABLES = (
    *((1.35, 0.69, 0.0), (1.58, 0.38, 0.7), (1.80, 0.94, -0.2), (2.02, 0.31, 0.3)),
    *((2.24, 0.75, -0.4), (2.50, 1.00, 0.0), (2.76, 0.38, 0.8)),
    *((4.50, 0.50, 0.6), (4.74, 0.88, -0.3), (4.98, 0.44, 0.0), (5.20, 1.12, 0.1)),
    *((5.48, 0.38, 0.9), (5.72, 0.62, -0.3)),
    *((7.90, 0.88, -0.2), (8.12, 0.31, 0.2), (8.34, 0.69, 0.7), (8.58, 1.06, -0.1)),
    *((8.84, 0.50, -0.4), (9.06, 0.75, 0.0), (9.28, 0.38, 0.8), (9.52, 0.81, -0.2)),
)
_SYLLABLE_S, _PURSING_S = 0.072, 0.11
# Emphasis: brows rise and the head nods a little; time and strength.
_EMPHASES = ((1.85, 0.8), (2.6, 0.5), (5.2, 1.0), (8.55, 1.0), (9.5, 0.4))
_EMPHASIS_S, _BROW_CM, _NOD_RAD = 0.28, 0.22, math.radians(2.2)


@dataclass(frozen=True, slots=True)
class Moment:
    """What the face does at one time.

    Attributes
    ----------
    yaw, pitch, roll : float
        Turn of the head, rad: to the subject's left, down, clockwise as seen.
    gaze : float
        Turn of the eyes to the subject's right, against the head, rad.
    sway_px : tuple of float
        Shift of head and shoulders, px of the film.
    closed : float
        0: eyes open; 1: closed.
    lips_cm : float
        How far the lips are apart.
    pucker : float
        1: pursed lips; below 0: drawn wide.
    brows_cm : float
        How far the brows are raised.
    """

    yaw: float
    pitch: float
    roll: float
    gaze: float
    sway_px: tuple[float, float]
    closed: float
    lips_cm: float
    pucker: float
    brows_cm: float


def _bump(time_s: float, centre_s: float, width_s: float) -> float:
    return math.exp(-0.5 * ((time_s - centre_s) / width_s) ** 2)


def _ease(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _closed(time_s: float) -> float:
    closed = 0.0
    for start in _BLINKS_S:
        falling = _ease((time_s - start) / _FALL_S)
        rising = _ease((time_s - start - _FALL_S - _STAY_S) / _RISE_S)
        closed = max(closed, falling - rising)
    return closed


def moment(time_s: float, duration_s: float) -> Moment:
    """Return what the face does at `time_s`; slow motions repeat after `duration_s`."""
    turn = 2 * math.pi * time_s / duration_s

    def wave(times: int, phase: float = 0.0) -> float:
        return math.sin(times * turn + phase)

    emphasis = sum(strength * _bump(time_s, at, _EMPHASIS_S) for at, strength in _EMPHASES)
    lips = sum(cm * _bump(time_s, at, _SYLLABLE_S) for at, cm, _ in _SYLLABLES)
    pucker = sum(part * _bump(time_s, at, _PURSING_S) for at, _, part in _SYLLABLES)
    yaw = math.radians(7.5 * wave(1, 0.3) + 2.5 * wave(2, 0.6) + 0.6 * wave(5, 0.4))
    pitch = math.radians(1.8 * wave(2, 0.8) + 1.2 * wave(3, 2.2)) + _NOD_RAD * emphasis
    return Moment(
        yaw=yaw,
        pitch=pitch,
        roll=math.radians(1.6 * wave(1, 2.1) + 0.7 * wave(3, 0.9)),
        gaze=0.7 * yaw,
        sway_px=(5.0 * wave(1, 0.9) + 1.5 * wave(3), 2.0 * wave(2, 0.2) + 1.0 * wave(4, 1.0)),
        closed=_closed(time_s),
        lips_cm=lips if lips > 1e-3 else 0.0,
        pucker=pucker if abs(pucker) > 1e-3 else 0.0,
        brows_cm=_BROW_CM * emphasis,
    )
