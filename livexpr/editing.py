"""Text files opened in the user's editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from livexpr.errors import LivexprError

_USUAL = ("nano", "vim", "vi")


def edit(path: Path) -> None:
    """Open a file in the user's editor, and wait until it is closed.

    The editor is ``$VISUAL`` or ``$EDITOR``, or else what is usual on the system.

    Raises
    ------
    LivexprError
        If there is none, or it fails.
    """
    command = _editor()
    try:
        done = subprocess.run([*command, str(path)], check=False)
    except OSError as error:
        raise LivexprError(
            f"cannot start the editor {command[0]} ({error.strerror}): "
            f"set EDITOR to another one, or edit {path}"
        ) from None
    if done.returncode:
        raise LivexprError(f"the editor {command[0]} ended with {done.returncode}: see {path}")


def _editor() -> list[str]:
    for variable in ("VISUAL", "EDITOR"):
        if words := _words(variable, os.environ.get(variable, "")):
            return words
    if sys.platform == "win32":
        return ["notepad"]
    for name in _USUAL:
        if shutil.which(name):
            return [name]
    if sys.platform == "darwin":
        return ["open", "-W", "-t"]
    raise LivexprError("there is no editor: set EDITOR to the name of one")


def _words(variable: str, command: str) -> list[str]:
    posix = sys.platform != "win32"
    try:
        words = shlex.split(command, posix=posix)
    except ValueError as error:
        raise LivexprError(
            f"{variable} is {command!r}, which cannot be read ({error}): set it anew"
        ) from None
    # Where backslashes stay as they are, so do the quotes around a word.
    return words if posix else [word.strip("\"'") for word in words]
