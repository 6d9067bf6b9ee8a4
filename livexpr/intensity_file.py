"""Files of intensity maps: safetensors, the arrays of :mod:`livexpr.intensity_map` as bytes.

Gains, biases and curves are bytes between the ends that the metadata state, shifts are int8.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from livexpr import map_file
from livexpr.intensity_map import ALIGNMENTS, TENSORS, Align, IntensityMap, Kind
from livexpr.tensor_bytes import dequantised, quantised

SIZE_RANGE = (8, 256)
# Far beyond any fit to intensities in [0, 1]; what exceeds them is damage.
_MAX_GAIN, _MAX_BIAS, _MAX_CURVE = 50.0, 50.0, 10.0
_MAX_SHIFT = 64
_N_INDUCING_RANGE = (2, 32)
# Of the kernel, in units of the distance between inducing intensities: a wider one is no better
# determined by them, a narrower one sags in between.
_WIDTH_RANGE = (0.4, 2.0)


def load(path: str | Path) -> IntensityMap:
    """Load an intensity map.

    Raises
    ------
    FormatError
        If the file is missing, too large, truncated, of another kind, or holds wrong shapes,
        numbers that are not finite or out of range. The message names the file and the tensor.
    """
    source = str(path)
    metadata, raw = map_file.read(path)
    align, kind = _choices(metadata, source)
    _check_shapes(kind, {name: tensor.shape for name, tensor in raw.items()}, source)
    arrays: dict[str, NDArray[Any]] = {}
    for name, tensor in raw.items():
        if name != "shift":
            arrays[name] = dequantised(name, tensor, metadata, source)
        elif tensor.dtype != np.int8:
            map_file.refuser(source)(f"shift must hold int8, holds {tensor.dtype}")
        else:
            arrays[name] = tensor
    _check_numbers(arrays, source)
    return IntensityMap(
        align=align,
        kind=kind,
        arrays=arrays,
        min_max=metadata["output"] == "min-max",
        kernel_width=_kernel_width(metadata, raw, source),
        blendshapes=map_file.blendshapes_from(metadata, source),
        metadata=metadata,
    )


def is_intensity_map(metadata: Mapping[str, str]) -> bool:
    """Tell from the metadata of a map's file whether it holds an intensity map."""
    return "kind" in metadata


def _choices(metadata: Mapping[str, str], source: str) -> tuple[Align, Kind]:
    """Return alignment and kind as the metadata have them, checked."""
    known = {"align": ALIGNMENTS, "kind": tuple(TENSORS), "output": ("clip", "min-max")}
    for name, values in known.items():
        if metadata.get(name) not in values:
            found = metadata.get(name)
            map_file.refuser(source)(
                f"metadata {name!r} must be {' or '.join(values)}, "
                f"is {'missing' if found is None else repr(found[:40])}"
            )
    return cast(Align, metadata["align"]), cast(Kind, metadata["kind"])


def _check_shapes(kind: Kind, shapes: Mapping[str, tuple[int, ...]], source: str) -> None:
    """Raise FormatError unless the tensors of a kind are all there, in shapes that agree."""
    fail = map_file.refuser(source)
    missing, unknown = TENSORS[kind] - shapes.keys(), shapes.keys() - TENSORS[kind]
    if missing:
        fail(f"not a {kind} map: it lacks {', '.join(sorted(missing))}")
    if unknown:
        fail(f"not a {kind} map: unknown tensor {', '.join(sorted(unknown))}")
    main = "curve" if kind == "kernel" else "gain"
    n_axes = 4 if kind == "kernel" else 3
    shape = shapes[main]
    least, most = SIZE_RANGE
    square = len(shape) == n_axes and shape[-3] == shape[-2] and least <= shape[-2] <= most
    if not square or shape[-1] not in (1, 3):
        form = "(K, S, S, C)" if kind == "kernel" else "(S, S, C)"
        fail(f"{main} must be {form} with S from {least} to {most} and C 1 or 3, is {shape}")
    if kind == "kernel":
        few, many = _N_INDUCING_RANGE
        if not few <= shape[0] <= many:
            fail(f"curve must have {few} to {many} inducing intensities, has {shape[0]}")
        return
    if shapes["bias"] != shape:
        fail(f"bias must be {shape} as gain is, is {shapes['bias']}")
    if kind == "located" and shapes["shift"] != (*shape[:2], 2):
        fail(f"shift must be {(*shape[:2], 2)}, is {shapes['shift']}")


def _check_numbers(arrays: Mapping[str, NDArray[Any]], source: str) -> None:
    """Raise FormatError unless every number is finite and in its range."""
    fail = map_file.refuser(source)
    limits = {"gain": _MAX_GAIN, "bias": _MAX_BIAS, "curve": _MAX_CURVE, "shift": _MAX_SHIFT}
    for name, array in arrays.items():
        numbers, limit = array.astype(np.float64), limits[name]
        if not np.isfinite(numbers).all():
            fail(f"{name} holds numbers that are not finite")
        low, high = float(numbers.min()), float(numbers.max())
        if low < -limit or high > limit:
            fail(f"{name} must lie in [-{limit:g}, {limit:g}], is [{low:.3g}, {high:.3g}]")


def _kernel_width(
    metadata: Mapping[str, str], tensors: Mapping[str, NDArray[Any]], source: str
) -> float:
    """Return the width of a kernel map's kernel, checked; 0 for other kinds."""
    if "curve" not in tensors:
        return 0.0
    text = metadata.get("kernel_width", "")
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    apart = 1 / (len(tensors["curve"]) - 1)
    low, high = (limit * apart for limit in _WIDTH_RANGE)
    if not low <= width <= high:
        map_file.refuser(source)(
            f"metadata 'kernel_width' must be a number from {low:.3g} to {high:.3g}, "
            f"is {text[:40]!r}"
        )
    return width


def save(intensity_map: IntensityMap, path: str | Path) -> None:
    """Write an intensity map; the same map gives the same bytes.

    Gains, biases and curves are stored as bytes between their own ends.

    Raises
    ------
    FormatError
        If the map is out of range, too large, or the file cannot be written.
    """
    metadata = {
        **intensity_map.metadata,
        "kind": intensity_map.kind,
        "align": intensity_map.align,
        "output": "min-max" if intensity_map.min_max else "clip",
        "blendshapes": map_file.blendshapes_text(intensity_map.blendshapes),
    }
    arrays, source = intensity_map.arrays, str(path)
    if intensity_map.kind == "kernel":
        metadata["kernel_width"] = repr(intensity_map.kernel_width)
        _kernel_width(metadata, arrays, source)
    _check_shapes(intensity_map.kind, {name: a.shape for name, a in arrays.items()}, source)
    _check_numbers(arrays, source)
    tensors: dict[str, NDArray[np.generic]] = {}
    for name, array in arrays.items():
        if name == "shift":
            tensors[name] = array.astype(np.int8)
        else:
            tensors[name], metadata[f"{name}_range"] = quantised(array.astype(np.float32))
    map_file.write(path, tensors, metadata)
