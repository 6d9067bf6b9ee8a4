"""The studio's addresses: the page, its script and style, and the connection that keeps it live.

Everything lies under a random token, so that no other page and no other user can reach it. Each
request must name this very machine as its host (against DNS rebinding), and a live connection must
come from the page itself.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from livexpr.commands import Answer, Command, CommandError, parse_line
from livexpr.errors import one_line
from livexpr.studio.lessons import ASKS
from livexpr.studio.stream import Wishes

_PAGE = Path(__file__).with_name("page")
_KINDS: Mapping[str, str] = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LONGEST_MESSAGE = 4000
_ANSWER_LIMIT_S = 10.0
_OPENING_LIMIT_S = 60.0
"""A camera's driver may take its time, and its page is to hear what became of it."""

Ask = Callable[[], Any]
"""Returns plain values for the page; may take seconds, in a thread of its own."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What the page reaches of the running filter.

    Attributes
    ----------
    post : callable
        Takes a Command; False when too many wait.
    want : callable
        Takes the Wishes of a page that is ready for a picture.
    questions : Mapping of str to callable
        What a page may ask for by name.
    teach : callable or None
        Takes one of :data:`livexpr.studio.lessons.ASKS` and a preset's name.
    """

    post: Callable[[Command], bool]
    want: Callable[[Wishes], None]
    questions: Mapping[str, Ask]
    teach: Callable[[str, str], None] | None = None


class Pages:
    """All open pages; each gets the newest packet once it is ready for one."""

    def __init__(self) -> None:
        self._ready: set[asyncio.Future[bytes]] = set()

    async def next_packet(self) -> bytes:
        """Wait for the next packet."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._ready.add(future)
        try:
            return await future
        finally:
            self._ready.discard(future)

    def deliver(self, packet: bytes) -> None:
        """Hand a packet to all that are ready; in the event loop's thread."""
        for future in tuple(self._ready):
            if not future.done():
                future.set_result(packet)


class _Guarded:
    """Lets only this machine's own page in."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if self._may_enter(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse("There is nothing here.", 404, dict(_HEADERS))
            await refusal(scope, receive, send)

    def _may_enter(self, scope: Scope) -> bool:
        port = scope["server"][1]
        names = {f"127.0.0.1:{port}", f"localhost:{port}"}
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        first = scope["path"].split("/")[1]
        if headers.get("host") not in names:
            return False
        if not secrets.compare_digest(first.encode(), self._token.encode()):
            return False
        origin = headers.get("origin")
        own = {f"http://{name}" for name in names}
        return origin in own or (origin is None and scope["type"] == "http")


def build(inside: Inside, pages: Pages, token: str) -> ASGIApp:
    """Return the application.

    Parameters
    ----------
    inside : Inside
    pages : Pages
    token : str
        First part of every path.
    """

    async def file(request: Request) -> Response:
        name = request.path_params.get("name") or "index.html"
        if name not in _KINDS:
            return PlainTextResponse("There is nothing here.", 404, dict(_HEADERS))
        content = (_PAGE / name).read_bytes()
        return Response(content, headers={**_HEADERS, "Content-Type": _KINDS[name]})

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await _Connection(socket, inside, pages).run()

    routes = [
        Route("/{token}/", file),
        WebSocketRoute("/{token}/live", live),
        Route("/{token}/{name}", file),
    ]
    return _Guarded(Starlette(routes=routes), token)


class _Connection:
    """One open page."""

    def __init__(self, socket: WebSocket, inside: Inside, pages: Pages) -> None:
        self._socket = socket
        self._inside = inside
        self._pages = pages
        self._pictures: asyncio.Task[None] | None = None
        self._wishes = Wishes()

    async def run(self) -> None:
        """Heed the page until it is closed."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                text = await self._socket.receive_text()
                if len(text) > _LONGEST_MESSAGE:
                    await self._socket.close(1009)
                    return
                task = asyncio.create_task(self._heed(text))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
        except (WebSocketDisconnect, RuntimeError):
            return  # the page was closed
        finally:
            for task in (*tasks, *filter(None, [self._pictures])):
                task.cancel()

    async def _heed(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            await self._send({"kind": "error", "text": "expected a JSON object"})
        elif isinstance(message.get("ready"), dict):
            self._make_ready(message["ready"])
        elif isinstance(message.get("command"), str):
            await self._answer(message["command"], message.get("id"))
        elif message.get("ask") in self._inside.questions:
            await self._tell_about(message["ask"])
        elif self._inside.teach is not None and message.get("teach") in ASKS:
            self._inside.teach(message["teach"], str(message.get("name", "")).strip())
        else:
            await self._send({"kind": "error", "text": "there is no such request"})

    async def _tell_about(self, name: str) -> None:
        try:
            content = await asyncio.to_thread(self._inside.questions[name])
        except Exception as error:
            # Not swallowed: told to the page, which asked.
            await self._send({"kind": "error", "text": one_line(error)})
            return
        await self._send({"kind": name, "content": content})

    def _make_ready(self, wanted: Mapping[str, object]) -> None:
        """Send one packet, which the page asks for when it has drawn the last."""
        self._wishes = Wishes(bool(wanted.get("before")), bool(wanted.get("overlay")))
        if self._pictures is None or self._pictures.done():
            self._pictures = asyncio.create_task(self._send_picture())

    async def _send_picture(self) -> None:
        packet = self._pages.next_packet()
        self._inside.want(self._wishes)
        await self._socket.send_bytes(await packet)

    async def _answer(self, line: str, identity: object) -> None:
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()

        def answer(what: Answer) -> None:
            loop.call_soon_threadsafe(_set, answered, what)

        try:
            command = parse_line(line, answer)
            if not self._inside.post(command):
                raise CommandError("too many commands wait: try again")
            limit_s = _OPENING_LIMIT_S if command.verb == "source" else _ANSWER_LIMIT_S
            what = await asyncio.wait_for(answered, limit_s)
            reply = {"ok": what.ok, "text": what.text, "status": dict(what.status)}
        except CommandError as error:
            reply = {"ok": False, "text": str(error), "status": None}
        except asyncio.TimeoutError:
            late = f"the filter is busy: {command.verb!r} is done as soon as it can be"
            reply = {"ok": False, "text": late, "status": None}
        await self._send({"kind": "answer", "id": identity, **reply})

    async def _send(self, content: Mapping[str, object]) -> None:
        await self._socket.send_text(json.dumps(content))


def _set(future: asyncio.Future[Answer], answer: Answer) -> None:
    if not future.done():
        future.set_result(answer)
