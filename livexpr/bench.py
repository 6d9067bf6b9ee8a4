"""``livexpr bench``: what this machine does, as ratios against named peers in the same run.

Every figure is taken on the shipped demo film, 1280x720 with a face about 360 px tall, or on the
same film enlarged.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from livexpr import bench_apply, bench_runs, pipeline, presets
from livexpr.bench_runs import Run
from livexpr.bench_turns import percentiles_ms
from livexpr.capture import open_source
from livexpr.landmarks import Landmarker
from livexpr.types import FaceTrack, Frame, NoFace

_FRAMES = 200
_WARM_FRAMES = 30
_ROUNDS = 4
"""Of the whole loop and of detection alone, by turns: machines slow down and speed up within a
minute."""

_FPS = 30
_LIVE_SECONDS = 20
_SHORT_SECONDS, _LARGE_SECONDS = 2, 12
_LARGE_FILM_FRAMES, _LARGE_FACTOR = 60, 1.5
_FULL = ("--quality", "full")
"""Nothing is left out on a machine that is too slow: it would be another filter that is timed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what : str
    value, peer : float or None
        Measured; the peer in the same unit and run. None where it cannot be told, or there is no
        peer.
    unit : str
    most, least : float or None
        The limit of the value, or of its ratio to the peer where there is one.
    """

    what: str
    value: float | None
    unit: str
    peer: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value by that of the peer."""
        return None if self.value is None or not self.peer else self.value / self.peer

    @property
    def wanted(self) -> str:
        """What is to be reached, in words."""
        unit = f" {self.unit}" if self.peer is None else " x"
        limits = (("at most", self.most), ("at least", self.least))
        return ", ".join(f"{word} {limit:g}{unit}" for word, limit in limits if limit is not None)

    @property
    def reached(self) -> bool | None:
        """Whether it is; None where nothing could be measured."""
        judged = self.value if self.peer is None else self.ratio
        if judged is None:
            return None
        most = math.inf if self.most is None else self.most
        least = -math.inf if self.least is None else self.least
        return bool(least <= judged <= most)

    def for_json(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return {
            **asdict(self),
            "ratio": self.ratio,
            "wanted": self.wanted,
            "reached": self.reached,
        }


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


def _rounds(frames: Sequence[Frame]) -> tuple[list[Run], list[float], list[FaceTrack | NoFace]]:
    """Run the program and detection alone on the same frames by turns.

    Returns
    -------
    runs, seconds, tracks
        The program's; of each detection but the first of a round, which the program's rate does
        not count either; the faces of the last round.
    """
    runs: list[Run] = []
    seconds: list[float] = []
    tracks: list[FaceTrack | NoFace] = []
    for _ in range(_ROUNDS):
        runs.append(bench_runs.run("--fast", *_FULL, frames=len(frames)))
        took, tracks = _detection(frames)
        seconds += took[1:]
    return runs, seconds, tracks


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


def _rate(runs: Sequence[Run]) -> float:
    """Return frames per second over all runs, each of as many frames."""
    return 1 / float(np.mean([1 / run.report["fps"] for run in runs]))


def _added_ms(live: Run, percentile: str) -> float:
    """Return how much later frames go out than detection alone would have them, ms."""
    report = live.report
    return float(report["latency_ms"][percentile] - report["stages_ms"]["detect"][percentile])


def _started_cold() -> Run:
    """Run the program as on a machine on which it has never run: with nothing compiled."""
    with tempfile.TemporaryDirectory() as folder:
        return bench_runs.run(*_FULL, frames=1, environ={"NUMBA_CACHE_DIR": folder})


def _large_runs(frames: Sequence[Frame]) -> tuple[Run, Run]:
    """Run the program for a while and for longer on the film enlarged to 1920x1080."""
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "large.mp4"
        bench_runs.write_enlarged(film, frames[:_LARGE_FILM_FRAMES], _LARGE_FACTOR, _FPS)
        short, long = (
            bench_runs.run(*_FULL, frames=_FPS * seconds, source=str(film))
            for seconds in (_SHORT_SECONDS, _LARGE_SECONDS)
        )
    return short, long


def measure(tell: Callable[[str], None] = lambda what: None) -> dict[str, Any]:
    """Measure everything.

    Parameters
    ----------
    tell : callable, optional
        Takes what is measured next, in a few words.

    Returns
    -------
    dict
        ``machine``, ``rows`` (as :class:`Row`), ``kernel`` (as :func:`bench_apply.measure`) and
        ``stages_ms``, for JSON.

    Raises
    ------
    LivexprError
        When a run of the program fails.
    RuntimeError
        When kernel and peers disagree.
    """
    tell("starting")
    # Before anything is loaded here: a process begins with its parent's peak of memory.
    bench_runs.compile_kernels()
    cold = _started_cold()
    warm = bench_runs.run(*_FULL, frames=1)
    tell("the whole loop, live")
    exact = bench_runs.run(*_FULL, frames=_FPS * _LIVE_SECONDS)
    predicted = bench_runs.run("--sync", "predict", *_FULL, frames=_FPS * _LIVE_SECONDS)
    tell("1920x1080")
    frames = _demo_frames()
    short, large = _large_runs(frames)
    tell("the whole loop, as fast as it goes, and detection alone")
    whole, detect, tracks = _rounds(frames)
    tell("the kernel alone")
    pipeline.warm_up()
    kernel = bench_apply.measure()
    happy = _filtering(frames, tracks, "happy")
    off = _filtering(frames, tracks, "off")

    apply_ms = kernel["apply_ms"]["p50"]
    share = bench_runs.processor_share(short, large)
    rows = [
        Row("fused kernel, by cv2.remap of the face's box", apply_ms, "ms",
            peer=kernel["remap_ms"]["p50"], most=1.0),
        Row("fused kernel, by the same work as a chain of OpenCV calls", apply_ms, "ms",
            peer=kernel["chain_ms"]["p50"], most=0.5),
        Row("whole loop, by detection alone", _rate(whole), "fps",
            peer=1 / float(np.mean(detect)), least=0.95),
        Row("latency added to detection, p50", _added_ms(exact, "p50"), "ms", most=3),
        Row("latency added to detection, p99", _added_ms(exact, "p99"), "ms", most=8),
        Row("latency with --sync predict, p50", predicted.report["latency_ms"]["p50"], "ms",
            most=5),
        Row("1920x1080, face 540 px: rate", large.report["fps"], "fps", least=29.5),
        Row("1920x1080, face 540 px: of two cores", None if share is None else 100 * share, "%",
            most=60),
        Row("first start, until filtered", cold.ready_s, "s", most=4),
        Row("later starts, until filtered", warm.ready_s, "s", most=2.5),
        Row("preset off, beside detection", percentiles_ms(off)["p50"], "ms", most=1),
        Row("peak memory of a run", exact.peak_mb, "MB", most=500),
    ]  # fmt: skip
    return {
        "machine": _machine(exact.report),
        "rows": [row.for_json() for row in rows],
        "kernel": kernel,
        "stages_ms": {
            "detect": percentiles_ms(detect),
            "filter": percentiles_ms(happy[_WARM_FRAMES:]),
            "live": exact.report["stages_ms"],
            "live_latency": exact.report["latency_ms"],
            "predict_latency": predicted.report["latency_ms"],
        },
    }


def _machine(report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        **report["versions"],
        "threads": report["threads"],
        "threading_layer": report["threading_layer"],
    }


def main(as_json: bool = False) -> int:
    """Print the table of :func:`measure`, or JSON; return the exit code."""
    from rich.console import Console

    errors = Console(stderr=True)
    with errors.status("") as status:
        report = measure(lambda what: status.update(f"measuring: {what}"))
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return 0
    from rich.table import Table

    table = Table("what", "measured", "peer", "ratio", "wanted", "reached")
    for row in report["rows"]:
        table.add_row(
            row["what"],
            _number(row["value"], row["unit"]),
            _number(row["peer"], row["unit"]),
            _number(row["ratio"]),
            row["wanted"],
            {True: "yes", False: "no", None: "not measured"}[row["reached"]],
        )
    console = Console()
    console.print(table)
    console.print(bench_apply.told(report["kernel"]), highlight=False)
    console.print(", ".join(f"{k} {v}" for k, v in report["machine"].items()), highlight=False)
    return 0


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.2f} {unit}".strip()
