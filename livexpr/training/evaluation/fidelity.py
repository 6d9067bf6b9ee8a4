"""How near a filtered face is to the real expression of the same person, pixel by pixel.

The two photographs differ in more than expression: the head has moved a little, and the two
shapes differ. So they are compared in three geometries, each stated with its numbers:

- ``own``: face space, each picture unwrapped by its own mesh. Skin lies on the same skin, so
  this is the error of appearance alone: what gain and bias are for.
- ``rest``: face space, both unwrapped by the *neutral* mesh, the real picture after the plane
  similarity that takes its stable landmarks (eye corners, bridge, forehead) to the neutral's.
  A feature that moved to the wrong place is an error: where and how together.
- ``crop``: the paper's crop of 128 px, each picture by its own eyes and mouth. As published.

Nothing is done about exposure, which differs between two photographs for every method alike.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livexpr import face_canvas, face_mesh, head_pose
from livexpr.errors import FormatError, LivexprError
from livexpr.training import face_space
from livexpr.training.judges import INSTALL

GEOMETRIES = ("own", "rest", "crop")
FACE_SPACE_SIZE = 192
# No two pictures of 8 bit are nearer than this: half a grey level on one pixel in a thousand.
BEST_PSNR_DB = 80.0

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture (H, W, 3), uint8, BGR, and the landmarks (468 or more, 3), float32, px, on it."""

    pixels: Image
    landmarks_px: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean squared error of intensities in [0, 1], and structural similarity in [-1, 1]."""

    mse: float
    ssim: float

    @property
    def psnr_db(self) -> float:
        """Peak signal-to-noise ratio, dB, at most 80."""
        return psnr_db(self.mse)


def psnr_db(mse: float) -> float:
    """Return the peak signal-to-noise ratio of intensities in [0, 1], dB, at most 80.

    Examples
    --------
    >>> psnr_db(0.01)
    20.0
    """
    return min(-10 * math.log10(mse), BEST_PSNR_DB) if mse > 0 else BEST_PSNR_DB


def require_skimage() -> Any:
    """Return scikit-image's ``structural_similarity``.

    Raises
    ------
    LivexprError
        Without scikit-image.
    """
    try:
        metrics = importlib.import_module("skimage.metrics")
    except ImportError as error:
        raise LivexprError(
            f"pictures are compared by scikit-image, which is missing; run: {INSTALL}"
        ) from error
    return metrics.structural_similarity


def difference(a: Image, b: Image, mask: NDArray[np.bool_] | None = None) -> Difference:
    """Compare two pictures.

    Parameters
    ----------
    a, b : ndarray of shape (H, W, 3), uint8
        BGR, both sides at least 7 px.
    mask : ndarray of shape (H, W), bool
        Where; everywhere by default.

    Returns
    -------
    Difference
        SSIM of luma, with the Gaussian window of its authors, averaged over the mask.

    Raises
    ------
    FormatError
        If the shapes differ.
    LivexprError
        Without scikit-image.

    References
    ----------
    Wang et al. (2004), Image quality assessment: from error visibility to structural similarity,
    IEEE TIP 13(4).
    """
    structural_similarity = require_skimage()
    if a.shape != b.shape:
        raise FormatError(f"cannot compare pictures of shapes {a.shape} and {b.shape}")
    where = np.ones(a.shape[:2], np.bool_) if mask is None else mask
    apart = (a.astype(np.float64) - b)[where] / 255
    grey = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float64) for picture in (a, b)]
    _, local = structural_similarity(
        *grey,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return Difference(float((apart**2).mean()), float(np.asarray(local)[where].mean()))


def compare(neutral: Shown, filtered: Shown, real: Shown) -> dict[str, Difference]:
    """Compare a filtered with the real expression in each of :data:`GEOMETRIES`.

    Parameters
    ----------
    neutral, filtered, real : Shown
        `filtered` was made from `neutral`; its landmarks are those found on it.
    """
    inside = _inside(FACE_SPACE_SIZE)
    moved = _laid_on(real, neutral)
    return {
        "own": difference(_unwrapped(filtered), _unwrapped(real), inside),
        "rest": difference(
            _unwrapped(Shown(filtered.pixels, neutral.landmarks_px)),
            _unwrapped(Shown(moved, neutral.landmarks_px)),
            inside,
        ),
        "crop": difference(paper_crop(filtered), paper_crop(real)),
    }


def paper_crop(shown: Shown) -> Image:
    """Return the paper's crop of a face, (128, 128, 3), uint8."""
    where = face_canvas.crop_layout(shown.landmarks_px)
    return face_canvas.unwrap(shown.pixels, where, face_canvas.CROP_SIZE)


def shape_error(filtered: Shown, real: Shown) -> float:
    """Return the mean distance of landmarks, % of the interocular distance, without head motion."""
    n = face_mesh.N_LANDMARKS
    stable = list(face_mesh.STABLE)
    a, b = (shown.landmarks_px[:n, :2] for shown in (filtered, real))
    fitted = _plane_similarity(a[stable], b[stable])
    laid = a @ fitted[:, :2].T + fitted[:, 2]
    eyes = [b[list(c)].mean(axis=0) for c in face_mesh.EYE_CENTRES]
    unit = float(np.linalg.norm(eyes[0] - eyes[1]))
    return float(100 * np.linalg.norm(laid - b, axis=1).mean() / max(unit, 1e-6))


def _unwrapped(shown: Shown) -> Image:
    return face_space.unwrap_face(shown.pixels, shown.landmarks_px, FACE_SPACE_SIZE)


@lru_cache(maxsize=2)
def _inside(size: int) -> NDArray[np.bool_]:
    """Return the face oval in face space without its outermost pixels, (size, size)."""
    points = np.round(face_mesh.load().uv[list(face_mesh.FACE_OVAL)] * (size - 1))
    filled = cv2.fillPoly(np.zeros((size, size), np.uint8), [points.astype(np.int32)], [1])
    return cv2.erode(filled, np.ones((5, 5), np.uint8)).astype(np.bool_)


def _laid_on(real: Shown, neutral: Shown) -> Image:
    """Return the real picture moved so that its stable landmarks lie on the neutral's."""
    stable = list(face_mesh.STABLE)
    fitted = _plane_similarity(real.landmarks_px[stable, :2], neutral.landmarks_px[stable, :2])
    height, width = neutral.pixels.shape[:2]
    warped = cv2.warpAffine(
        real.pixels,
        fitted,
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(warped, np.uint8)


def _plane_similarity(
    source: NDArray[np.float32], target: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the plane similarity, (2, 3), that takes `source` nearest to `target`, (N, 2)."""
    flat = [np.pad(points, ((0, 0), (0, 1))) for points in (source, target)]
    fitted = head_pose.fit_similarity(flat[0], flat[1])[:2, [0, 1, 3]]
    return np.asarray(fitted, np.float64)
