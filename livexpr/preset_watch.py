"""Watches the file of the preset that is shown, and has it read again when it was changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from livexpr import presets
from livexpr.commands import Command, Inbox
from livexpr.errors import one_line
from livexpr.preset_file import MAP_SUFFIX
from livexpr.published import Published

_LOOK_MS = 400
"""How often it is looked whether another preset is shown, or a folder has come."""

_MAPS = "maps"
_STEP_MS = 60
_JOIN_S = 1.0


class PresetWatch:
    """Posts ``reload`` for the preset that is shown, whenever its file or a map of it changes.

    Nothing is watched while what is shown came from no file.

    Parameters
    ----------
    inbox : Inbox
    say : callable
        Takes a line for the user: why files cannot be watched, which ends nothing.
    """

    def __init__(self, inbox: Inbox, say: Callable[[str], None]) -> None:
        self._inbox = inbox
        self._say = say
        self._shown: Path | None = None
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preset watch", daemon=True)
        self._thread.start()

    def saw(self, published: Published) -> None:
        """Take note of which file is shown."""
        file = published.preset.file
        if file != self._shown:
            self._shown = file
            self._changed.set()

    def tell(self, message: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """End watching. A second call does nothing."""
        self._stop.set()
        self._changed.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._changed.clear()
            file = self._shown
            if file is None or not file.parent.is_dir():
                self._changed.wait(_LOOK_MS / 1000 if file is not None else None)
                continue
            try:
                self._watch(file.absolute())
            except Exception as error:  # too few watches left, or a library that fails
                self._say(f"changes of preset files are not noticed: {one_line(error)}")
                return

    def _watch(self, file: Path) -> None:
        """Watch until another file is shown, or all is to end."""
        from watchfiles import watch

        folders = _folders(file)
        for changes in watch(
            *folders,
            watch_filter=None,
            step=_STEP_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            stop_event=self._stop,
            raise_interrupt=False,
            recursive=False,
        ):
            if self._changed.is_set() or not file.parent.is_dir():
                return
            now = _folders(file)
            paths = {Path(path) for _, path in changes}
            for folder in set(now) - set(folders):
                paths.update(folder.iterdir())
            names = {file.name, _target(file).name}
            for path in paths:
                is_map = path.suffix == MAP_SUFFIX and path.parent.name == _MAPS
                if (is_map or path.name in names) and path.is_file():
                    self._inbox.post(Command("reload", str(path if is_map else file)))
            if now != folders:
                return


def _folders(file: Path) -> list[Path]:
    """Return where a preset and its maps may change; the user's own maps go with any preset."""
    wanted = (file.parent, _target(file).parent, file.parent / _MAPS, presets.user_dir() / _MAPS)
    return [folder for folder in dict.fromkeys(wanted) if folder.is_dir()]


def _target(file: Path) -> Path:
    """Return the file that is edited: what a link leads to."""
    return Path(os.path.realpath(file))
