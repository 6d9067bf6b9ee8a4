"""Files from anywhere: nothing that waits or never ends is opened, and no more read than may be."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def expanded(text: str | Path) -> Path:
    """Return a path with ``~`` put in full; one of a user who is unknown stays as it is.

    >>> expanded("~nobody-is-called-so/a.toml").name
    'a.toml'
    """
    path = Path(text)
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def may_exist(path: Path) -> bool:
    """Whether something has that name, as far as it may be known."""
    try:
        os.stat(path)
    except (OSError, ValueError):
        return False
    return True


def size_of(path: str | Path) -> int:
    """Return how many bytes an ordinary file has, without opening it.

    Raises
    ------
    OSError
        When there is no such file, or it is a folder, a pipe or a device; ``strerror`` says which.
    """
    try:
        found = os.stat(path)
    except ValueError:
        raise OSError(errno.EINVAL, "its name holds a character that no name may hold") from None
    _check_kind(found.st_mode)
    return found.st_size


def read_ordinary(path: str | Path, max_bytes: int) -> bytes:
    """Return what is in an ordinary file.

    Parameters
    ----------
    path : str or Path
    max_bytes : int
        Of a larger file nothing is returned; at most this much of it is read.

    Raises
    ------
    OSError
        As for :func:`size_of`, when it is too large, or when it cannot be read.
    """
    _check_size(size_of(path), max_bytes)
    # Another file may have come in its place meanwhile, and opening a pipe waits for its writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        _check_kind(os.fstat(file.fileno()).st_mode)
        content = file.read(max_bytes + 1)
    _check_size(len(content), max_bytes)
    return content


def _check_kind(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, expected an ordinary file")


def _check_size(n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise OSError(errno.EFBIG, f"it has {n_bytes} bytes, expected at most {max_bytes}")
