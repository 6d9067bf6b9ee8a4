"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file in one step; folders are made as needed.

    Whoever reads it meanwhile finds what was there before, or all of what is new.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # In a folder of its own, so that the file gets its usual permissions.
    with tempfile.TemporaryDirectory(prefix=".livexpr-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
