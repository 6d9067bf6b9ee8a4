"""A person's first five minutes, on the demo: each test goes on where the one before ended."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("user folders and terminals of Linux", allow_module_level=True)

import cv2

from livexpr import studio_opening
from tests.first_minutes.person import Person, Program, x_display
from tests.studio import phases
from tests.studio.browser import Page, browser, program


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    with x_display() as display:
        yield Person(tmp_path_factory.mktemp("newcomer"), display)


@pytest.fixture(scope="module")
def tuned(person: Person) -> str:
    """Start, change preset and intensity by keys, save, quit; return the new preset's name."""
    with person.at_the_keys() as (running, press):
        first = person.wait_until(lambda status: status["ready"])
        assert (first["preset"], first["intensity"], first["file"]) == ("happy", 1.0, None)
        press("n")
        other = person.wait_until(lambda status: status["preset"] != "happy")
        for intensity in (1.1, 1.2, 1.3):
            press("+")
            person.wait_until(lambda status, i=intensity: round(status["intensity"], 6) == i)
        press("s")
        saved = person.wait_until(lambda status: status["preset"] != other["preset"])
        assert saved["preset"] == f"{other['preset']}-2"
        press("q")
        assert running.end() == 0
    assert Path(saved["file"]).is_relative_to(person.home)
    return str(saved["preset"])


@pytest.fixture(scope="module")
def again(person: Person, tuned: str):
    """The filter, started again with the saved preset, and its studio where it is installed."""
    studio = ["--studio"] if studio_opening.is_installed() else []
    with person.running("--preset", tuned, "--output", "null", "--no-preview", *studio) as running:
        yield running
        running.process.terminate()
        assert running.end() == 143


@pytest.fixture(scope="module")
def page(again: Program):
    pytest.importorskip("livexpr.studio.server", reason="the extra 'studio' is not installed")
    if program() is None:
        pytest.skip("no Chromium on this machine")
    with browser(program()) as page:
        page.open(again.wait_for(r"http://\S+")[0])
        page.wait("document.getElementById('fps').textContent.length > 1")
        yield page
        assert page.problems == []


def test_keys_change_preset_and_intensity_and_save(person: Person, tuned: str):
    assert tuned in person.livexpr("presets", "list")
    assert "1.3" in person.livexpr("presets", "show", tuned)


def test_the_saved_preset_is_there_after_a_restart(person: Person, again: Program, tuned: str):
    status = person.status()
    assert status["preset"] == tuned
    assert round(status["intensity"], 6) == 1.3
    assert f"{tuned} is live" in again.said


def test_a_second_terminal_reaches_it(person: Person, again: Program):
    assert person.livexpr("ctl", "off").strip()
    assert person.status()["on"] is False
    person.livexpr("ctl", "on")
    person.livexpr("ctl", "intensity", "0.5")
    assert person.status()["intensity"] == 0.5


def test_an_expression_is_taught_from_two_photographs(person: Person, again: Program):
    neutral, smile = person.home / "neutral.png", person.home / "smile.png"
    cv2.imwrite(str(neutral), phases.neutral())
    person.livexpr("render", neutral, smile, "--expression", "happy")
    told = person.livexpr(*("teach", "my-smile", "--neutral", neutral, "--expression-photo", smile))
    assert "livexpr run --preset my-smile" in told
    # It is to be had at once, by the filter that runs.
    person.livexpr("ctl", "preset", "my-smile")
    status = person.status()
    assert (status["preset"], status["mix"]) == ("my-smile", {"my-smile": 1.0})


def test_the_studio_shows_and_tunes_it(person: Person, again: Program, page: Page):
    person.livexpr("ctl", "preset", "happy")
    page.wait("document.getElementById('presets').value === 'happy'")
    page.drag("#slider-mix-sad", 1 / 3, 0.6)
    tuned = person.wait_until(lambda status: status["mix"].get("sad", 0.0) > 0.3)
    assert tuned["mix"]["happy"] == 1.0
    page.drag("#divider", 0.5, 0.2)
    assert 15 < float(page.run("document.getElementById('divider').value")) < 25


@pytest.mark.parametrize("width", [1280, 700])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_studio_is_whole_on_every_screen(page: Page, tmp_path: Path, scheme, width):
    page.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    page.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.run("scrollTo(0, 0)")
    picture = tmp_path / "studio.png"
    page.screenshot(picture)
    # Nothing is wider than the screen, and a corner of the ground is as light as is asked for.
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    ground = cv2.imread(str(picture))[-3, 3].mean()
    assert (ground > 200) if scheme == "light" else (ground < 60)


def test_a_wrong_token_is_refused(again: Program, page: Page):
    wrong = re.sub(r"/[^/]+/$", "/AAAAAAAAAAAAAAAAAAAAAAAA/", again.wait_for(r"http://\S+")[0])
    page.open(wrong)
    assert page.run("document.body.innerText") == "There is nothing here."
    page.problems.clear()  # the refusal itself
