"""A headless Chromium, driven as a person would: by real keys and pointer, over its DevTools."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAMS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/usr/lib/chromium/chromium-headless-shell",
)
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
    "--window-size=1280,900",
)
LIMIT_S = 60.0


def program() -> str | None:
    """Return a Chromium of this machine, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Page:
    """One page."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._next = 0
        self.problems: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and return its result."""
        self._next += 1
        self._socket.send(json.dumps({"id": self._next, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=LIMIT_S))
            self._note(message)
            if message.get("id") == self._next:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        """Keep what the page complains of, such as a breach of its policy."""
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])

    def open(self, address: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def run(self, expression: str) -> Any:
        """Return what an expression of JavaScript gives."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Wait until an expression is true."""
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            if value := self.run(expression):
                return value
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}; the page said {self.problems}")

    def point_of(self, selector: str, across: float = 0.5) -> tuple[float, float]:
        """Return where an element is, so far across it, in px of the window."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({selector!r});"
            " e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            " return [b.left, b.top, b.width, b.height]; })()"
        )
        return box[0] + across * box[2], box[1] + box[3] / 2

    def press_pointer(self, kind: str, x: float, y: float) -> None:
        self.call(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def click(self, selector: str) -> None:
        """Click on an element."""
        x, y = self.point_of(selector)
        self.press_pointer("mousePressed", x, y)
        self.press_pointer("mouseReleased", x, y)

    def drag(self, selector: str, start: float, end: float, steps: int = 20) -> None:
        """Drag across an element, from a part of its width to another."""
        (x0, y), (x1, _) = self.point_of(selector, start), self.point_of(selector, end)
        self.press_pointer("mousePressed", x0, y)
        for step in range(1, steps + 1):
            self.press_pointer("mouseMoved", x0 + (x1 - x0) * step / steps, y)
            time.sleep(0.02)
        self.press_pointer("mouseReleased", x1, y)

    def key(self, name: str, code: int) -> None:
        """Press a key by its name and its Windows code."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name,
                windowsVirtualKeyCode=code,
            )  # fmt: skip

    def type(self, text: str) -> None:
        """Type text into what has the focus."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        content = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(content))


@contextlib.contextmanager
def browser(chromium: str) -> Iterator[Page]:
    """Start Chromium with an empty page, and end it."""
    from urllib.request import urlopen

    from websockets.sync.client import connect

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [chromium, *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
        log = Path(folder) / "log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                command, stdout=errors, stderr=errors, start_new_session=True
            )
        try:
            end_s = time.monotonic() + LIMIT_S
            while not (found := re.search(r"ws://127\.0\.0\.1:(\d+)/", log.read_text())):
                assert time.monotonic() < end_s, log.read_text()
                time.sleep(0.05)
            with urlopen(f"http://127.0.0.1:{found[1]}/json/list", timeout=LIMIT_S) as answer:
                targets = json.load(answer)
            address = next(one for one in targets if one["type"] == "page")["webSocketDebuggerUrl"]
            with connect(address, max_size=None, close_timeout=1) as socket:
                yield Page(socket)
        finally:
            # Its helpers outlive it otherwise.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
