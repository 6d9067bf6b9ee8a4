"""PixelMap: where each output pixel looks, and how it changes what it sees.

The file is safetensors (never pickle), one an expression::

    offset  (468, 3)            where: displacement of each landmark in head space, cm
    gain    (S, S) or (S, S, 3) how: multiplies
    bias    (S, S) or (S, S, 3) how: adds, in units of the face's own mean skin luma
    mouth   (M, M, 4)           optional: what a closed mouth reveals when the expression opens it,
                                BGR in units of skin luma, then opacity; rows from upper to
                                lower lip
    mask    (S, S)              feather: 0 at the border and on the eyes, 1 inside

and its metadata say how, when and from what it was fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livexpr import map_file
from livexpr.face_mesh import INNER_LIP_LOWER, INNER_LIP_UPPER, N_LANDMARKS
from livexpr.tensor_bytes import dequantised, quantised

_NO_CHANGE = {"gain": 1.0, "bias": 0.0}
_MAX_SIZE = 512
# Far beyond any face; what exceeds them is damage, not expression.
_MAX_OFFSET_CM = 5.0
_GAIN_RANGE = (0.05, 20.0)
_MAX_BIAS = 2.0
# Stored as bytes its ends move by up to a step, so that no change falls on one.
_BIAS_RANGE = (-1.01 * _MAX_BIAS, 1.01 * _MAX_BIAS)
_MAX_MOUTH = 4.0
# A mix in which the mouth is opened by this part of what its maps open it by, and closed again by
# others, shows the whole mouth picture.
_SURELY_OPEN = 2.0
# Of positive amounts, below which there is no mean of mouth pictures to take.
_LEAST_AMOUNT = 1e-6
_INNER_LIPS = np.array([INNER_LIP_UPPER, INNER_LIP_LOWER])


@dataclass(frozen=True, slots=True)
class PixelMap:
    """Where and how, for one expression or a mix of them, at amount 1.

    Attributes
    ----------
    offset_cm : ndarray of shape (468, 3), float32
        Displacement of each landmark in head space.
    log_gain : ndarray of shape (S, S, 3), float32
        Natural logarithm of the gain, BGR, in face space.
    bias : ndarray of shape (S, S), float32
        Units of the face's mean skin luma.
    mask : ndarray of shape (S, S), float32
        In [0, 1]; multiplies the amount of gain and bias.
    mouth : ndarray of shape (M, M, 4), float32
        BGR in units of skin luma, and opacity; all zero where the mouth stays shut.
    blendshapes : Mapping of str to float
        By how much the expression raises each blendshape, from the people it was fitted on.
    metadata : Mapping of str to str
        What the file says of itself.
    mouth_lips_cm : ndarray of shape (2, 11), float32, or None
        How far the upper and the lower inner lip rise for the mouth picture; None where that is
        as in `offset_cm`. A mix opens the mouth by another amount than its pictures.
    """

    offset_cm: NDArray[np.float32]
    log_gain: NDArray[np.float32]
    bias: NDArray[np.float32]
    mask: NDArray[np.float32]
    mouth: NDArray[np.float32]
    blendshapes: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    mouth_lips_cm: NDArray[np.float32] | None = None

    def lips_of_mouth_cm(self) -> NDArray[np.float32]:
        """Return how far lips rise for the mouth picture, (2, 11), cm: inner upper, inner lower."""
        if self.mouth_lips_cm is not None:
            return self.mouth_lips_cm
        return self.offset_cm[:, 1].take(_INNER_LIPS)

    def gain_bias(self) -> NDArray[np.float32]:
        """Return log gain and bias under the mask, (S, S, 4), float32, as the kernel reads them."""
        stacked = np.concatenate([self.log_gain, self.bias[..., None]], axis=2)
        return np.ascontiguousarray(stacked * self.mask[..., None], np.float32)


def mix(maps: Sequence[PixelMap], amounts: Sequence[float]) -> PixelMap:
    """Mix maps: offsets add, log gains add, biases add.

    Parameters
    ----------
    maps : sequence of PixelMap
        At least one.
    amounts : sequence of float
        One for each map; negative ones reverse it.

    Returns
    -------
    PixelMap
        As large as the largest of them. Masks are already multiplied in (the mix has mask 1).
        The mouth picture is the mean of those maps that have one, weighted by how far they open
        the mouth. It fades as far as other maps open the mouth without one, or close it.
    """
    size, mouth_size = (
        max(len(part) for part in parts)
        for parts in zip(*((m.mask, m.mouth) for m in maps), strict=True)
    )
    offset = np.zeros_like(maps[0].offset_cm)
    log_gain, bias = np.zeros((size, size, 3), np.float32), np.zeros((size, size), np.float32)
    for m, amount in zip(maps, amounts, strict=True):
        a = np.float32(amount)
        offset += a * m.offset_cm
        log_gain += a * _resampled(m.log_gain * m.mask[..., None], size)
        bias += a * _resampled(m.bias * m.mask, size)
    mouth, lips = _mixed_mouth(maps, amounts, mouth_size)
    blendshapes = mix_blendshapes([m.blendshapes for m in maps], amounts)
    return PixelMap(
        offset, log_gain, bias, np.ones_like(bias), mouth, blendshapes, mouth_lips_cm=lips
    )


def _mixed_mouth(
    maps: Sequence[PixelMap], amounts: Sequence[float], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return the mouth picture of a mix, (size, size, 4), and how far lips rise for it."""
    mouth, lips = np.zeros((size, size, 4), np.float32), np.zeros((2, 11), np.float32)
    moved = np.zeros((2, 11), np.float32)
    pictured = opened = 0.0
    for m, amount in zip(maps, amounts, strict=True):
        own = m.lips_of_mouth_cm()
        moved += np.float32(amount) * own
        opens = max(amount, 0.0) * max(float((own[0] - own[1]).max()), 0.0)
        opened += opens
        if opens > 0 and m.mouth.any():
            mouth += np.float32(opens) * _resampled(m.mouth, size)
            lips += np.float32(opens) * own
            pictured += opens
    if pictured <= _LEAST_AMOUNT:
        return np.zeros_like(mouth), None
    whole = max(float((moved[0] - moved[1]).max()), 0.0)
    mouth /= np.float32(pictured)
    mouth[..., 3] *= np.float32(pictured / opened * min(_SURELY_OPEN * whole / opened, 1.0))
    return mouth, lips / np.float32(pictured)


