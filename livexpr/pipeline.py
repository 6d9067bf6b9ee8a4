"""The whole filter on one frame: ``smooth -> place -> apply``. No camera, no model, no clock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kernels.apply import apply
from livexpr import (
    damping,
    intensity_effect,
    lighting,
    looking,
    occlusion,
    placement,
    regions,
    speech,
    strength,
)
from livexpr.effect import (
    NOTHING,
    STILL_MIX,
    Effect,
    FilterState,
    Mix,
    MovedMix,
    eased,
    initial_state,
    load_effect,
    mixed,
    presence_after,
    settled_state,
    stranger_state,
    without_face,
)
from livexpr.lighting import Light
from livexpr.looking import looked
from livexpr.smoothing import smooth
from livexpr.spare_copy import SPARE
from livexpr.types import FaceTrack, Frame, NoFace

__all__ = [
    "Effect",
    "FilterState",
    "Result",
    "initial_state",
    "load_effect",
    "looked",
    "process",
    "settled_state",
    "stranger_state",
    "warm_up",
]

# The effect leaves a lost face within so long, s, which is held so many times longer (that leaves
# 1 % of it), and at least for so long, s.
_LEAVES_WITHIN_S, _HOLD_EASINGS, _HOLD_S = 0.7, 1.5, 0.3
# What the user shows is followed with this time constant, s.
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
        Amount of the mix that was applied; 0 where nothing was added to the face.
    """

    frame: Frame
    state: FilterState
    stages_s: Mapping[str, float]
    track: FaceTrack | NoFace
    strength: float

    @property
    def presence(self) -> float:
        """How much of the effect the face can carry now, in [0, 1]; eased."""
        return self.state.presence


