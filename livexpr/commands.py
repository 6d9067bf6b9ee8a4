"""What can be asked of a running filter: by a key, by another program, by the clock."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from livexpr.errors import LivexprError
from livexpr.wording import offer

Takes: TypeAlias = Literal[
    "nothing", "on or off", "number", "name", "name or nothing", "NAME=NUMBER"
]


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing that can be asked for.

    Attributes
    ----------
    name : str
    takes : str
        The kind of its value.
    meaning : str
        What happens, in a few words.
    value : str
        The value as people read it; '' without one.
    """

    name: str
    takes: Takes
    meaning: str
    value: str = ""


VERBS = (
    Verb("on", "nothing", "filter on"),
    Verb("off", "nothing", "filter off: the picture passes as it is"),
    Verb("toggle", "nothing", "filter on / off"),
    Verb(
        "intensity", "number", "how strong, from -1 to 2; a sign makes it a step", "X, +X, -X, =-X"
    ),
    Verb("next", "nothing", "next preset"),
    Verb("previous", "nothing", "previous preset"),
    Verb("preset", "name", "that preset", "NAME"),
    Verb("mix", "NAME=NUMBER", "how much of a map is in the mix, from -1 to 2", "MAP=X"),
    Verb("region", "NAME=NUMBER", "how much a region takes part, from 0 to 2", "REGION=X"),
    Verb("feel", "NAME=NUMBER", "smoothing or easing_s", "NAME=X"),
    Verb(
        "damping",
        "number",
        "how much of your own expression is taken back, from 0 to 1; a sign makes it a step",
        "X, +X, -X",
    ),
    Verb("mirror", "on or off", "mirror the picture", "[on|off]"),
    Verb("freeze", "on or off", "freeze the picture", "[on|off]"),
    Verb("split", "on or off", "before | after, in the preview", "[on|off]"),
    Verb("landmarks", "on or off", "landmarks, in the preview", "[on|off]"),
    Verb("help", "on or off", "the keys, in the preview", "[on|off]"),
    Verb("save", "name or nothing", "save this tuning as a preset", "[NAME]"),
    Verb("reload", "name", "read a preset's file again", "NAME"),
    Verb("source", "name", "another camera or film, as --source", "NAME"),
    Verb("status", "nothing", "what is shown now"),
    Verb("quit", "nothing", "end the filter"),
)
"""All of them; help texts are made from it."""

_BY_NAME: Mapping[str, Verb] = {verb.name: verb for verb in VERBS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command.

    Attributes
    ----------
    ok : bool
        Whether it was carried out.
    text : str
        What was set, or what was wrong; '' where there is nothing to say.
    status : Mapping of str to object
        What is shown now, as :meth:`livexpr.session.Session.status` returns it.
    """

    ok: bool
    text: str
    status: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing asked for, checked but for what only the running filter knows.

    Attributes
    ----------
    verb : str
        A name of :data:`VERBS`.
    value : str
        As it was written; '' without one.
    answer : callable or None
        Is given the :class:`Answer`, in the main thread, which it must not hold up.
    """

    verb: str
    value: str = ""
    answer: Callable[[Answer], None] | None = None


class CommandError(LivexprError):
    """A command is unknown, or its value is of the wrong kind."""


def parse(words: Sequence[str], answer: Callable[[Answer], None] | None = None) -> Command:
    """Read a command from its words.

    Raises
    ------
    CommandError
        If the verb is unknown, or its value is missing, of the wrong kind or too much.

    Examples
    --------
    >>> parse(["intensity", "+0.1"]).value
    '+0.1'
    """
    if not words:
        raise CommandError("no command given: expected one, such as 'toggle'")
    name, *values = words
    verb = _BY_NAME.get(name)
    if verb is None:
        raise CommandError(f"there is no command {name!r}: {offer(name, list(_BY_NAME))}")
    value = " ".join(values)
    expected = f"{verb.name} {verb.value}".strip()
    if not _fits(verb.takes, value):
        came = repr(value) if value else "nothing"
        raise CommandError(f"{verb.name!r} was given {came}: expected {expected!r}")
    return Command(verb.name, value, answer)


def parse_line(line: str, answer: Callable[[Answer], None] | None = None) -> Command:
    """Read a command from a line of text, as :func:`parse`.

    Blanks within the value stay: the name of a file or a camera may hold several at once.

    >>> parse_line("preset warm").verb
    'preset'
    """
    return parse(line.strip().split(maxsplit=1), answer)


def switched(now: bool, value: str) -> bool:
    """Return what ``on``, ``off`` or '' (the other way) makes of a switch.

    >>> switched(True, ""), switched(True, "on")
    (False, True)
    """
    return value == "on" if value else not now


def stepped(now: float, value: str) -> float:
    """Return what a number makes of one: with a sign it is a step, after ``=`` never.

    >>> stepped(1.0, "+0.5"), stepped(1.0, "0.5"), stepped(1.0, "=-0.5")
    (1.5, 0.5, -0.5)
    """
    number = float(value.removeprefix("="))
    return now + number if value[:1] in ("+", "-") else number


def named_number(value: str) -> tuple[str, float]:
    """Split ``NAME=NUMBER``, which :func:`parse` has checked."""
    name, _, number = value.rpartition("=")
    return name.strip(), float(number)


def _fits(takes: Takes, value: str) -> bool:
    if takes == "nothing":
        return not value
    if takes == "on or off":
        return value in ("", "on", "off")
    if takes == "number":
        return _is_number(value.removeprefix("="))
    if takes == "NAME=NUMBER":
        name, _, number = value.rpartition("=")
        return bool(name.strip()) and _is_number(number)
    return takes == "name or nothing" or bool(value)


def _is_number(text: str) -> bool:
    try:
        return abs(float(text)) < float("inf")
    except ValueError:
        return False


_MOST_WAITING = 200


class Inbox:
    """Commands from any thread, for the one that runs the filter."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Command] = queue.Queue(_MOST_WAITING)
        self._takers: dict[str, Callable[[Command], None]] = {}
        self._keys_held_until_s = 0.0

    def post(self, command: Command) -> bool:
        """Have it carried out before the next frame; False when too many wait already."""
        if (taker := self._takers.get(command.verb)) is not None:
            taker(command)
            return True
        try:
            self._waiting.put_nowait(command)
        except queue.Full:
            return False
        return True

    def divert(self, verb: str, taker: Callable[[Command], None]) -> None:
        """Have all further commands of a verb taken at once, by whoever carries them out aside.

        Parameters
        ----------
        verb : str
            A name of :data:`VERBS`.
        taker : callable
            Takes a Command in the thread that posts it, and answers it in its own time.
        """
        self._takers[verb] = taker

    def hold_keys(self, for_s: float) -> None:
        """Have keys of the preview left out for so many s: a combination is being pressed."""
        self._keys_held_until_s = time.monotonic() + for_s

    @property
    def keys_held(self) -> bool:
        """Whether keys of the preview are to be left out."""
        return time.monotonic() < self._keys_held_until_s

    def take(self) -> list[Command]:
        """Return what has come since the last call, oldest first."""
        commands = []
        while True:
            try:
                commands.append(self._waiting.get_nowait())
            except queue.Empty:
                return commands
