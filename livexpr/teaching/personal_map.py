"""A pixel map of one person's own expression, from a few looks at the person's face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

import livexpr
from livexpr.pixel_map import PixelMap, mix
from livexpr.teaching import shade, shape
from livexpr.teaching.looks import CANVAS_SIZE, MOUTH_SIZE, Look
from livexpr.teaching.nearest import ShippedMap, raised_blendshapes
from livexpr.teaching.own_mouth import own_mouth
from livexpr.training import face_space
from livexpr.training.appearance import without_noise

# Of a shipped map at most this much is taken for what a person shows.
_MOST_ALIKE = 1.5
# As livexpr.training.appearance.without_noise takes it, of displacements, cm, and of logarithms.
_OFFSET_NOISE_CM, _SHADE_NOISE = (0.02, 0.05), (0.015, 0.04)


def fit(
    neutrals: Sequence[Look],
    expressives: Sequence[Look],
    like: ShippedMap | None,
    metadata: Mapping[str, str] | None = None,
) -> PixelMap:
    """Fit a personal map.

    Parameters
    ----------
    neutrals, expressives : sequence of Look
        At least one each.
    like : ShippedMap or None
        What is known of the expression already; from :func:`livexpr.teaching.nearest.chosen_map`.
    metadata : Mapping, optional
        Further entries for the file.

    Returns
    -------
    PixelMap
        Amount 1 is the expression as it was shown. Displacements are the person's own; gains
        and biases are those of `like`, as much of it as was shown, and what is personal beyond.
    """
    offsets = [shape.displacement(one, neutrals) for one in expressives]
    amount, expected = 0.0, _nothing()
    if like is not None:
        expected = _same_size(like.pixel_map)
        seen = shape.geometric_median(offsets)
        amount = min(max(shape.amount_of(seen, expected.offset_cm), 0.0), _MOST_ALIKE)
    part = np.float32(amount)
    offset = shape.personal_offset(offsets, part * expected.offset_cm)
    size = np.linalg.norm(offset[:, :2], axis=1, keepdims=True)
    change = _personal_change(neutrals, expressives, expected, amount)
    # What is shipped has its mask multiplied in already, and so has then what is personal.
    feather = face_space.feather_mask(CANVAS_SIZE)
    change = feather * without_noise(change, np.abs(change), _SHADE_NOISE)
    mouth = own_mouth(expressives, neutrals)
    return PixelMap(
        offset_cm=without_noise(offset, size, _OFFSET_NOISE_CM),
        log_gain=part * expected.log_gain + change[..., None],
        bias=part * expected.bias,
        mask=np.asarray(feather > 0, np.float32),
        mouth=expected.mouth if mouth is None else mouth,
        blendshapes=raised_blendshapes(neutrals, expressives),
        metadata={
            "method": "personal: own displacements, gain and bias shrunk towards a shipped map",
            "livexpr": livexpr.__version__,
            "size": str(CANVAS_SIZE),
            "personal": "yes",
            "neutral_looks": str(len(neutrals)),
            "expressive_looks": str(len(expressives)),
            **_source(like, amount),
            **(metadata or {}),
        },
    )


def _source(like: ShippedMap | None, amount: float) -> dict[str, str]:
    """Return what the file says of the shipped map that it holds a part of."""
    if like is None:
        return {"shrunk_towards": "no change"}
    return {
        "shrunk_towards": f"{amount:.2f} {like.name}",
        "attribution": like.pixel_map.metadata.get("attribution", ""),
    }


def _nothing() -> PixelMap:
    canvas = np.zeros((CANVAS_SIZE, CANVAS_SIZE, 4), np.float32)
    return PixelMap(
        offset_cm=np.zeros((468, 3), np.float32),
        log_gain=canvas[..., :3],
        bias=canvas[..., 3],
        mask=np.ones((CANVAS_SIZE, CANVAS_SIZE), np.float32),
        mouth=np.zeros((MOUTH_SIZE, MOUTH_SIZE, 4), np.float32),
    )


def _same_size(like: PixelMap) -> PixelMap:
    """Return a shipped map as large as personal ones, its mask multiplied in."""
    return mix([like, _nothing()], [1.0, 0.0])


def _personal_change(
    neutrals: Sequence[Look], expressives: Sequence[Look], expected: PixelMap, amount: float
) -> NDArray[np.float32]:
    """Return what is personal in the logarithm of the gain, (S, S), float32."""
    plain = [shade.log_luma(one.face) for one in neutrals]
    pairs, changes = [], []
    for one in expressives:
        weights = shape.nearness(one, neutrals)
        before = np.average(plain, axis=0, weights=weights).astype(np.float32)
        pairs.append((before, shade.log_luma(one.face)))
        changes.append(shade.expected_change(expected, amount, before))
    return shade.personal_change(pairs, changes)
