"""What `doctor` looks at in the Python installation: packages, model asset, Numba."""

from __future__ import annotations

import importlib.metadata
import os
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from livexpr.errors import LivexprError, ModelError, one_line
from livexpr.machine import Finding, Machine
from livexpr.remedy import Do

OLDEST_PYTHON = (3, 10)
PACKAGES = (
    *("av", "cv2", "mediapipe", "numba", "numpy", "platformdirs", "pyvirtualcam", "rich"),
    *("safetensors", "tomlkit", "typer", "watchfiles"),
)
CV2_WITH_WINDOWS = ("opencv-python", "opencv-contrib-python")
CV2_WITHOUT_WINDOWS = ("opencv-python-headless", "opencv-contrib-python-headless")
FIRST_REPORTING_MEDIAPIPE = (0, 10, 35)
REINSTALL = "pip install --force-reinstall livexpr    # in a checkout: pip install -e ."


def refuse_foreign_kernels(machine: Machine | None = None) -> None:
    """Make sure that ``import kernels`` gives livexpr's own kernels.

    PyPI has an unrelated package of that name, and two wheels with one name overwrite each other's
    files without a word.

    Parameters
    ----------
    machine : Machine, optional
        What to look at; this computer by default.

    Raises
    ------
    LivexprError
        When the `kernels` that Python would import is missing or another project's.
    """
    finding = check_kernels(machine or Machine())
    if finding.level == "fail":
        raise LivexprError(f"{finding.what}; {finding.fix}")


def check_install(machine: Machine) -> list[Finding]:
    """Look at everything that livexpr needs of Python and its packages."""
    kernels = check_kernels(machine)
    found = [
        check_python(machine),
        check_packages(machine),
        kernels,
        check_cv2(machine),
        check_mediapipe(machine),
        _tried("landmark model", check_model),
    ]
    if kernels.level != "fail":  # else what would tell is missing, or another project's
        found.append(_tried("compiled kernels", partial(check_numba_cache, machine)))
    return [*found, _tried("threads", partial(check_numba_threads, machine))]


def _tried(name: str, check: Callable[[], Finding]) -> Finding:
    """Return what a check finds; that what it needs cannot be loaded is a finding, too."""
    try:
        return check()
    except (ImportError, OSError) as error:
        return Finding(name, "fail", one_line(error), REINSTALL)


def check_python(machine: Machine) -> Finding:
    """Compare the version of Python with the oldest that livexpr runs on."""
    found, oldest = (".".join(map(str, version)) for version in (machine.python, OLDEST_PYTHON))
    if machine.python < OLDEST_PYTHON:
        return Finding("Python", "fail", f"{found}, too old", f"install Python {oldest} or newer")
    return Finding("Python", "ok", found)


def check_packages(machine: Machine) -> Finding:
    """Look for the packages that livexpr imports."""
    missing = [name for name in PACKAGES if machine.file_of(name) is None]
    if missing:
        return Finding("packages", "fail", f"missing: {', '.join(missing)}", REINSTALL)
    return Finding("packages", "ok", f"all {len(PACKAGES)} are here")


def check_kernels(machine: Machine) -> Finding:
    """Tell livexpr's own `kernels` from another project's."""
    own_environment = "install livexpr in an environment of its own (venv, pipx or uv tool)"
    file = machine.file_of("kernels")
    home = Path(__file__).resolve().parents[1]
    if file is None:
        return Finding("kernels", "fail", "livexpr's package `kernels` is missing", REINSTALL)
    if file.resolve().parents[1] != home:
        what = f"the package `kernels` in {file.parent} is another project's, not livexpr's"
        return Finding("kernels", "fail", what, own_environment)
    if (version := machine.version_of("kernels")) is None:
        return Finding("kernels", "ok", "livexpr's own")
    if machine.version_of("livexpr") is not None and home.name == "site-packages":
        what = f"another project's `kernels` {version} is installed over livexpr's"
        return Finding("kernels", "fail", what, own_environment)
    what = f"livexpr's own, but another project's `kernels` {version} is installed beside it"
    return Finding("kernels", "warn", what, own_environment)


