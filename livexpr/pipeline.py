"""The whole filter on one frame: ``smooth -> place -> apply``. No camera, no model, no clock."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kernels.apply import apply
from livexpr import lighting, pixel_map, placement, presets, regions, strength
from livexpr.pixel_map import PixelMap
from livexpr.presets import Preset
from livexpr.smoothing import SmoothingState, smooth
from livexpr.types import FaceTrack, Frame, NoFace

# Amounts nearer to zero than this change no pixel.
_NOTHING = 1e-3
# Light and what the user shows are followed with these time constants, s.
_LIGHT_S = 0.5
_SHOWN_S = 0.15


@dataclass(frozen=True, slots=True)
class Effect:
    """A preset with its maps loaded.

    Attributes
    ----------
    preset : Preset
    maps : Mapping of str to PixelMap
        One for each entry of the preset's mix.
    intensity : float
        Live value, from -1 to 2; 0 leaves the picture as it is.
    """

    preset: Preset
    maps: Mapping[str, PixelMap]
    intensity: float


@dataclass(frozen=True, slots=True)
class _Mix:
    """Maps mixed in given proportions, as the kernel reads them."""

    proportions: Mapping[str, float]
    maps: Mapping[str, PixelMap]
    pixel_map: PixelMap
    gain_bias: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FilterState:
    """What the filter remembers from frame to frame; see :func:`initial_state`."""

    time_s: float | None = None
    presence: float = 0.0
    amounts: Mapping[str, float] = field(default_factory=dict)
    regions: tuple[float, ...] = ()
    shown: float = 0.0
    skin_bgr: NDArray[np.float32] | None = None
    eye_white_bgr: NDArray[np.float32] | None = None
    smoothing: SmoothingState | None = None
    maps: Mapping[str, PixelMap] = field(default_factory=dict)
    mix: _Mix | None = None


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


def load_effect(preset: Preset) -> Effect:
    """Load the maps of a preset.

    Raises
    ------
    PresetError
        If a map is unknown.
    FormatError
        If a map's file is damaged.
    """
    maps = {name: pixel_map.load(presets.map_path(name)) for name in preset.mix}
    return Effect(preset, maps, preset.intensity)


def initial_state() -> FilterState:
    """Return the state before the first frame of a live source: the effect eases in."""
    return FilterState()


def settled_state(effect: Effect) -> FilterState:
    """Return a state in which `effect` is fully there at once, as a still picture needs."""
    return FilterState(
        presence=1.0,
        amounts=_wanted_amounts(effect),
        regions=_regions(effect),
        maps=effect.maps,
    )


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
    state = _eased(state, effect, dt)
    if isinstance(track, NoFace):
        state = replace(
            state,
            time_s=frame.captured_at_s,
            presence=0.0,
            smoothing=None,
            skin_bgr=None,
            eye_white_bgr=None,
        )
        return _unchanged(frame, state, track, started)
    track, smoothing = smooth(
        track, frame.captured_at_s, state.smoothing, effect.preset.feel.smoothing
    )
    smoothed = time.perf_counter()
    height, width = frame.pixels.shape[:2]
    state = _with_presence(state, effect, dt, strength.visibility(track, width, height))
    state = replace(state, time_s=frame.captured_at_s, smoothing=smoothing)
    largest = max(state.amounts.values(), key=abs, default=0.0)
    if abs(largest * state.presence) < _NOTHING:
        return _unchanged(frame, state, track, started)

    mix = _mixed(state, largest)
    state = _with_live_face(replace(state, mix=mix), mix, frame, track, dt)
    amount = strength.topped_up(largest, state.shown) * state.presence
    if abs(amount) < _NOTHING:
        return _unchanged(frame, state, track, started)
    amounts = regions.landmark_amounts(amount, state.regions)
    placed = placement.place(track, mix.pixel_map, amounts)
    located = time.perf_counter()

    pixels = frame.pixels.copy()
    assert state.skin_bgr is not None
    light = np.empty(4, np.float32)
    light[:3] = lighting.mouth_light(state.skin_bgr, state.eye_white_bgr, placed.mouth_opening_cm)
    light[3] = lighting.luma(state.skin_bgr)
    apply(
        pixels,
        frame.pixels,
        placed.target_px,
        placed.values,
        placed.triangles,
        placed.n_mouth_triangles,
        mix.gain_bias,
        mix.pixel_map.mouth,
        light,
    )
    applied = time.perf_counter()
    stages = {
        "smooth": smoothed - started,
        "place": located - smoothed,
        "apply": applied - located,
    }
    return Result(replace(frame, pixels=pixels), state, stages, track, amount)


def _unchanged(
    frame: Frame, state: FilterState, track: FaceTrack | NoFace, started: float
) -> Result:
    stages = {"smooth": time.perf_counter() - started, "place": 0.0, "apply": 0.0}
    return Result(frame, state, stages, track, 0.0)


def _wanted_amounts(effect: Effect) -> dict[str, float]:
    return {name: amount * effect.intensity for name, amount in effect.preset.mix.items()}


def _regions(effect: Effect) -> tuple[float, ...]:
    weights = effect.preset.regions
    return tuple(getattr(weights, name) for name in regions.REGIONS)


def _eased(state: FilterState, effect: Effect, dt: float) -> FilterState:
    """Move amounts and region weights towards what is wanted."""
    wanted = _wanted_amounts(effect)
    goal_regions = _regions(effect)
    step = strength.easing_step(dt, effect.preset.feel.easing_s)
    amounts = {}
    for name in sorted({*state.amounts, *wanted}):
        now, goal = state.amounts.get(name, 0.0), wanted.get(name, 0.0)
        amount = now + step * (goal - now)
        if name in wanted or abs(amount) >= _NOTHING:
            amounts[name] = goal if abs(goal - amount) < _NOTHING else amount
    before = state.regions or goal_regions
    return replace(
        state,
        amounts=amounts,
        regions=tuple(b + step * (r - b) for b, r in zip(before, goal_regions, strict=True)),
        maps={name: m for name, m in {**state.maps, **effect.maps}.items() if name in amounts},
    )


def _with_presence(state: FilterState, effect: Effect, dt: float, visible: float) -> FilterState:
    """Ease the whole effect towards how well the face can carry it."""
    if state.time_s is None:
        return replace(state, presence=min(state.presence, visible))
    step = strength.easing_step(dt, effect.preset.feel.easing_s)
    return replace(state, presence=state.presence + step * (visible - state.presence))


def _mixed(state: FilterState, largest: float) -> _Mix:
    """Return the mix, made anew if its proportions have changed; the largest has proportion 1."""
    proportions = {
        name: round(amount / largest, 3) for name, amount in state.amounts.items() if amount
    }
    maps = {name: state.maps[name] for name in proportions}
    before = state.mix
    # Maps are compared by identity: one loaded anew has other contents under the same name.
    if (
        before is not None
        and before.proportions == proportions
        and all(before.maps[name] is maps[name] for name in maps)
    ):
        return before
    mixed = pixel_map.mix(list(maps.values()), list(proportions.values()))
    return _Mix(proportions, maps, mixed, mixed.gain_bias())


def _with_live_face(
    state: FilterState, mix: _Mix, frame: Frame, track: FaceTrack, dt: float
) -> FilterState:
    """Follow the face's light, and what its user shows without the filter."""
    skin = lighting.skin_bgr(frame.pixels, track.landmarks_px)
    white = lighting.eye_white_bgr(frame.pixels, track.landmarks_px)
    shown = strength.already_shown(track.blendshapes, mix.pixel_map.blendshapes)
    if state.skin_bgr is None:
        return replace(state, skin_bgr=skin, eye_white_bgr=white, shown=shown)
    light_step = np.float32(1 - math.exp(-dt / _LIGHT_S))
    shown_step = 1 - math.exp(-dt / _SHOWN_S)
    before = state.eye_white_bgr
    if white is None:
        white = before
    elif before is not None:
        white = before + light_step * (white - before)
    return replace(
        state,
        skin_bgr=state.skin_bgr + light_step * (skin - state.skin_bgr),
        eye_white_bgr=white,
        shown=state.shown + shown_step * (shown - state.shown),
    )
