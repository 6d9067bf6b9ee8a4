"""The log of a study: complete, readable, and never in the way of the call."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from dataclasses import replace

import numpy as np
import pytest

from livexpr.controls import Controls
from livexpr.errors import LivexprError
from livexpr.frame_log import FrameLog
from livexpr.occlusion import Cover
from livexpr.presets import Preset
from livexpr.published import Published
from livexpr.types import Frame
from tests.made_up_world import TRACK

PRESET = Preset("happy", {"happy": 1.0})


def published(index=0, **changes) -> Published:
    frame = Frame(np.zeros((48, 64, 3), np.uint8), index, index / 30)
    whole = Published(
        before=frame,
        after=frame,
        tracks=(TRACK,),
        covers=(Cover(),),
        time_s=index / 30,
        strength=0.5,
        presence=1.0,
        stages_s={"detect": 0.01, "apply": 0.002},
        preset=PRESET,
        controls=Controls(),
    )
    return replace(whole, **changes)


def written(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_frame_has_a_line_and_each_change_one_before_it(tmp_path):
    path = tmp_path / "study.jsonl"
    log = FrameLog(path, print, live=False)
    log.saw(published(0))
    log.saw(published(1))
    log.saw(published(2, controls=Controls(intensity=0.5)))
    log.saw(published(3, controls=Controls(intensity=0.5), tracks=()))
    log.close()
    log.close()
    lines = written(path)
    assert [line["event"] for line in lines] == [
        *("start", "change", "frame", "frame", "change", "frame", "frame")
    ]
    assert lines[0]["blendshapes"][9] == "eyeBlinkLeft"
    assert lines[1]["mix"] == {"happy": 1.0}
    assert (lines[4]["frame"], lines[4]["intensity"]) == (2, 0.5)
    face = lines[2]["faces"][0]
    np.testing.assert_allclose(face["landmarks_px"], TRACK.landmarks_px[:, :2], atol=0.006)
    np.testing.assert_allclose(face["blendshapes"], TRACK.blendshapes, atol=1e-4)
    assert lines[2]["stages_ms"] == {"detect": 10.0, "apply": 2.0}
    assert lines[-1]["faces"] == []


def test_the_same_frames_give_the_same_lines(tmp_path):
    def log_of(name):
        log = FrameLog(tmp_path / name, print, live=False)
        for index in range(5):
            log.saw(published(index))
        log.close()
        return (tmp_path / name).read_text("utf-8").splitlines()[1:]

    assert log_of("one") == log_of("two")


@pytest.mark.parametrize("last", [0, 1], ids=["at the end", "before another"])
def test_a_call_is_not_held_up_by_a_slow_disk_and_what_was_lost_is_told(
    tmp_path, monkeypatch, last
):
    go_on = threading.Event()
    of = FrameLog.__init__.__globals__["_Lines"].of

    def slowly(self, one):
        assert go_on.wait(30)
        return of(self, one)

    monkeypatch.setattr("livexpr.frame_log._Lines.of", slowly)
    path = tmp_path / "study.jsonl"
    log = FrameLog(path, print, live=True)
    for index in range(1000):
        log.saw(published(index))
    go_on.set()
    while not log._waiting.empty():
        threading.Event().wait(0.01)
    for index in range(last):
        log.saw(published(1000 + index))
    log.close()
    lines = written(path)
    frames = [line["frame"] for line in lines if line["event"] == "frame"]
    lost = sum(line["frames"] for line in lines if line["event"] == "lost")
    assert lost > 0
    assert len(frames) + lost == 1000 + last
    assert (frames[-1] == 1000) == bool(last)


def test_a_full_disk_is_said_once(tmp_path):
    full = "/dev/full"
    said: list[str] = []
    try:
        log = FrameLog(tmp_path.__class__(full), said.append, live=True)
    except LivexprError:
        pytest.skip("this system has no /dev/full")
    for index in range(40):
        log.saw(published(index))
    log.close()
    assert len(said) == 1
    assert "ends here" in said[0]


@pytest.mark.parametrize("frames", [1, 1000])
def test_a_disk_that_does_not_answer_does_not_keep_the_program_from_ending(
    tmp_path, monkeypatch, frames
):
    answer = threading.Event()
    monkeypatch.setattr("livexpr.frame_log._Lines.of", lambda self, one: answer.wait(30) and [])
    monkeypatch.setattr("livexpr.frame_log._END_LIMIT_S", 0.1)
    said: list[str] = []
    log = FrameLog(tmp_path / "study.jsonl", said.append, live=True)
    for index in range(frames):
        log.saw(published(index))
    log.close()
    assert said == [f"the log {tmp_path / 'study.jsonl'} ends early: its disk does not answer"]
    answer.set()


def test_a_disk_that_does_not_answer_holds_a_film_up_but_for_a_while(tmp_path, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr("livexpr.frame_log._Lines.of", lambda self, one: answer.wait(30) and [])
    monkeypatch.setattr("livexpr.frame_log._STUCK_LIMIT_S", 0.1)
    monkeypatch.setattr("livexpr.frame_log._END_LIMIT_S", 0.1)
    said: list[str] = []
    log = FrameLog(tmp_path / "study.jsonl", said.append, live=False)

    def see_all():
        for index in range(200):
            log.saw(published(index))
        log.close()

    seeing = threading.Thread(target=see_all, daemon=True)
    seeing.start()
    seeing.join(20)
    try:
        assert not seeing.is_alive()
        assert said == [f"the log {tmp_path / 'study.jsonl'} ends early: its disk does not answer"]
    finally:
        answer.set()


def test_pictures_do_not_wait_for_the_disk(tmp_path, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr("livexpr.frame_log._Lines.of", lambda self, one: answer.wait(30) and [])
    log = FrameLog(tmp_path / "study.jsonl", print, live=True)
    frames = [Frame(np.zeros((48, 64, 3), np.uint8), index, 0.0) for index in range(4)]
    pictures = [weakref.ref(frame.pixels) for frame in frames]
    for frame in frames:
        log.saw(published(before=frame, after=frame))
    del frame, frames
    gc.collect()
    kept = [picture() is not None for picture in pictures]
    answer.set()
    log.close()
    assert not any(kept)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(LivexprError, match="cannot write the log"):
        FrameLog(tmp_path / "no" / "study.jsonl", print, live=True)
