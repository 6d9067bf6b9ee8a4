"""What the page is told of this machine."""

from __future__ import annotations

from livexpr import capture, studio_opening
from tests.test_platforms import enumerator, opened, system

__all__ = ["enumerator", "opened", "system"]


def test_a_camera_that_is_offered_can_be_opened_on_every_system(system, enumerator, opened):
    offered, demo = studio_opening.cameras()
    assert demo == {"name": "demo", "source": "demo"}
    source = capture.open_source(
        offered["source"], size=None, fps=None, mirror=False, loop=False, fast=False
    )
    assert source.name == offered["name"] == 'webcam "FaceTime HD Kamera" (unique-id)'
    source.close()
