"""What is wanted, and what the filter remembers on the way there: easing and mixing, no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_mesh, pixel_map, presets, regions, strength
from livexpr.pixel_map import PixelMap
from livexpr.presets import Preset
from livexpr.smoothing import SmoothingState
from livexpr.types import FaceTrack

# Amounts nearer to zero than this change no pixel.
NOTHING = 1e-3
# What changes nothing by as much as half a grey level is no shade.
_NO_SHADE = 0.002


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
class Mix:
    """Maps mixed in given proportions, as the kernel reads them."""

    proportions: Mapping[str, float]
    maps: Mapping[str, PixelMap]
    pixel_map: PixelMap
    gain_bias: NDArray[np.float32]
    shaded: NDArray[np.bool_]


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
    skin_seen: NDArray[np.float32] | None = None
    eye_white_seen: NDArray[np.float32] | None = None
    light_s: float = 0.0
    smoothing: SmoothingState | None = None
    face: FaceTrack | None = None
    face_s: float = 0.0
    maps: Mapping[str, PixelMap] = field(default_factory=dict)
    mix: Mix | None = None


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
        amounts=wanted_amounts(effect),
        regions=_regions(effect),
        maps=effect.maps,
    )


def wanted_amounts(effect: Effect) -> dict[str, float]:
    return {name: amount * effect.intensity for name, amount in effect.preset.mix.items()}


def _regions(effect: Effect) -> tuple[float, ...]:
    weights = effect.preset.regions
    return tuple(getattr(weights, name) for name in regions.REGIONS)


def eased(state: FilterState, effect: Effect, dt: float) -> FilterState:
    """Move amounts and region weights towards what is wanted."""
    wanted = wanted_amounts(effect)
    goal_regions = _regions(effect)
    step = strength.easing_step(dt, effect.preset.feel.easing_s)
    amounts = {}
    for name in sorted({*state.amounts, *wanted}):
        now, goal = state.amounts.get(name, 0.0), wanted.get(name, 0.0)
        amount = now + step * (goal - now)
        if name in wanted or abs(amount) >= NOTHING:
            amounts[name] = goal if abs(goal - amount) < NOTHING else amount
    before = state.regions or goal_regions
    return replace(
        state,
        amounts=amounts,
        regions=tuple(b + step * (r - b) for b, r in zip(before, goal_regions, strict=True)),
        maps={name: m for name, m in {**state.maps, **effect.maps}.items() if name in amounts},
    )


def with_presence(state: FilterState, effect: Effect, dt: float, visible: float) -> FilterState:
    """Ease the whole effect towards how well the face can carry it."""
    if state.time_s is None:
        return replace(state, presence=min(state.presence, visible))
    step = strength.easing_step(dt, effect.preset.feel.easing_s)
    return replace(state, presence=state.presence + step * (visible - state.presence))


def mixed(state: FilterState, largest: float) -> Mix:
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
    whole = pixel_map.mix(list(maps.values()), list(proportions.values()))
    gain_bias = whole.gain_bias()
    return Mix(proportions, maps, whole, gain_bias, shaded_landmarks(gain_bias))


@lru_cache(maxsize=4)
def _triangle_at(size: int) -> NDArray[np.int32]:
    """Return which triangle of the face lies at each pixel of face space, (S, S); -1 for none."""
    mesh = face_mesh.load()
    triangles = np.full((size, size), -1, np.int32)
    for index, triangle in enumerate(mesh.triangles[: mesh.n_face_triangles]):
        corners = np.round(mesh.uv[triangle] * (size - 1)).astype(np.int32)
        cv2.fillConvexPoly(triangles, corners, [index])
    return triangles


def shaded_landmarks(gain_bias: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the landmarks of triangles in which gain or bias change anything, (468,).

    Parameters
    ----------
    gain_bias : ndarray of shape (S, S, 4), float32
        Under the mask.
    """
    size = gain_bias.shape[0]
    # Reached a pixel further, since a sample between pixels takes its neighbours' share.
    near = cv2.dilate(np.abs(gain_bias).max(axis=2), np.ones((3, 3), np.uint8))
    touched = np.unique(_triangle_at(size)[near > _NO_SHADE])
    vertices = face_mesh.load().triangles[touched[touched >= 0]].ravel()
    shaded = np.zeros(face_mesh.N_LANDMARKS, np.bool_)
    shaded[vertices[vertices < face_mesh.N_LANDMARKS]] = True
    return shaded
