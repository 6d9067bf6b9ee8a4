"""What is wanted, and what the filter remembers on the way there: easing and mixing, no pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from livexpr import damping, face_mesh, maps, pixel_map, presets, regions, strength
from livexpr.damping import DampedMaps
from livexpr.errors import PresetError
from livexpr.intensity_map import IntensityMap
from livexpr.lighting import Light
from livexpr.maps import Map
from livexpr.occlusion import Cover
from livexpr.pixel_map import PixelMap
from livexpr.presets import Preset
from livexpr.shading import shaded_landmarks
from livexpr.smoothing import SmoothingState
from livexpr.speech import Speech
from livexpr.types import FaceTrack, Frame

# Amounts nearer to zero than this change no pixel.
NOTHING = 1e-3
_LEAST_SIZE = 8  # side of a map that holds nothing, px


@dataclass(frozen=True, slots=True)
class Effect:
    """A preset with its maps loaded.

    Attributes
    ----------
    preset : Preset
    maps : Mapping of str to PixelMap or IntensityMap
        One for each entry of the preset's mix.
    intensity : float
        Live value, from -1 to 2; 0 leaves the picture as it is.
    damped : DampedMaps or None
        What takes back the user's own expression, where the preset damps it.
    coarse : bool
        Whether the eyes are drawn with the few triangles that the face's mesh has there, as slow
        machines need it.
    """

    preset: Preset
    maps: Mapping[str, Map]
    intensity: float
    damped: DampedMaps | None = None
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class MovedMix:
    """Pixel maps mixed: the whole, what the kernel reads of it, and where it shades, (468,)."""

    pixel_map: PixelMap
    gain_bias: NDArray[np.float32]
    shaded: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mix:
    """Maps mixed in given proportions, as the kernel reads them.

    Pixel maps become one, None without any. Intensity maps are painted one after another, each
    with its proportion; there is more than one only while one gives way to the next.
    """

    proportions: Mapping[str, float]
    maps: Mapping[str, Map]
    signature: NDArray[np.float32]
    moved: MovedMix | None
    painted: tuple[tuple[IntensityMap, float], ...]


_NO_CHANGE = np.zeros((_LEAST_SIZE, _LEAST_SIZE, 4), np.float32)
STILL_MIX = MovedMix(
    PixelMap(
        offset_cm=np.zeros((face_mesh.N_LANDMARKS, 3), np.float32),
        log_gain=_NO_CHANGE[..., :3],
        bias=_NO_CHANGE[..., 3],
        mask=_NO_CHANGE[..., 3],
        mouth=_NO_CHANGE,
    ),
    gain_bias=_NO_CHANGE,
    shaded=np.zeros(face_mesh.N_LANDMARKS, np.bool_),
)
"""Adds nothing: for a face that is only damped."""


@dataclass(frozen=True, slots=True)
class FilterState:
    """What the filter remembers from frame to frame; see :func:`initial_state`."""

    time_s: float | None = None
    presence: float = 0.0
    amounts: Mapping[str, float] = field(default_factory=dict)
    regions: tuple[float, ...] = ()
    shown: float = 0.0
    damping: float = 0.0
    damped: DampedMaps | None = None
    damped_shares: NDArray[np.float32] | None = None
    light: Light | None = None
    smoothing: SmoothingState | None = None
    face: FaceTrack | None = None
    face_s: float = 0.0
    cover: Cover = field(default_factory=Cover)
    unlooked: tuple[Frame, FaceTrack] | None = None
    speech: Speech | None = None
    maps: Mapping[str, Map] = field(default_factory=dict)
    mix: Mix | None = None


def load_effect(preset: Preset) -> Effect:
    """Load the maps of a preset.

    Raises
    ------
    PresetError
        If a map is unknown, or an intensity map is mixed with another map.
    FormatError
        If a map's file is damaged.
    """
    loaded = {name: maps.load(presets.map_path(name)) for name in preset.mix}
    for name, one in loaded.items():
        if isinstance(one, IntensityMap) and len(loaded) > 1:
            others = " and ".join(repr(other) for other in loaded if other != name)
            raise PresetError(
                f"the map {name!r} paints the whole face ({one.kind}, {one.align}) and cannot be "
                f"mixed with {others}; give it a preset of its own, not {preset.name!r}"
            )
        if isinstance(one, IntensityMap) and preset.damping:
            raise PresetError(
                f"the map {name!r} paints the whole face ({one.kind}, {one.align}): it cannot be "
                f"damped beside it; take the damping out of the preset {preset.name!r}"
            )
    damped = damping.load() if preset.damping else None
    return Effect(preset, loaded, preset.intensity, damped)


def initial_state() -> FilterState:
    """Return the state before the first frame of a live source: the effect eases in."""
    return FilterState()


def settled_state(effect: Effect) -> FilterState:
    """Return a state in which `effect` is fully there at once, as a still picture needs."""
    return FilterState(
        presence=1.0,
        amounts=wanted_amounts(effect),
        regions=_regions(effect),
        maps=effect.maps,
        damping=_wanted_damping(effect),
        damped=effect.damped,
    )


def without_face(state: FilterState) -> FilterState:
    """Return what stays of a state when its face is gone: what is wanted, and what covered it."""
    return FilterState(
        time_s=state.time_s,
        amounts=state.amounts,
        regions=state.regions,
        maps=state.maps,
        mix=state.mix,
        damping=state.damping,
        damped=state.damped,
        cover=state.cover,
    )


def stranger_state(state: FilterState) -> FilterState:
    """Return the state for another person in the place of one who is gone."""
    return replace(without_face(state), cover=Cover())


def wanted_amounts(effect: Effect) -> dict[str, float]:
    return {name: amount * effect.intensity for name, amount in effect.preset.mix.items()}


def _wanted_damping(effect: Effect) -> float:
    """Return what part of the user's own expression is to be taken back: all of it at most."""
    return min(max(effect.preset.damping * effect.intensity, -1.0), 1.0)


