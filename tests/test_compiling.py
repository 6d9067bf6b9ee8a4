"""Kernels that are compiled in a process of their own: whatever becomes of that."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from kernels import warmup
from kernels.awaited import Awaited
from livexpr import compiling
from livexpr.compiling import Compiling

TWO_STEPS = "print('0 2'); print('1 2'); print(); print('2 2'); print()"
ENDLESS = "import sys; print('0 9', flush=True); sys.stdin.read()"
LIMIT_S = 60.0


class Told:
    """Takes what is told and said, and stands for the kernels: two steps."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.lines: list[str] = []
        self.awaited = Awaited(), Awaited()
        self.steps = tuple(
            warmup.Step(awaited, partial(self.load, name))
            for awaited, name in zip(self.awaited, ("first", "second"), strict=True)
        )
        self.error: Exception | None = None
        self.begun, self.go_on = threading.Event(), threading.Event()

    def tell(self, done: int, total: int) -> None:
        self.told.append((done, total))
        self.begun.set()

    @contextlib.contextmanager
    def telling(self, tell) -> Iterator[None]:
        self.compiling = tell
        yield

    def load(self, name: str) -> None:
        self.told.append((name, *map(bool, self.awaited)))
        if self.error is not None:
            raise self.error

    def wait(self, awaited: Awaited) -> None:
        """Compile as long as the test wants."""
        self.begun.set()
        assert self.go_on.wait(LIMIT_S)
        self.compiling(1, 9)
        raise AssertionError("it goes on")


@pytest.fixture
def told(monkeypatch):
    told = Told()
    monkeypatch.setattr(warmup, "STEPS", told.steps)
    monkeypatch.setattr(warmup, "telling", told.telling)
    return told


@pytest.fixture
def begun(told, monkeypatch):
    """Begin compiling by a program of which this is the text."""
    every: list[Compiling] = []

    def begin(program: str) -> Compiling:
        monkeypatch.setattr(compiling, "_PROGRAM", program)
        every.append(Compiling(told.tell, told.lines.append))
        return every[-1]

    yield begin
    for each in every:
        assert each.close()


def wait_for(compiled: Compiling) -> None:
    end_s = time.monotonic() + LIMIT_S
    while compiled.at_work:
        assert time.monotonic() < end_s
        time.sleep(0.01)


LOADED = [("first", False, True), ("second", False, False)]
"""Step by step; whoever loads does not stand in for what it loads."""


def test_another_process_compiles_and_this_one_loads(begun, told):
    compiled = begun(TWO_STEPS)
    wait_for(compiled)
    assert told.told == [(0, 2), (1, 2), LOADED[0], (2, 2), LOADED[1]]
    assert told.lines == ["the kernels are compiled"]
    assert not any(told.awaited)


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "import os; os.abort()", "print('?')"])
def test_what_the_other_process_leaves_undone_is_done_here(begun, told, program):
    wait_for(begun(program))
    assert told.told == LOADED
    assert told.lines == ["the kernels are compiled"]
    assert not any(told.awaited)


@pytest.mark.parametrize("executable", ["", None, "/nowhere/python"])
def test_without_another_process_they_are_compiled_here(begun, told, monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)
    wait_for(begun(TWO_STEPS))
    assert told.told == LOADED
    assert not any(told.awaited)


def test_what_cannot_be_compiled_is_stood_in_for(begun, told):
    told.error = ValueError("no such register")
    wait_for(begun(TWO_STEPS))
    assert len(told.lines) == 1
    assert "slow" in told.lines[0]
    assert "no such register" in told.lines[0]
    assert all(told.awaited)


def test_the_end_ends_the_other_process(begun, told):
    compiled = begun(ENDLESS)
    assert all(told.awaited)
    assert told.begun.wait(LIMIT_S)
    process = compiled._process
    assert process is not None
    assert compiled.close()
    assert process.returncode is not None
    assert (told.told, told.lines) == ([(0, 9)], [])
    assert not any(told.awaited)
    assert not compiled.at_work


def test_the_end_ends_compiling_here(begun, told, monkeypatch):
    steps = [warmup.Step(one, partial(told.wait, one)) for one in told.awaited]
    monkeypatch.setattr(warmup, "STEPS", steps)
    monkeypatch.setattr(sys, "executable", "")
    compiled = begun("")
    assert told.begun.wait(LIMIT_S)
    threading.Timer(0.1, told.go_on.set).start()
    assert compiled.close()
    assert (told.told, told.lines) == ([], [])


def main_in_a_process(*steps: str) -> subprocess.Popen[str]:
    """Start what compiles, where these are the steps instead."""
    program = "import time; from kernels import warmup; "
    program += f"warmup.STEPS = [warmup.Step(None, step) for step in [{','.join(steps)}]]; "
    program += "warmup.main()"
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:] = sys.argv[1:]; {program}", *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_who_compiles_tells_how_far_it_is():
    with main_in_a_process("int", "lambda: warmup._tell('3 4')") as process:
        assert process.stdout is not None
        assert process.stdout.read() == "\n3 4\n\n"
    assert process.returncode == 0


def test_who_compiles_ends_with_whoever_asked():
    with main_in_a_process("int", "lambda: time.sleep(600)") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "\n"
        if sys.platform != "win32":
            os.kill(process.pid, signal.SIGINT)  # as Ctrl-C does to all that share a terminal
        process.stdin.close()
        assert process.wait(LIMIT_S) == 1
