"""What `doctor` may ask of this computer, in one place, so that every answer can be made up."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from livexpr.devices import CameraInfo, VideoNode, holders, list_cameras, video_nodes
from livexpr.remedy import Step

Level = Literal["ok", "warn", "fail"]
COMMAND_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What was looked at, in a few words.
    level : {"ok", "warn", "fail"}
        "warn": livexpr runs, but something is missing; "fail": it does not run.
    what : str
        What was found.
    fix : str
        The commands or steps that mend it, one a line; empty when nothing needs mending.
    steps : tuple of Step
        The same for ``doctor --fix``; empty where only a person can mend it.
    """

    name: str
    level: Level
    what: str
    fix: str = ""
    steps: tuple[Step, ...] = ()

    @classmethod
    def mended_by(cls, name: str, what: str, *steps: Step, level: Level = "warn") -> Finding:
        """Return a finding whose text is made from the steps that mend it."""
        return cls(name, level, what, "\n".join(step.text for step in steps), steps)


def command_output(command: Sequence[str]) -> str | None:
    """Run a program and return what it prints, or None when it is missing or fails.

    >>> command_output(["no-such-program-here"]) is None
    True
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def distribution_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None.

    >>> distribution_version("no-such-distribution") is None
    True
    """
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def module_file(name: str) -> Path | None:
    """Return the file a top-level module would be loaded from, without importing it.

    >>> module_file("no_such_module_here") is None
    True
    """
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin else None


def library_loads(file_name: str) -> bool:
    """Tell whether the system's loader finds a shared library.

    >>> library_loads("libno-such-library.so.0")
    False
    """
    try:
        ctypes.CDLL(file_name)
    except OSError:
        return False
    return True


def registry_has(key: str) -> bool:
    """Tell whether HKEY_CLASSES_ROOT has a key; False where there is no registry."""
    if sys.platform == "win32":
        import winreg

        with contextlib.suppress(OSError):
            winreg.OpenKey(winreg.HKEY_CLASSES_ROOT, key).Close()
            return True
    return False


@dataclass(frozen=True, slots=True)
class Machine:
    """This computer, as far as `doctor` looks at it.

    Attributes
    ----------
    system : str
        "Linux", "Windows" or "Darwin".
    python : tuple of int
        Major and minor version.
    kernel : str
        Release of the running kernel.
    root : Path
        The top of the file system.
    environ : mapping of str to str
        The environment.
    output_of, version_of, file_of, loads, registry_has, nodes, cameras, held_by : callable
        As the functions of this module and of :mod:`livexpr.devices`.
    """

    system: str = field(default_factory=platform.system)
    python: tuple[int, int] = (sys.version_info.major, sys.version_info.minor)
    kernel: str = field(default_factory=platform.release)
    root: Path = Path("/")
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    output_of: Callable[[Sequence[str]], str | None] = command_output
    version_of: Callable[[str], str | None] = distribution_version
    file_of: Callable[[str], Path | None] = module_file
    loads: Callable[[str], bool] = library_loads
    registry_has: Callable[[str], bool] = registry_has
    nodes: Callable[[], list[VideoNode]] = video_nodes
    cameras: Callable[[], list[CameraInfo]] = list_cameras
    held_by: Callable[[str], list[str]] = holders

    def read(self, path: str) -> str | None:
        """Return the text of a file below :attr:`root`, or None when it cannot be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def read_bytes(self, path: str) -> bytes | None:
        """Return the bytes of a file below :attr:`root`, or None when it cannot be read."""
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return None
