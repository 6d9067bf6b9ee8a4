"""Runs the filter on the demo and the clips, with faults from a seeded schedule, and reports.

``python -m tests.soak --minutes 30 --seed 1``
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from livexpr import edges, memory, presets, runtime
from livexpr.capture_thread import Source
from livexpr.errors import CameraError, VirtualCameraError
from livexpr.recordings import open_recording
from livexpr.settings import Settings
from livexpr.terminal import TerminalKeys
from tests.soak.faults import (
    KINDS,
    LONGEST_S,
    SHORTEST_S,
    Faults,
    FaultyCamera,
    FaultyEngine,
    FaultyFilm,
    FaultyWebcam,
    load_preset,
)
from tests.soak.held import Held, by_film, floors_of, held, mb_per_10_min

HOME = Path(__file__).resolve().parents[2]
CLIPS = HOME.parent / "shared" / "clips"
GIVE_UP_S = 20.0
MEMORY_MINUTES = 10.0
"""A shorter run tells nothing of memory: libraries fill their pools for some minutes."""

WARM_UP = 1.0 / 3.0
"""Of the time, which is not judged."""

LIMITS = {"recovery_s": 3.0, "gap_ms": 200.0, "age_ms": 1000.0, "mb_per_10_min": 1.0}
MORE_HEAP_MB = 35.0
"""How much the C library may have asked for besides: one detector, which came to lie elsewhere."""


class Keys(TerminalKeys):
    """Keys that the schedule presses."""

    usable = True

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = None
        self.pressed: list[str] = []

    def __enter__(self) -> Keys:
        return self

    def read(self) -> list[str]:
        pressed, self.pressed = self.pressed, []
        return pressed

    def close(self) -> None:
        pass


class Soak:
    """One run: the filter in the main thread, the schedule and the measuring beside it."""

    def __init__(self, minutes: float, seed: int, kinds: list[str], folder: Path) -> None:
        self.faults = Faults()
        self.keys = Keys()
        self.said: list[str] = []
        self.exceptions: list[str] = []
        self.recoveries_s: dict[str, list[float]] = defaultdict(list)
        self.slowest: dict[str, tuple[str, dict[str, int]]] = {}
        self.samples: list[tuple[float, Held]] = []
        self.played: list[tuple[int, str]] = []
        self._random = random.Random(seed)
        self._kinds = kinds
        self._began_s = time.perf_counter()
        self._end_s = self._began_s + 60.0 * minutes
        self._folder = folder
        clips = sorted(CLIPS.iterdir()) if CLIPS.is_dir() else []
        # All open from the start to the end: their decoders' memory is no webcam's.
        self._films = [_film(path) for path in (HOME / "livexpr" / "assets" / "demo.mp4", *clips)]
        self._next_film = itertools.cycle(self._films)
        threading.excepthook = self._uncaught

    def edges(self) -> edges.Edges:
        return edges.Edges(
            say=self.said.append,
            open_source=lambda settings, fast: self._webcam(),
            reopen_source=lambda source: self._webcam(),
            is_webcam=lambda source: True,
            may_freeze=lambda source: True,
            open_virtual_camera=self._camera,
            open_film=lambda *asked: FaultyFilm(edges.open_film(*asked), self.faults),
            open_terminal=lambda: self.keys,
            load_engine=lambda *asked: FaultyEngine(edges.load_engine(*asked), self.faults),
            load_preset=lambda name: load_preset(self.faults, name),
        )

    def run(self) -> None:
        # Matroska: an MP4's index stays in memory to the end, which would hide what leaks.
        settings = Settings(
            outputs=("camera", str(self._folder / "soak.mkv")), size=(1280, 720), preview=False
        )
        settings = replace(settings, preset=presets.load("happy"))
        schedule = threading.Thread(target=self._schedule, name="schedule", daemon=True)
        schedule.start()
        try:
            runtime.run(settings, edges=self.edges())
        except BaseException:
            self.exceptions.append(traceback.format_exc())
        schedule.join(GIVE_UP_S)
        for film in self._films:
            film.close()

    def _webcam(self) -> FaultyWebcam:
        if self.faults.active == "webcam unplugged":
            raise CameraError("it is away")
        return FaultyWebcam(next(self._next_film), self.faults)

    def _camera(self, device: str | None, size: tuple[int, int], fps: float) -> FaultyCamera:
        if self.faults.active == "virtual camera gone":
            raise VirtualCameraError("there is no device")
        return FaultyCamera(size, self.faults)

    def _schedule(self) -> None:
        if not self._recovered(time.perf_counter(), 60.0):
            self.exceptions.append("it never began")
        while time.perf_counter() < self._end_s:
            for kind in self._random.sample(self._kinds, len(self._kinds)):
                self._inject(kind)
                if time.perf_counter() >= self._end_s:
                    break
        self.keys.pressed.append("q")

    def _inject(self, kind: str) -> None:
        time.sleep(self._random.uniform(1.0, 2.0))
        self.samples.append((time.perf_counter(), held()))
        self.played.append((self.faults.opened, self.faults.film))
        lasts_s = self._random.uniform(SHORTEST_S.get(kind, 0.3), LONGEST_S.get(kind, 2.0))
        self.faults.begin(kind)
        if kind == "preset broken":
            self.keys.pressed.extend("nop")
        time.sleep(lasts_s)
        self.faults.end()
        ended_s = time.perf_counter()
        self._recovered(ended_s, GIVE_UP_S)
        self._note(kind, time.perf_counter() - ended_s)
        if kind == "preset broken":
            self.keys.pressed.append("o")

    def _recovered(self, since_s: float, limit_s: float) -> bool:
        """Wait until a frame that came later was filtered and shown."""
        while time.perf_counter() - since_s < limit_s:
            good_s = self.faults.good_at_s
            if good_s > since_s and self.faults.sent_at_s > good_s:
                return True
            time.sleep(0.005)
        return False

    def _note(self, kind: str, recovery_s: float) -> None:
        self.recoveries_s[kind].append(recovery_s)
        if recovery_s == max(self.recoveries_s[kind]):
            # What the clip showed, and what the filter made of it, tells a fault from a picture.
            self.slowest[kind] = (self.faults.film, dict(self.faults.why_not))

    def _uncaught(self, found: threading.ExceptHookArgs) -> None:
        self.exceptions.append("".join(traceback.format_exception(found.exc_value)))

    def report(self) -> dict[str, object]:
        times_s = np.array([time_s for time_s, _ in self.samples])
        # What the first faults make the libraries load and keep is no leak.
        judged = times_s >= times_s[0] + WARM_UP * np.ptp(times_s)
        times_s = times_s[judged]
        all_held = np.array([found for _, found in self.samples])[judged]
        resident_mb, used_mb, in_use_mb, *others = all_held.T
        played = [each for each, is_judged in zip(self.played, judged, strict=True) if is_judged]
        floors = floors_of(times_s, used_mb, played)
        in_use = floors_of(times_s, in_use_mb, played)
        third = max(1, len(times_s) // 3)
        heap_mb, objects, threads, descriptors = (
            [round(float(np.median(some)), 1) for some in (values[:third], values[-third:])]
            for values in others
        )
        unforeseen = [line for line in self.said if "report it" in line and "injected" not in line]
        worst_s = {kind: round(max(s), 2) for kind, s in sorted(self.recoveries_s.items())}
        return {
            "minutes": round((time.perf_counter() - self._began_s) / 60.0, 2),
            "frames": self.faults.frames,
            "kinds": len(self.recoveries_s),
            "faults": sum(map(len, self.recoveries_s.values())),
            "exceptions": self.exceptions + unforeseen,
            "recovery_s": worst_s,
            "slowest_recovery_from_and_frames_before_it": self.slowest,
            "gap_ms": {
                **(self.faults.gaps.percentiles_ms() or {}),
                "max": max(gap_ms for gap_ms, _ in self.faults.longest_gaps_ms.values()),
            },
            "longest_gap_ms_and_waited_for_a_processor": self.faults.longest_gaps_ms,
            "age_ms": self.faults.ages.percentiles_ms(),
            "models": self.faults.models,
            "memory_mb": {"floors": by_film(floors), "most": round(float(resident_mb.max()), 1)},
            "heap_mb": heap_mb,
            "mb_per_10_min": mb_per_10_min(floors),
            "in_use_mb": {"floors": by_film(in_use), "per_10_min": mb_per_10_min(in_use)},
            "objects": objects,
            "threads": threads,
            "descriptors": descriptors,
            "load": os.getloadavg(),
        }


def _film(path: Path) -> Source:
    return open_recording(path, name=path.name, fps=None, mirror=False, loop=True, fast=False)


def misses(report: dict[str, object]) -> list[str]:
    """Which of the limits a report does not keep."""
    found = [f"exception: {text}" for text in report["exceptions"]]
    for kind, seconds in report["recovery_s"].items():
        if seconds > LIMITS["recovery_s"]:
            found.append(f"{kind}: recovered after {seconds} s")
    if report["gap_ms"]["max"] > LIMITS["gap_ms"]:
        found.append(f"output gap of {report['gap_ms']['max']} ms")
    if report["age_ms"]["p99"] > LIMITS["age_ms"]:
        found.append(
            f"frames that are {report['age_ms']['p99']} ms old between the faults: a queue"
        )
    if report["minutes"] >= MEMORY_MINUTES and report["mb_per_10_min"] >= LIMITS["mb_per_10_min"]:
        found.append(f"memory grows by {report['mb_per_10_min']} MB per 10 minutes")
    if report["heap_mb"][1] > report["heap_mb"][0] + MORE_HEAP_MB:
        found.append(
            "memory falls to pieces: the heap went from {} to {} MB".format(*report["heap_mb"])
        )
    for name in ("threads", "descriptors"):
        if report[name][1] > report[name][0] + 2:
            found.append(f"{name} grew from {report[name][0]} to {report[name][1]}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this; repeatable")
    asked = parser.parse_args()
    memory.keep_in_one_pool()  # as a run does first of all: the films' decoders have threads
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(asked.minutes, asked.seed, asked.kind or list(KINDS), Path(folder))
        soak.run()
        report = soak.report()
    report["misses"] = misses(report)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    sys.stderr.write("".join(f"{line}\n" for line in soak.said))
    return 1 if report["misses"] else 0


if __name__ == "__main__":
    sys.exit(main())
