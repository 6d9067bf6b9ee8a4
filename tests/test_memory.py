"""Memory stays flat: what is thrown away is given back, and what stays is left alone."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from livexpr import memory
from livexpr.film import open_film
from livexpr.lane import _TIMINGS_KEPT, Timings
from tests.soak.held import HEAP_IS_TOLD, held

MANY_THREADS = """
import ctypes, threading
from livexpr import memory
memory.keep_in_one_pool()

def use():
    kept = [bytearray(50_000) for _ in range(400)]
    together.wait()

threads = [threading.Thread(target=use) for _ in range(8)]
together = threading.Barrier(len(threads))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library = ctypes.CDLL(None)
library.fdopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fdopen(1, b"w")))
library.fflush(None)
"""


def pools_of_threads(**environment: str) -> int:
    """Count what glibc sets up for threads beside the one pool."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_THREADS],
        env={"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.count("<heap nr=") - 1


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's pools are a matter of Linux")
def test_threads_share_one_pool_of_memory_unless_the_user_says_otherwise():
    if pools_of_threads(MALLOC_ARENA_MAX="8") == 0:
        pytest.skip("this C library has no pools for threads")
    assert pools_of_threads() == 0


def test_memory_can_be_given_back_at_any_time():
    kept = np.arange(100_000)
    memory.give_back()
    assert kept[-1] == 99_999


def test_what_was_loaded_is_no_longer_looked_through():
    loaded = [[number] for number in range(1000)]
    try:
        memory.settle()
        assert gc.get_freeze_count() >= len(loaded)
        assert not any(found is loaded for found in gc.get_objects())
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    "count", [0, 1, 5, _TIMINGS_KEPT, _TIMINGS_KEPT + 1, 2 * _TIMINGS_KEPT + 7]
)
def test_the_last_timings_are_kept_in_order_and_in_the_same_memory(count):
    timings = Timings()
    for index in range(count):
        timings.add(float(index), -float(index))
    expected = np.arange(max(0, count - _TIMINGS_KEPT), count, dtype=np.float64)
    np.testing.assert_array_equal(timings.latency_s, expected)
    np.testing.assert_array_equal(timings.send_s, -expected)


@pytest.mark.skipif(not HEAP_IS_TOLD, reason="told by glibc from 2.33 on")
@pytest.mark.parametrize(("suffix", "bytes_a_frame"), [(".mkv", (-20, 20)), (".mp4", (50, 100))])
def test_a_film_keeps_an_index_at_most(tmp_path, suffix, bytes_a_frame):
    """An MP4's is 73 bytes a frame: 8 MB for an hour, as the README says."""
    pixels = np.zeros((48, 64, 3), np.uint8)
    film = open_film(tmp_path / f"long{suffix}", (64, 48), 30)
    for _ in range(1000):
        film.send(pixels)
    before_mb = held().in_use_mb
    for _ in range(16_000):
        film.send(pixels)
    grown = 1e6 * (held().in_use_mb - before_mb) / 16_000
    film.close()
    assert bytes_a_frame[0] < grown < bytes_a_frame[1]
