"""The project as a package: versions that must agree, contents, and who may import what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomlkit

import livexpr

HOME = Path(__file__).resolve().parents[1]
PROJECT = tomlkit.parse((HOME / "pyproject.toml").read_text(encoding="utf-8")).unwrap()
CONSTRAINTS = (HOME / "constraints.txt").read_text(encoding="utf-8")
SOURCES = sorted([*HOME.glob("livexpr/**/*.py"), *HOME.glob("kernels/**/*.py")])

# Modules of the landmark model, the compiler and the film library take long to import.
HEAVY = ("av", "cv2", "mediapipe", "numba", "pyvirtualcam", "scipy", "skimage")


def test_both_cv2_distributions_are_held_at_one_version():
    pins = [one for one in PROJECT["project"]["dependencies"] if one.startswith("opencv")]
    names, versions = zip(*(pin.split("==") for pin in pins), strict=True)
    assert set(names) == {"opencv-python", "opencv-contrib-python"}
    assert len(set(versions)) == 1
    for pin in pins:
        assert f"\n{pin}\n" in CONSTRAINTS


def test_each_dependency_is_imported():
    """Nothing is installed that is not used."""
    used = {
        name.split(".")[0]
        for path in SOURCES
        for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        if "training" not in path.parts
    }
    provides = {"opencv-contrib-python": "cv2", "opencv-python": "cv2"}
    for one in PROJECT["project"]["dependencies"]:
        name = re.split(r"[<>=~! ;]", one)[0]
        if "sys_platform" not in one:  # what is for other systems is loaded by its name
            assert provides.get(name, name) in used, name


def test_every_dependency_has_an_exact_version():
    wanted = [
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        *(one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra),
    ]
    names = {re.split(r"[\[<>=~! ]", one)[0] for one in wanted} - {"livexpr"}
    constrained = set(re.findall(r"^([a-z0-9-]+)==", CONSTRAINTS, flags=re.M))
    assert names <= constrained


def test_constraints_hold_names_and_versions_only():
    for line in CONSTRAINTS.splitlines():
        marker = r'( ; python_version (<|==|>=) "3\.\d+")?'
        assert re.fullmatch(rf"#.*|[a-z0-9-]+==[0-9a-z.]+{marker}", line), line


def test_no_file_names_a_package_registry():
    registry = re.compile(r"https?://[\w.]*(pypi|pythonhosted|debian|ubuntu|npmjs)\.\w+", re.I)
    for path in [HOME / "pyproject.toml", HOME / "constraints.txt", HOME / ".ci" / "run"]:
        assert not registry.search(path.read_text(encoding="utf-8")), path.name


def test_version_has_one_home_and_a_form():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", livexpr.__version__)


def test_oldest_python_is_the_same_everywhere():
    assert PROJECT["project"]["requires-python"] == ">=3.10"
    assert PROJECT["tool"]["mypy"]["python_version"] == "3.10"
    assert PROJECT["tool"]["ruff"]["target-version"] == "py310"


def test_licence_and_notice_are_complete():
    licence = (HOME / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    notice = (HOME / "NOTICE").read_text(encoding="utf-8")
    for words in ("MediaPipe", "10.6084/m9.figshare.5047666", "CC BY 4.0"):
        assert words in notice


def imported_modules(tree: ast.Module) -> Iterator[str]:
    """Yield the name of every module that a source imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize(
    ("package", "importers"),
    [("mediapipe", {"landmarks.py"}), ("pyvirtualcam", {"output.py"})],
)
def test_edges_have_one_importer(package, importers):
    found = {
        path.name
        for path in SOURCES
        if any(
            name.split(".")[0] == package
            for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    assert found
    assert found <= importers


def test_only_webcam_opens_cameras():
    users = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if "VideoCapture" in names:
            users.add(path.relative_to(HOME).as_posix())
    assert users == {"livexpr/webcam.py"}


@pytest.mark.parametrize("module", ["livexpr", "livexpr.cli", "livexpr.doctor"])
def test_heavy_packages_are_imported_late(module):
    script = f"import {module}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=HOME
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_modules_stay_small_enough_to_read(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_no_machine_paths_in_the_sources():
    for path in [*SOURCES, HOME / "run_cam.py", HOME / "pyproject.toml"]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|work|Users|opt)/\w", text), path