def check_cv2(machine: Machine) -> Finding:
    """Compare the distributions that provide `cv2`: they overwrite each other's files."""
    named = {name: machine.version_of(name) for name in CV2_WITH_WINDOWS + CV2_WITHOUT_WINDOWS}
    found = {name: version for name, version in named.items() if version is not None}
    listed = ", ".join(f"{name} {version}" for name, version in found.items())
    if not found:
        return Finding("cv2", "fail", "no distribution provides it", REINSTALL)
    wanted = _pinned("opencv-python") or next(iter(found.values()))
    packages = [f"{name}=={wanted}" for name in CV2_WITH_WINDOWS]
    repair = Do(("pip", "install", "--force-reinstall", "--no-deps", *packages))
    without = [name for name in CV2_WITHOUT_WINDOWS if name in found]
    if without:
        remove = Do(("pip", "uninstall", "--yes", *without))
        what = f"{listed}: one without windows mixes in"
        return Finding.mended_by("cv2", what, remove, repair, level="fail")
    if len(set(found.values())) > 1:
        return Finding.mended_by("cv2", f"{listed}: versions differ", repair, level="fail")
    if wanted not in found.values():
        return Finding.mended_by("cv2", f"{listed}: livexpr was made for {wanted}", repair)
    return Finding("cv2", "ok", listed)


def _pinned(distribution: str) -> str | None:
    """Return the one version that livexpr asks for; None in a checkout that is not installed."""
    try:
        asked = importlib.metadata.requires("livexpr") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    pins = (re.fullmatch(rf"{distribution} *== *([\w.]+)", one) for one in asked)
    return next((pin[1] for pin in pins if pin is not None), None)


def check_mediapipe(machine: Machine) -> Finding:
    """Tell a mediapipe that reports its use over the network from one that cannot."""
    version = machine.version_of("mediapipe")
    if version is None:
        return Finding("mediapipe", "fail", "not installed", REINSTALL)
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers >= FIRST_REPORTING_MEDIAPIPE:
        what = f"{version} reports its use to its maker over the network"
        return Finding.mended_by("mediapipe", what, Do(("pip", "install", "mediapipe<0.10.35")))
    return Finding("mediapipe", "ok", f"{version}, which has no networking code")


def check_model() -> Finding:
    """Check that the landmark model is here and unaltered."""
    from livexpr.face_mesh import model_bytes

    try:
        size = len(model_bytes())
    except ModelError as error:
        return Finding("landmark model", "fail", str(error), REINSTALL)
    return Finding("landmark model", "ok", f"{size / 1e6:.1f} MB, unaltered")


def check_numba_cache(machine: Machine) -> Finding:
    """Look at the folder in which Numba keeps compiled kernels between runs."""
    name = "compiled kernels"
    if machine.file_of("numba") is None:
        return Finding(name, "fail", "numba is missing", REINSTALL)
    from kernels import cache

    folder = cache.folder(machine.environ)
    if not is_writable(folder):
        what = f"cannot be kept: {folder} cannot be written; each start is slow for some 15 s"
        return Finding(name, "warn", what, "set NUMBA_CACHE_DIR to a folder of yours")
    if next(folder.rglob("*.nbc"), None) is None:
        what = f"none in {folder} yet: the first start shows fewer frames for some 15 s"
        return Finding.mended_by(name, what, Do(("livexpr", "doctor", "--compile")))
    return Finding(name, "ok", f"kept in {folder}")


def is_writable(folder: Path) -> bool:
    """Tell whether a file can be made in a folder, or the folder itself where it is missing.

    Nothing is left behind.
    """
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return True
    except OSError:
        return False


def check_numba_threads(machine: Machine) -> Finding:
    """Say how many threads the kernels run on, and by which threading layer."""
    cores = os.cpu_count() or 1
    if machine.file_of("numba") is None:
        return Finding("threads", "fail", "numba is missing", REINSTALL)
    import numba

    try:
        threads, layer = numba.get_num_threads(), numba.threading_layer()
    except ValueError as error:
        return Finding("threads", "fail", f"numba has no threading layer: {error}", REINSTALL)
    return Finding("threads", "ok", f"{threads} of {cores} processors, threading layer {layer}")
