"""When to try again what has failed, and what to say of it: little, and once."""

from __future__ import annotations

import time
from collections.abc import Callable

FIRST_RETRY_S, LAST_RETRY_S = 0.1, 20.0
_OF_OUTAGE = 0.5
"""The next try comes after so much of the time for which it has failed."""

_HEALTHY_S = 2.0
"""What has worked for so long starts afresh when it fails."""

_TELL_AGAIN_S = 60.0


class Retrying:
    """The failures of one thing; for one thread.

    Parameters
    ----------
    say : callable
        Takes a line for the user.
    failing : str
        What it is to the user that it fails; the reason is put behind it.
    working : str
        What is said when it works again.
    last_retry_s : float
        The longest time between two tries.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        failing: str,
        working: str,
        last_retry_s: float = LAST_RETRY_S,
    ) -> None:
        self._say = say
        self._failing = failing
        self._working = working
        self._last_retry_s = last_retry_s
        self._failing_since_s: float | None = None
        self._retry_at_s = 0.0
        self._healthy_since_s: float | None = None
        self._told: dict[str, float] = {}
        self._failed = False

    @property
    def waiting(self) -> bool:
        """Whether it is too early to try again."""
        return time.perf_counter() < self._retry_at_s

    @property
    def outage_s(self) -> float:
        """For how long it has failed, without working for long in between."""
        since_s = self._failing_since_s
        return 0.0 if since_s is None else time.perf_counter() - since_s

    def failed(self, why: str) -> None:
        """Take note of a failure; its reason is said once a minute at most."""
        now_s = time.perf_counter()
        self._healthy_since_s = None
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        outage_s = now_s - self._failing_since_s
        wait_s = min(max(FIRST_RETRY_S, _OF_OUTAGE * outage_s), self._last_retry_s)
        self._retry_at_s = now_s + wait_s
        self._told = {key: at_s for key, at_s in self._told.items() if now_s - at_s < _TELL_AGAIN_S}
        if why not in self._told:
            self._told[why] = now_s
            self._failed = True
            self._say(f"{self._failing}: {why}")

    def worked(self) -> None:
        """Take note that it works."""
        now_s = time.perf_counter()
        if self._healthy_since_s is None:
            self._healthy_since_s = now_s
        if now_s - self._healthy_since_s > _HEALTHY_S:
            self._failing_since_s = None
        if self._failed:
            self._failed = False
            self._say(self._working)
