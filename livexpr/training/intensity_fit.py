"""The source paper's methods: intensity maps fitted from pairs of photographs on a canvas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import livexpr
from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.errors import LivexprError
from livexpr.intensity_map import Align, IntensityMap, Kind, observed_pixels
from livexpr.training.kernel_regression import KernelMoments
from livexpr.training.located import locate
from livexpr.training.moments_accumulator import Moments
from livexpr.training.pair_observations import PairObservation
from livexpr.training.regression import ridge

# The paper's λ, for intensities in [0, 1].
PENALTY = 0.4
# On 16 people held out, of widths from 0.1 to 1 the one with the least error, in crop and mesh;
# four inducing intensities then come within 0.2 grey levels of the exact solution.
KERNEL_WIDTH, N_INDUCING = 0.4, 4
# Likewise of the reach, px, and of how much nearness counts.
_REACH_PX, _LOCALITY = 8, 0.02
_LEAST_RAISED = 0.05

_METHOD_NAMES: Mapping[Kind, str] = {
    "ridge": "Pixel-RR: ridge regression of each pixel on itself",
    "kernel": "Pixel-KR: kernel ridge regression of each pixel on itself, inducing intensities",
    "located": "ridge regression of each pixel on the one near it that correlates best",
}


@dataclass(frozen=True, slots=True)
class IntensityMethod:
    """One of the paper's methods with its options.

    Attributes
    ----------
    kind : "ridge", "kernel" or "located"
    align : "crop" or "mesh"
    shared_channels : bool
        One gain and bias, or curve, for blue, green and red.
    min_max : bool
        As the authors' programs show pictures; see :class:`livexpr.intensity_map.IntensityMap`.
    """

    kind: Kind
    align: Align = "crop"
    shared_channels: bool = False
    min_max: bool = False

    def fit(
        self,
        observations: Sequence[PairObservation],
        metadata: Mapping[str, str] | None = None,
    ) -> IntensityMap:
        """Fit to observed pairs, each of which counts the same.

        Parameters
        ----------
        observations : sequence of PairObservation
            At least one, observed with canvases.
        metadata : Mapping of str to str
            Further entries for the file.

        Raises
        ------
        LivexprError
            Without observations.
        """
        if not observations:
            raise LivexprError("no usable pair of photographs; see the reasons given for each")
        arrays = {"ridge": self._ridge, "kernel": self._kernel, "located": self._located}[
            self.kind
        ](observations)
        raised = np.mean([o.blendshapes for o in observations], axis=0)
        return IntensityMap(
            align=self.align,
            kind=self.kind,
            arrays=arrays,
            min_max=self.min_max,
            kernel_width=KERNEL_WIDTH if self.kind == "kernel" else 0.0,
            blendshapes={
                name: round(float(value), 4)
                for name, value in zip(BLENDSHAPE_NAMES, raised, strict=True)
                if abs(value) >= _LEAST_RAISED
            },
            metadata={
                "method": _METHOD_NAMES[self.kind],
                "livexpr": livexpr.__version__,
                "size": str(_side(observations, self.align)),
                "pairs": str(len(observations)),
                **(metadata or {}),
            },
        )

    def _pictures(
        self, observations: Sequence[PairObservation]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield x and y of each pair, (S, S, 3) float32 in [0, 1]."""
        for observation in observations:
            x, y = (p.astype(np.float32) for p in observation.canvases[self.align])
            yield x / np.float32(255), y / np.float32(255)

    def _ridge(
        self,
        observations: Sequence[PairObservation],
        looks_at: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None,
    ) -> dict[str, NDArray[Any]]:
        side = _side(observations, self.align)
        whole = np.ones((side, side), np.float32)
        pairs = (
            (x if looks_at is None else np.ascontiguousarray(x[looks_at]), y, whole)
            for x, y in self._pictures(observations)
        )
        sums = Moments.of(pairs, (side, side, 3)).sums
        if self.shared_channels:
            sums = sums.sum(axis=-1, keepdims=True)
        gain, bias = ridge(sums, PENALTY)
        return {"gain": gain.astype(np.float32), "bias": bias.astype(np.float32)}

    def _kernel(self, observations: Sequence[PairObservation]) -> dict[str, NDArray[Any]]:
        side = _side(observations, self.align)
        pairs = self._pictures(observations)
        moments = KernelMoments.of(pairs, (side, side, 3), N_INDUCING, KERNEL_WIDTH)
        if self.shared_channels:
            moments = moments.with_shared_channels()
        return {"curve": moments.curve(PENALTY).astype(np.float32)}

    def _located(self, observations: Sequence[PairObservation]) -> dict[str, NDArray[Any]]:
        pairs = list(self._pictures(observations))
        x, y = (np.stack(pictures) for pictures in zip(*pairs, strict=True))
        shift = locate(x, y, _REACH_PX, _LOCALITY)
        return {"shift": shift, **self._ridge(observations, observed_pixels(shift))}


def _side(observations: Sequence[PairObservation], align: Align) -> int:
    return len(observations[0].canvases[align][0])
