"""Keys that work while another window has the focus, where the system allows it.

The one importer of pynput, which the extra ``hotkeys`` brings.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from livexpr.commands import Inbox, parse_line
from livexpr.errors import LivexprError
from livexpr.keys import Key, KeyTable
from livexpr.published import Published

_INSTEAD = "bind keys to `livexpr ctl` in the desktop's settings instead"
_PYNPUT_NAMES = {"super": "<cmd>", "plus": "+", "minus": "-", "comma": ","}
_TRUST_S = 0.5
_WHILE_HELD_S = 2.0
"""After the last press, in case that letting go of a key is never told, as when the screen is
locked."""

_AFTERWARDS_S = 0.3
"""The preview is told of a key a little later than we are."""


class GlobalHotkeys:
    """Listens for the keys of ``keys.anywhere``, and posts what they ask for.

    Keys still reach whatever has the focus, too.

    Parameters
    ----------
    keys : KeyTable
    inbox : Inbox

    Raises
    ------
    LivexprError
        When keys cannot be listened to here; the message says why, and what to do.
    """

    def __init__(self, keys: KeyTable, inbox: Inbox) -> None:
        if (reason := why_not(sys.platform, os.environ)) is not None:
            raise LivexprError(f"no global hotkeys: {reason}")
        keyboard = _keyboard()
        self._inbox = inbox
        self._held: set[object] = set()
        self._pressed_at_s = 0.0
        self._modifiers = {keyboard.Key.ctrl, keyboard.Key.alt, keyboard.Key.cmd}
        try:
            self._hotkeys = [
                keyboard.HotKey(keyboard.HotKey.parse(pynput_name(name)), _poster(inbox, row))
                for row in keys.anywhere
                for name in row.names
            ]
        except ValueError as error:
            raise LivexprError(f"no global hotkeys: {error} is no key here") from None
        self._listener = keyboard.Listener(on_press=self._pressed, on_release=self._released)
        self._listener.start()
        if sys.platform == "darwin":
            _check_trust(self._listener)

    def saw(self, published: Published) -> None:
        """Do nothing."""

    def tell(self, message: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """End listening. A second call does nothing."""
        # Not waited for: on X its thread ends with the next key, or with the program.
        self._listener.stop()

    def _pressed(self, key: Any) -> None:
        key = self._listener.canonical(key)
        now_s = time.monotonic()
        if now_s - self._pressed_at_s > _WHILE_HELD_S:
            self._held.clear()
        self._pressed_at_s = now_s
        if key in self._modifiers:
            self._held.add(key)
        # Else the preview, where it has the focus, would take the last key of a combination alone.
        if self._held:
            self._inbox.hold_keys(_WHILE_HELD_S)
        for hotkey in self._hotkeys:
            hotkey.press(key)

    def _released(self, key: Any) -> None:
        key = self._listener.canonical(key)
        if key in self._held:
            self._held.discard(key)
            self._inbox.hold_keys(_WHILE_HELD_S if self._held else _AFTERWARDS_S)
        for hotkey in self._hotkeys:
            hotkey.release(key)


def why_not(platform: str, environment: Mapping[str, str]) -> str | None:
    """Return why keys of other windows cannot be heard here; None where they may be.

    Parameters
    ----------
    platform : str
        As ``sys.platform``.
    environment : Mapping of str to str

    Examples
    --------
    >>> why_not("linux", {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}).split(":")[0]
    'a Wayland session keeps keys to the window that has the focus'
    >>> why_not("win32", {})
    """
    if platform in ("win32", "darwin"):
        return None
    if environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland":
        return f"a Wayland session keeps keys to the window that has the focus: {_INSTEAD}"
    if not environment.get("DISPLAY"):
        return "there is no display (DISPLAY is not set): start it inside the desktop"
    return None


def pynput_name(name: str) -> str:
    """Return a key as pynput writes it.

    >>> pynput_name("ctrl+shift+k"), pynput_name("ctrl+page_up"), pynput_name("f9")
    ('<ctrl>+<shift>+k', '<ctrl>+<page_up>', '<f9>')
    """
    return "+".join(
        _PYNPUT_NAMES.get(part, part if len(part) == 1 else f"<{part}>") for part in name.split("+")
    )


def _poster(inbox: Inbox, row: Key) -> Callable[[], object]:
    command = parse_line(row.command)
    return lambda: inbox.post(command)


def _keyboard() -> Any:
    """Import pynput, which opens the display; raises LivexprError where it cannot be used."""
    try:
        keyboard = importlib.import_module("pynput.keyboard")
    except ModuleNotFoundError as error:
        raise LivexprError(
            f"no global hotkeys: {error.name} is missing; run `pip install 'livexpr[hotkeys]'`"
        ) from None
    except Exception as error:  # Xlib raises what it likes when the display does not answer
        text = str(error).partition("\n")[0]
        raise LivexprError(f"no global hotkeys: {text}; {_INSTEAD}") from None
    if sys.platform not in ("win32", "darwin"):
        _check_recording()
    return keyboard


def _check_recording() -> None:
    from Xlib import display

    opened = display.Display()
    try:
        if not opened.has_extension("RECORD"):
            raise LivexprError(
                f"no global hotkeys: the display does not tell keys (no RECORD): {_INSTEAD}"
            )
    finally:
        opened.close()


def _check_trust(listener: Any) -> None:
    """Find out whether macOS lets us listen, which the listener learns when it has begun."""
    listener.join(_TRUST_S)
    if not listener.IS_TRUSTED:
        listener.stop()
        raise LivexprError(
            "no global hotkeys: allow the terminal under System Settings > Privacy & Security > "
            "Accessibility and Input Monitoring, then start again"
        )
