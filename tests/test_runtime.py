"""Runs of the whole live filter, with made-up edges: threads, fall-backs, failures, keys."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from livexpr import edges, opening, runtime, sinks, supply
from livexpr.errors import CameraError, ModelError, VirtualCameraError
from livexpr.presets import Preset
from livexpr.publisher import NullSink
from livexpr.settings import Settings
from livexpr.types import NoFace
from tests.made_up_world import (
    HAPPY,
    LIMIT_S,
    SIZE,
    FakeCamera,
    FakeSource,
    FakeTerminal,
    FakeWindow,
    RecordingSink,
    World,
    wait_until,
)


def test_fast_filters_every_frame_in_order_and_drops_none(tmp_path):
    world = World(source=FakeSource(40, live=False))
    world.engine.process_s = 0.002
    stats = tmp_path / "stats.json"
    assert world.run(outputs=("a.mp4",), fast=True, stats=stats) == 0
    film = world.films["a.mp4"]
    assert film.blues == [100 + index for index in range(40)]
    assert film.closed
    report = json.loads(stats.read_text(encoding="utf-8"))
    assert report["frames"] == {"in": 40, "out": 40, "dropped": 0, "with_face": 40}
    assert report["stages_ms"]["apply"]["p50"] == pytest.approx(2.0, rel=0.01)
    assert report["stages_ms"]["detect"]["p99"] > 0
    assert report["latency_ms"]["p50"] > 0
    assert world.engine.closed
    assert world.source.closed.is_set()


def test_fast_gives_the_filter_the_films_own_times():
    world = World(source=FakeSource(10, live=False, fps=25.0))
    world.run(outputs=("null",), fast=True)
    assert world.engine.times_s == pytest.approx([index / 25 for index in range(10)])


@pytest.mark.parametrize("fps", [0.5, 500.0])
def test_fast_believes_an_uncommon_rate_of_a_film(fps):
    world = World(source=FakeSource(5, live=False, fps=fps))
    world.run(outputs=("null",), fast=True)
    assert world.engine.times_s == pytest.approx([index / fps for index in range(5)])


@pytest.mark.parametrize("count", [1, 7])
def test_fast_stops_after_just_so_many_frames(count, tmp_path):
    world = World(source=FakeSource(live=False))
    stats = tmp_path / "stats.json"
    assert world.run(outputs=("a.mp4",), fast=True, max_frames=count, stats=stats) == 0
    assert len(world.films["a.mp4"].sent) == count
    frames = json.loads(stats.read_text(encoding="utf-8"))["frames"]
    assert (frames["in"], frames["out"]) == (count, count)


def test_live_keeps_the_newest_frames_only_and_every_frame_is_accounted_for(tmp_path):
    world = World(source=FakeSource(120, fps=400.0))
    world.engine.process_s = 0.02
    stats = tmp_path / "stats.json"
    assert world.run(outputs=("null",), stats=stats) == 0
    frames = json.loads(stats.read_text(encoding="utf-8"))["frames"]
    assert frames["in"] == 120
    assert frames["dropped"] > 0
    assert frames["in"] == frames["out"] + frames["dropped"]
    assert world.engine.times_s == sorted(world.engine.times_s)


def test_live_stops_after_so_many_frames():
    world = World()
    assert world.run(outputs=("a.mp4",), max_frames=5) == 0
    assert len(world.films["a.mp4"].sent) == 5


def test_only_the_main_thread_filters():
    world = World(source=FakeSource(10, live=False))
    world.run(outputs=("null",), fast=True)
    assert world.engine.process_threads == {threading.get_ident()}


def test_the_camera_shows_the_plain_picture_while_the_engine_loads():
    camera = FakeCamera()
    world = World(camera=camera)

    def loading():
        wait_until(lambda: any(blue < 50 for blue in camera.blues[3:]), "plain pictures")

    world.loading = loading
    world.window = FakeWindow([lambda: max(camera.blues, default=0) >= 100, "q"])
    assert world.run() == 0
    assert world.events.index("camera None 64x48") < world.events.index("engine")
    assert max(camera.blues) >= 100
    assert any("happy is live: recorder" in line for line in world.said)
    assert camera.closed


def test_a_source_that_opens_slowly_is_waited_for_behind_a_placeholder():
    camera = FakeCamera()
    world = World(camera=camera, window=FakeWindow([lambda: len(camera.sent) > 20, "q"]))
    world.opening = lambda: wait_until(lambda: camera.sent, "the placeholder")
    assert world.run(size=(320, 240)) == 0
    assert world.events[:2] == ["camera None 320x240", "source"]
    assert {pixels.shape for pixels in camera.sent} == {(240, 320, 3)}


@pytest.mark.parametrize(
    "outputs", [("null",), ("a.mp4",), ("null", "a.mp4")], ids=lambda value: "+".join(value)
)
def test_nothing_goes_out_unfiltered_where_nobody_watches(outputs):
    world = World(source=FakeSource(30, fps=200.0), loading=lambda: time.sleep(0.3))
    world.run(outputs=outputs)
    for film in world.films.values():
        assert min(film.blues) >= 100
    assert all(effect.intensity == 1.0 for effect in world.engine.effects)


def failing(error):
    def raise_it():
        raise error

    return raise_it


@pytest.mark.parametrize("error", [ModelError("altered model"), ImportError("no libGL")])
def test_an_engine_that_fails_while_live_leaves_the_picture_as_it_is(error):
    camera = FakeCamera()
    world = World(camera=camera, loading=failing(error))
    world.window = FakeWindow([lambda: len(camera.sent) > 20, "q"])
    assert world.run() == 0
    assert max(camera.blues[5:]) < 50
    assert [line for line in world.said if str(error) in line] == [
        f"the picture goes on unfiltered: {error}"
    ]


def test_an_engine_that_fails_before_anything_is_out_is_an_error():
    world = World(loading=failing(ModelError("altered model")))
    with pytest.raises(ModelError, match="altered model"):
        world.run(outputs=("a.mp4",))
    assert world.films["a.mp4"].closed
    assert world.source.closed.is_set()


def test_detection_that_fails_while_live_leaves_the_picture_as_it_is():
    world = World(source=FakeSource(30, live=False))
    world.engine.detect_error = ModelError("it failed")
    assert world.run(outputs=("a.mp4",), fast=True) == 0
    assert max(world.films["a.mp4"].blues) < 50
    assert len(world.films["a.mp4"].sent) == 30
    assert [line for line in world.said if "it failed" in line] == [
        "the picture goes on unfiltered: it failed"
    ]


@pytest.mark.parametrize("attribute", ["detect_error", "process_error"])
def test_a_bug_ends_a_film_with_everything_released(attribute):
    world = World(source=FakeSource(live=False), camera=FakeCamera())
    setattr(world.engine, attribute, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        world.run(outputs=("camera", "a.mp4"))
    assert world.camera.closed
    assert world.films["a.mp4"].closed
    assert world.source.closed.is_set()
    assert world.terminal.closed
    assert world.engine.closed


def test_without_a_camera_auto_is_the_window_and_says_why():
    world = World(window=FakeWindow("q"))
    assert world.run() == 0
    lines = [line for line in world.said if "camera" in line]
    assert lines == ["showing a window instead of the virtual camera: no camera: run `mend camera`"]
    assert world.window.is_closed


def test_without_a_display_either_auto_is_a_film_of_ten_seconds():
    world = World(source=FakeSource(fps=20.0))
    first = world.source
    assert world.run() == 0
    film = world.films["livexpr-preview.mp4"]
    assert len(film.sent) == 200
    assert min(film.blues) >= 100
    assert film.closed
    assert [line for line in world.said if "mend" in line] == [
        "no virtual camera to be had: no camera: run `mend camera`",
        "writing ten seconds to livexpr-preview.mp4 instead of a window: "
        "no display: run `mend display`",
    ]
    assert world.events.count("fast source") == 1, "nobody watches: no waiting, no dropping"
    assert first.closed.is_set()


def test_without_a_display_either_the_studio_is_served_where_it_is_installed():
    world = World(source=FakeSource(30, fps=200.0), studio=True)
    assert world.run() == 0
    assert world.films == {}
    assert world.served_studio
    assert "serving the studio instead of a window: no display: run `mend display`" in world.said
    assert "happy is live: the studio" in world.said[-1]


def test_a_studio_that_was_asked_for_is_served_without_a_camera_and_a_window():
    world = World(source=FakeSource(30, fps=200.0))
    assert world.run(studio=True, preview=False) == 0
    assert world.films == {}
    assert world.served_studio
    said = "serving the studio instead of the virtual camera: no camera: run `mend camera`"
    assert said in world.said


@pytest.mark.parametrize("preview", [None, False])
def test_other_outputs_go_on_without_a_camera_and_a_window(monkeypatch, preview):
    monkeypatch.setattr(sinks, "PREVIEW_FILM_S", 0.1)
    world = World(source=FakeSource(60, fps=100.0))
    assert world.run(outputs=("auto", "talk.mp4"), preview=preview) == 0
    assert list(world.films) == ["talk.mp4"]
    assert world.films["talk.mp4"].blues[-1] == 100 + 59 % 50, "to its end"
    missing = "the virtual camera" if preview is False else "a window"
    assert any(f"going on without {missing}: no " in line for line in world.said)


def test_the_film_of_a_picture_lasts_ten_seconds(tmp_path):
    cv2.imwrite(str(tmp_path / "face.png"), np.full((SIZE[1], SIZE[0], 3), 7, np.uint8))
    world = World()
    settings = Settings(source=str(tmp_path / "face.png"), outputs=("auto",), preset=HAPPY)
    assert runtime.run(settings, edges=replace(world.edges(), open_source=edges.open_source)) == 0
    assert world.films["livexpr-preview.mp4"].blues == [107] * 300


def test_the_film_of_a_webcam_is_made_in_real_time():
    world = World(source=FakeSource(30, fps=200.0), webcam=True)
    assert world.run() == 0
    assert "fast source" not in world.events
    assert world.films["livexpr-preview.mp4"].sent


def test_a_camera_that_was_asked_for_by_name_is_not_replaced():
    world = World()
    with pytest.raises(VirtualCameraError, match="mend camera"):
        world.run(outputs=("camera:/dev/video10",))
    assert world.events[-1] == "camera /dev/video10 64x48"
    assert world.source.closed.is_set()


def test_a_window_that_was_asked_for_is_not_replaced():
    with pytest.raises(VirtualCameraError, match="mend display"):
        World().run(outputs=("window",))


@pytest.mark.parametrize(
    ("preview", "has_display", "opened", "said"),
    [
        (None, True, True, False),
        (None, False, False, False),
        (True, False, False, True),
        (False, True, False, False),
    ],
)
def test_the_preview_beside_the_camera(preview, has_display, opened, said):
    camera = FakeCamera()
    world = World(source=FakeSource(20, fps=200.0), camera=camera)
    if has_display:
        world.window = FakeWindow()
    assert world.run(preview=preview) == 0
    assert (has_display and len(world.window.shown) > 0) == opened
    assert any("no preview" in line for line in world.said) == said


def test_other_outputs_get_a_preview_only_when_asked():
    world = World(source=FakeSource(5, fps=200.0), window=FakeWindow())
    world.run(outputs=("null",))
    assert "window" not in world.events
    world.source = FakeSource(5, fps=200.0)
    world.run(outputs=("null",), preview=True)
    assert "window" in world.events


def test_a_source_that_cannot_be_opened_is_an_error():
    world = World(camera=FakeCamera())
    world.source = CameraError("there is no camera 7")
    with pytest.raises(CameraError, match="no camera 7"):
        world.run()
    assert world.terminal.closed
    assert "engine" not in world.events


def test_a_slow_source_that_fails_in_the_end_closes_the_camera_again():
    camera = FakeCamera()
    world = World(camera=camera)
    world.source = CameraError("gives no pictures")
    world.opening = lambda: wait_until(lambda: camera.sent, "the placeholder")
    with pytest.raises(CameraError, match="gives no pictures"):
        world.run()
    assert camera.closed


def test_notes_of_the_source_are_said():
    world = World(source=FakeSource(3, notes=("asked for 640x480, the camera gives 64x48",)))
    world.run(outputs=("null",))
    assert world.said[0] == "asked for 640x480, the camera gives 64x48"


def test_a_webcam_that_is_unplugged_comes_back(monkeypatch):
    monkeypatch.setattr(supply, "FIRST_RETRY_S", 0.02)
    camera = FakeCamera()
    tries = []

    def reopen():
        tries.append(len(camera.sent))
        if len(tries) < 3:
            raise CameraError("still away")
        return FakeSource(name="the webcam")

    world = World(
        source=FakeSource(30, error=CameraError("the webcam was unplugged")),
        camera=camera,
        reopen=reopen,
    )
    world.window = FakeWindow([lambda: world.source.name == "the webcam", "q"])
    assert world.run() == 0
    assert len(tries) == 3
    assert sum("was unplugged" in line for line in world.said) == 1
    assert sum("the webcam is back" in line for line in world.said) == 1
    indices = [frame.index for frame in world.engine.detected]
    assert indices == sorted(set(indices)), "it counts on where it was"
    assert not any("still away" in line for line in world.said)


def test_a_file_that_breaks_ends_the_run_with_its_error():
    world = World(source=FakeSource(5, live=False, error=CameraError("the file is damaged")))
    with pytest.raises(CameraError, match="damaged"):
        world.run(outputs=("a.mp4",), fast=True)
    assert len(world.films["a.mp4"].sent) == 5
    assert world.films["a.mp4"].closed


def test_the_last_sink_that_fails_ends_the_run():
    world = World(films={"a.mp4": RecordingSink("a.mp4", fail_after=3)})
    with pytest.raises(VirtualCameraError, match=r"a\.mp4 is full"):
        world.run(outputs=("a.mp4",))


def test_other_sinks_go_on_when_one_fails():
    world = World(
        source=FakeSource(40, live=False),
        films={"a.mp4": RecordingSink("a.mp4", fail_after=3)},
    )
    assert world.run(outputs=("a.mp4", "b.mp4"), fast=True) == 0
    assert len(world.films["b.mp4"].sent) == 40
    assert world.said.count("a.mp4 is full") == 1


def test_statistics_that_could_not_be_written_are_noticed_before_anything_starts(tmp_path):
    world = World()
    with pytest.raises(Exception, match="cannot write the statistics"):
        world.run(stats=tmp_path / "missing" / "stats.json")
    assert world.events == []


@pytest.mark.parametrize("outputs", [("talk.mp4",), ("null", "other/../talk.mp4"), ("link.mp4",)])
def test_a_film_never_replaces_its_own_source(outputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("other").mkdir()
    Path("talk.mp4").write_bytes(b"precious")
    Path("link.mp4").hardlink_to("talk.mp4")
    world = World()
    with pytest.raises(VirtualCameraError, match="would replace its own source"):
        world.run(source="talk.mp4", outputs=outputs)
    assert world.events == []
    assert Path("talk.mp4").read_bytes() == b"precious"


def test_statistics_never_replace_the_source(tmp_path):
    source = tmp_path / "talk.mp4"
    source.write_bytes(b"precious")
    with pytest.raises(VirtualCameraError, match="would replace its own source"):
        World().run(source=str(source), outputs=("null",), stats=source)
    assert source.read_bytes() == b"precious"


def test_the_film_instead_of_a_window_never_replaces_its_own_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("livexpr-preview.mp4").write_bytes(b"precious")
    world = World()
    with pytest.raises(VirtualCameraError, match="would replace its own source"):
        world.run(source="livexpr-preview.mp4")
    assert world.films == {}


def run_with_keys(*keys, presets=None, source=None):
    """Press keys in a window beside a camera; return the world after it has ended."""
    camera = FakeCamera()
    world = World(camera=camera, source=source or FakeSource())
    world.presets |= presets or {}
    live = [lambda: len(world.engine.effects) > 3]
    world.window = FakeWindow([*live, *keys])
    return world, camera


def settle(world, count=3):
    """A condition that holds once `count` more frames were filtered."""
    seen = []

    def enough():
        seen.append(len(world.engine.effects))
        return seen[-1] >= seen[0] + count

    return enough


def test_closing_the_window_quits():
    world = World(window=FakeWindow(closes_after=10))
    assert world.run(outputs=("window",)) == 0
    assert world.source.closed.is_set()


def test_on_and_off_and_intensity_reach_the_filter():
    world, _ = run_with_keys()
    world.window.pressing.extend(
        ["o", settle(world), "o", settle(world), "+", "up", settle(world), "-", settle(world), "q"]
    )
    assert world.run() == 0
    wanted = [effect.intensity for effect in world.engine.effects]
    steps = [wanted[0]] + [b for a, b in itertools.pairwise(wanted) if a != b]
    assert steps[0] == 1.0
    assert steps[1] == 0.0
    assert steps[2] == 1.0
    assert steps[-2:] == [1.2, 1.1]


def test_presets_are_stepped_through_in_both_directions():
    sad, wow = Preset("sad", {"sad": 1.0}, intensity=0.5), Preset("wow", {"wow": 1.0})
    world, _ = run_with_keys(presets={"sad": sad, "wow": wow})
    for key in ("n", "n", "n", "p"):
        world.window.pressing.extend([key, settle(world)])
    world.window.pressing.append("q")
    assert world.run() == 0
    names = [(effect.preset.name, effect.intensity) for effect in world.engine.effects]
    order = [names[0]] + [b for a, b in itertools.pairwise(names) if a != b]
    assert order == [("happy", 1.0), ("sad", 0.5), ("wow", 1.0), ("happy", 1.0), ("wow", 1.0)]


def test_a_broken_preset_is_said_and_left():
    world, camera = run_with_keys(presets={"zzz": Preset("zzz", {"zzz": 1.0})})
    world.engine.broken_presets = {"zzz"}
    world.window.pressing.extend(["n", settle(world), "q"])
    assert world.run() == 0
    assert world.said.count("preset zzz is broken") == 1
    assert world.engine.effects[-1].preset.name == "happy"
    assert camera.blues[-1] >= 100


def test_the_only_preset_has_no_next():
    world, _ = run_with_keys()
    world.window.pressing.extend(["n", settle(world), "q"])
    assert world.run() == 0
    assert {effect.preset.name for effect in world.engine.effects} == {"happy"}


def test_mirror_changes_what_is_published():
    world, camera = run_with_keys()
    world.window.pressing.extend(["m", settle(world), "q"])
    assert world.run() == 0
    assert camera.sent[-1][0, -1, 2] == 99
    assert camera.sent[-1][0, 0, 2] != 99


def test_freeze_holds_the_picture_but_not_its_tuning():
    world, camera = run_with_keys()
    world.window.pressing.extend(
        ["f", settle(world, 10), "o", settle(world, 10), "f", settle(world, 10), "q"]
    )
    assert world.run() == 0
    blues = np.array(camera.blues)
    held = {blue - 100 for blue in blues if blue >= 100} & {blue for blue in blues if blue < 50}
    assert held, "the frozen picture was seen with the filter on and off"
    assert np.unique(np.diff(world.engine.times_s) > 0).tolist() == [True], "its time goes on"


def test_what_the_preview_shows_is_never_published():
    world, camera = run_with_keys()
    world.window.pressing.extend(["b", "l", "h", settle(world, 10), "q"])
    assert world.run() == 0
    for pixels in camera.sent[-8:]:
        assert len(np.unique(pixels[..., 0])) == 1
    assert len(np.unique(world.window.shown[-1][..., 0])) > 3


def test_save_takes_a_free_name_and_says_it():
    world, _ = run_with_keys(presets={"happy-2": replace(HAPPY, name="happy-2")})
    world.window.pressing.extend(["+", "+", "s", settle(world), "q"])
    assert world.run() == 0
    ((preset, path),) = world.saved
    assert path == Path("user/happy-3.toml")
    assert (preset.name, preset.intensity, preset.mix) == ("happy-3", 1.2, {"happy": 1.0})
    assert world.engine.effects[-1].preset.name == "happy-3"


def test_names_that_make_no_file_names_are_mended():
    world, _ = run_with_keys()
    world.window.pressing.extend(["s", settle(world), "q"])
    world.run(preset=replace(HAPPY, name="happy=0.5 + ../sad"))
    assert world.saved[0][1] == Path("user/happy-0-5-sad-2.toml")


def test_the_terminal_has_the_same_keys_when_there_is_no_window():
    world = World(camera=FakeCamera(), terminal=FakeTerminal())
    world.terminal.pressing.extend("h+mq")
    assert world.run() == 0
    said = "\n".join(world.said)
    assert "next preset" in said
    assert "intensity 1.1" in said
    assert "mirror on" in said
    assert world.terminal.closed


def test_keys_before_the_engine_is_ready_are_kept():
    world = World(window=FakeWindow(["-", "q"], first=2), camera=FakeCamera())
    world.loading = lambda: time.sleep(0.2)
    world.window.pressing.insert(1, lambda: len(world.engine.effects) > 2)
    assert world.run() == 0
    assert world.engine.effects[0].intensity == 0.9


def test_quitting_while_waiting_for_the_engine_ends_at_once():
    world = World(window=FakeWindow("q", first=1), source=FakeSource(live=False))
    ready = threading.Event()
    world.loading = lambda: ready.wait(LIMIT_S)
    try:
        assert world.run(outputs=("window",), fast=True) == 0
    finally:
        ready.set()
    assert world.engine.effects == []


def test_a_source_that_opens_after_the_end_is_closed():
    source, ready = FakeSource(), threading.Event()

    def open_source():
        ready.wait(LIMIT_S)
        return source

    opened = opening.Opening(open_source)
    assert not opened.close()
    ready.set()
    wait_until(source.closed.is_set, "the source to be closed")


def test_null_takes_everything():
    assert World(source=FakeSource(3, live=False)).run(outputs=("null",), fast=True) == 0
    assert NullSink().name == "null"


@pytest.mark.parametrize("on_lost", ["passthrough", "freeze", "blur"])
def test_what_a_camera_shows_of_a_face_that_is_lost(on_lost):
    """Left is not right in the made-up pictures, unless they are blurred."""
    world = World(source=FakeSource(20, live=False))
    world.engine.track = NoFace("nobody here")
    assert world.run(outputs=("a.mp4",), fast=True, on_lost=on_lost) == 0
    sent = world.films["a.mp4"].sent
    assert len(sent) == 20
    sharp = [pixels[0, 0, 2] == pixels[0, SIZE[0] // 2 - 1, 2] == 99 for pixels in sent]
    assert sharp == [on_lost != "blur"] * 20


def test_blur_lets_through_what_is_filtered():
    world = World(source=FakeSource(20, live=False))
    assert world.run(outputs=("a.mp4",), fast=True, on_lost="blur") == 0
    assert world.films["a.mp4"].blues[-1] == 100 + 19
