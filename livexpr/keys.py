"""Hotkeys: which key asks for what. One table, which the user's config adds to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from livexpr.commands import VERBS, Command, parse_line

_LABELS = {" ": "space", "up": "↑", "down": "↓", "esc": "Esc"}
_PREVIEW_ONLY = ("split", "landmarks")
_HERE = ("up", "down", "esc", "space")
"""Keys with names that the preview and the terminal can tell apart."""

_MODIFIERS = {
    "ctrl": "ctrl",
    "control": "ctrl",
    "alt": "alt",
    "option": "alt",
    "shift": "shift",
    "super": "super",
    "cmd": "super",
    "win": "super",
}
_ORDER = ("ctrl", "alt", "shift", "super")
_FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 21))
_SIGNS = {"plus": "+", "minus": "-", "comma": ","}
_NAMED = (
    *("up", "down", "left", "right", "page_up", "page_down", "home", "end"),
    *("insert", "delete", "tab", "enter", "esc", "space", *_FUNCTION_KEYS),
)
MOST_BINDINGS = 100


@dataclass(frozen=True, slots=True)
class Key:
    """One thing that can be asked for by key.

    Attributes
    ----------
    command : str
        As :func:`livexpr.commands.parse_line` reads it.
    names : tuple of str
        The keys that ask for it, as :func:`normal_name` returns them.
    meaning : str
        What happens, in a few words.
    also : tuple of str
        More such keys, which help texts leave out.
    """

    command: str
    names: tuple[str, ...]
    meaning: str
    also: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The keys as people read them."""
        return "  ".join(map(_label, self.names))

    @property
    def preview_only(self) -> bool:
        """Whether it changes nothing but the preview."""
        return self.command.split()[0] in _PREVIEW_ONLY


@dataclass(frozen=True, slots=True)
class KeyTable:
    """All hotkeys; help texts are made from it.

    Attributes
    ----------
    here : tuple of Key
        Those of the preview and the terminal.
    anywhere : tuple of Key
        Those that work while another window has the focus, with ``--hotkeys``.
    """

    here: tuple[Key, ...]
    anywhere: tuple[Key, ...] = ()

    def command_for(self, key: str) -> Command | None:
        """Return what a key of the preview or the terminal asks for; letters in either case.

        >>> KEYS.command_for("Q").verb, KEYS.command_for("up").value, KEYS.command_for("x")
        ('quit', '+0.1', None)
        """
        for row in self.here:
            if key.lower() in (*row.names, *row.also):
                return parse_line(row.command)
        return None

    def key_for(self, command: str) -> str:
        """Return a key of the preview or the terminal that asks for this, '' without one.

        >>> KEYS.key_for("help"), KEYS.bound({"h": "", "?": ""}).key_for("help")
        ('h', '')
        """
        return next((_label(row.names[0]) for row in self.here if row.command == command), "")

    @property
    def rows(self) -> tuple[Key, ...]:
        """All, in the order in which they are listed."""
        return (*self.here, *self.anywhere)

    def help_lines(self, *, preview: bool = False) -> list[str]:
        """Return one line per hotkey, in two columns.

        Parameters
        ----------
        preview : bool
            Also those that change nothing but the preview.
        """
        rows = [row for row in self.rows if preview or not row.preview_only]
        width = max((len(row.shown) for row in rows), default=0)
        return [f"{row.shown:<{width}}  {row.meaning}" for row in rows]

    def bound(self, bindings: Mapping[str, str]) -> KeyTable:
        """Return the table with keys bound anew.

        Parameters
        ----------
        bindings : Mapping of str to str
            Keys, as :func:`normal_name` returns them, and command lines; '' unbinds the key.

        Examples
        --------
        >>> table = KEYS.bound({"k": "preset warm", "q": ""})
        >>> table.command_for("k").value, table.command_for("q")
        ('warm', None)
        """
        here, anywhere = list(self.here), list(self.anywhere)
        for name, line in bindings.items():
            rows = here if is_here(name) else anywhere
            _unbind(rows, name)
            if line:
                _bind(rows, name, line)
        return KeyTable(tuple(here), tuple(anywhere))


