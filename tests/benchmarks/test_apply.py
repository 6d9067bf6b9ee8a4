"""Time the fused kernel: ``pytest tests/benchmarks -m benchmark -s``."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest

from livexpr import bench_apply


def test_contenders_agree():
    of = bench_apply.scene(120, 160, 100)
    bench_apply.verify(of, bench_apply.chain(of))


def test_disagreement_stops_the_benchmark():
    of = bench_apply.scene(120, 160, 100)
    wrong = bench_apply.chain(of)._replace(gain=np.ones_like(bench_apply.chain(of).gain) * 1.5)
    with pytest.raises(RuntimeError, match="nothing was timed"):
        bench_apply.verify(of, wrong)


@pytest.mark.benchmark
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="Numba is off: nothing to time")
@pytest.mark.parametrize(("width", "height", "face_px"), [(640, 480, 240), (1280, 720, 360)])
def test_speed(width, height, face_px, capsys):
    report = bench_apply.measure(height, width, face_px)
    with capsys.disabled():
        print(json.dumps(report))  # noqa: T201
    for name in ("apply_ms", "remap_ms", "remap_cubic_ms", "remap_drawn_ms", "chain_ms"):
        for times in (report, report["all"], report["serial"], report["serial"]["all"]):
            taken = times[name]
            assert 0 < taken["least"] <= taken["p50"] <= taken["p95"] <= taken["p99"]
    assert 0 < report["undisturbed"] <= 1
