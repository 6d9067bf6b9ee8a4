"""``livexpr bench``: what this machine does, as ratios against named peers in the same run.

Every figure is taken on the shipped demo film, 1280x720 with a face about 360 px tall.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livexpr import bench_apply, pipeline, presets
from livexpr.capture import open_source
from livexpr.landmarks import Landmarker
from livexpr.types import FaceTrack, Frame, NoFace

_FRAMES = 200
_WARM_FRAMES = 30
_LIVE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : str
    value, peer : float
        Measured; the peer in the same unit and run, NaN where there is none.
    unit : str
    wanted : str
        What is to be reached.
    reached : bool
    """

    what: str
    value: float
    peer: float
    unit: str
    wanted: str
    reached: bool


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    milliseconds = np.asarray(seconds) * 1000
    return {f"p{q}": round(float(np.percentile(milliseconds, q)), 3) for q in (50, 95, 99)}


def _demo_frames() -> list[Frame]:
    source = open_source("demo", size=None, fps=None, mirror=False, loop=True, fast=True)
    try:
        frames = [source.read() for _ in range(_FRAMES)]
    finally:
        source.close()
    return [frame for frame in frames if frame is not None]


def _detection(frames: Sequence[Frame]) -> tuple[list[float], list[FaceTrack | NoFace]]:
    """Detect on frames held in memory; return seconds of each, and the faces."""
    seconds, tracks = [], []
    with Landmarker() as landmarker:
        for frame in frames:
            started = time.perf_counter()
            tracks.append(landmarker.detect(frame))
            seconds.append(time.perf_counter() - started)
    return seconds, tracks


def _filtering(
    frames: Sequence[Frame], tracks: Sequence[FaceTrack | NoFace], expression: str
) -> list[float]:
    """Filter detected frames; return seconds of each."""
    effect = pipeline.load_effect(presets.from_expressions([expression]))
    state, seconds = pipeline.settled_state(effect), []
    for frame, track in zip(frames, tracks, strict=True):
        started = time.perf_counter()
        state = pipeline.process(frame, track, effect, state).state
        seconds.append(time.perf_counter() - started)
    return seconds


def _run(frames: int, *, fast: bool) -> dict[str, Any]:
    """Run the program, demo to nowhere, as a process of its own; return its statistics."""
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        command = [sys.executable, "-m", "livexpr", "run", "--expression", "happy"]
        command += ["--source", "demo", "--output", "null", "--no-preview", "--loop"]
        command += ["--max-frames", str(frames), "--stats", str(stats)]
        if fast:
            command.append("--fast")
        subprocess.run(command, check=True, capture_output=True)
        report: dict[str, Any] = json.loads(stats.read_text())
    return report


def _peak_memory_mb() -> float:
    """Return the most memory a run has held, MB; NaN where the system does not tell."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def measure() -> dict[str, Any]:
    """Measure everything.

    Returns
    -------
    dict
        ``machine``, ``rows`` (as :class:`Row`) and ``stages_ms``, for JSON.
    """
    # First of all: a process starts with its parent's peak of memory, as Linux counts.
    whole, live = _run(2 * _FRAMES, fast=True), _run(30 * _LIVE_SECONDS, fast=False)
    memory_mb = _peak_memory_mb()
    pipeline.warm_up()
    kernel = bench_apply.measure()
    frames = _demo_frames()
    detect, tracks = _detection(frames)
    happy = _filtering(frames, tracks, "happy")
    off = _filtering(frames, tracks, "off")
    # Once more: machines slow down and speed up within a minute.
    detect += _detection(frames)[0]

    apply_ms, remap_ms = kernel["apply_ms"]["p50"], kernel["remap_ms"]["p50"]
    detect_ms = _percentiles(detect)
    alone_fps = 1000 / float(np.mean(detect) * 1000)
    added_ms = live["latency_ms"]["p50"] - live["stages_ms"]["detect"]["p50"]
    off_ms = _percentiles(off)["p50"]
    rows = [
        Row("fused kernel against cv2.remap of the face's box", apply_ms, remap_ms, "ms",
            "at most 1.5 x", apply_ms <= 1.5 * remap_ms),
        Row("whole loop against detection alone", whole["fps"], alone_fps, "fps",
            "at least 0.75 x", whole["fps"] >= 0.75 * alone_fps),
        Row("latency added to detection", added_ms, float("nan"), "ms",
            "at most 5 ms", added_ms <= 5),
        Row("preset off, beside detection", off_ms, float("nan"), "ms",
            "under 1 ms", off_ms < 1),
        Row("peak memory of a run", memory_mb, float("nan"), "MB", "under 500 MB", memory_mb < 500),
    ]  # fmt: skip
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "system": platform.system(),
            **whole["versions"],
            "threads": whole["threads"],
            "threading_layer": whole["threading_layer"],
        },
        "rows": [asdict(row) for row in rows],
        "kernel": kernel,
        "stages_ms": {
            "detect": detect_ms,
            "filter": _percentiles(happy[_WARM_FRAMES:]),
            "live": live["stages_ms"],
            "live_latency": live["latency_ms"],
        },
    }


def main(as_json: bool = False) -> int:
    """Print the table of :func:`measure`, or JSON; return the exit code."""
    report = measure()
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "measured", "peer", "ratio", "wanted", "reached")
    for row in report["rows"]:
        value, peer = row["value"], row["peer"]
        alone = peer != peer
        table.add_row(
            row["what"],
            f"{value:.2f} {row['unit']}",
            "" if alone else f"{peer:.2f} {row['unit']}",
            "" if alone else f"{value / peer:.2f}",
            row["wanted"],
            "yes" if row["reached"] else "no",
        )
    console = Console()
    console.print(table)
    console.print(", ".join(f"{k} {v}" for k, v in report["machine"].items()), highlight=False)
    return 0
