"""Another camera while the filter runs: opened aside, since a driver may take seconds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from livexpr.commands import Answer, Command, Inbox
from livexpr.edges import Edges
from livexpr.errors import CameraError, LivexprError, one_line
from livexpr.settings import Settings
from livexpr.supply import Supply

_JOIN_S = 1.0
"""A driver that still opens at the end is left to its fate."""


class SourceSwitch:
    """Carries out the command ``source``; what is shown stays until the new one gives pictures.

    Parameters
    ----------
    settings : Settings
    edges : Edges
    supply : Supply
        Given the new source.
    inbox : Inbox
        Hands it the commands from now on.
    own_devices : callable
        Returns the virtual cameras that are written to, which must not be read.
    """

    def __init__(
        self,
        settings: Settings,
        edges: Edges,
        supply: Supply,
        inbox: Inbox,
        own_devices: Callable[[], Sequence[str]],
    ) -> None:
        self._settings = settings
        self._edges = edges
        self._supply = supply
        self._inbox = inbox
        self._own_devices = own_devices
        self._one_at_a_time = threading.Lock()
        self._thread: threading.Thread | None = None
        inbox.divert("source", self.take)

    def take(self, command: Command) -> None:
        """Begin to open what a command asks for; from any thread."""
        if not self._supply.live:
            self._answer(command, False, "only a live source can be changed while it runs")
        elif not self._one_at_a_time.acquire(blocking=False):
            self._answer(command, False, "another source is being opened: wait for it")
        else:
            self._supply.expecting = True
            self._thread = threading.Thread(
                target=self._run, args=(command,), name="switch source", daemon=True
            )
            self._thread.start()

    def close(self) -> bool:
        """Wait for the thread, after the supply was closed; False when it still opens."""
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        return self._thread is None or not self._thread.is_alive()

    def _run(self, command: Command) -> None:
        before = self._supply.name
        try:
            message, done = self._switch(command.value), True
        except LivexprError as error:
            message, done = f"{error}; {before} stays", False
        except Exception as error:
            # Not swallowed: told to whoever asked for it.
            message, done = f"{command.value}: {one_line(error)}; {before} stays", False
        finally:
            self._supply.expecting = False
            self._one_at_a_time.release()
        self._answer(command, done, message)

    def _switch(self, spec: str) -> str:
        # The end of a film must not end a call, so it begins again.
        wanted = replace(self._settings, source=spec, loop=True, on_demand=False)
        source = self._edges.open_source(wanted, fast=False)
        try:
            if self._is_own(source.name):
                raise CameraError(f"{source.name} is where the filtered picture goes")
            if self._supply.on_demand and not self._edges.is_webcam(source):
                raise CameraError(f"--on-demand needs a webcam, and {source.name} is none")
        except CameraError:
            source.close()
            raise
        self._supply.switch(source)
        notes = "".join(f"; {note}" for note in source.notes)
        return f"source {source.name}{notes}"

    def _is_own(self, name: str) -> bool:
        """Tell a virtual camera that is written to by its name as a source.

        On Linux that ends with the path of the node, elsewhere it has the device in quotes.
        """
        return any(
            name.endswith(f"({os.path.realpath(device)})") or f'"{device}"' in name
            for device in self._own_devices()
        )

    def _answer(self, command: Command, ok: bool, message: str) -> None:
        """Tell what became of a command, with what is shown then."""
        asked = command.answer
        if asked is None:
            self._edges.say(message)
            return

        def pass_on(status: Answer) -> None:
            asked(Answer(ok, message, status.status))

        self._inbox.post(Command("status", answer=pass_on))
