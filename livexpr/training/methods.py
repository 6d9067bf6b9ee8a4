"""The methods that are compared: each fits a map to some people, and every map is applied alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from livexpr import intensity_effect, maps, pipeline
from livexpr.intensity_map import IntensityMap
from livexpr.maps import Map
from livexpr.presets import Preset
from livexpr.training.intensity_fit import IntensityMethod
from livexpr.training.pair_observations import PairObservation, find_pairs, observe
from livexpr.training.photo_pairs import fit_observations
from livexpr.types import FaceTrack, Frame


@dataclass(frozen=True, slots=True)
class Observed:
    """All pairs of a folder, looked at once.

    Attributes
    ----------
    pairs : Mapping of person to PairObservation
    rejected : Mapping of person to reason
    """

    pairs: Mapping[str, PairObservation]
    rejected: Mapping[str, str]

    def of(self, people: Collection[str]) -> list[PairObservation]:
        """Return the pairs of these people, always in the same order."""
        return [pair for person, pair in self.pairs.items() if person in people]


@lru_cache(maxsize=4)
def observed(pairs_dir: Path, expression: str) -> Observed:
    """Look at all pairs of a folder, as every method needs them; the answer is remembered.

    Raises
    ------
    LivexprError
        If there are no pairs.
    """
    seen, rejected = observe(find_pairs(pairs_dir, expression).items(), canvases=True)
    by_person = {pair.person: pair for pair in seen}
    return Observed(MappingProxyType(by_person), MappingProxyType(rejected))


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes
    ----------
    name : str
        For programs.
    label : str
        For people.
    fit_observed : callable
        Makes a map from pairs observed with canvases; None is the map of no change.
    """

    name: str
    label: str
    fit_observed: Callable[[Sequence[PairObservation]], Map | None]

    def fit(self, pairs_dir: Path, expression: str, people: Collection[str]) -> Map | None:
        """Fit to the pairs of these people; photographs are looked at once for all fits.

        Raises
        ------
        LivexprError
            If there are no pairs, or none of these people's is usable.
        """
        return self.fit_observed(observed(pairs_dir, expression).of(people))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method("identity", "no change", lambda observations: None),
            Method("pixel-rr", "Pixel-RR, crop", IntensityMethod("ridge").fit),
            Method(
                "pixel-rr-minmax",
                "Pixel-RR, crop, min-max",
                IntensityMethod("ridge", min_max=True).fit,
            ),
            Method("pixel-kr", "Pixel-KR, crop", IntensityMethod("kernel").fit),
            Method("pixel-rr-mesh", "Pixel-RR, mesh", IntensityMethod("ridge", "mesh").fit),
            Method("pixel-kr-mesh", "Pixel-KR, mesh", IntensityMethod("kernel", "mesh").fit),
            Method("located", "located, crop", IntensityMethod("located").fit),
            Method("ours", "displaced (ours)", fit_observations),
        )
    }
)
"""All methods by name."""


def apply_map(
    pixels: NDArray[np.uint8], a_map: Map | None, intensity: float, face: FaceTrack
) -> NDArray[np.uint8]:
    """Apply a map to a photograph.

    Parameters
    ----------
    pixels : ndarray of shape (H, W, 3), uint8
        BGR; not written to.
    a_map : PixelMap, IntensityMap or None
        None changes nothing.
    intensity : float
        -1 to 2.
    face : FaceTrack
        The face on the photograph.

    Returns
    -------
    filtered : ndarray of shape (H, W, 3), uint8
        By a pixel map as the live filter has it once it has eased in, which adds less to a face
        that shows the expression already; by an intensity map as the paper has it, at the full
        intensity.
    """
    if a_map is None:
        return np.array(pixels)
    if isinstance(a_map, IntensityMap):
        return intensity_effect.painted(pixels, face.landmarks_px, a_map, intensity)
    effect = pipeline.Effect(Preset("fitted", {"fitted": 1.0}), {"fitted": a_map}, intensity)
    state = pipeline.settled_state(effect)
    return pipeline.process(Frame(pixels, 0, 0.0), face, effect, state).frame.pixels


def n_parameters(a_map: Map | None) -> int:
    """Return how many numbers of a map were fitted; see :func:`livexpr.maps.n_parameters`."""
    return 0 if a_map is None else maps.n_parameters(a_map)
