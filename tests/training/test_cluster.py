"""Fitting on a dask cluster: the same bytes, and one line for whatever is wrong with it."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import livexpr
from livexpr.errors import LivexprError
from livexpr.training import cluster as cluster_module
from livexpr.training.cluster import cluster
from livexpr.training.photo_pairs import fit_command

distributed = pytest.importorskip("distributed", reason="needs the extra dask: livexpr[dask]")
import dask  # noqa: E402


def local(workers: int) -> distributed.LocalCluster:
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def two_workers() -> Iterator[distributed.LocalCluster]:
    with local(2) as running:
        yield running


@pytest.fixture
def _no_time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "_ANSWER_S", 0.5)


@pytest.fixture
def _no_time_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST_WORKER_S", "_LOOK_EVERY_S", "_WITHOUT_WORKERS_S"):
        monkeypatch.setattr(cluster_module, name, 0.2)


def refusal(address: str) -> str:
    """Return what is said of a cluster that cannot be used, which is one line."""
    with pytest.raises(LivexprError) as caught, cluster(address):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_workers_give_the_same_bytes_as_this_process(
    two_workers, smiling_people: Path, tmp_path: Path, capsys
) -> None:
    here, there = tmp_path / "here.safetensors", tmp_path / "there.safetensors"
    fit_command(smiling_people, "happy", here)
    fit_command(smiling_people, "happy", there, scheduler=two_workers.scheduler_address)
    assert here.read_bytes() == there.read_bytes()
    assert capsys.readouterr().err.count("left out ghost") == 2


def test_both_workers_work_in_order_and_errors_arrive(two_workers) -> None:
    slow = "[__import__('time').sleep(0.05), __import__('os').getpid()][1]"
    with cluster(two_workers.scheduler_address) as in_order:
        assert list(in_order(str, range(50))) == [str(i) for i in range(50)]
        assert len(set(in_order(eval, [slow] * 20))) == 2
        with pytest.raises(ValueError, match="invalid literal"):
            list(in_order(int, ["1", "two"]))


def test_no_photograph_stays_on_the_cluster(two_workers) -> None:
    with cluster(two_workers.scheduler_address) as in_order:
        list(in_order(len, [b"photograph"] * 5))
    until = time.monotonic() + 30
    while tasks := list(two_workers.scheduler.tasks):
        assert time.monotonic() < until, tasks
        time.sleep(0.05)


def test_another_version_on_the_workers_is_refused(two_workers, monkeypatch) -> None:
    theirs = livexpr.__version__
    monkeypatch.setattr(livexpr, "__version__", "99.0.0")
    said = refusal(two_workers.scheduler_address)
    assert f"has {theirs}, expected livexpr 99.0.0" in said


def test_a_worker_is_no_scheduler(two_workers) -> None:
    address = two_workers.workers[0].worker_address
    assert "is a dask Worker, expected the address of a scheduler" in refusal(address)


@pytest.mark.usefixtures("_no_time_without_workers")
def test_a_scheduler_without_workers_is_said() -> None:
    with local(0) as empty:
        assert re.search(
            r"has no workers; start some with `dask worker tcp://", refusal(empty.scheduler_address)
        )


@pytest.mark.usefixtures("_no_time_to_connect")
def test_a_scheduler_that_is_not_there_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = "{}:{}".format(*taken.getsockname())
        assert refusal(address).startswith(f"cannot reach a dask scheduler at {address}: ")


@pytest.mark.usefixtures("_no_time_to_connect")
@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_something_else_that_answers_is_no_scheduler(words: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    connection.sendall(words)
                    connection.close()
            except OSError:
                return

        threading.Thread(target=answer, daemon=True).start()
        said = refusal("{}:{}".format(*server.getsockname()))
        server.shutdown(socket.SHUT_RDWR)
    assert said.startswith("cannot reach a dask scheduler at 127.0.0.1:")


@pytest.mark.parametrize("address", ["", "nonsense", "host:port", "weird://host:1"])
def test_what_is_no_address_is_said(address: str) -> None:
    assert "expected HOST:PORT" in refusal(address)


def test_missing_dask_is_said_with_what_to_do(monkeypatch) -> None:
    monkeypatch.setattr(cluster_module.importlib.util, "find_spec", lambda name: None)
    assert "pip install 'livexpr[dask]'" in refusal("127.0.0.1:8786")


def test_workers_that_die_are_said() -> None:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local(1) as dying,
        pytest.raises(LivexprError, match=r"lost its workers .*\(KilledWorker\)"),
        cluster(dying.scheduler_address) as in_order,
    ):
        list(in_order(os._exit, [1]))


@pytest.mark.usefixtures("_no_time_without_workers")
def test_workers_that_go_away_are_said() -> None:
    def while_leaving(running: distributed.LocalCluster) -> None:
        with cluster(running.scheduler_address) as in_order:
            running.scale(0)
            list(in_order(time.sleep, [60]))

    with local(1) as running, pytest.raises(LivexprError, match=r"has had no workers for 0\.2 s"):
        while_leaving(running)
