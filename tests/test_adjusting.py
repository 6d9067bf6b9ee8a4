"""Presets changed piece by piece: what changes, what stays, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livexpr.adjusting import adjusted
from livexpr.errors import PresetError
from livexpr.preset_file import Preset

HAPPY = Preset("mine", {"happy": 1.0}, intensity=0.8)


def test_a_map_joins_and_leaves_the_mix():
    both = adjusted(HAPPY, "mix", "sad=0.25")
    assert both == replace(HAPPY, mix={"happy": 1.0, "sad": 0.25})
    assert adjusted(both, "mix", "sad=0") == HAPPY


def test_the_last_map_stays_at_nothing():
    assert adjusted(HAPPY, "mix", "happy=0").mix == {"happy": 0.0}


@given(st.floats(0, 2))
def test_a_region(weight):
    after = adjusted(HAPPY, "region", f"mouth={weight!r}")
    assert after == replace(HAPPY, regions=replace(HAPPY.regions, mouth=weight))


def test_feel_and_damping():
    assert adjusted(HAPPY, "feel", "easing_s=2").feel.easing_s == 2.0
    assert adjusted(HAPPY, "damping", "0.5").damping == 0.5
    assert adjusted(adjusted(HAPPY, "damping", "0.5"), "damping", "+0.25").damping == 0.75


def test_steps_of_the_damping_lead_back_and_end_at_the_ends():
    preset = adjusted(HAPPY, "damping", "0.3")
    for wanted in (0.2, 0.1, 0.0, 0.0):
        preset = adjusted(preset, "damping", "-0.1")
        assert preset.damping == wanted
    assert adjusted(adjusted(HAPPY, "damping", "0.95"), "damping", "+0.1").damping == 1.0


@pytest.mark.parametrize(
    ("verb", "value", "message"),
    [
        ("mix", "hapy=1", "there is no map 'hapy': did you mean 'happy'?"),
        ("mix", "happy=3", "happy was to be 3: expected a number from -1 to 2"),
        ("region", "nose=1", "there is no region 'nose'"),
        ("region", "mouth=-1", "expected a number from 0 to 2"),
        ("feel", "speed=1", "there is no feel 'speed'"),
        ("feel", "smoothing=7", "expected a number from 0 to 1"),
        ("damping", "2", "damping was to be 2"),
    ],
)
def test_refused(verb, value, message):
    with pytest.raises(PresetError, match=message.replace("?", r"\?")):
        adjusted(HAPPY, verb, value)
