"""The studio in a real browser, on the running demo, as a person uses it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time

import numpy as np
import pytest

from livexpr import presets
from livexpr.film import open_film

pytest.importorskip("livexpr.studio.server", reason="the extra 'studio' is not installed")

from tests.studio import running
from tests.studio.browser import LIMIT_S, browser, program

LIVE = "document.getElementById('fps').textContent.length > 1"
ALIKE = ("my-smile", "my_smile")
"""Maps of the user's, whose names differ in a sign only."""

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """The address of the studio of a filter that runs on the demo, and where its user lives."""
    home = tmp_path_factory.mktemp("home")
    maps = home / "livexpr" / "presets" / "maps"
    maps.mkdir(parents=True)
    for name in ALIKE:
        shutil.copy(presets.map_path("happy"), maps / f"{name}.safetensors")
    with running.studio(home, "--source", "demo", "--loop", "--intensity", "0.8") as address:
        yield address, home


@pytest.fixture(scope="module")
def page(studio):
    with browser(program()) as page:
        page.open(studio[0])
        page.wait(LIVE)
        yield page
        assert page.problems == []


@pytest.fixture(scope="module")
def film(studio):
    path = studio[1] / "tall film.mp4"
    with contextlib.closing(open_film(path, (240, 320), 30.0)) as sink:
        for _ in range(30):
            sink.send(np.full((320, 240, 3), 90, np.uint8))
    return path


def tell(address, command):
    """Have another page send a command, and wait until it was carried out."""
    from websockets.sync.client import connect

    origin = address.rsplit("/", 2)[0]
    with connect(address.replace("http:", "ws:") + "live", origin=origin) as socket:
        socket.send(json.dumps({"command": command}))
        answer = json.loads(socket.recv(timeout=LIMIT_S))
    assert answer["ok"], answer


def value(page, selector):
    return float(page.run(f"document.querySelector({selector!r}).value"))


def chosen(page):
    return page.run("document.getElementById('cameras').selectedOptions[0].text")


def choose(page, list_id, choice):
    """Choose from a list, as if what is chosen were in it."""
    page.run(
        f"(() => {{const list = document.getElementById({list_id!r});"
        f"list.append(new Option('another', {choice!r})); list.value = {choice!r};"
        "list.dispatchEvent(new Event('change'));})()"
    )


def pressed(page, name):
    return page.run(f"document.getElementById('switch-{name}').getAttribute('aria-pressed')")


def test_it_shows_what_is_set(page):
    page.wait("document.getElementById('presets').value === 'happy'")
    page.wait("Number(document.getElementById('intensity').value) === 0.8")
    page.wait("document.getElementById('slider-mix-happy').value === '1'")
    assert page.run("document.querySelectorAll('#mix input').length") >= 18


def test_the_picture_moves_and_differs_across_the_divider(page):
    grey = (
        "(() => {const c = document.getElementById('picture'), g = c.getContext('2d');"
        "return [...g.getImageData(0, 0, c.width, c.height).data.slice(0, 4e6)]"
        ".reduce((sum, v, i) => (sum + v * (i % 97)) % 1e9, 0);})()"
    )
    first = page.run(grey)
    page.wait(f"{grey} !== {first}")


def test_the_divider_is_dragged_and_moves_by_keys(page):
    page.drag("#divider", 0.5, 0.25)
    assert 20 < value(page, "#divider") < 30
    left = page.run("document.getElementById('line').style.left")
    assert left == f"{value(page, '#divider'):g}%"
    before = value(page, "#divider")
    page.run("document.getElementById('divider').focus()")
    page.key("ArrowRight", 39)
    assert value(page, "#divider") > before


def test_sliders_reach_the_filter(page):
    page.drag("#slider-region-mouth", 0.5, 0.75)
    set_to = value(page, "#slider-region-mouth")
    assert set_to > 1.2
    # Another page shows it too: it is in the filter, not in this page alone.
    page.wait("performance.now() - document.getElementById('slider-region-mouth').touchedMs > 900")
    page.wait("document.getElementById('fps').textContent")
    assert value(page, "#slider-region-mouth") == set_to


def test_presets_and_switches(page):
    choose(page, "presets", "sad")
    page.wait("document.getElementById('slider-mix-sad').value === '1'")
    page.click("#switch-on")
    page.wait("document.getElementById('switch-on').getAttribute('aria-pressed') === 'false'")
    page.click("#switch-on")
    page.wait("document.getElementById('switch-on').getAttribute('aria-pressed') === 'true'")
    page.click("#switch-overlay")
    assert pressed(page, "overlay") == "true"


