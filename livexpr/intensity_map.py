"""IntensityMap: an expression as the paper has it, new intensities for pixels that stay in place.

A :class:`livexpr.pixel_map.PixelMap` moves the live mesh; these look at the pixels of a small
canvas and paint it anew, so that geometry had to be learned as appearance. They are here to be
compared with. What they hold, each as a tensor of its file::

    ridge    gain   (S, S, C)       y = gain x + bias; C is 3 (BGR), or 1 for all three alike
             bias   (S, S, C)
    located  gain, bias             likewise, but x is the pixel that `shift` looks at
             shift  (S, S, 2) int8  rows down, columns to the right
    kernel   curve  (K, S, S, C)    y where x is k / (K - 1), and in between the smooth curve
                                    of a Gaussian kernel through them

for intensities x and y in [0, 1]. Its metadata say how, when and from what it was fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Align = Literal["crop", "mesh"]
Kind = Literal["ridge", "located", "kernel"]

ALIGNMENTS: tuple[Align, ...] = ("crop", "mesh")
TENSORS: Mapping[Kind, frozenset[str]] = {
    "ridge": frozenset({"gain", "bias"}),
    "located": frozenset({"gain", "bias", "shift"}),
    "kernel": frozenset({"curve"}),
}


@dataclass(frozen=True, slots=True)
class IntensityMap:
    """New intensities for the pixels of a canvas, at amount 1.

    Attributes
    ----------
    align : "crop" or "mesh"
        How the face is laid onto the canvas; see :mod:`livexpr.face_canvas`.
    kind : "ridge", "located" or "kernel"
    arrays : Mapping of str to ndarray
        As the module's docstring lists them; ``shift`` is int8, the others float32.
    min_max : bool
        Whether what comes out is stretched between its own least and greatest intensity, as the
        authors' programs do; otherwise it is clipped to [0, 1].
    kernel_width : float
        Standard deviation of the Gaussian kernel in units of intensity; 0 for other kinds.
    blendshapes : Mapping of str to float
        By how much the expression raises each blendshape, from the people it was fitted on.
    metadata : Mapping of str to str
        What the file says of itself.
    """

    align: Align
    kind: Kind
    arrays: Mapping[str, NDArray[Any]]
    min_max: bool = False
    kernel_width: float = 0.0
    blendshapes: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Side S of the canvas, px."""
        main = self.arrays["curve" if self.kind == "kernel" else "gain"]
        return int(main.shape[-2])

    @property
    def n_parameters(self) -> int:
        """How many numbers were fitted."""
        return sum(array.size for array in self.arrays.values())


def predict(
    intensity_map: IntensityMap, canvas: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return what an expression makes of a canvas.

    Parameters
    ----------
    intensity_map : IntensityMap
    canvas : ndarray of shape (S, S, 3), uint8
        BGR; not written to.
    inside : ndarray of shape (S, S), bool
        Where the canvas shows the face; only there least and greatest intensity are sought.

    Returns
    -------
    expressive : ndarray of shape (S, S, 3), float32
        In [0, 1].
    """
    arrays = intensity_map.arrays
    if intensity_map.kind == "kernel":
        y = _on_curve(arrays["curve"], canvas, intensity_map.kernel_width)
    else:
        x = canvas.astype(np.float32) / 255
        if intensity_map.kind == "located":
            x = x[observed_pixels(arrays["shift"])]
        y = np.asarray(arrays["gain"] * x + arrays["bias"], np.float32)
    if intensity_map.min_max and inside.any():
        low, high = float(y[inside].min()), float(y[inside].max())
        y = (y - np.float32(low)) / np.float32(max(high - low, 1e-6))
    return np.clip(y, 0, 1)


def observed_pixels(shift: NDArray[np.int8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return row and column, (S, S) each, that every pixel looks at; none beyond the border."""
    here = np.indices(shift.shape[:2])
    rows, columns = (here[k] + shift[..., k].astype(np.intp) for k in (0, 1))
    last = len(shift) - 1
    return rows.clip(0, last), columns.clip(0, last)


def gaussian_kernel(
    a: NDArray[np.floating], b: NDArray[np.floating], width: float
) -> NDArray[np.float64]:
    """Return ``exp(-(a - b)² / (2 width²))`` of all of `a` with all of `b`, (*a.shape, len(b))."""
    distance = np.asarray(a, np.float64)[..., None] - np.asarray(b, np.float64)
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2))


def inducing_intensities(n: int) -> NDArray[np.float64]:
    """Return the intensities at which a curve is known, (n,)."""
    return np.linspace(0, 1, n)


@lru_cache(maxsize=8)
def _curve_weights(n: int, width: float) -> NDArray[np.float32]:
    """Return how much each of the n values of a curve counts at intensities k / 255, (256, n)."""
    at, inducing = np.arange(256) / 255, inducing_intensities(n)
    among = gaussian_kernel(inducing, inducing, width)
    weights = np.linalg.solve(among, gaussian_kernel(at, inducing, width).T).T
    return np.ascontiguousarray(weights, np.float32)


def _on_curve(
    curve: NDArray[np.float32], canvas: NDArray[np.uint8], width: float
) -> NDArray[np.float32]:
    """Return the height of each pixel's curve at its intensity, (S, S, 3)."""
    y = np.zeros(canvas.shape, np.float32)
    for weights, values in zip(_curve_weights(len(curve), width).T, curve, strict=True):
        y += weights[canvas] * values
    return y
