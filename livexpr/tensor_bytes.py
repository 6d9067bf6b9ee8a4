"""Tensors as bytes: numbers in 256 steps, and safetensors files that are always the same."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import FormatError

_LONGEST_NAME = 40


def dequantised(
    name: str, tensor: NDArray[np.generic], metadata: Mapping[str, str], source: str
) -> NDArray[np.float32]:
    """Turn stored bytes into numbers: linear between the tensor's stated ends."""
    if tensor.dtype.kind == "f":
        # What does not fit becomes infinite, which is refused later.
        with np.errstate(over="ignore"):
            return tensor.astype(np.float32)
    if tensor.dtype != np.uint8:
        shown = quotable(name, _LONGEST_NAME)
        raise FormatError(f"{source}: {shown} must hold floats or bytes, holds {tensor.dtype}")
    try:
        low, high = (float(end) for end in metadata[f"{name}_range"].split())
    except (KeyError, ValueError):
        low, high = 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = low + tensor.astype(np.float64) * ((high - low) / np.iinfo(np.uint8).max)
        return numbers.astype(np.float32)


def quantised(
    array: NDArray[np.float32], exact: float | None = None
) -> tuple[NDArray[np.uint8], str]:
    """Return `array` as bytes between its own ends, and those ends as text.

    A value that must come back `exact`, as that of no change, is put on one of the steps.
    """
    low, high = float(array.min()), float(array.max())
    step = max(high - low, 1e-9) / 255
    if exact is not None:
        step = max(high - low, 1e-9) / 254
        low = exact - math.ceil((exact - low) / step) * step
    return np.round((array - low) / step).astype(np.uint8), f"{low:.9g} {low + 255 * step:.9g}"


def quotable(text: str, longest: int) -> str:
    """Return what came from a file as a message may have it: short, and steering no terminal."""
    return "".join(c if c.isprintable() else " " for c in text[:longest])


def metadata_in(data: bytes) -> dict[str, str]:
    """Return the metadata of a safetensors file that its own reader has found to be one."""
    length = int.from_bytes(data[:8], "little")
    return dict(json.loads(data[8 : 8 + length]).get("__metadata__") or {})


def in_fixed_order(data: bytes) -> bytes:
    """Sort the header of a safetensors file, whose metadata come in no fixed order."""
    length = int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8 : 8 + length]), sort_keys=True, separators=(",", ":"))
    encoded = header.encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + data[8 + length :]
