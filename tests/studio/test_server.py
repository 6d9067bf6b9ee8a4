"""The studio's server: who may enter, what it answers, and that it holds nothing up."""

from __future__ import annotations

import http.client
import json
import struct
import threading
import time
from dataclasses import replace
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from livexpr.commands import Answer, Inbox
from livexpr.controls import Controls
from livexpr.errors import LivexprError
from livexpr.occlusion import Cover
from livexpr.presets import Preset
from livexpr.published import Published
from livexpr.types import Frame
from tests.made_up_world import TRACK, wait_until

_WHY = "the extra 'studio' is not installed"
Studio = pytest.importorskip("livexpr.studio.server", reason=_WHY).Studio
connect = pytest.importorskip("websockets.sync.client", reason=_WHY).connect
_exceptions = pytest.importorskip("websockets.exceptions", reason=_WHY)
REFUSED = (_exceptions.InvalidStatus, _exceptions.ConnectionClosed)
ConnectionClosed = _exceptions.ConnectionClosed

PRESET = Preset("happy", {"happy": 1.0})


def published(index=0, **changes) -> Published:
    before = Frame(np.full((48, 64, 3), 40, np.uint8), index, time.perf_counter())
    after = replace(before, pixels=np.full((48, 64, 3), 200, np.uint8))
    whole = Published(
        before=before,
        after=after,
        tracks=(TRACK,),
        covers=(Cover(),),
        time_s=index / 30,
        strength=0.5,
        presence=1.0,
        stages_s={"detect": 0.01},
        preset=PRESET,
        controls=Controls(),
    )
    return replace(whole, **changes)


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def studio(inbox):
    studio = Studio(inbox, {"facts": lambda: {"maps": ["happy"]}})
    yield studio
    studio.close()


def get(studio, path, **headers):
    where = urlsplit(studio.address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def token(studio) -> str:
    return urlsplit(studio.address).path.strip("/")


def live(studio, **options):
    address = studio.address.replace("http:", "ws:") + "live"
    origin = studio.address.rsplit("/", 2)[0]
    return connect(address, origin=options.pop("origin", origin), **options)


def test_the_page_is_served_with_everything_forbidden_that_it_does_not_need(studio):
    status, headers, body = get(studio, f"/{token(studio)}/")
    assert status == 200
    assert b"<html" in body
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_asks_for_nothing_from_elsewhere(studio):
    for name in ("", "app.js", "style.css"):
        status, _, body = get(studio, f"/{token(studio)}/{name}")
        assert status == 200
        text = body.decode()
        for foreign in ("http://", "https://", "//cdn", "@import"):
            assert foreign not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize(
    "path",
    ["/", "/wrong/", "/wrong/app.js", "/{token}/server.py", "/{token}/../server.py", "/{token}"],
)
def test_nothing_else_is_served(studio, path):
    status, _, body = get(studio, path.replace("{token}", token(studio)))
    assert status in (307, 404)
    assert b"livexpr" not in body


def test_another_host_name_is_refused(studio):
    port = urlsplit(studio.address).port
    assert get(studio, f"/{token(studio)}/", Host=f"evil.example:{port}")[0] == 404
    assert get(studio, f"/{token(studio)}/", Host=f"localhost:{port}")[0] == 200


def test_a_page_from_elsewhere_is_refused(studio):
    assert get(studio, f"/{token(studio)}/", Origin="http://evil.example")[0] == 404
    for origin in ("http://evil.example", "null", None):
        with (
            pytest.raises(REFUSED),
            live(studio, origin=origin) as socket,
        ):
            socket.recv(timeout=10)


def test_a_wrong_token_gets_no_connection(studio):
    address = studio.address.replace("http:", "ws:").replace(token(studio), "x" * 24) + "live"
    with (
        pytest.raises(REFUSED),
        connect(address, origin=studio.address.rsplit("/", 2)[0]) as socket,
    ):
        socket.recv(timeout=10)


def test_it_listens_on_this_machine_only(studio):
    assert studio._socket.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_said(studio, inbox):
    port = urlsplit(studio.address).port
    with pytest.raises(LivexprError, match=f"port {port}"):
        Studio(inbox, {}, port)


def show(studio, stop, **changes):
    """Show frames until told to stop, as a session does."""
    index = 0
    while not stop.is_set():
        studio.saw(published(index, **changes))
        index += 1
        time.sleep(0.01)


@pytest.fixture
def showing(studio):
    stop = threading.Event()
    thread = threading.Thread(target=show, args=(studio, stop))
    thread.start()
    yield studio
    stop.set()
    thread.join()


def read(packet: bytes) -> tuple[dict, np.ndarray]:
    (length,) = struct.unpack("<I", packet[:4])
    picture = cv2.imdecode(np.frombuffer(packet[4 + length :], np.uint8), cv2.IMREAD_COLOR)
    return json.loads(packet[4 : 4 + length]), picture


def test_a_page_that_is_ready_gets_one_picture_and_no_more(showing):
    with live(showing) as socket:
        socket.send(json.dumps({"ready": {"before": True, "overlay": True}}))
        header, picture = read(socket.recv(timeout=10))
        assert picture.shape == (96, 64, 3)
        assert abs(int(picture[:48].mean()) - 40) < 3
        assert abs(int(picture[48:].mean()) - 200) < 3
        assert header["preset"]["mix"] == {"happy": 1.0}
        assert len(header["faces"][0]) == 2 * 478
        assert all(0 <= part <= 10_000 for part in header["faces"][0])
        assert header["free"] == [[10_000] * 468]
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.4)
        socket.send(json.dumps({"ready": {"before": False}}))
        header, picture = read(socket.recv(timeout=10))
        assert picture.shape == (48, 64, 3)
        assert "faces" not in header


