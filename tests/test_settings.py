"""Settings: the defaults of a run, in one place, and not to be changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from livexpr import presets
from livexpr.settings import DEFAULT_EXPRESSION, Settings


def test_defaults_are_those_of_the_readme():
    settings = Settings()
    assert settings.source == "auto"
    assert settings.outputs == ("auto",)
    assert settings.preset == presets.load(DEFAULT_EXPRESSION) == presets.load("happy")
    not_asked = ("size", "fps", "preview", "max_frames", "stats")
    assert [getattr(settings, name) for name in not_asked] == [None] * len(not_asked)
    assert not any((settings.mirror, settings.loop, settings.fast))


@pytest.mark.parametrize("name", [each.name for each in fields(Settings)])
def test_settings_do_not_change(name):
    with pytest.raises(FrozenInstanceError):
        setattr(Settings(), name, None)


def test_there_are_no_other_settings():
    with pytest.raises((AttributeError, TypeError)):
        Settings().speed = 1
