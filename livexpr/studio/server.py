"""Serves the studio on this machine only, in a thread of its own, beside the running filter."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from collections.abc import Mapping

import uvicorn

from livexpr.commands import Inbox
from livexpr.errors import LivexprError
from livexpr.learning import OpenLesson
from livexpr.published import Published
from livexpr.studio import app
from livexpr.studio.lessons import Lessons
from livexpr.studio.stream import Stream

_HOST = "127.0.0.1"
_TOKEN_BYTES = 18


class Studio:
    """The page and everything behind it, as an observer of the frames.

    Parameters
    ----------
    inbox : Inbox
        Where its commands go.
    questions : Mapping of str to callable
        What a page may ask for; see :class:`livexpr.studio.app.Inside`.
    port : int
        0 takes any that is free.
    open_lesson : callable, optional
        Begins a lesson; without it there is no teaching on the page.

    Attributes
    ----------
    address : str
        Of the page, with its token.

    Raises
    ------
    LivexprError
        If the port is taken.
    """

    def __init__(
        self,
        inbox: Inbox,
        questions: Mapping[str, app.Ask],
        port: int = 0,
        open_lesson: OpenLesson | None = None,
    ) -> None:
        self._socket = _bound(port)
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.address = f"http://{_HOST}:{self._socket.getsockname()[1]}/{self._token}/"
        self._pages = app.Pages()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lessons = None if open_lesson is None else Lessons(open_lesson, inbox.post)
        if self._lessons is None:
            self._stream = Stream(self._deliver)
        else:
            self._stream = Stream(self._deliver, self._lessons.state)
        teach = None if self._lessons is None else self._lessons.ask
        inside = app.Inside(inbox.post, self._stream.want, questions, teach)
        config = uvicorn.Config(
            app.build(inside, self._pages, self._token),
            access_log=False,
            log_level="critical",
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=4096,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self._thread.start()

    def saw(self, published: Published) -> None:
        """Show a frame on the pages that are ready for one, and to a lesson."""
        self._stream.saw(published)
        if self._lessons is not None:
            self._lessons.saw(published)

    def tell(self, message: str) -> None:
        """Show a message on the pages."""
        self._stream.tell(message)

    def close(self) -> None:
        """End the server and its threads. A second call does nothing."""
        self._server.should_exit = True
        self._stream.close()
        if self._lessons is not None:
            self._lessons.close()
        self._thread.join(2.0)
        self._socket.close()

    def _run(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await self._server.serve(sockets=[self._socket])

        asyncio.run(serve())

    def _deliver(self, packet: bytes) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._pages.deliver, packet)


def _bound(port: int) -> socket.socket:
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        server.bind((_HOST, port))
        server.listen()  # pages that come before the server runs wait for it
    except OSError as error:
        server.close()
        raise LivexprError(
            f"the studio cannot use port {port}: {error.strerror or error}; choose another, or 0"
        ) from None
    return server
