"""Warming up: everything is compiled by then, and found again by the next process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import kernels
from kernels import folds, pairs, planes, sheets, spans
from kernels.apply import apply
from kernels.warmup import warm_up

COMPILED = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="Numba is off: nothing is compiled"
)
# Compile or load all kernels; print how many were compiled, and where the cache is.
SCRIPT = """
from kernels import folds, pairs, planes, sheets, spans
from kernels.warmup import warm_up
warm_up()
kernels = [spans._apply_jit, planes._planes_jit, sheets._sheets_jit, pairs._keep_apart_jit]
kernels += [folds._areas_jit, folds._unfold_jit, folds._hold_back_jit]
found = [kernel.stats for kernel in kernels]
print(sum(sum(stats.cache_misses.values()) for stats in found))
print(found[0].cache_path)
"""


N_KERNELS = 7


def test_warm_up_runs():
    warm_up()
    warm_up()


def place_a_face() -> None:
    """Use the other kernels as the filter does: a mesh of which some of the inside folds."""
    limits = folds.Limits(tolerance=0.1, eagerness=2, least_kept=0.9)
    source = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [4, 4]], np.float32)
    points = source.copy()
    points[4] = 12, 12
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], np.int32)
    least = np.full(4, 5, np.float32)
    folds.unfold(points, triangles, least, 5, 3, limits)
    alike = np.array([[0, 1]], np.int32)
    folds.hold_back(points, source, triangles, least, least, least, alike, 5, (2, 2, 4), limits)
    for array in (source, triangles, least, alike):
        array.flags.writeable = False
    folds.doubled_areas(source, triangles)
    folds.unfold(points, triangles, least, 5, 3, limits)
    folds.hold_back(points, source, triangles, least, least, least, alike, 5, (2, 2, 4), limits)
    some = pairs.make_pairs([0, 1], [2, 3], [4], [1], [0.5])
    pairs.keep_apart(points, some, np.ones(2, np.float32), np.array([0, 1], np.float32), 1)
    live = np.zeros((2, 2, 5, 2), np.float32)
    ways = np.ones((2, 2, 5), np.float32)
    how = sheets.Yielding(giving_way=0.5, arc=0.3, slides=3, uncovers=True)
    sheets.lay(sheets.Edges(live, live, ways, ways), 8, np.array([2, 2]), how)


@COMPILED
def test_nothing_is_left_to_compile(astronaut, rng):
    warm_up()
    every = (spans._apply_jit, planes._planes_jit, sheets._sheets_jit, pairs._keep_apart_jit)
    every += (folds._areas_jit, folds._unfold_jit, folds._hold_back_jit)
    before = [len(kernel.signatures) for kernel in every]
    src = np.ascontiguousarray(astronaut[:40, :50])
    src.flags.writeable = False
    values = rng.uniform(0, 40, (9, 5)).astype(np.float32)
    triangles = rng.integers(0, 9, (12, 3)).astype(np.int32)
    triangles.flags.writeable = False
    target = rng.uniform(0, 40, (9, 2)).astype(np.float32)
    gain_bias, picture = np.zeros((64, 64, 4), np.float32), np.zeros((8, 8, 4), np.float32)
    apply(src.copy(), src, target, values, triangles, 4, gain_bias, picture, values[0, :4].copy())
    place_a_face()
    assert [len(kernel.signatures) for kernel in every] == before


def warmed(folder: Path, **environment: str) -> tuple[int, Path]:
    """Warm up in a new process that imports from `folder`; return (compiled, cache folder)."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    run = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    compiled, path = run.stdout.splitlines()
    return int(compiled), Path(path)


@pytest.fixture
def install(tmp_path):
    """Copy the kernels to a folder of their own."""
    shutil.copytree(
        Path(kernels.__file__).parent,
        tmp_path / "install" / "kernels",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return tmp_path / "install"


@COMPILED
def test_cache_lies_beside_the_source(install):
    compiled, path = warmed(install)
    assert compiled == N_KERNELS
    assert path == install / "kernels" / "__pycache__"
    assert warmed(install) == (0, path)


@COMPILED
def test_cache_lies_where_numba_is_told(install, tmp_path):
    compiled, path = warmed(install, NUMBA_CACHE_DIR=str(tmp_path / "told"))
    assert compiled == N_KERNELS
    assert path.is_relative_to(tmp_path / "told")
    assert not list(install.rglob("*.nbi"))


@COMPILED
@pytest.mark.skipif(sys.platform != "linux", reason="the user's cache folder is named elsewhere")
def test_cache_lies_with_the_user_where_the_install_cannot_be_written_to(install, tmp_path):
    # A file where the folder should be stops even root.
    (install / "kernels" / "__pycache__").touch()
    user = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    compiled, path = warmed(install, **user)
    assert compiled == N_KERNELS
    assert path.is_relative_to(tmp_path)
    assert not path.is_relative_to(install)
    assert warmed(install, **user) == (0, path)
