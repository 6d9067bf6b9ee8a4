"""Where compiled kernels are kept between runs."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs


def folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder in which Numba keeps compiled kernels, whether it exists or not.

    It is ``NUMBA_CACHE_DIR`` where that is set, or else in the user's own cache folder, so that
    an installation that nobody may write to works as fast as any other. In it Numba keeps a
    folder for each installation, a file for each kernel and version of Python, and in that file
    one entry for each kind of processor; another version of Numba, or a changed source, has it
    compiled anew.

    Parameters
    ----------
    environ : mapping of str to str, optional
        The environment; that of this process by default.
    """
    chosen = (os.environ if environ is None else environ).get("NUMBA_CACHE_DIR")
    return Path(chosen) if chosen else platformdirs.user_cache_path("livexpr", False) / "kernels"


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
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        passing = tempfile.mkdtemp(prefix="livexpr-kernels-")
        atexit.register(shutil.rmtree, passing, ignore_errors=True)
        return Path(passing)