def normal_name(text: str) -> str:
    """Return the one name of a key that may be written in several ways.

    Parameters
    ----------
    text : str
        A character, ``space``, ``up``, ``down`` or ``esc`` for the preview and the terminal; one
        with modifiers, such as ``ctrl+alt+k``, or ``f1`` to ``f20``, for anywhere.

    Raises
    ------
    ValueError
        If it is no key that can be bound; the message says why.

    Examples
    --------
    >>> normal_name("K"), normal_name("space"), normal_name("Shift+Ctrl+Page_Up")
    ('k', ' ', 'ctrl+shift+page_up')
    """
    text = text.strip().lower() if text.strip() else text
    if text in ("space", " "):
        return " "
    if text in _HERE or text in _FUNCTION_KEYS or (len(text) == 1 and text.isprintable()):
        return text
    *modifiers, last = text.split("+")
    if not modifiers:
        raise ValueError(f"expected a character, {', '.join(_HERE)}, or such as 'ctrl+alt+k'")
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            raise ValueError(f"expected ctrl, alt, shift or super before a +, got {modifier!r}")
    sign = last in _SIGNS or (len(last) == 1 and not last.isalpha())
    if last not in (*_NAMED, *_SIGNS) and not (len(last) == 1 and last.isprintable()):
        raise ValueError(f"expected a character or a key such as page_up last, got {last!r}")
    held = {_MODIFIERS[modifier] for modifier in modifiers}
    if sign and "shift" in held:
        raise ValueError("with shift, expected a letter or a key such as page_up")
    return "+".join([*(each for each in _ORDER if each in held), last])


def is_here(name: str) -> bool:
    """Whether a key is one of the preview and the terminal, rather than of anywhere."""
    return name not in _FUNCTION_KEYS and (len(name) == 1 or "+" not in name)


def _bind(rows: list[Key], name: str, line: str) -> None:
    command = parse_line(line)
    written = f"{command.verb} {command.value}".strip()
    for number, row in enumerate(rows):
        if row.command == written:
            rows[number] = replace(row, names=(*row.names, name))
            return
    (meaning,) = [verb.meaning for verb in VERBS if verb.name == command.verb]
    known = [row.meaning for row in KEYS.rows if row.command == written]
    rows.append(Key(written, (name,), [*known, written if command.value else meaning][0]))


def _unbind(rows: list[Key], name: str) -> None:
    for number, row in enumerate(rows):
        if name in (*row.names, *row.also):
            names = tuple(each for each in row.names if each != name)
            also = tuple(each for each in row.also if each != name)
            names, also = (names, also) if names else (also, ())
            rows[number : number + 1] = [replace(row, names=names, also=also)] if names else []
            return


def _label(name: str) -> str:
    if is_here(name):
        return _LABELS.get(name, name)
    return "+".join(part.replace("_", " ").title().replace(" ", "") for part in name.split("+"))


_ANYWHERE = "ctrl+alt+shift"
"""Nothing less: Ctrl+Alt writes characters on many keyboards, and desktops use it with arrows."""

KEYS = KeyTable(
    here=(
        Key("toggle", ("o", " "), "filter on / off"),
        Key("intensity +0.1", ("+", "up"), "stronger", also=("=",)),
        Key("intensity -0.1", ("-", "down"), "weaker", also=("_",)),
        Key("next", ("n",), "next preset"),
        Key("previous", ("p",), "previous preset"),
        Key("split", ("b",), "before | after"),
        Key("mirror", ("m",), "mirror the picture"),
        Key("freeze", ("f",), "freeze the picture"),
        Key("landmarks", ("l",), "landmarks"),
        Key("save", ("s",), "save this tuning as a preset"),
        Key("help", ("h",), "show or hide this help", also=("?",)),
        Key("quit", ("q", "esc"), "quit"),
    ),
    anywhere=(
        Key("toggle", (f"{_ANYWHERE}+o",), "filter on / off"),
        Key("intensity +0.1", (f"{_ANYWHERE}+page_up",), "stronger"),
        Key("intensity -0.1", (f"{_ANYWHERE}+page_down",), "weaker"),
        Key("next", (f"{_ANYWHERE}+n",), "next preset"),
        Key("previous", (f"{_ANYWHERE}+p",), "previous preset"),
        Key("freeze", (f"{_ANYWHERE}+f",), "freeze the picture"),
    ),
)
"""What holds where the user's config says nothing else."""
