"""Warming up: everything is compiled by then, and found again by the next process."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import kernels
from kernels import (
    cache,
    calming,
    drawing,
    folds,
    moves,
    ordering,
    seams,
    settling,
    sheets,
    strips,
    unfolding,
)
from kernels.apply import apply
from kernels.warmup import warm_up
from livexpr import pixel_map, placement, presets
from livexpr.types import FaceTrack

COMPILED = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="Numba is off: nothing is compiled"
)
ON_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="the user's cache folder is named elsewhere"
)
# Compile or load all kernels; print how far compiling was, how many, and which were loaded.
WARM = """
from kernels import calming, drawing, moves, ordering, seams, settling, sheets, strips
from kernels import unfolding
from kernels.warmup import warm_up
told = []
warm_up(lambda *how_far: told.append(how_far))
kernels = [drawing._draw_jit, drawing._help_jit, sheets._sheets_jit]
kernels += [moves._move_jit, ordering._order_jit, seams._cut_jit, settling._asked_jit]
kernels += [calming._calm_jit, strips._show_jit, unfolding._settle_jit, unfolding._hold_back_jit]
found = [kernel.stats for kernel in kernels]
compiled = sum(sum(stats.cache_misses.values()) for stats in found)
print([told, compiled, [k.__name__ for k, stats in zip(kernels, found) if stats.cache_hits]])
"""
# Load all kernels, if they are there; print whether they were.
LOAD = "from kernels import warmup; print(warmup.load())"
# Print where compiled kernels would be kept; compile nothing.
WHERE = "from kernels import moves; print(repr(moves._move_jit.stats.cache_path))"


N_KERNELS = 11


def test_warm_up_runs():
    warm_up()
    warm_up()


def place_a_face(track: FaceTrack) -> None:
    """Use the other kernels as the filter does; on a mesh that folds, and on what is read-only."""
    happy = pixel_map.load(presets.map_path("happy"))
    noise = np.random.default_rng(1).normal(0, 1, happy.offset_cm.shape).astype(np.float32)
    for array in (track.landmarks_px, track.frame_from_head, noise):
        array.flags.writeable = False
    for added_cm in (None, noise):
        placement.place(track, happy, np.ones(468, np.float32), None, added_cm, 0.5, 1.0)
    limits = folds.Limits(tolerance=0.1, eagerness=2, least_kept=0.9)
    source = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [4, 4]], np.float32)
    points = source.copy()
    points[4] = 12, 12
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]], np.int32)
    least = np.full(4, 5, np.float32)
    alike = np.array([[0, 1]], np.int32)
    for array in (source, triangles, least, alike):
        array.flags.writeable = False
    folds.unfold(points, triangles, least, 5, 3, limits)
    folds.hold_back(points, source, triangles, least, least, least, alike, 5, (2, 2, 4), limits)


@COMPILED
def test_nothing_is_left_to_compile(astronaut, rng, synthetic_face):
    warm_up()
    every = (drawing._draw_jit, drawing._help_jit, sheets._sheets_jit)
    every += (moves._move_jit, ordering._order_jit, seams._cut_jit, settling._asked_jit)
    every += (calming._calm_jit, strips._show_jit, unfolding._settle_jit, unfolding._hold_back_jit)
    before = [len(kernel.signatures) for kernel in every]
    src = np.ascontiguousarray(astronaut[:40, :50])
    src.flags.writeable = False
    values = rng.uniform(0, 40, (9, 5)).astype(np.float32)
    triangles = rng.integers(0, 9, (12, 3)).astype(np.int32)
    triangles.flags.writeable = False
    target = rng.uniform(0, 40, (9, 2)).astype(np.float32)
    gain_bias, picture = np.zeros((64, 64, 4), np.float32), np.zeros((8, 8, 4), np.float32)
    apply(src.copy(), src, target, values, triangles, 4, gain_bias, picture, values[0, :4].copy())
    place_a_face(synthetic_face.track(yaw_rad=0.3, mouth_cm=0.3))
    assert [len(kernel.signatures) for kernel in every] == before


def say(script: str, folder: Path, **environment: str) -> Any:
    """Run a script in a new process that imports from `folder`; return what it prints."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_"))}
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(folder), "NUMBA_NUM_THREADS": "2", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return ast.literal_eval(run.stdout)


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
def test_all_is_compiled_once_and_told_of(install, tmp_path):
    told = {"NUMBA_CACHE_DIR": str(tmp_path / "told")}
    assert say(LOAD, install, **told) is False
    assert not list((tmp_path / "told").rglob("*.nbi")), "nothing is compiled only to be loaded"
    progress, compiled, loaded = say(WARM, install, **told)
    assert (compiled, loaded) == (N_KERNELS, [])
    total = progress[-1][1]
    assert progress == [(done, total) for done in range(total + 1)]
    assert list((tmp_path / "told").rglob("*.nbi"))
    assert not list(install.rglob("*.nbi"))
    progress, compiled, loaded = say(WARM, install, **told)
    assert (progress, compiled) == ([], 0)
    assert "_help_jit" in loaded
    assert say(LOAD, install, **told) is True
    # One thread needs nothing of what is compiled for several.
    progress, compiled, loaded = say(WARM, install, **told, NUMBA_NUM_THREADS="1")
    assert (progress, compiled) == ([], 0)
    assert "_draw_jit" in loaded
    assert "_help_jit" not in loaded
    # One that is missing is noticed, whichever it is.
    for kept in (tmp_path / "told").rglob("*sheets_jit*"):
        kept.unlink()
    assert say(LOAD, install, **told) is False
    assert not list((tmp_path / "told").rglob("*sheets_jit*"))


@COMPILED
@ON_LINUX
@pytest.mark.parametrize("writable", [True, False])
def test_cache_lies_with_the_user(install, tmp_path, writable):
    if not writable:  # a file where the folder should be stops even root
        (install / "kernels" / "__pycache__").touch()
    path = Path(say(WHERE, install, XDG_CACHE_HOME=str(tmp_path / "cache")))
    assert path.parent.parent == tmp_path / "cache" / "livexpr" / "kernels"
    assert path.is_dir()


@COMPILED
@ON_LINUX
def test_an_edit_anywhere_has_all_compiled_anew_and_few_states_are_kept(install, tmp_path):
    states = tmp_path / "cache" / "livexpr" / "kernels"
    seen = []
    for edit in range(9):
        with (install / "kernels" / "options.py").open("a") as source:
            source.write(f"# edit {edit}\n")
        seen.append(Path(say(WHERE, install, XDG_CACHE_HOME=str(tmp_path / "cache"))).parent)
    assert len(set(seen)) == 9
    assert {one.name for one in states.iterdir()} == {one.name for one in seen[-6:]}


@COMPILED
@ON_LINUX
def test_what_cannot_be_kept_is_gone_at_the_end(install, tmp_path):
    (tmp_path / "cache").touch()
    (tmp_path / "passing").mkdir()
    user = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "passing")}
    path = Path(say(WHERE, install, **user))
    assert path.is_relative_to(tmp_path / "passing")
    assert not list((tmp_path / "passing").iterdir())


def test_the_user_decides_where_the_cache_lies(tmp_path):
    assert cache.folder({"NUMBA_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert cache.folder({}).parts[-3:-1] == ("livexpr", "kernels")
