"""Runs of the whole program as a process of its own, and what they cost."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from livexpr.errors import LivexprError
from livexpr.film import open_film
from livexpr.types import Frame

_READY = " is live: "
"""What the program says when its first filtered frame is about to go out."""

_TIME_LIMIT_S = 600.0

_AS_SHIPPED = ("--no-mirror", "--no-badge", "--no-hotkeys", "--on-lost", "passthrough")
"""Whatever the user's config says: it would be another filter that is timed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program.

    Attributes
    ----------
    report : Mapping
        As ``livexpr run --stats`` writes it.
    ready_s : float or None
        From the start of the process until it was filtering, s.
    processor_s : float or None
        Processor time of all its threads, s; None where the system does not tell.
    peak_mb : float or None
        The most memory it has held, MB; likewise.
    """

    report: Mapping[str, Any]
    ready_s: float | None
    processor_s: float | None
    peak_mb: float | None


def run(
    *options: str, frames: int, source: str = "demo", environ: Mapping[str, str] | None = None
) -> Run:
    """Run the program from `source` to nowhere, and wait for it.

    Parameters
    ----------
    *options : str
        More of ``livexpr run``.
    frames : int
        After which it ends.
    source : str
    environ : Mapping of str to str, optional
        Set besides the environment of this process.

    Raises
    ------
    LivexprError
        When the program fails; with what it said last.
    """
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        command = [sys.executable, "-m", "livexpr", "run", "--expression", "happy"]
        command += ["--source", source, "--output", "null", "--no-preview", "--no-ctl", "--loop"]
        command += ["--max-frames", str(frames), "--stats", str(stats), *_AS_SHIPPED, *options]
        started_s = time.perf_counter()
        with subprocess.Popen(
            command,
            env={**os.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            said, ready_s = _listen(process, started_s)
            usage = _ended(process)
        if process.returncode != 0:
            last = said[-1].strip() if said else f"exit code {process.returncode}"
            raise LivexprError(f"a run to be measured failed: {last.removeprefix('livexpr: ')}")
        return Run(json.loads(stats.read_text(encoding="utf-8")), ready_s, *usage)


def compile_kernels() -> None:
    """Have the kernels compiled in a process of their own, unless they are.

    Raises
    ------
    LivexprError
        When that fails; with what was said last.
    """
    program = "from livexpr import engine; engine.compile_kernels(lambda line: None)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise LivexprError(f"the kernels do not compile: {last}")


def _listen(process: subprocess.Popen[str], started_s: float) -> tuple[Sequence[str], float | None]:
    """Return what a process says until it closes its stderr, and when it was ready, s."""
    assert process.stderr is not None
    limit = threading.Timer(_TIME_LIMIT_S, process.kill)
    limit.start()
    said, ready_s = [], None
    try:
        for line in process.stderr:
            said.append(line)
            if _READY in line and ready_s is None:
                ready_s = time.perf_counter() - started_s
    finally:
        limit.cancel()
    return said, ready_s


def _ended(process: subprocess.Popen[str]) -> tuple[float | None, float | None]:
    """Wait for a process; return its processor time in s and its peak of memory in MB."""
    if not hasattr(os, "wait4"):
        process.wait()
        return None, None
    with contextlib.suppress(ChildProcessError):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        per_mb = 1e6 if sys.platform == "darwin" else 1e3
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / per_mb
    process.wait()
    return None, None


def processor_share(short: Run, long: Run, cores: int = 2) -> float | None:
    """Return the share of so many cores that a run kept busy, once it had started.

    Parameters
    ----------
    short, long : Run
        Two runs that differ in length alone: what they have in common is the start.
    cores : int
    """
    if short.processor_s is None or long.processor_s is None:
        return None
    seconds = _seconds(long) - _seconds(short)
    if seconds <= 0:
        return None
    return (long.processor_s - short.processor_s) / seconds / cores


def _seconds(run: Run) -> float:
    """Return for how long a run published frames."""
    return float(run.report["frames"]["out"] / (run.report["fps"] or math.inf))


def write_enlarged(path: Path, frames: Sequence[Frame], factor: float, fps: float) -> None:
    """Write frames as a film, each side `factor` times as long.

    Raises
    ------
    VirtualCameraError
        When it cannot be written.
    """
    height, width = frames[0].pixels.shape[:2]
    size = round(width * factor), round(height * factor)
    sink = open_film(path, size, fps)
    try:
        for frame in frames:
            large = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_CUBIC)
            sink.send(np.asarray(large, np.uint8))
    finally:
        sink.close()
