"""Working on chunks in other processes: order, errors, ends, and the same bytes as in one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from livexpr.errors import CameraError, LivexprError
from livexpr.pictures import read_content
from livexpr.training.photo_pairs import fit_command
from livexpr.training.workers import chunked, in_this_process, local_processes, place, submitted

HOME = Path(__file__).resolve().parents[2]


def test_chunks_hold_everything_once_in_order() -> None:
    chunks = list(chunked(range(20), 8))
    assert [len(chunk) for chunk in chunks] == [8, 8, 4]
    assert [one for chunk in chunks for one in chunk] == list(range(20))


class TestSubmitted:
    """The order of the results, on threads."""

    def test_results_come_in_the_order_of_the_items(self) -> None:
        def slow_first(i: int) -> int:
            time.sleep(0.05 / (i + 1))
            return i * i

        with ThreadPoolExecutor(4) as pool:
            in_order = partial(submitted, pool, lambda: 4, Future.result)
            assert list(in_order(slow_first, range(20))) == [i * i for i in range(20)]

    def test_items_are_taken_only_a_little_ahead(self) -> None:
        taken: list[int] = []
        with ThreadPoolExecutor(2) as pool:
            items = (taken.append(i) or i for i in range(1000))
            results = submitted(pool, lambda: 2, Future.result, str, items)
            assert next(results) == "0"
            assert len(taken) <= 4
            results.close()

    def test_an_error_comes_where_its_result_would_and_the_rest_is_left(self) -> None:
        called: list[int] = []

        def check(i: int) -> int:
            called.append(i)
            return 1 // (3 - i)

        with ThreadPoolExecutor(1) as pool:
            results = submitted(pool, lambda: 1, Future.result, check, range(100))
            assert [next(results) for _ in range(3)] == [0, 0, 1]
            with pytest.raises(ZeroDivisionError):
                next(results)
        assert len(called) <= 5


class TestLocalProcesses:
    def test_one_worker_is_this_process(self) -> None:
        with place(1) as in_order:
            assert in_order is in_this_process

    def test_results_and_errors_arrive(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing.jpg"
        (tmp_path / "there.jpg").write_bytes(b"x")
        with local_processes(2) as in_order:
            assert list(in_order(str, range(9))) == [str(i) for i in range(9)]
            assert set(in_order(eval, ["__import__('os').getpid()"] * 4)).isdisjoint({os.getpid()})
            results = in_order(read_content, [tmp_path / "there.jpg", missing])
            assert next(results) == b"x"
            with pytest.raises(CameraError, match=r"^there is no file .*missing\.jpg: check"):
                next(results)

    def test_a_process_that_dies_is_said_in_one_line(self) -> None:
        with (
            pytest.raises(LivexprError, match=r"^a worker process ended abruptly.*--workers$"),
            local_processes(1) as in_order,
        ):
            list(in_order(os._exit, [1]))

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
    def test_workers_end_with_whoever_started_them(self) -> None:
        script = """
            import os, signal
            from livexpr.training.workers import local_processes
            with local_processes(1) as in_order:
                print(*in_order(eval, ["__import__('os').getpid()"]), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        """
        ended = start([sys.executable, "-c", textwrap.dedent(script)])
        out, _ = ended.communicate(timeout=60)
        worker = int(out)
        until = time.monotonic() + 30
        while runs(worker):
            assert time.monotonic() < until, "the worker goes on without its parent"
            time.sleep(0.05)

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
    @pytest.mark.parametrize("after_s", [0.02, 0.2, 1.0])
    def test_ctrl_c_reaches_all_of_them_and_only_one_speaks(self, after_s: float) -> None:
        script = """
            import sys, time
            from livexpr.training.workers import local_processes
            print("begins", flush=True)
            try:
                with local_processes(2) as in_order:
                    list(in_order(time.sleep, [0.2] * 1000))
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)
        """
        process = start([sys.executable, "-c", textwrap.dedent(script)])
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGINT)
        # The end of stderr is the end of all processes that have it.
        _, errors = process.communicate(timeout=60)
        assert errors == "interrupted\n"


def start(words: list[str], cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words,
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever started the tests may have had it ignored, as a shell does for what runs behind.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended, and nobody has asked for its exit code, still has its number.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


class TestFit:
    def test_two_processes_give_the_same_bytes_as_one(
        self, smiling_people: Path, tmp_path: Path, capsys
    ) -> None:
        one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
        fit_command(smiling_people, "happy", one)
        said_by_one = capsys.readouterr().err
        fit_command(smiling_people, "happy", two, processes=2)
        said_by_two = capsys.readouterr().err
        assert one.read_bytes() == two.read_bytes()
        for said in (said_by_one, said_by_two):
            text = " ".join(said.split())
            assert "left out ghost: neutral/ghost.png: no face found" in text
            assert "left out torn: " in text
            assert "used 10 of 12 pairs" in text
