"""Keep a library's own notices off the user's terminal while Python's stderr goes on."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from io import UnsupportedOperation

_lock = threading.Lock()
_undoing = contextlib.ExitStack()
_inside = 0
"""How many threads want it quiet: the descriptor is the whole process's."""


@contextlib.contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Discard what native code writes to file descriptor 2; Python's ``sys.stderr`` still works.

    For calls into libraries that log to the descriptor and have no switch for it. Not for long:
    what native code says of a crash is discarded too. Of several threads the first begins it and
    the last one ends it.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _undoing.enter_context(_discarding())
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _undoing.close()


@contextlib.contextmanager
def _discarding() -> Iterator[None]:
    try:
        on_descriptor = sys.stderr.fileno() == 2
    except (AttributeError, UnsupportedOperation, ValueError):
        on_descriptor = False
    try:
        kept = os.dup(2)
    except OSError:
        # A program without a console has no descriptor 2, and so nothing to keep quiet.
        yield
        return
    before = sys.stderr
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        if on_descriptor:
            before.flush()
            sys.stderr = open(  # noqa: SIM115
                os.dup(kept), "w", buffering=1, encoding=before.encoding, errors=before.errors
            )
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
        if on_descriptor:
            quiet, sys.stderr = sys.stderr, before
            quiet.close()
