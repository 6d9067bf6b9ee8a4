"""Opening a source in the background: a driver may take seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from livexpr.capture_thread import Source
from livexpr.stopping import Stop

_POLL_S = 0.1
_JOIN_S = 1.0
"""A driver that still opens at the end is left to its fate."""


class Opening:
    """Opens a source in a thread of its own, from now on.

    Parameters
    ----------
    open_source : callable
        Returns the source; what it raises is raised again where the source is waited for.
    """

    def __init__(self, open_source: Callable[[], Source]) -> None:
        self._open_source = open_source
        self._source: Source | None = None
        self._error: Exception | None = None
        self._abandoned = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="open source", daemon=True)
        self._thread.start()

    def wait(self, stop: Stop, patience_s: float | None = None) -> Source | None:
        """Return the source; None if everything is to stop, or it takes too long."""
        end_s = None if patience_s is None else time.perf_counter() + patience_s
        while self._thread.is_alive() and not stop.requested:
            if end_s is not None and time.perf_counter() >= end_s:
                return None
            self._thread.join(_POLL_S if end_s is None else min(_POLL_S, patience_s or 0.0))
        if self._error is not None:
            raise self._error
        return self._source

    def close(self) -> bool:
        """Close the source, now or when it has opened; False when it is still opening."""
        self._thread.join(_JOIN_S)
        with self._lock:
            self._abandoned = True
            source, self._source = self._source, None
        if source is not None:
            source.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            source = self._open_source()
        except Exception as error:
            # Not swallowed: raised again where the source is waited for.
            self._error = error
            return
        with self._lock:
            if not self._abandoned:
                self._source = source
                return
        source.close()
