"""Files of maps: safetensors (never pickle), small, with metadata, the same bytes every time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import FormatError
from livexpr.ordinary_files import read_ordinary, size_of
from livexpr.tensor_bytes import in_fixed_order, metadata_in, quotable

FORMAT_VERSION = "1"
# One hundredth of the 33.7 MB StarGAN generator; a map that is larger is not one of ours.
MAX_BYTES = 337_000
_LONGEST_REASON = 400


def refuser(source: str) -> Callable[[str], NoReturn]:
    """Return what raises the FormatError that a map, of the file `source`, is wrong."""

    def refuse(what: str) -> NoReturn:
        raise FormatError(
            f"{source}: {quotable(what, _LONGEST_REASON)}; fit it again with `livexpr fit`"
        )

    return refuse


def read_metadata(path: str | Path) -> dict[str, str]:
    """Return what a map's file says of itself; no tensor is read.

    Raises
    ------
    FormatError
        If it is missing, too large, no safetensors file, or of another format.
    """
    return _read(path, tensors=False)[0]


def read(path: str | Path) -> tuple[dict[str, str], dict[str, NDArray[np.generic]]]:
    """Return the metadata and tensors of a map's file, as they are stored.

    Raises
    ------
    FormatError
        If it is missing, too large, truncated, no safetensors file, or of another format.
    """
    return _read(path, tensors=True)


def _read(
    path: str | Path, *, tensors: bool
) -> tuple[dict[str, str], dict[str, NDArray[np.generic]]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    source = str(path)
    # Read rather than mapped into memory, where a file that is cut short meanwhile kills us.
    content = _content(path)
    try:
        stored: dict[str, Any] = from_bytes(content)
        metadata = metadata_in(content)
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        refuser(source)(f"not a readable safetensors file ({error})")
    raw = {name: np.array(tensor) for name, tensor in stored.items()} if tensors else {}
    if metadata.get("format") != FORMAT_VERSION:
        refuser(source)(
            f"expected a livexpr pixel map of format {FORMAT_VERSION}, its metadata say "
            f"{metadata.get('format', 'nothing')!r}"
        )
    return metadata, raw


def _content(path: str | Path) -> bytes:
    try:
        if (n_bytes := size_of(path)) > MAX_BYTES:
            raise FormatError(f"{path}: {n_bytes} bytes; a pixel map has at most {MAX_BYTES}")
        return read_ordinary(path, MAX_BYTES)
    except OSError as error:
        reason = error.strerror or error
        raise FormatError(f"cannot read the pixel map {path}: {reason}") from error


def blendshapes_from(metadata: Mapping[str, str], source: str) -> dict[str, float]:
    """Return by how much an expression raises each blendshape, as a map's metadata have it.

    Raises
    ------
    FormatError
        If the entry is not a table of finite numbers.
    """
    try:
        content = json.loads(metadata.get("blendshapes", "{}"))
        numbers = {str(k): float(v) for k, v in content.items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"{source}: metadata 'blendshapes' is not a table of numbers") from error
    if not all(math.isfinite(number) for number in numbers.values()):
        raise FormatError(f"{source}: metadata 'blendshapes' holds numbers that are not finite")
    return numbers


def blendshapes_text(blendshapes: Mapping[str, float]) -> str:
    """Return blendshapes as :func:`blendshapes_from` reads them."""
    return json.dumps({k: round(float(v), 4) for k, v in sorted(blendshapes.items())})


def write(
    path: str | Path, tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str]
) -> None:
    """Write a map's file.

    Raises
    ------
    FormatError
        If the map is too large, or the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    stored = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    data = in_fixed_order(to_bytes(stored, {**metadata, "format": FORMAT_VERSION}))
    if len(data) > MAX_BYTES:
        raise FormatError(f"{path}: {len(data)} bytes; a map has at most {MAX_BYTES}")
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise FormatError(f"cannot write the pixel map {path}: {error.strerror}") from error
