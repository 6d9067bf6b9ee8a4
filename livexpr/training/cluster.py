"""A dask cluster as the place where the chunks of a fit are worked on. The only importer of dask.

What travels: the photographs as they are on disk, under ``FOLDER/FILE`` and not their whole paths;
back come landmark displacements and each face laid into face space; these go out once more, with
weights, and sums come back. No folder is shared. All of it passes through the scheduler that the
user names, to its workers and to nobody else.

Client, scheduler and workers exchange pickles, which can run anything: a scheduler must be one's
own and trusted. Encryption is dask's affair (``tls://HOST:PORT`` and dask's configuration).
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import livexpr
from livexpr.errors import LivexprError
from livexpr.training.workers import OrderedMap, submitted

if TYPE_CHECKING:
    from distributed import Client

B = TypeVar("B")

# A scheduler answers within this time; one that does has, or soon gets, a worker. Seconds.
_ANSWER_S, _FIRST_WORKER_S = 5.0, 5.0
# How often it is looked whether there is still a worker, and for how long there may be none.
_LOOK_EVERY_S, _WITHOUT_WORKERS_S = 2.0, 30.0


@contextmanager
def cluster(address: str) -> Iterator[OrderedMap]:
    """Work on the workers of a dask scheduler.

    Parameters
    ----------
    address : str
        ``HOST:PORT``, ``tcp://HOST:PORT`` or ``tls://HOST:PORT``.

    Raises
    ------
    LivexprError
        Without the package ``distributed``, a scheduler that answers, workers, or the same
        livexpr on them; inside, if they are lost.
    """
    if importlib.util.find_spec("distributed") is None:
        raise LivexprError("--scheduler needs dask, which is missing: pip install 'livexpr[dask]'")
    import dask
    from distributed import Client
    from distributed.scheduler import KilledWorker

    asyncio.run(_check_scheduler(address))
    # What dask's client has to say of a lost connection is said in one line below.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    # A chunk of photographs is sent on purpose, however large it is.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
        client = Client(address, timeout=_ANSWER_S, set_as_default=False)
        try:
            _check_workers(client, address)
            # The same photographs twice are worked on twice: nothing is kept on the cluster.
            executor = client.get_executor(pure=False)
            threads = partial(_threads, client)
            yield partial(submitted, executor, threads, partial(_result, client, address))
        except (CancelledError, KilledWorker) as error:
            raise LivexprError(
                f"the dask cluster at {address} lost its workers or the connection "
                f"({type(error).__name__}); see its log, then fit again"
            ) from error
        finally:
            client.close(timeout=_ANSWER_S)


async def _check_scheduler(address: str) -> None:
    """Raise a LivexprError unless a scheduler with a worker answers at `address`."""
    from distributed import Security, rpc

    try:
        arguments = Security().get_connection_args("client")
        async with rpc(address, timeout=_ANSWER_S, connection_args=arguments) as scheduler:
            identity = await asyncio.wait_for(scheduler.identity(), _ANSWER_S)
            found = identity["type"]
            until = time.monotonic() + _FIRST_WORKER_S
            while found == "Scheduler" and not identity["workers"]:
                if time.monotonic() > until:
                    break
                await asyncio.sleep(0.2)
                identity = await asyncio.wait_for(scheduler.identity(), _ANSWER_S)
    # Whatever else answers there may make the reading of its words fail in any way.
    except Exception as error:
        raise LivexprError(
            f"cannot reach a dask scheduler at {address}: {_cause(error)}; expected HOST:PORT of "
            "one that runs, as `dask scheduler` says it when it starts"
        ) from error
    if found != "Scheduler":
        raise LivexprError(f"at {address} is a dask {found}, expected the address of a scheduler")
    if not identity["workers"]:
        raise LivexprError(
            f"the dask scheduler at {address} has no workers; start some with "
            f"`dask worker {address} --nthreads 1`"
        )


def _cause(error: Exception) -> str:
    """Return in a few words why there is no connection."""
    if not isinstance(error, (OSError, ValueError, TypeError)):
        return "what answers there does not talk as one"
    # dask wraps what the system says, and begins with the name of an object of its own.
    cause = re.sub(r"^in <[^>]*>: ", "", str(error.__cause__ or error))
    return cause or f"no answer within {_ANSWER_S:g} s"


def _version() -> str:
    return livexpr.__version__


def _check_workers(client: Client, address: str) -> None:
    """Raise a LivexprError unless every worker has this livexpr, ready to be imported."""
    told: dict[str, Any] = client.run(_version, on_error="return")
    for worker, version in told.items():
        if version != livexpr.__version__:
            has = version if isinstance(version, str) else f"no livexpr it can import ({version})"
            raise LivexprError(
                f"the worker {worker} of the dask cluster at {address} has {has}, "
                f"expected livexpr {livexpr.__version__}; install it on every worker"
            )


def _threads(client: Client) -> int:
    """Return how many chunks the cluster works on at once, by now."""
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _result(client: Client, address: str, future: Future[B]) -> B:
    """Return the result of a future; LivexprError if for long there is no worker to give it."""
    last_seen_s = time.monotonic()
    while not wait([future], _LOOK_EVERY_S).done:
        if client.nthreads():
            last_seen_s = time.monotonic()
        elif time.monotonic() > last_seen_s + _WITHOUT_WORKERS_S:
            raise LivexprError(
                f"the dask scheduler at {address} has had no workers for {_WITHOUT_WORKERS_S:g} s; "
                "see their logs, then fit again"
            )
    return future.result()
