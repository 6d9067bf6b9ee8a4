"""Where compiled kernels are kept between runs."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs

_KEPT_STATES = 6


def folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder in which Numba keeps compiled kernels, whether it exists or not.

    It is ``NUMBA_CACHE_DIR`` where that is set, or else in the user's own cache folder, so that
    an installation that nobody may write to works as fast as any other. In it Numba keeps a
    folder for each installation, a file for each kernel and version of Python, and in that file
    one entry for each kind of processor; another version of Numba has it compiled anew. Of a
    changed source Numba notices the file alone that a kernel is in, though kernels are made from
    several: so the user's own folder is another one for each state of all of them.

    Parameters
    ----------
    environ : mapping of str to str, optional
        The environment; that of this process by default.
    """
    chosen = (os.environ if environ is None else environ).get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return platformdirs.user_cache_path("livexpr", False) / "kernels" / _state_of_sources()


def _state_of_sources() -> str:
    """Return a short name for what is written in all modules of this package."""
    state = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        state.update(source.name.encode() + b"\0" + source.read_bytes())
    return state.hexdigest()[:12]


def usable_folder() -> Path:
    """Return :func:`folder`, made if need be; else one that is gone when the process ends.

    Raises
    ------
    OSError
        When no folder at all can be made.
    """
    wanted = folder()
    try:
        # Only its owner may put there what others are to execute.
        if not wanted.exists():
            wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
            if "NUMBA_CACHE_DIR" not in os.environ:
                _forget_oldest(wanted.parent)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        passing = tempfile.mkdtemp(prefix="livexpr-kernels-")
        atexit.register(shutil.rmtree, passing, ignore_errors=True)
        return Path(passing)


def _forget_oldest(states: Path) -> None:
    """Remove what was compiled from the oldest states of the sources, but for a few."""
    folders = sorted((one for one in states.iterdir() if one.is_dir()), key=_made_s, reverse=True)
    for old in folders[_KEPT_STATES:]:
        shutil.rmtree(old, ignore_errors=True)


def _made_s(folder: Path) -> float:
    return folder.stat().st_mtime
