"""How ``livexpr ctl`` finds and asks a running filter: one line there, one line of JSON back.

There is no network in it: a Unix socket in the user's runtime folder, on Windows a named pipe.
Each running filter has a number, from 1; the lowest that is free when it starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from livexpr.errors import LivexprError

NUMBERS = range(1, 10)
LONGEST_LINE_BYTES = 2000
LONGEST_ANSWER_BYTES = 200_000
_CONNECT_S = 2.0
_ANSWER_S = 10.0


class Connection(Protocol):
    """One end of a conversation, as :class:`livexpr.unix_channel.UnixConnection`."""

    def receive(self, most_bytes: int, wait_s: float) -> bytes:
        """Return a line; raises OSError or ValueError."""

    def send(self, line: bytes, wait_s: float) -> None:
        """Send a line; raises OSError."""

    def close(self) -> None:
        """End it."""


class Listener(Protocol):
    """Waits for others to call, as :class:`livexpr.unix_channel.UnixListener`."""

    def accept(self) -> Connection | None:
        """Return who has called, or None; raises OSError when it was closed."""

    def close(self) -> None:
        """Take it away."""


class ChannelError(LivexprError):
    """No filter is running, or it does not answer."""


def listen() -> tuple[int, Listener]:
    """Open the channel of the lowest number that is free.

    Raises
    ------
    ChannelError
        When none can be opened.
    """
    try:
        for number in NUMBERS:
            if (listener := _listen(number)) is not None:
                return number, listener
    except OSError as error:
        raise ChannelError(f"`livexpr ctl` cannot reach this filter: {error}") from None
    raise ChannelError(f"`livexpr ctl` cannot reach this filter: {NUMBERS[-1]} others run already")


def ask(words: Sequence[str], number: int | None = None) -> dict[str, Any]:
    """Ask a running filter for something.

    Parameters
    ----------
    words : sequence of str
        As :func:`livexpr.commands.parse` reads them.
    number : int, optional
        The filter's; the lowest that runs by default.

    Returns
    -------
    dict
        ``ok``, ``text`` and ``status``, as in :class:`livexpr.commands.Answer`.

    Raises
    ------
    ChannelError
        When there is none, or it does not answer as it should.
    """
    line = " ".join(words).encode("utf-8", "replace").replace(b"\n", b" ")
    if len(line) > LONGEST_LINE_BYTES:
        raise ChannelError(f"a command has at most {LONGEST_LINE_BYTES} bytes")
    try:
        connection = _call(number)
        try:
            connection.send(line, _ANSWER_S)
            answer = json.loads(connection.receive(LONGEST_ANSWER_BYTES, _ANSWER_S))
        finally:
            connection.close()
    except (OSError, ValueError) as error:
        raise ChannelError(f"the filter does not answer: {error}") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), dict):
        raise ChannelError("what answers is no livexpr of this version: restart the filter")
    return answer


def _call(number: int | None) -> Connection:
    for each in NUMBERS if number is None else (number,):
        if (connection := _connect(each)) is not None:
            return connection
    which = "" if number is None else f" of number {number}"
    raise ChannelError(f"no filter{which} is running: start one with `livexpr run`")


def _listen(number: int) -> Listener | None:
    if sys.platform == "win32":
        from livexpr import pipe_channel

        return pipe_channel.listen(number)
    from livexpr import unix_channel

    return unix_channel.listen(number)


def _connect(number: int) -> Connection | None:
    if sys.platform == "win32":
        from livexpr import pipe_channel

        return pipe_channel.connect(number, _CONNECT_S)
    from livexpr import unix_channel

    return unix_channel.connect(number, _CONNECT_S)
