"""Where the chunks of a fit are worked on: in this process, in others here, or on a cluster.

Each place is an :class:`OrderedMap`, such as the built-in ``map``: results come in the order of
the items, so that a fit whose chunks are fixed gives the same bytes wherever it runs, as long as
the machines and library versions are alike.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Protocol, TypeVar

from livexpr.errors import LivexprError

# Items sent ahead per worker: one in work and one waiting. More would only fill memory.
_AHEAD = 2

A = TypeVar("A")
B = TypeVar("B")


class OrderedMap(Protocol):
    """Calls a function on items, anywhere, and yields the results in the order of the items.

    What is sent must be picklable. An exception of a call is raised where its result would be.
    """

    def __call__(self, function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]: ...


def in_this_process(function: Callable[[A], B], items: Iterable[A], /) -> Iterator[B]:
    """Call the function on one item after the other: the built-in ``map`` as an OrderedMap."""
    return map(function, items)


def chunked(items: Iterable[A], size: int) -> Iterator[Sequence[A]]:
    """Yield tuples of `size` items, the last maybe of fewer.

    >>> list(chunked("abcde", 2))
    [('a', 'b'), ('c', 'd'), ('e',)]
    """
    remaining = iter(items)
    while chunk := tuple(itertools.islice(remaining, size)):
        yield chunk


def place(workers: int = 1, scheduler: str | None = None) -> AbstractContextManager[OrderedMap]:
    """Return the place to work at: a cluster if one is named, else `workers` local processes.

    Raises
    ------
    LivexprError
        On entering, if the cluster cannot be used; inside, if workers are lost.
    """
    if scheduler is not None:
        from livexpr.training.cluster import cluster

        return cluster(scheduler)
    return nullcontext(in_this_process) if workers == 1 else local_processes(workers)


def submitted(
    executor: Executor,
    at_once: Callable[[], int],
    result: Callable[[Future[B]], B],
    function: Callable[[A], B],
    items: Iterable[A],
    /,
) -> Iterator[B]:
    """Work on items by an executor, some ahead of the one whose result is wanted next.

    Parameters
    ----------
    executor : concurrent.futures.Executor
    at_once : callable
        Gives how many items the executor works on at the same time by now.
    result : callable
        Waits for the result of a future.
    function, items : callable, iterable
        As for an OrderedMap; items are taken only as they are sent.
    """
    sent: deque[Future[B]] = deque()
    for item in items:
        with _interrupts_held():
            sent.append(executor.submit(function, item))
        if len(sent) >= _AHEAD * at_once():
            yield result(sent.popleft())
    while sent:
        yield result(sent.popleft())


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let Ctrl-C wait for a moment, and processes that start in it never see one.

    A signal mask is inherited; without it a Ctrl-C, which the terminal sends to all, makes each
    of them print a traceback while it starts. Windows has no masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def local_processes(count: int) -> Iterator[OrderedMap]:
    """Work in `count` new processes, which end with this one, whatever ends it.

    They are spawned: threads of the landmark model and of kernels do not survive a fork.

    Raises
    ------
    LivexprError
        If a process dies.
    """
    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    try:
        yield partial(submitted, executor, lambda: count, Future.result)
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise LivexprError(
                "a worker process ended abruptly, as when memory runs out; try fewer --workers"
            ) from error
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _start_worker() -> None:
    """Leave Ctrl-C to the process that started this one, and end when it is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
