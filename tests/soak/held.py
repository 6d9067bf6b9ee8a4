"""What the process holds: memory, threads, descriptors; and how memory grows from film to film."""

from __future__ import annotations

import ctypes
import gc
import itertools
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from livexpr import memory


class Held(NamedTuple):
    """What the process held at a moment."""

    resident_mb: float
    """Private memory, with what the C library holds in reserve: 10 to 55 MB, by chance."""

    used_mb: float
    """The same once that was given back: a leak raises it, and pages that are kept for crumbs."""

    in_use_mb: float
    """Of it, what the C library has handed out and not got back; else 0."""

    heap_mb: float
    """What it has asked the system for: memory that falls to pieces raises it; else 0."""

    objects: int
    """Blocks of memory that Python's objects take."""

    threads: int
    """Also those of libraries."""

    descriptors: int


class _Mallinfo2(ctypes.Structure):
    """Of glibc's malloc.h, from 2.33 on."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    ]  # fmt: skip


def held() -> Held:
    resident_mb = _resident_mb()
    # What waits for the collector, or to be given back, is no leak.
    gc.collect()
    memory.give_back()
    return Held(
        resident_mb,
        _resident_mb(),
        *_heap_mb(),
        sys.getallocatedblocks(),
        len(os.listdir("/proc/self/task")),
        len(os.listdir("/proc/self/fd")),
    )


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))
    return kilobytes * 1.024e-3


HEAP_IS_TOLD = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallinfo2")
"""Whether this C library, or this release of it, says what it has handed out."""


def _heap_mb() -> tuple[float, float]:
    """Return what the C library has handed out, and what it has for that."""
    if not HEAP_IS_TOLD:
        return 0.0, 0.0
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _Mallinfo2
    found = mallinfo2()
    return (found.uordblks + found.hblkhd) * 1e-6, (found.arena + found.hblkhd) * 1e-6


def floors_of(
    times_s: np.ndarray, used_mb: np.ndarray, played: list[tuple[int, str]]
) -> list[tuple[float, float, str]]:
    """Return time, least memory and name of each film that was played, as often as it was.

    While a detector hangs there are two of them, 35 MB each. What leaks raises the least, too.
    """
    floors: dict[int, tuple[float, float, str]] = {}
    for time_s, mb, (number, film) in zip(times_s.tolist(), used_mb.tolist(), played, strict=True):
        if number not in floors or mb < floors[number][1]:
            floors[number] = (time_s, mb, film)
    return list(floors.values())


def by_film(floors: list[tuple[float, float, str]]) -> dict[str, list[float]]:
    """Return the floors of each film, in the order in which they were seen, for a report."""
    return {
        film: [round(used_mb, 1) for _, used_mb, of in floors if of == film]
        for film in sorted({film for _, _, film in floors})
    }


def mb_per_10_min(floors: list[tuple[float, float, str]]) -> float:
    """Return the median of the slopes between each two times that a film was played; else 0.

    Pictures of one film take more memory than those of another, and which one comes last is chance.
    So is when a film was played between detectors that hung, and has a high floor for once: a
    straight line follows such a one.
    Theil, Sen: Estimates of the regression coefficient based on Kendall's tau, JASA 63 (1968).
    """
    slopes = [
        (later_mb - mb) / (later_s - time_s)
        for (time_s, mb, film), (later_s, later_mb, other) in itertools.combinations(floors, 2)
        if film == other
    ]
    return round(600.0 * float(np.median(slopes)), 2) if slopes else 0.0
