"""Teaching on the studio's page, in a real browser: a face that is neutral, then smiles."""

from __future__ import annotations

import pytest

pytest.importorskip("livexpr.studio.server", reason="the extra 'studio' is not installed")

from livexpr import pixel_map
from tests.studio import phases, running
from tests.studio.browser import browser, program

pytestmark = pytest.mark.skipif(program() is None, reason="no Chromium on this machine")

GUIDANCE = "document.getElementById('guidance').textContent"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def page(home):
    film = home / "phases.mp4"
    phases.write_film(film)
    with (
        running.studio(home, "--source", str(film), "--loop", "--expression", "sad") as address,
        browser(program()) as page,
    ):
        page.open(address)
        page.wait("!document.getElementById('teach').hidden")
        yield page
        assert page.problems == []


def wait_for_phase(page, neutral: bool) -> None:
    """Wait until the face on the film has just become so."""
    corner = "document.getElementById('picture').getContext('2d').getImageData(20, 20, 1, 1).data"
    is_neutral = f"(([r, g]) => r + g > 100 && g > r)({corner})"
    is_smiling = f"(([r, g]) => r + g > 100 && r > g)({corner})"
    page.wait(is_smiling if neutral else is_neutral)
    page.wait(is_neutral if neutral else is_smiling)


def test_a_lesson_from_the_first_look_to_the_new_preset(page, home):
    # The name's field is the first thing touched: guidance begins.
    page.click("#teach-name")
    page.type("my-smile")
    page.wait(f"{GUIDANCE}.includes('a neutral face, then press its button')")
    page.click("[data-teach=expression]")
    page.wait(f"{GUIDANCE} === 'first your neutral face, then the expression'")
    assert page.run("document.getElementById('guidance').classList.contains('bad')")
    wait_for_phase(page, neutral=True)
    page.click("[data-teach=neutral]")
    page.wait(f"{GUIDANCE}.includes('now the expression')")
    wait_for_phase(page, neutral=False)
    page.click("[data-teach=expression]")
    page.wait("document.getElementById('shown-times').textContent === '1 of 3'")
    page.click("#learn button")
    page.wait(f"{GUIDANCE} === 'learned my-smile, shown 1 time'")
    page.wait("document.getElementById('presets').value === 'my-smile'")
    page.wait("[...document.getElementById('presets').options].some(o => o.value === 'my-smile')")
    # It is a slider among the others, and what is shown.
    page.wait("document.getElementById('slider-mix-my-smile').value === '1'")
    assert len(list(home.rglob("my-smile.toml"))) == 1
    (path,) = home.rglob("my-smile.safetensors")
    learned = pixel_map.load(path)
    # The face in the film was made to smile by the shipped map, and that is what it is like.
    assert learned.metadata["shrunk_towards"].split()[-1] in ("happy", "warm")


def test_undo_and_what_cannot_be_learned(page):
    page.click("[data-teach=undo]")
    page.wait("document.getElementById('shown-times').textContent === '0 of 3'")
    page.click("#learn button")
    page.wait(f"{GUIDANCE}.startsWith('expected at least one neutral face')")
    page.run("document.getElementById('teach-name').value = 'happy'")
    page.click("#learn button")
    page.wait(f"{GUIDANCE}.includes('choose another name, as my-happy')")


def test_it_is_done_by_keys_alone_and_read_aloud(page):
    region = "document.getElementById('guidance')"
    assert page.run(f"{region}.getAttribute('aria-live')") == "polite"
    page.run("document.getElementById('save-name').focus()")
    reached = []
    for _ in range(8):
        page.key("Tab", 9)
        reached.append(page.run("document.activeElement.textContent.trim()"))
    for name in ("My neutral face", "My expression", "Undo", "Fit and show"):
        assert name in reached