def test_two_pages_each_get_what_they_want(studio):
    with live(studio) as one, live(studio) as other:
        one.send(json.dumps({"ready": {"before": True, "overlay": True}}))
        wait_until(lambda: len(studio._pages._ready) == 1, "the first wish")
        other.send(json.dumps({"ready": {"before": False, "overlay": False}}))
        wait_until(lambda: len(studio._pages._ready) == 2, "the second wish")
        studio.saw(published())
        for socket in (one, other):
            header, picture = read(socket.recv(timeout=10))
            assert picture.shape == (96, 64, 3)
            assert "faces" in header


def test_nothing_is_made_while_no_page_is_ready(studio, monkeypatch):
    def never(*arguments):
        raise AssertionError("a picture was made for nobody")

    monkeypatch.setattr("livexpr.studio.stream.packet", never)
    for index in range(50):
        studio.saw(published(index))


def test_commands_reach_the_filter_and_its_answer_the_page(studio, inbox):
    with live(studio) as socket:
        socket.send(json.dumps({"command": "intensity 0.5", "id": 3}))
        while not (commands := inbox.take()):
            time.sleep(0.01)
        assert (commands[0].verb, commands[0].value) == ("intensity", "0.5")
        commands[0].answer(Answer(True, "intensity 0.5", {"preset": "happy"}))
        answer = json.loads(socket.recv(timeout=10))
        assert answer == {
            "kind": "answer",
            "id": 3,
            "ok": True,
            "text": "intensity 0.5",
            "status": {"preset": "happy"},
        }


def test_a_wrong_command_is_answered_at_once(studio, inbox):
    with live(studio) as socket:
        socket.send(json.dumps({"command": "smile more", "id": 1}))
        answer = json.loads(socket.recv(timeout=10))
    assert not answer["ok"]
    assert "there is no command 'smile'" in answer["text"]
    assert inbox.take() == []


def test_a_camera_may_open_for_longer_than_a_busy_filter_is_waited_for(studio, inbox, monkeypatch):
    monkeypatch.setattr("livexpr.studio.app._ANSWER_LIMIT_S", 0.1)
    with live(studio) as socket:
        for identity, line in enumerate(("source 0", "toggle")):
            socket.send(json.dumps({"command": line, "id": identity}))
        late = json.loads(socket.recv(timeout=10))
        assert (late["id"], late["ok"]) == (1, False)
        assert late["text"] == "the filter is busy: 'toggle' is done as soon as it can be"
        inbox.take()[0].answer(Answer(True, "source webcam", {}))
        assert json.loads(socket.recv(timeout=10))["text"] == "source webcam"


def test_questions_are_answered(studio):
    with live(studio) as socket:
        socket.send(json.dumps({"ask": "facts"}))
        answer = json.loads(socket.recv(timeout=10))
        assert answer == {"kind": "facts", "content": {"maps": ["happy"]}}


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"ask": "secrets"}', '{"ready": 1}'])
def test_nonsense_is_refused_and_the_page_stays(studio, text):
    with live(studio) as socket:
        socket.send(text)
        assert json.loads(socket.recv(timeout=10))["kind"] == "error"
        socket.send(json.dumps({"ask": "facts"}))
        assert json.loads(socket.recv(timeout=10))["kind"] == "facts"


def test_a_message_that_is_too_long_ends_the_connection(studio):
    with live(studio) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def test_closing_ends_all_threads_and_frees_the_port(inbox):
    before = set(threading.enumerate())
    studio = Studio(inbox, {})
    port = urlsplit(studio.address).port
    with live(studio) as socket:
        socket.send(json.dumps({"ready": {}}))
        studio.close()
    studio.close()
    left = [thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()]
    assert left == []
    Studio(inbox, {}, port).close()
