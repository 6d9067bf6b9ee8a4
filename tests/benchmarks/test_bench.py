"""What `livexpr bench` makes of its measurements; it is not measured here."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from livexpr import bench, bench_apply, bench_runs, config
from livexpr.bench import Row
from livexpr.bench_runs import Run
from livexpr.capture import open_source
from livexpr.errors import LivexprError
from livexpr.types import Frame
from tests.test_cli import call
from tests.test_cli import ran as settings_of_runs

__all__ = ["settings_of_runs"]


@pytest.mark.parametrize(
    ("row", "wanted", "reached"),
    [
        (Row("latency", 2.9, "ms", most=3), "at most 3 ms", True),
        (Row("latency", 3.1, "ms", most=3), "at most 3 ms", False),
        (Row("kernel", 0.9, "ms", peer=1.0, most=1.0), "at most 1 x", True),
        (Row("loop", 90.0, "fps", peer=100.0, least=0.95), "at least 0.95 x", False),
        (Row("memory", None, "MB", most=500), "at most 500 MB", None),
    ],
)
def test_row_says_what_is_wanted_and_whether_it_is_reached(row, wanted, reached):
    assert row.wanted == wanted
    assert row.reached is reached
    assert row.for_json()["reached"] is reached


def ran(processor_s: float | None, frames: int, fps: float | None = 30.0) -> Run:
    return Run({"frames": {"out": frames}, "fps": fps}, None, processor_s, None)


def test_processor_share_leaves_the_start_out():
    # 3 s for the start, then 1.2 s for each second.
    share = bench_runs.processor_share(ran(3 + 1.2, 30), ran(3 + 12.0, 300))
    assert share == pytest.approx(0.6)


def test_rate_over_several_runs_is_frames_by_time():
    # 10 s and 5 s for 300 frames each.
    assert bench._rate([ran(None, 300, 30.0), ran(None, 300, 60.0)]) == pytest.approx(40)


def test_processor_share_is_unknown_where_the_system_tells_nothing():
    assert bench_runs.processor_share(ran(None, 30), ran(None, 300)) is None
    assert bench_runs.processor_share(ran(1, 30), ran(2, 30)) is None


def test_a_run_that_fails_says_why(tmp_path):
    with pytest.raises(LivexprError, match=r"missing\.mp4") as failed:
        bench_runs.run(frames=1, source=str(tmp_path / "missing.mp4"))
    assert "\n" not in str(failed.value)


def test_the_users_config_changes_nothing_of_what_is_measured(monkeypatch, settings_of_runs):
    def start(command, **_):
        assert call(*command[3:]).exit_code == 0
        raise InterruptedError

    monkeypatch.setattr(bench_runs.subprocess, "Popen", start)
    config.path().parent.mkdir(parents=True)
    for switches in ("", "mirror = true\nbadge = true\nhotkeys = true\non_lost = 'blur'"):
        config.path().write_text(f"[run]\n{switches}", encoding="utf-8")
        with pytest.raises(InterruptedError):
            bench_runs.run(frames=1)
    plain, configured = (replace(settings, stats=None) for settings in settings_of_runs)
    assert configured == plain


def test_enlarged_film_is_larger(tmp_path, rng):
    pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = tmp_path / "large.mp4"
    bench_runs.write_enlarged(path, [Frame(pixels, i, i / 30) for i in range(3)], 1.5, 30)
    film = open_source(str(path), size=None, fps=None, mirror=False, loop=False, fast=True)
    assert film.size == (96, 72)
    assert [film.read() is not None for _ in range(4)] == [True, True, True, False]
    film.close()


def test_table_and_json_tell_the_same(monkeypatch, capsys):
    rows = [Row("kernel", 0.9, "ms", peer=1.0, most=1.0), Row("memory", None, "MB", most=500)]
    kernel = {
        "undisturbed": 0.7,
        "only_undisturbed": True,
        "all": {"apply_ms": {"p50": 0.99}, "remap_ms": {"p50": 1.1}},
    }
    rows_for_json = [row.for_json() for row in rows]
    report = {"rows": rows_for_json, "kernel": kernel, "machine": {"cores": 2}}
    monkeypatch.setattr(bench, "measure", lambda tell: report)
    assert bench.main(as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == report
    assert bench.main() == 0
    printed = " ".join(capsys.readouterr().out.split())
    for words in ("kernel", "0.90 ms", "at most 1 x", "yes", "not measured", "cores 2"):
        assert words in printed
    assert "70% of the kernel's" in printed
    assert "Of all turns: 0.90 x cv2.remap" in printed


def test_it_is_said_where_too_few_turns_were_undisturbed():
    line = bench_apply.told({"undisturbed": 0.04, "only_undisturbed": False})
    assert line.startswith("4% of")
    assert line.endswith("too few, so all count.")