def _regions(effect: Effect) -> tuple[float, ...]:
    weights = effect.preset.regions
    return tuple(getattr(weights, name) for name in regions.REGIONS)


def eased(state: FilterState, effect: Effect, dt: float) -> FilterState:
    """Move amounts and region weights towards what is wanted."""
    wanted = wanted_amounts(effect)
    goal_regions = _regions(effect)
    goal_damping = _wanted_damping(effect)
    if (
        state.amounts == wanted
        and state.regions == goal_regions
        and state.damping == goal_damping
        and state.damped is effect.damped
        and state.maps is effect.maps
    ):
        # As it is from a moment after each change on.
        return state
    step = strength.easing_step(dt, effect.preset.feel.easing_s)
    amounts = {}
    for name in sorted({*state.amounts, *wanted}):
        now, goal = state.amounts.get(name, 0.0), wanted.get(name, 0.0)
        amount = now + step * (goal - now)
        if name in wanted or abs(amount) >= NOTHING:
            amounts[name] = goal if abs(goal - amount) < NOTHING else amount
    before = state.regions or goal_regions
    damped = effect.damped or state.damped
    damping_now = state.damping + step * (goal_damping - state.damping)
    if abs(goal_damping - damping_now) < NOTHING:
        damping_now = goal_damping
    settled = amounts.keys() == effect.maps.keys()
    loaded = effect.maps if settled else {**state.maps, **effect.maps}
    return replace(
        state,
        amounts=amounts,
        damping=damping_now,
        damped=damped if damping_now or goal_damping else None,
        regions=_eased_regions(before, goal_regions, step),
        maps=loaded if settled else {name: m for name, m in loaded.items() if name in amounts},
    )


def _eased_regions(
    before: tuple[float, ...], goal: tuple[float, ...], step: float
) -> tuple[float, ...]:
    """Return weights of regions on their way; at their goal, from where nothing more changes."""
    eased = tuple(b + step * (r - b) for b, r in zip(before, goal, strict=True))
    near = all(abs(r - e) < NOTHING for r, e in zip(goal, eased, strict=True))
    return goal if near else eased


def presence_after(
    state: FilterState, effect: Effect, dt: float, visible: float, within_s: float = math.inf
) -> float:
    """Ease the whole effect towards how well the face can carry it, at the latest `within_s`."""
    if state.time_s is None:
        return min(state.presence, visible)
    step = strength.easing_step(dt, min(effect.preset.feel.easing_s, within_s))
    return state.presence + step * (visible - state.presence)


def mixed(state: FilterState, largest: float) -> Mix:
    """Return the mix, made anew if its proportions have changed.

    `largest` is that of the amounts' sizes; by it all are divided. It is positive, so that
    nothing turns over where a map that is taken away overtakes one that is added.
    """
    proportions = {
        name: round(amount / largest, 3) for name, amount in state.amounts.items() if amount
    }
    loaded = {name: state.maps[name] for name in proportions}
    before = state.mix
    # Maps are compared by identity: one loaded anew has other contents under the same name.
    if (
        before is not None
        and before.proportions == proportions
        and all(before.maps[name] is loaded[name] for name in loaded)
    ):
        return before
    moved = {name: m for name, m in loaded.items() if isinstance(m, PixelMap)}
    return Mix(
        proportions=proportions,
        maps=loaded,
        signature=strength.signature(
            pixel_map.mix_blendshapes(
                [m.blendshapes for m in loaded.values()], list(proportions.values())
            )
        ),
        moved=_moved_mix(moved, proportions) if moved else None,
        painted=tuple(
            (m, proportions[name]) for name, m in loaded.items() if isinstance(m, IntensityMap)
        ),
    )


def _moved_mix(moved: Mapping[str, PixelMap], proportions: Mapping[str, float]) -> MovedMix:
    whole = pixel_map.mix(list(moved.values()), [proportions[name] for name in moved])
    gain_bias = whole.gain_bias()
    return MovedMix(whole, gain_bias, shaded_landmarks(gain_bias))
