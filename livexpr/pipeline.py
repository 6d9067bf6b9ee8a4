"""The whole filter on one frame: ``smooth -> place -> apply``. No camera, no model, no clock."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels.apply import apply
from livexpr import lighting, placement, regions, strength
from livexpr.effect import (
    NOTHING,
    Effect,
    FilterState,
    Mix,
    eased,
    initial_state,
    load_effect,
    mixed,
    settled_state,
    with_presence,
)
from livexpr.smoothing import smooth
from livexpr.types import FaceTrack, Frame, NoFace

__all__ = [
    "Effect",
    "FilterState",
    "Result",
    "initial_state",
    "load_effect",
    "process",
    "settled_state",
    "warm_up",
]

# A face may be lost for this long before it is forgotten, s.
_HOLD_S = 0.3
# Light and what the user shows are followed with these time constants, s.
_LIGHT_S = 0.5
_LIGHT_EVERY_S = 0.1
_SHOWN_S = 0.15


@dataclass(frozen=True, slots=True)
class Result:
    """One filtered frame.

    Attributes
    ----------
    frame : Frame
        The very input where nothing was changed; otherwise a new picture.
    state : FilterState
        For the next call.
    stages_s : Mapping of str to float
        Seconds spent in ``smooth``, ``place`` and ``apply``.
    track : FaceTrack or NoFace
        Smoothed.
    strength : float
        Amount of the mix that was applied; 0 where nothing was changed.
    """

    frame: Frame
    state: FilterState
    stages_s: Mapping[str, float]
    track: FaceTrack | NoFace
    strength: float


def warm_up() -> None:
    """Compile the kernels, or load them from the cache; must end before :func:`process`."""
    from kernels.warmup import warm_up as compile_all

    compile_all()


def process(frame: Frame, track: FaceTrack | NoFace, effect: Effect, state: FilterState) -> Result:
    """Filter one frame.

    Parameters
    ----------
    frame : Frame
        The picture.
    track : FaceTrack or NoFace
        What was detected on it.
    effect : Effect
        What is wanted now. A change is eased in over the preset's ``easing_s``.
    state : FilterState
        What the last call returned.

    Returns
    -------
    Result
        Without a face, or with nothing to change, its frame is the input itself.

    Notes
    -----
    Only one thread may call this: kernels run on Numba's threads.
    """
    started = time.perf_counter()
    dt = 0.0 if state.time_s is None else max(frame.captured_at_s - state.time_s, 0.0)
    state = eased(state, effect, dt)
    track, state = _followed(frame, track, effect, state, dt)
    smoothed = time.perf_counter()
    largest = max(state.amounts.values(), key=abs, default=0.0)
    face = state.face
    if face is None or abs(largest * state.presence) < NOTHING:
        return _unchanged(frame, state, track, started)

    mix = mixed(state, largest)
    state = replace(state, mix=mix)
    if track or state.skin_bgr is None:
        state = _with_live_face(state, mix, frame, face, dt)
    amount = strength.topped_up(largest, state.shown) * state.presence
    if abs(amount) < NOTHING:
        return _unchanged(frame, state, track, started)
    amounts = regions.landmark_amounts(amount, state.regions)
    placed = placement.place(face, mix.pixel_map, amounts, mix.shaded)
    located = time.perf_counter()
    pixels = _drawn(frame.pixels, placed, mix, state)
    stages = {
        "smooth": smoothed - started,
        "place": located - smoothed,
        "apply": time.perf_counter() - located,
    }
    return Result(replace(frame, pixels=pixels), state, stages, track, amount)


def _followed(
    frame: Frame, track: FaceTrack | NoFace, effect: Effect, state: FilterState, dt: float
) -> tuple[FaceTrack | NoFace, FilterState]:
    """Smooth the face, and ease the whole effect towards how well it can be carried.

    A face that is lost for a moment is taken to be where it was, while the effect eases out.
    """
    now = frame.captured_at_s
    if isinstance(track, NoFace):
        if state.face is not None and now - state.face_s <= _HOLD_S:
            return track, replace(with_presence(state, effect, dt, 0.0), time_s=now)
        forgotten = FilterState(
            time_s=now, amounts=state.amounts, regions=state.regions, maps=state.maps, mix=state.mix
        )
        return track, forgotten
    height, width = frame.pixels.shape[:2]
    state = with_presence(state, effect, dt, strength.visibility(track, width, height))
    track, smoothing = smooth(track, now, state.smoothing, effect.preset.feel.smoothing)
    return track, replace(state, time_s=now, face=track, face_s=now, smoothing=smoothing)


def _drawn(
    source: NDArray[np.uint8], placed: placement.Placement, mix: Mix, state: FilterState
) -> NDArray[np.uint8]:
    """Return a copy of the picture with the placed mesh drawn into it."""
    assert state.skin_bgr is not None
    light = np.empty(4, np.float32)
    light[:3] = lighting.mouth_light(state.skin_bgr, state.eye_white_bgr, placed.mouth_opening_cm)
    light[3] = lighting.luma(state.skin_bgr)
    pixels: NDArray[np.uint8] = source.copy()
    apply(
        pixels,
        source,
        placed.target_px,
        placed.values,
        placed.triangles,
        placed.n_mouth_triangles,
        mix.gain_bias,
        mix.pixel_map.mouth,
        light,
    )
    return pixels


def _unchanged(
    frame: Frame, state: FilterState, track: FaceTrack | NoFace, started: float
) -> Result:
    stages = {"smooth": time.perf_counter() - started, "place": 0.0, "apply": 0.0}
    return Result(frame, state, stages, track, 0.0)


def _with_live_face(
    state: FilterState, mix: Mix, frame: Frame, track: FaceTrack, dt: float
) -> FilterState:
    """Follow the face's light, and what its user shows without the filter."""
    shown = strength.already_shown(track.blendshapes, mix.pixel_map.blendshapes)
    if state.skin_bgr is not None:
        shown = state.shown + (1 - math.exp(-dt / _SHOWN_S)) * (shown - state.shown)
    state = _looked_at_light(replace(state, shown=shown), frame, track)
    step = np.float32(1 - math.exp(-dt / _LIGHT_S))
    return replace(
        state,
        skin_bgr=_towards(state.skin_bgr, state.skin_seen, step),
        eye_white_bgr=_towards(state.eye_white_bgr, state.eye_white_seen, step),
    )


def _towards(
    now: NDArray[np.float32] | None, goal: NDArray[np.float32] | None, step: np.float32
) -> NDArray[np.float32] | None:
    if now is None or goal is None:
        return goal if now is None else now
    return np.asarray(now + step * (goal - now), np.float32)


def _looked_at_light(state: FilterState, frame: Frame, track: FaceTrack) -> FilterState:
    """Look at skin and eye whites, but only now and then: light changes slowly."""
    since_s = frame.captured_at_s - state.light_s
    if state.skin_seen is not None and 0 <= since_s < _LIGHT_EVERY_S:
        return state
    white = lighting.eye_white_bgr(frame.pixels, track.landmarks_px)
    return replace(
        state,
        skin_seen=lighting.skin_bgr(frame.pixels, track.landmarks_px),
        eye_white_seen=state.eye_white_seen if white is None else white,
        light_s=frame.captured_at_s,
    )