def mix_blendshapes(
    blendshapes: Sequence[Mapping[str, float]], amounts: Sequence[float]
) -> dict[str, float]:
    """Return by how much a mix raises each blendshape: what its maps raise adds."""
    whole: dict[str, float] = {}
    for one, amount in zip(blendshapes, amounts, strict=True):
        for name, value in one.items():
            whole[name] = whole.get(name, 0.0) + amount * value
    return whole


def _resampled(array: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return a square array (S, S, ...) at another size, linear between the same corners."""
    if len(array) == size:
        return array
    at = np.linspace(0, len(array) - 1, size, dtype=np.float32)
    before = np.minimum(at.astype(np.intp), len(array) - 2)
    for axis in (0, 1):
        weight = (at - before).reshape([-1 if k == axis else 1 for k in range(array.ndim)])
        low, high = (np.take(array, before + step, axis) for step in (0, 1))
        array = np.asarray(low + weight * (high - low), np.float32)
    return array


def _three_channels(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array


def _check_tensors(tensors: Mapping[str, NDArray[np.float32]], source: str) -> None:
    """Raise FormatError unless shapes, numbers and ranges are those of a pixel map."""
    fail = map_file.refuser(source)
    missing = {"offset", "gain", "bias", "mask"} - set(tensors)
    if missing:
        fail(f"not a pixel map: it lacks {', '.join(sorted(missing))}")
    unknown = set(tensors) - {"offset", "gain", "bias", "mask", "mouth"}
    if unknown:
        fail(f"not a pixel map: unknown tensor {', '.join(sorted(unknown))}")
    size = tensors["mask"].shape[0] if tensors["mask"].ndim == 2 else 0
    if tensors["mask"].shape != (size, size) or not 8 <= size <= _MAX_SIZE:
        fail(f"mask must be (S, S) with S from 8 to {_MAX_SIZE}, is {tensors['mask'].shape}")
    if tensors["offset"].shape != (N_LANDMARKS, 3):
        fail(f"offset must be ({N_LANDMARKS}, 3), is {tensors['offset'].shape}")
    for name in ("gain", "bias"):
        shape = tensors[name].shape
        if shape not in ((size, size), (size, size, 3)):
            fail(f"{name} must be ({size}, {size}) or ({size}, {size}, 3), is {shape}")
    if "mouth" in tensors:
        shape = tensors["mouth"].shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[2] != 4 or not 8 <= shape[0] <= 256:
            fail(f"mouth must be (M, M, 4) with M from 8 to 256, is {shape}")
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            fail(f"{name} holds numbers that are not finite")
    ranges = {
        "offset": (-_MAX_OFFSET_CM, _MAX_OFFSET_CM),
        "gain": _GAIN_RANGE,
        "bias": _BIAS_RANGE,
        "mask": (0.0, 1.0),
        "mouth": (0.0, _MAX_MOUTH),
    }
    for name, tensor in tensors.items():
        low, high = ranges[name]
        if tensor.min() < low or tensor.max() > high:
            fail(f"{name} must lie in [{low}, {high}], is [{tensor.min():.3g}, {tensor.max():.3g}]")


def load(path: str | Path) -> PixelMap:
    """Load a pixel map.

    Raises
    ------
    FormatError
        If the file is missing, too large, truncated, of another kind, or holds wrong shapes,
        numbers that are not finite or out of range. The message names the file and the tensor.
    """
    source = str(path)
    metadata, raw = map_file.read(path)
    tensors = {name: dequantised(name, t, metadata, source) for name, t in raw.items()}
    _check_tensors(tensors, source)
    bias = tensors["bias"]
    return PixelMap(
        offset_cm=tensors["offset"],
        log_gain=np.log(_three_channels(tensors["gain"])),
        bias=bias if bias.ndim == 2 else bias.mean(axis=2),
        mask=tensors["mask"],
        mouth=tensors.get("mouth", np.zeros((8, 8, 4), np.float32)),
        blendshapes=map_file.blendshapes_from(metadata, source),
        metadata=metadata,
    )


def save(pixel_map: PixelMap, path: str | Path) -> None:
    """Write a pixel map; the same map gives the same bytes.

    Gain, bias, mask and mouth are stored as bytes between their own ends, offsets as float16:
    finer than one grey level and than one hundredth of a millimetre.

    Raises
    ------
    FormatError
        If the map is out of range or the file cannot be written.
    """
    gain = np.exp(pixel_map.log_gain)
    metadata = {
        **pixel_map.metadata,
        "blendshapes": map_file.blendshapes_text(pixel_map.blendshapes),
    }
    tensors: dict[str, NDArray[np.generic]] = {
        "offset": np.ascontiguousarray(pixel_map.offset_cm, np.float16)
    }
    parts = {"gain": gain, "bias": pixel_map.bias, "mask": pixel_map.mask}
    if pixel_map.mouth.any():
        parts["mouth"] = pixel_map.mouth
    for name, part in parts.items():
        tensors[name], metadata[f"{name}_range"] = quantised(part, _NO_CHANGE.get(name))
    _check_tensors({"offset": pixel_map.offset_cm, **parts}, str(path))
    map_file.write(path, tensors, metadata)
