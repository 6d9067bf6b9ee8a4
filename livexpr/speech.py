"""Speech stays readable: where speaking lips close, on m, b and p, the filtered ones close too.

A smile that shows teeth parts the lips of a mouth at rest. While its user speaks, it must not part
them where they meet. That somebody speaks is seen by how far the mouth has opened and closed within
the last second or so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from livexpr import face_mesh, head_pose
from livexpr.types import FaceTrack

_UPPER, _LOWER = face_mesh.INNER_LIP_UPPER[5], face_mesh.INNER_LIP_LOWER[5]
# The widest and the narrowest opening of late are forgotten with this time constant, s.
_LATE_S = 1.0
# Lips that have lately gone this far apart and together begin to be speech, and surely are, cm.
_SPEECH_CM = (0.15, 0.4)
# Lips close within a tenth of a second: landmarks, and more so smoothed ones, are late by this, s.
_AHEAD_S = 0.03
# By no more than so many frames: some come in a burst, and were not taken that close together.
_MOST_AHEAD = 2.0
# Lips nearer than this part of their widest opening of late are about to meet.
_MEETING = 0.6
# Lips nearer than this part of it are shut.
_SHUT = 0.2
# So much of the opening is taken back where they meet: a smile stays a little open.
_TAKEN_BACK = 0.55
# Lips that stay shut for longer than the first pause: with the second as time constant, s, the
# expression comes back. Quicker, and teeth would flash up between two words.
_PAUSE_S = (0.1, 0.4)


@dataclass(frozen=True, slots=True)
class Speech:
    """How far the inner lips are apart, and were of late at most and at least, cm.

    `shut_s` says for how long they have been shut, `soon_cm` how far apart they will be in a moment
    where they are closing: no further than they are.
    """

    opening_cm: float = 0.0
    widest_cm: float = 0.0
    narrowest_cm: float = 0.0
    shut_s: float = 0.0
    soon_cm: float = 0.0


def followed(speech: Speech | None, track: FaceTrack, dt_s: float) -> Speech:
    """Follow the lips as they were detected: smoothed ones meet too late.

    Parameters
    ----------
    speech : Speech or None
        From the last frame; None for a new face.
    track : FaceTrack
    dt_s : float
        Since the last frame, s.
    """
    x, y = track.landmarks_px[_LOWER, :2] - track.landmarks_px[_UPPER, :2]
    scale = max(head_pose.scale_px_per_cm(track.frame_from_head), 1e-6)
    opening = math.hypot(float(x), float(y)) / scale
    if speech is None:
        return Speech(opening, opening, opening, soon_cm=opening)
    step = 1 - math.exp(-dt_s / _LATE_S)
    widest = speech.widest_cm + step * (opening - speech.widest_cm)
    narrowest = speech.narrowest_cm + step * (opening - speech.narrowest_cm)
    shut = opening < _SHUT * widest
    shut_s = speech.shut_s + dt_s if shut else 0.0
    soon = opening
    if dt_s > 0:
        closed = max(speech.opening_cm - opening, 0.0)
        soon = max(opening - min(_AHEAD_S / dt_s, _MOST_AHEAD) * closed, 0.0)
    return Speech(opening, max(opening, widest), min(opening, narrowest), shut_s, soon)


def speaking(speech: Speech | None) -> float:
    """Return how surely somebody speaks, in [0, 1]: 0 for a mouth at rest, shut or open."""
    if speech is None:
        return 0.0
    low, high = _SPEECH_CM
    t = min(max((speech.widest_cm - speech.narrowest_cm - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def closing(speech: Speech | None) -> float:
    """Return what part of its opening an expression must take back, in [0, 1).

    0 for a mouth at rest, shut or open, whatever it is doing on the way there.
    """
    if speech is None:
        return 0.0
    near = 1 - speech.soon_cm / max(_MEETING * speech.widest_cm, 1e-6)
    pausing = min(math.exp(-(speech.shut_s - _PAUSE_S[0]) / _PAUSE_S[1]), 1.0)
    return _TAKEN_BACK * pausing * speaking(speech) * min(max(near, 0.0), 1.0)
