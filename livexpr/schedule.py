"""Commands at given times: ``--schedule FILE``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from livexpr.commands import Command, CommandError, Inbox, parse_line
from livexpr.errors import LivexprError
from livexpr.ordinary_files import expanded, read_ordinary
from livexpr.published import Published

_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A command and when it is due, in s since the filter's first frame."""

    time_s: float
    command: Command


def parse(text: str, source: str) -> tuple[Entry, ...]:
    """Read a schedule: a line for each command, ``SECONDS COMMAND``, in order of time.

    Parameters
    ----------
    text : str
        Empty lines, and what comes after ``#``, are left out.
    source : str
        Where it comes from, for messages.

    Raises
    ------
    LivexprError
        If a line is wrong, or earlier than the one before it.

    Examples
    --------
    >>> parse("0 preset neutral\\n10 intensity 0.5  # stronger", "study")[1].time_s
    10.0
    """
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        time, _, command = content.partition(" ")
        where = f"line {number} of {source}"
        try:
            entry = Entry(_seconds(time), parse_line(command))
        except CommandError as error:
            raise LivexprError(f"{error}, in {where}") from None
        if entries and entry.time_s < entries[-1].time_s:
            raise LivexprError(
                f"{time} comes after {entries[-1].time_s:g}: expected times in order, in {where}"
            )
        entries.append(entry)
    if not entries:
        raise LivexprError(
            f"there is nothing in {source}: expected lines such as '10 preset happy'"
        )
    return tuple(entries)


def load(path: Path) -> tuple[Entry, ...]:
    """Read a schedule from its file, as :func:`parse`.

    Raises
    ------
    LivexprError
        Also if the file cannot be read.
    """
    try:
        text = read_ordinary(expanded(path), _MOST_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise LivexprError(f"a schedule is text in UTF-8, which {path} is not") from None
    except OSError as error:
        raise LivexprError(f"cannot read the schedule {path}: {error.strerror or error}") from None
    return parse(text, str(path))


class Scheduler:
    """Posts the commands of a schedule when they are due, as an observer of the frames.

    Times count from the first frame that was filtered. A command is carried out just before the
    first frame at or after its time, where frames come at an even rate.

    Parameters
    ----------
    entries : sequence of Entry
    inbox : Inbox
    """

    def __init__(self, entries: tuple[Entry, ...], inbox: Inbox) -> None:
        self._waiting = list(entries)
        self._inbox = inbox
        self._first_s: float | None = None
        self._last_s = 0.0
        self._interval_s = math.inf
        # Before the first frame none has been seen that could tell the time.
        self._post_until(0.0)

    def saw(self, published: Published) -> None:
        """Post what is due by the next frame."""
        if self._first_s is None:
            if "apply" not in published.stages_s:
                return
            self._first_s = self._last_s = published.time_s
            return
        interval_s = published.time_s - self._last_s
        # After a gap, the frame that ends it tells nothing of when the next one comes.
        ahead_s = min(interval_s, self._interval_s)
        self._last_s, self._interval_s = published.time_s, interval_s
        self._post_until(published.time_s - self._first_s + ahead_s)

    def tell(self, message: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def _post_until(self, time_s: float) -> None:
        # A rate of 30 per second is no whole number of binary fractions.
        while self._waiting and self._waiting[0].time_s <= time_s + 1e-6:
            if not self._inbox.post(self._waiting[0].command):
                return
            del self._waiting[0]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise CommandError(f"{text!r} is no time: expected seconds, such as 12.5")
    return seconds