def warm_up(compiling: Callable[[int, int], None] | None = None) -> None:
    """Compile or load the kernels, as :func:`kernels.warmup.warm_up`, before :func:`process`."""
    from kernels.warmup import warm_up as compile_all

    compile_all(compiling)


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
        What the last call returned. :func:`looked` makes this call shorter and changes nothing.

    Returns
    -------
    Result
        Without a face, or with nothing to change, its frame is the input itself.

    Notes
    -----
    For one thread; a second one waits for the kernels.
    """
    started = time.perf_counter()
    dt = 0.0 if state.time_s is None else max(frame.captured_at_s - state.time_s, 0.0)
    state = eased(looked(state), effect, dt)
    track, state = _followed(frame, track, effect, state, dt)
    smoothed = time.perf_counter()
    largest = max((abs(amount) for amount in state.amounts.values()), default=0.0)
    face = state.face
    wanted = max(largest, abs(state.damping))
    if face is None or wanted * state.presence < NOTHING:
        # Nobody looks while nothing is drawn: whatever light there is then is seen at once.
        state = replace(state, light=None) if state.light is not None else state
        return _unchanged(frame, state, track, started)

    mix = mixed(state, largest)
    if mix is not state.mix:
        state = replace(state, mix=mix)
    if track or state.light is None:
        state = _with_shown(state, mix, face, dt)
        state = looking.followed(state, frame, face, dt, effect.preset.feel.easing_s)
    # What is damped of an expression is not there to be topped up.
    left = state.shown * (1 - max(state.damping, 0.0))
    amount = strength.topped_up(largest, left) * state.presence
    taken_cm = damping.taken_back_cm(
        state.damped, state.damped_shares, state.damping * state.presence
    )
    if abs(amount) < NOTHING and taken_cm is None:
        return _unchanged(frame, state, track, started)
    light = state.light
    assert light is not None
    if not track:
        light = lighting.no_brighter(light, frame.pixels, face)
    elif lighting.has_darkened(light, frame.pixels, face):
        light = lighting.no_brighter(light, frame.pixels, face)
        # It is followed from there: what glows a moment later is no better.
        state = replace(state, light=light)
    placing = time.perf_counter()
    pixels, placed_s = _filtered(frame.pixels, face, mix, amount, taken_cm, light, state, effect)
    stages = {
        "smooth": smoothed - started,
        "place": placing - smoothed + placed_s,
        "apply": time.perf_counter() - placing - placed_s,
    }
    turned_over = max(state.amounts.values(), key=abs, default=0.0) < 0
    shown = -amount if turned_over else amount
    return Result(replace(frame, pixels=pixels), state, stages, track, shown)


def _followed(
    frame: Frame, track: FaceTrack | NoFace, effect: Effect, state: FilterState, dt: float
) -> tuple[FaceTrack | NoFace, FilterState]:
    """Smooth the face, and ease the whole effect towards how well it can be carried.

    A face that is lost for a moment is taken to be where it was, while the effect eases out.
    """
    now = frame.captured_at_s
    if isinstance(track, NoFace):
        leaves_s = min(effect.preset.feel.easing_s, _LEAVES_WITHIN_S)
        if state.face is not None and now - state.face_s <= max(_HOLD_EASINGS * leaves_s, _HOLD_S):
            presence = presence_after(state, effect, dt, 0.0, leaves_s)
            return track, replace(state, presence=presence, time_s=now)
        return track, replace(without_face(state), time_s=now)
    height, width = frame.pixels.shape[:2]
    visible = strength.visibility(track, width, height)
    presence = presence_after(state, effect, dt, visible)
    spoken = speech.followed(state.speech, track, dt)
    track, smoothing = smooth(track, now, state.smoothing, effect.preset.feel.smoothing)
    return track, replace(
        state,
        time_s=now,
        presence=presence,
        face=track,
        face_s=now,
        smoothing=smoothing,
        speech=spoken,
    )


def _filtered(
    pixels: NDArray[np.uint8],
    face: FaceTrack,
    mix: Mix,
    amount: float,
    taken_cm: NDArray[np.float32] | None,
    light: Light,
    state: FilterState,
    effect: Effect,
) -> tuple[NDArray[np.uint8], float]:
    """Return the picture with its face damped and mixed, and how many seconds placing took."""
    placed_s = 0.0
    weights = _weights(state.regions, state.cover.free)
    if mix.moved is not None or taken_cm is not None:
        started = time.perf_counter()
        moved = mix.moved or STILL_MIX
        if taken_cm is not None:
            taken_cm = weights[:, None] * taken_cm
        amounts = np.float32(amount) * weights
        placed = placement.place(
            face,
            moved.pixel_map,
            amounts,
            moved.shaded,
            taken_cm,
            speech.closing(state.speech),
            speech.speaking(state.speech),
            fine_eyes=not effect.coarse,
        )
        placed_s = time.perf_counter() - started
        pixels = _drawn(pixels, placed, moved, light)
    for intensity_map, proportion in mix.painted:
        pixels = intensity_effect.painted(
            pixels, face.landmarks_px, intensity_map, amount * proportion, weights
        )
    return pixels, placed_s


@lru_cache(maxsize=4)
def _weights(of_regions: tuple[float, ...], free: tuple[float, ...]) -> NDArray[np.float32]:
    """Return what part of the effect each landmark gets, (468,); they seldom change."""
    weights = regions.landmark_amounts(1.0, of_regions) * occlusion.landmark_factors(
        occlusion.Cover(free=free)
    )
    weights.setflags(write=False)
    return weights


def _drawn(
    source: NDArray[np.uint8],
    placed: placement.Placement,
    mix: MovedMix,
    seen: Light,
) -> NDArray[np.uint8]:
    """Return a copy of the picture with the placed mesh drawn into it."""
    light = np.empty(4, np.float32)
    light[:3] = lighting.mouth_light(seen.skin_bgr, seen.white_bgr, placed.mouth_opening_cm)
    light[3] = lighting.luma(seen.skin_bgr)
    pixels = SPARE.take(source)
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
        sharp=True,
    )
    return pixels


def _unchanged(
    frame: Frame, state: FilterState, track: FaceTrack | NoFace, started: float
) -> Result:
    stages = {"smooth": time.perf_counter() - started, "place": 0.0, "apply": 0.0}
    return Result(frame, state, stages, track, 0.0)


def _with_shown(state: FilterState, mix: Mix, track: FaceTrack, dt: float) -> FilterState:
    """Follow what the user shows without the filter."""
    shares = None
    if state.damped is not None:
        # What was shown before nothing was drawn for a while is no share of what is shown now.
        before = state.damped_shares if state.light is not None else None
        shares = damping.followed(before, damping.shares_shown(track.blendshapes, state.damped), dt)
    shown = strength.already_shown(track.blendshapes, mix.signature)
    if state.light is not None:
        shown = state.shown + (1 - math.exp(-dt / _SHOWN_S)) * (shown - state.shown)
    return replace(state, shown=shown, damped_shares=shares)
