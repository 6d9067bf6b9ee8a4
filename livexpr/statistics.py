"""What a run is measured by: counts, and times in bounded memory however long it runs."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livexpr.errors import LivexprError

STAGES = ("detect", "smooth", "place", "apply", "publish")
PERCENTILES = (50, 95, 99)
_DISTRIBUTIONS = ("livexpr", "numpy", "numba", "opencv-python", "mediapipe", "pyvirtualcam")

# Bins of 1 % from a microsecond to a quarter of an hour: percentiles are within 0.5 %.
_SHORTEST_S = 1e-6
_LONGEST_S = 1e3
_RATIO = 1.01
_STARTTIME = 22
"""Field of /proc/PID/stat, proc(5), counted from 1: when the process started, in ticks."""

_LOADED_S = time.perf_counter()

_N_BINS = math.ceil(math.log(_LONGEST_S / _SHORTEST_S) / math.log(_RATIO)) + 1


class Durations:
    """Many durations, kept as counts in narrow bins."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_N_BINS, np.int64)
        self._zeros = 0

    def add(self, duration_s: float) -> None:
        """Count a duration in s; of what is 0 or below, only that it was nothing."""
        if duration_s <= 0.0:
            self._zeros += 1
            return
        place = math.log(max(duration_s, _SHORTEST_S) / _SHORTEST_S) / math.log(_RATIO)
        self._counts[min(round(place), _N_BINS - 1)] += 1

    def __len__(self) -> int:
        return self._zeros + int(self._counts.sum())

    def percentiles_ms(self) -> dict[str, float] | None:
        """Return ``{"p50": ..., "p95": ..., "p99": ...}`` in ms; None without any duration.

        >>> durations = Durations()
        >>> for milliseconds in range(1, 101):
        ...     durations.add(milliseconds / 1000)
        >>> round(durations.percentiles_ms()["p50"])
        50
        """
        count = len(self)
        if count == 0:
            return None
        reached = self._zeros + np.cumsum(self._counts)
        found = {}
        for percent in PERCENTILES:
            rank = math.ceil(count * percent / 100)
            place = int(np.searchsorted(reached, rank))
            seconds = 0.0 if rank <= self._zeros else _SHORTEST_S * _RATIO**place
            found[f"p{percent}"] = round(seconds * 1000, 4)
        return found


def percentiles_ms(durations_s: NDArray[np.float64]) -> dict[str, float] | None:
    """Return the percentiles of (N,) durations in s as :meth:`Durations.percentiles_ms`."""
    if durations_s.size == 0:
        return None
    values = np.percentile(durations_s, PERCENTILES) * 1000
    return {f"p{p}": round(float(v), 4) for p, v in zip(PERCENTILES, values, strict=True)}


@dataclass(slots=True)
class Statistics:
    """What is counted while frames go through.

    Attributes
    ----------
    frames_in, frames_out, frames_dropped, frames_with_face : int
        Read from the source; published; lost between; those on which a face was found.
    first_s, last_s : float or None
        When the first and the last frame were published, in s on the monotonic clock.
    first_filtered_s : float or None
        The same of the first frame with a face that went through the filter; there the effect
        begins to ease in.
    stages : dict of str to Durations
        How long each stage took for each frame, but for publishing.
    """

    frames_in: int = 0
    frames_out: int = 0
    frames_dropped: int = 0
    frames_with_face: int = 0
    first_s: float | None = None
    last_s: float | None = None
    first_filtered_s: float | None = None
    stages: dict[str, Durations] = field(
        default_factory=lambda: {name: Durations() for name in STAGES if name != "publish"}
    )
    _filtered: bool = field(default=False, init=False, repr=False)

    def add_stages(self, stages_s: Mapping[str, float]) -> None:
        """Count how long stages took, in s, of the frame that is published next."""
        self._filtered |= stages_s.get("apply", 0.0) > 0.0
        for name, duration_s in stages_s.items():
            self.stages[name].add(duration_s)

    def published(self, now_s: float) -> None:
        """Count a frame that was handed to the publisher."""
        self.frames_out += 1
        self.first_s = now_s if self.first_s is None else self.first_s
        self.last_s = now_s
        if self._filtered and self.first_filtered_s is None:
            self.first_filtered_s = now_s

    @property
    def fps(self) -> float | None:
        """Frames published per second, from the first to the last; None for fewer than two."""
        if self.first_s is None or self.last_s is None or self.last_s <= self.first_s:
            return None
        return (self.frames_out - 1) / (self.last_s - self.first_s)

    def report(self, latency_s: NDArray[np.float64], send_s: NDArray[np.float64]) -> dict[str, Any]:
        """Return everything as it is written to JSON.

        Parameters
        ----------
        latency_s, send_s : ndarray of shape (N,), float64
            The publisher's: from capture until published, and time spent publishing, in s.
        """
        stages = {name: durations.percentiles_ms() for name, durations in self.stages.items()}
        stages["publish"] = percentiles_ms(send_s)
        return {
            "frames": {
                "in": self.frames_in,
                "out": self.frames_out,
                "dropped": self.frames_dropped,
                "with_face": self.frames_with_face,
            },
            "fps": None if self.fps is None else round(self.fps, 3),
            "first_frame_s": _since(self.first_s),
            "first_filtered_s": _since(self.first_filtered_s),
            "latency_ms": percentiles_ms(latency_s),
            "stages_ms": stages,
            "versions": versions(),
            **_threads(),
        }


def process_start_s() -> float:
    """Return when this process started, in s on the clock of ``time.perf_counter``.

    To a hundredth of a second on Linux. Elsewhere it is when this module was loaded, some two
    tenths later.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            # What stands before the last bracket is the program's name, which may hold anything.
            fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
            started_s = int(fields[_STARTTIME - 3]) / os.sysconf("SC_CLK_TCK")
            return time.perf_counter() - (time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    return _LOADED_S


def _since(now_s: float | None) -> float | None:
    return None if now_s is None else round(now_s - process_start_s(), 2)


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of what decides about speed; None where missing."""
    import importlib.metadata

    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in _DISTRIBUTIONS:
        try:
            found[name.partition("-")[0]] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name.partition("-")[0]] = None
    if found["livexpr"] is None:  # a bare checkout
        from livexpr import __version__

        found["livexpr"] = __version__
    return found


def _threads() -> dict[str, Any]:
    """Return the kernels' threads, without loading Numba for the question."""
    numba: Any = sys.modules.get("numba")
    # Stopped while it was still being imported, it is there in part.
    if not hasattr(numba, "threading_layer") or not hasattr(numba, "get_num_threads"):
        return {"threads": None, "threading_layer": None}
    try:
        layer = numba.threading_layer()
    except ValueError:  # no kernel has run
        layer = None
    return {"threads": numba.get_num_threads(), "threading_layer": layer}


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report as JSON.

    Raises
    ------
    LivexprError
        When the file cannot be written.
    """
    try:
        path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise LivexprError(
            f"cannot write the statistics to {path}: {error.strerror}; choose another --stats"
        ) from None
