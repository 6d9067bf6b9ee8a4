"""The filter's end of ``livexpr ctl``: takes commands from other programs of the same user."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable

from livexpr import channel
from livexpr.commands import Answer, Command, CommandError, Inbox, parse_line
from livexpr.published import Published

_LINE_S = 2.0
"""Who calls and then says nothing is not waited for any longer."""

_ANSWER_S = 5.0
_MOST_AT_ONCE = 8
_CLOSE_S = 0.5


class CtlServer:
    """Hands commands that come through the channel to the filter, and its answers back.

    Each conversation has a thread of its own, so that nobody holds up the filter or others.

    Parameters
    ----------
    inbox : Inbox
    say : callable
        Takes a line for the user.

    Attributes
    ----------
    number : int
        What `livexpr ctl --filter` calls this filter.

    Raises
    ------
    ChannelError
        When no channel can be opened.
    """

    def __init__(self, inbox: Inbox, say: Callable[[str], None]) -> None:
        self._inbox = inbox
        self.number, self._listener = channel.listen()
        if self.number > 1:
            say(f"another filter runs: this one is reached by `livexpr ctl --filter {self.number}`")
        self._talking: set[threading.Thread] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="ctl", daemon=True).start()

    def saw(self, published: Published) -> None:
        """Do nothing."""

    def tell(self, message: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Take the channel away, once those who wait have their answers."""
        self._listener.close()
        end_s = time.monotonic() + _CLOSE_S
        with self._lock:
            talking = list(self._talking)
        for thread in talking:
            thread.join(max(0.0, end_s - time.monotonic()))

    def _run(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            if connection is None:
                continue
            with self._lock:
                too_many = len(self._talking) >= _MOST_AT_ONCE
                if not too_many:
                    thread = threading.Thread(
                        target=self._talk, args=(connection,), name="ctl talk", daemon=True
                    )
                    self._talking.add(thread)
                    thread.start()
            if too_many:
                connection.close()

    def _talk(self, connection: channel.Connection) -> None:
        try:
            line = connection.receive(channel.LONGEST_LINE_BYTES, _LINE_S)
            answer = self._answer(line.decode("utf-8"))
            reply = {"ok": answer.ok, "text": answer.text, "status": answer.status}
            connection.send(json.dumps(reply, default=str).encode(), _LINE_S)
        except (OSError, ValueError):
            pass  # whoever calls does not speak our language, or has gone
        finally:
            connection.close()
            with self._lock:
                self._talking.discard(threading.current_thread())

    def _answer(self, line: str) -> Answer:
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        try:
            command: Command = parse_line(line, answers.put)
        except CommandError as error:
            return Answer(False, str(error), {})
        if not self._inbox.post(command):
            return Answer(False, "too many commands wait already: the filter hangs", {})
        try:
            return answers.get(timeout=_ANSWER_S)
        except queue.Empty:
            late = f"the filter is busy: {command.verb!r} is done as soon as it can be"
            return Answer(False, late, {})
