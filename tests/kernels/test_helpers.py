"""Threads that help to draw: the picture is the same, whoever comes, late or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import numba
import numpy as np
import pytest

from kernels import helpers
from kernels.apply import apply
from tests.kernels.test_apply import LIGHT, lattice, moved, noise

pytestmark = [
    pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="Numba is off: nobody helps"),
    pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="there is one thread only"),
]


@pytest.fixture(autouse=True)
def _threads():
    """Leave the number of threads as it was, and no helper of a test to the next one."""
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


def draw(seed: int, threads: int, height: int = 200):
    """Return a picture that so many threads draw, of a mesh that covers all of it."""
    rng = np.random.default_rng(seed)
    src = noise(rng, height, 90)
    target, triangles = lattice(rng, height, 90, cells=8, step=1e-3)
    values = moved(target, 0.7, -1.3, amount=1)
    values[:, 2:4] = rng.uniform(0, 1, (len(target), 2))
    gain_bias = rng.normal(0, 0.2, (16, 16, 4)).astype(np.float32)
    numba.set_num_threads(threads)
    out = np.zeros_like(src)
    apply(out, src, target, values, triangles, 3, gain_bias, gain_bias, LIGHT, sharp=True)
    return out


def test_two_threads_draw_what_one_draws_and_their_number_may_change():
    for seed in range(30):
        height = 60 + 11 * seed
        alone = draw(seed, 1, height)
        assert alone.any()
        for threads in (2, 1, 2):
            np.testing.assert_array_equal(draw(seed, threads, height), alone)


def test_a_helper_that_never_comes_is_not_waited_for(monkeypatch):
    alone = draw(1, 1)
    idle = helpers.Helpers()
    monkeypatch.setattr("kernels.apply.HELPERS", idle)
    monkeypatch.setattr(helpers, "_help", lambda job, bell, worker: None)
    for _ in range(3):
        np.testing.assert_array_equal(draw(1, 2), alone)
    assert idle.job[helpers.PATIENCE] >= 0


def test_a_helper_that_is_late_draws_nothing(monkeypatch):
    """The job it was called for is closed, so what that names may no longer be there."""
    alone = draw(2, 1)
    own, comes = helpers.Helpers(), threading.Event()
    late = []

    def help_late(job, bell, worker):
        comes.wait()
        before = job.copy()
        helpers._help_jit(job, worker, 100)
        late.append((before, job.copy()))

    monkeypatch.setattr("kernels.apply.HELPERS", own)
    monkeypatch.setattr(helpers, "_help", help_late)
    out = draw(2, 2)
    out_before = out.copy()
    comes.set()
    for thread in own._threads:
        thread.join()
    ((before, after),) = late
    np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(out, out_before)
    np.testing.assert_array_equal(out, alone)


def test_two_callers_take_turns():
    expected = [draw(seed, 1) for seed in (3, 4)]
    wrong = []

    def call(k):
        for _ in range(40):
            if not np.array_equal(draw(3 + k, 2), expected[k]):
                wrong.append(k)

    callers = [threading.Thread(target=call, args=(k,)) for k in (0, 1)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_an_interrupt_waits_for_those_who_still_draw(monkeypatch):
    answers = [KeyboardInterrupt, False, KeyboardInterrupt, True]

    def awaited(job):
        answer = answers.pop(0)
        if answer is KeyboardInterrupt:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(helpers, "_awaited_jit", awaited)
    with pytest.raises(KeyboardInterrupt):
        helpers.Helpers().wait()
    assert answers == []


def test_jobs_that_follow_each_other_closely_are_not_mistaken_for_one_another():
    """Helpers come while one job is closed and the next one, of other arrays, is opened."""
    expected = [draw(seed, 1, 20 + 7 * seed) for seed in range(6)]
    for k in range(600):
        seed = k % len(expected)
        np.testing.assert_array_equal(draw(seed, 2, 20 + 7 * seed), expected[seed])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_is_forked_while_another_thread_draws_draws_too():
    script = """
        import os, threading, warnings
        import numpy as np
        from kernels import ONE_CALLER
        from tests.kernels.test_helpers import draw

        expected = draw(6, 1)
        warnings.simplefilter("ignore")  # that there are threads is the point
        draws, done = threading.Event(), threading.Event()

        def hold():
            with ONE_CALLER:
                draws.set()
                done.wait(0.2)

        thread = threading.Thread(target=hold)
        thread.start()
        draws.wait()
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(draw(6, 2), expected) else 1)
        thread.join()
        assert np.array_equal(draw(6, 2), expected)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_with_two_threads(script) == "0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_draws_too():
    script = """
        import os, warnings
        import numpy as np
        from kernels.helpers import HELPERS
        from tests.kernels.test_helpers import draw

        expected = draw(5, 2)
        assert HELPERS._threads
        warnings.simplefilter("ignore")  # that there are threads is the point
        child = os.fork()
        if child == 0:
            fewer = not HELPERS._threads
            good = all(np.array_equal(draw(5, n), expected) for n in (2, 1, 2))
            os._exit(0 if good and fewer else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_with_two_threads(script) == "0"


def run_with_two_threads(script: str) -> str:
    """Return what a process prints that may use two threads for kernels."""
    command = [sys.executable, "-c", textwrap.dedent(script)]
    two = {**os.environ, "NUMBA_NUM_THREADS": "2"}
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=two)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()
