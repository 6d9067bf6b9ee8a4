"""Faults to inject into a real run: each begins, ends, and must be got over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from livexpr import edges
from livexpr.capture_thread import Source
from livexpr.errors import CameraError, PresetError, VirtualCameraError
from livexpr.presets import Preset
from livexpr.statistics import Durations
from livexpr.types import Faces, FaceTrack, Frame, NoFace

KINDS = (
    "webcam unplugged",
    "webcam asleep",
    "webcam frozen",
    "webcam of another size",
    "detection raises",
    "detection hangs",
    "landmarks not finite",
    "landmarks folded",
    "filter raises",
    "virtual camera gone",
    "disk full",
    "clock jumps",
    "processors busy",
    "machine suspended",
    "preset broken",
)
LONGEST_S = {"webcam frozen": 4.0, "detection hangs": 3.0}
SHORTEST_S = {"webcam frozen": 2.5, "detection hangs": 2.0}
BURN = "while True: pass"
SUSPENDED_S = 2.0
SUSPEND = f"kill -STOP {{pid}}; sleep {SUSPENDED_S}; kill -CONT {{pid}}"


@dataclass
class Faults:
    """Which fault there is now, and what was seen of the run."""

    active: str = ""
    film: str = ""
    opened: int = 0
    good_at_s: float = 0.0
    why_not: Counter[str] = field(default_factory=Counter)
    frames: int = 0
    models: int = 0
    sent_at_s: float = 0.0
    gaps: Durations = field(default_factory=Durations)
    longest_gaps_ms: dict[str, tuple[float, float]] = field(default_factory=dict)
    ages: Durations = field(default_factory=Durations)
    burning: list[subprocess.Popen[bytes]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, kind: str) -> None:
        self.active = kind
        if kind == "processors busy":
            command = [sys.executable, "-c", BURN]
            self.burning = [subprocess.Popen(command) for _ in range(4)]
        if kind == "machine suspended":
            subprocess.run(["sh", "-c", SUSPEND.format(pid=os.getpid())], check=True)

    def sent(self, now_s: float, gap_s: float | None, waited_s: float) -> None:
        """Take note of a picture, and of how long it came after the one before.

        Of that time the camera's thread has `waited_s` for a processor, as others had them all.
        """
        self.sent_at_s = now_s
        if gap_s is None:
            return
        if self.active == "machine suspended" and gap_s >= SUSPENDED_S:
            gap_s -= SUSPENDED_S  # what is left is the program's own
        self.gaps.add(gap_s)
        when = self.active or "between"
        found = (round(1e3 * gap_s, 1), round(1e3 * waited_s, 1))
        self.longest_gaps_ms[when] = max(found, self.longest_gaps_ms.get(when, found))

    def end(self) -> None:
        self.why_not.clear()
        with self.changed:
            self.active = ""
            self.changed.notify_all()
        for process in self.burning:
            process.kill()
            process.wait()
        self.burning = []

    def hold(self, kind: str, closed: threading.Event | None = None) -> None:
        """Wait while a fault lasts."""
        with self.changed:
            while self.active == kind and not (closed is not None and closed.is_set()):
                self.changed.wait(0.05)


class FaultyWebcam:
    """A film that takes itself for a webcam, and has a webcam's faults; the film stays open."""

    live = True

    def __init__(self, film: Source, faults: Faults) -> None:
        self.name, self.size, self.fps, self.notes = (
            f"webcam ({film.name})",
            film.size,
            film.fps,
            (),
        )
        self._film, self._faults = film, faults
        self._frozen: np.ndarray | None = None
        self._closed = threading.Event()
        faults.film = film.name
        faults.opened += 1

    def read(self) -> Frame | None:
        kind = self._faults.active
        if kind == "webcam unplugged":
            raise CameraError(f"{self.name} was unplugged: plug it in again")
        if kind == "webcam asleep":
            self._faults.hold(kind, self._closed)
        frame = self._film.read()
        if frame is None or self._closed.is_set():
            return None
        pixels = frame.pixels.copy()
        pixels[0, :, 0] += np.uint8(frame.index % 251)  # noise: no two pictures are the same
        if kind == "webcam frozen":
            self._frozen = pixels if self._frozen is None else self._frozen
            pixels = self._frozen.copy()
        else:
            self._frozen = None
        if kind == "webcam of another size":
            pixels = np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.75), np.uint8)
        jump_s = 86_400.0 * (-1) ** (frame.index // 7) if kind == "clock jumps" else 0.0
        return replace(frame, pixels=pixels, captured_at_s=time.perf_counter() + jump_s)

    def close(self) -> None:
        self._closed.set()


class FaultyDetector:
    def __init__(self, detector: edges.Detector, faults: Faults) -> None:
        self._detector, self._faults = detector, faults

    def prepare(self, frame: Frame) -> None:
        self._detector.prepare(frame)

    def detect_all(self, frame: Frame) -> Faces:
        kind = self._faults.active
        if kind == "detection raises":
            raise RuntimeError("injected")
        if kind == "detection hangs":
            self._faults.hold(kind)
        faces = self._detector.detect_all(frame)
        if not isinstance(faces, NoFace):
            track = faces[0]
            points = track.landmarks_px.copy()
            if kind == "landmarks not finite":
                points[::7] = np.nan
                return (replace(track, landmarks_px=points), *faces[1:])
            if kind == "landmarks folded":
                points[:, 0] = 2 * points[:, 0].mean() - points[:, 0]
                return (replace(track, landmarks_px=points), *faces[1:])
        return faces

    def close(self) -> None:
        self._detector.close()


class FaultyEngine:
    """The real filter, with faults, and a note of each frame that went through it well."""

    def __init__(self, engine: edges.Engine, faults: Faults) -> None:
        self._engine, self._faults = engine, faults
        self.looked = engine.looked
        self.initial_state = engine.initial_state
        self.load_effect = engine.load_effect
        self.close = engine.close

    @property
    def compiling(self) -> bool:
        return self._engine.compiling

    def detector(self) -> FaultyDetector:
        self._faults.models += 1
        return FaultyDetector(self._engine.detector(), self._faults)

    def process(self, frame, people, effect, state):
        if self._faults.active == "filter raises":
            raise ZeroDivisionError("injected")
        result = self._engine.process(frame, people, effect, state)
        track = people[0].track
        if isinstance(track, FaceTrack) or track.reason == "no face found":
            self._faults.good_at_s = time.perf_counter()
        else:
            self._faults.why_not[track.reason] += 1
        self._faults.frames += 1
        if not self._faults.active:
            self._faults.ages.add(time.perf_counter() - frame.captured_at_s)
        return result


class FaultyCamera:
    """A virtual camera that only looks at the time between its pictures."""

    name, repeat_fps, device = "virtual camera", 30.0, None

    def __init__(self, size: tuple[int, int], faults: Faults) -> None:
        self._shape, self._faults = (size[1], size[0], 3), faults
        self._last_s: float | None = None
        self._waited_s = 0.0

    def send(self, pixels: np.ndarray) -> None:
        if self._faults.active == "virtual camera gone":
            raise VirtualCameraError("virtual camera: there is no device")
        assert pixels.shape == self._shape, "it never changes size"
        now_s = time.perf_counter()
        waited_s = _waited_s()
        if self._last_s is None:
            self._faults.sent(now_s, None, 0.0)
        else:
            self._faults.sent(now_s, now_s - self._last_s, waited_s - self._waited_s)
        self._last_s, self._waited_s = now_s, waited_s

    def close(self) -> None:
        self._last_s = None


class FaultyFilm:
    def __init__(self, film: edges.Sink, faults: Faults) -> None:
        self.name = film.name
        self._film, self._faults = film, faults

    def send(self, pixels: np.ndarray) -> None:
        if self._faults.active == "disk full":
            raise VirtualCameraError(f"cannot write {self.name}: No space left on device")
        self._film.send(pixels)

    def close(self) -> None:
        self._film.close()


def _waited_s() -> float:
    """For how long this thread could have run and had no processor; Linux's count."""
    # Not by pathlib: it interns a path's parts, for each frame anew, until Python's table of them
    # doubles; two megabytes that are the soak's own.
    with open("/proc/thread-self/schedstat") as file:
        return int(file.read().split()[1]) * 1e-9


def load_preset(faults: Faults, name: str) -> Preset:
    if faults.active == "preset broken":
        raise PresetError(f"preset {name} is broken")
    return edges.presets.load(name)
