"""Milliseconds a frame, on one 1280x720 frame of the shipped demo film."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from livexpr import pipeline
from livexpr.capture import open_source
from livexpr.errors import LivexprError
from livexpr.landmarks import Landmarker
from livexpr.maps import Map
from livexpr.presets import Preset
from livexpr.types import FaceTrack, Frame, NoFace

_WARM = 3
_FRAMES_PER_S = 30.0


def median_ms(call: Callable[[], object], repeats: int = 40) -> float:
    """Return the median time of a call, ms, after a few that do not count."""
    for _ in range(_WARM):
        call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return 1000 * float(np.median(taken))


def demo_frame() -> tuple[Frame, FaceTrack]:
    """Return a frame of the demo film and the face on it.

    Raises
    ------
    LivexprError
        If the face is not found.
    """
    source = open_source("demo", size=None, fps=None, mirror=False, loop=True, fast=True)
    try:
        frame = source.read()
    finally:
        source.close()
    if frame is None:
        raise LivexprError("the demo film has no frame; install livexpr again")
    with Landmarker(video=False) as landmarker:
        track = landmarker.detect(frame)
    if isinstance(track, NoFace):
        raise LivexprError(f"the face of the demo film was not found: {track.reason}")
    return frame, track


def frame_ms(frame: Frame, track: FaceTrack, a_map: Map) -> float:
    """Return the median time of the live filter on one frame after another, ms.

    Without finding the face; with smoothing, placing and drawing.
    """
    effect = pipeline.Effect(Preset("fitted", {"fitted": 1.0}), {"fitted": a_map}, 1.0)
    state = pipeline.settled_state(effect)
    number = 0

    def filter_next() -> None:
        nonlocal state, number
        number += 1
        following = Frame(frame.pixels, number, number / _FRAMES_PER_S)
        state = pipeline.process(following, track, effect, state).state

    return median_ms(filter_next)
