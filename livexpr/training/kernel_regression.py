"""Kernel regression of one intensity on one other, for each pixel: the paper's second model.

Exact, where every person of the training set stays part of the model, to compare with; and with a
few fixed inducing intensities, where what is kept of any number of people is sums that add up, and
the model is a curve.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from livexpr.intensity_map import gaussian_kernel, inducing_intensities


def exact_prediction(
    x: NDArray[np.floating],
    y: NDArray[np.floating],
    at: NDArray[np.floating],
    penalty: float,
    width: float,
) -> NDArray[np.float64]:
    """Predict by kernel ridge regression, ``k(at, x) (k(x, x) + penalty I)⁻¹ y``.

    Parameters
    ----------
    x, y : ndarray of shape (N, *P)
        Intensities of N people at pixels P. Memory grows with N² P: for small sets only.
    at : ndarray of shape (M, *P)
        Where to predict.
    penalty : float
        The paper's λ; positive.
    width : float
        Standard deviation of the Gaussian kernel, in units of intensity.

    Returns
    -------
    predicted : ndarray of shape (M, *P), float64

    References
    ----------
    Akram & Khan (2020), Pixel-based Facial Expression Synthesis, arXiv 2010.14397, on Pixel-KR.
    """
    flat_x, flat_y, flat_at = (a.reshape(len(a), -1).T.astype(np.float64) for a in (x, y, at))

    def between(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.exp(-0.5 * ((a[:, :, None] - b[:, None, :]) / width) ** 2))

    system = between(flat_x, flat_x) + penalty * np.eye(len(x))
    dual = np.linalg.solve(system, flat_y[..., None])
    predicted = (between(flat_at, flat_x) @ dual)[..., 0].T
    return np.asarray(predicted.reshape(at.shape))


@dataclass(frozen=True, slots=True, eq=False)
class KernelMoments:
    """What is kept of pairs of pictures, per pixel and channel; parts merge to the whole.

    Attributes
    ----------
    width : float
        Of the Gaussian kernel.
    features : ndarray of shape (K, K, H, W, C), float64
        Σ φ(x) φ(x)ᵀ, where φ(x) is the kernel between x and each inducing intensity.
    targets : ndarray of shape (K, H, W, C), float64
        Σ φ(x) y.
    """

    width: float
    features: NDArray[np.float64]
    targets: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        pairs: Iterable[tuple[NDArray[np.float32], NDArray[np.float32]]],
        shape: tuple[int, int, int],
        n_inducing: int,
        width: float,
    ) -> KernelMoments:
        """Return the moments of pairs (x, y), each (H, W, C) with intensities in [0, 1]."""
        features = np.zeros((n_inducing, n_inducing, *shape))
        targets = np.zeros((n_inducing, *shape))
        inducing = inducing_intensities(n_inducing)
        for x, y in pairs:
            phi = np.moveaxis(gaussian_kernel(x, inducing, width), -1, 0)
            for k in range(n_inducing):
                features[k] += phi[k] * phi
            targets += phi * y
        return cls(width, features, targets)

    def merge(self, other: KernelMoments) -> KernelMoments:
        """Return the moments of the pairs of both, which stay as they are.

        Raises
        ------
        ValueError
            If they are of another kernel or shape.
        """
        if self.width != other.width or self.features.shape != other.features.shape:
            raise ValueError(
                f"moments of another kernel: {self.width}, {self.features.shape} "
                f"and {other.width}, {other.features.shape}"
            )
        return KernelMoments(
            self.width, self.features + other.features, self.targets + other.targets
        )

    def with_shared_channels(self) -> KernelMoments:
        """Return the moments with all channels counted as one, C = 1."""
        return KernelMoments(
            self.width,
            self.features.sum(axis=-1, keepdims=True),
            self.targets.sum(axis=-1, keepdims=True),
        )

    def curve(self, penalty: float) -> NDArray[np.float64]:
        """Return the model's values at the inducing intensities, (K, H, W, C), float64.

        Notes
        -----
        Minimises ``Σ (y - aᵀ φ(x))² + penalty aᵀ K a`` with K the kernel among the inducing
        intensities; the value there is ``K a``. It is kernel ridge regression restricted to
        functions of that form, and the very same where all training intensities are inducing
        ones.

        References
        ----------
        Quiñonero-Candela & Rasmussen (2005), A unifying view of sparse approximate Gaussian
        process regression, JMLR 6, section 5 (subset of regressors).
        """
        inducing = inducing_intensities(len(self.targets))
        among = gaussian_kernel(inducing, inducing, self.width)
        system = np.moveaxis(self.features, (0, 1), (-2, -1)) + penalty * among
        targets = np.moveaxis(self.targets, 0, -1)[..., None]
        alpha = np.linalg.solve(system, targets)
        return np.ascontiguousarray(np.moveaxis((among @ alpha)[..., 0], -1, 0))