def test_the_list_of_presets_shows_what_others_chose_though_it_has_the_focus(page, studio):
    chosen = "document.getElementById('presets').value"
    page.run("document.getElementById('presets').focus()")
    tell(studio[0], "preset warm")
    page.wait(f"{chosen} === 'warm'")
    choose(page, "presets", "sad")
    page.wait("document.getElementById('state').textContent === 'preset sad'")
    tell(studio[0], "preset warm")
    page.wait(f"{chosen} === 'warm'")
    choose(page, "presets", "no-such-preset")
    page.wait("document.getElementById('state').classList.contains('bad')")
    page.wait(f"{chosen} === 'warm'")


def test_another_camera_is_chosen_while_it_runs(page, film):
    page.wait("document.getElementById('cameras').selectedOptions[0]?.text === 'demo'")
    # No webcam here: the list has one choice more, as if it were one.
    choose(page, "cameras", str(film))
    page.wait("document.getElementById('state').textContent.startsWith('source tall film.mp4')")
    assert chosen(page) == "tall film.mp4"
    page.wait(
        "document.getElementById('picture').height > document.getElementById('picture').width"
    )
    choose(page, "cameras", "no-such-camera")
    page.wait("document.getElementById('state').classList.contains('bad')")
    assert "tall film.mp4 stays" in page.run("document.getElementById('state').textContent")
    assert chosen(page) == "tall film.mp4"
    choose(page, "cameras", "demo")
    page.wait("document.getElementById('state').textContent.startsWith('source demo')")


def test_a_camera_that_others_chose_is_shown(page, studio, film):
    shown = "document.getElementById('cameras').selectedOptions[0].text"
    for source, name in ((str(film), "tall film.mp4"), ("demo", "demo")):
        tell(studio[0], f"source {source}")
        page.wait(f"{shown} === {name!r}")


def test_a_tuning_is_saved_under_a_name(page, studio):
    page.click("#save-name")
    page.type("evening")
    page.click("#save button")
    page.wait("[...document.getElementById('presets').options].some(o => o.value === 'evening')")
    assert list(studio[1].rglob("evening.toml"))


def test_a_refusal_stays_red_though_it_is_told_twice(page):
    page.click("#save-name")
    page.type("happy")
    page.click("#save button")
    # Whichever comes first, the answer or what everybody is told.
    page.wait("document.querySelector('#state.bad')?.textContent.includes('already')")
    time.sleep(0.5)
    assert page.run("document.querySelector('#state.bad') !== null")
    page.run("document.getElementById('save-name').value = ''")


def test_the_doctor_is_asked(page):
    page.click("#doctor")
    page.wait("document.querySelectorAll('.finding').length > 5")
    assert page.run("document.getElementById('doctor').disabled") is False


def test_the_doctor_can_be_asked_again_when_no_answer_came(page):
    usable = "!document.getElementById('doctor').disabled"
    page.run(
        "(() => {const {send} = WebSocket.prototype; WebSocket.prototype.send = function (text) {"
        "window.live = this; send.call(this, text);};})()"
    )
    page.wait("window.live !== undefined")
    # Asked while the connection is lost, and when the filter has no answer but an error.
    for mishap in ("live.close(); doctor.click();", "doctor.disabled = true; live.send('?');"):
        assert page.run(
            f"(() => {{const doctor = document.getElementById('doctor'); {mishap}"
            " return doctor.disabled;})()"
        )
        page.wait(usable)
    page.wait("document.getElementById('state').textContent === 'expected a JSON object'")


def test_sliders_of_names_alike_have_each_its_own_label(page):
    labels = page.run(
        "[...document.querySelectorAll('#mix input')].map(input =>"
        " [...input.labels].map(label => label.querySelector('span').textContent))"
    )
    assert all(len(each) == 1 for each in labels)
    assert {name for (name,) in labels} >= set(ALIKE)


def test_everything_has_a_name_for_screen_readers(page):
    nameless = page.run(
        "[...document.querySelectorAll('input, select, button, canvas')].filter(e =>"
        " !(e.ariaLabel || e.labels?.length || e.textContent.trim())).map(e => e.outerHTML)"
    )
    assert nameless == []


def test_a_wrong_token_is_refused(studio):
    with browser(program()) as other:
        other.open(re.sub(r"/[^/]+/$", "/AAAAAAAAAAAAAAAAAAAAAAAA/", studio[0]))
        assert other.run("document.body.innerText") == "There is nothing here."
