"""The program itself, from a webcam to what another program reads from the virtual camera."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from livexpr.blendshapes import BLENDSHAPE_NAMES
from livexpr.capture import open_source
from livexpr.devices import holders, query_node
from livexpr.landmarks import Landmarker
from livexpr.types import Frame
from tests.hardware.program import LIMIT_S, ended, shows

pytestmark = pytest.mark.hardware

NOTHING_ASKED = {"size": None, "fps": None, "mirror": False, "loop": False, "fast": False}
BEFORE, WINDOW = 300, 40
"""Frames watched before the program starts, and frames over which a smile is averaged."""
SMILES_ALREADY = 0.4
SMILE_GAINED = 0.2
"""Of MediaPipe's score for a smile; a full one is near 1."""


def test_another_program_reads_the_filtered_picture(
    scene, run_cam, virtual_camera, seen_on, tmp_path
):
    size, expected = scene
    program = run_cam("--stats", str(tmp_path / "stats.json"))
    picture = seen_on(virtual_camera.path, shows(expected))
    assert picture.shape == (size[1], size[0], 3)
    program.send_signal(signal.SIGINT)
    said = ended(program)
    assert program.returncode == 130, said
    assert "Traceback" not in said
    stats = json.loads((tmp_path / "stats.json").read_text(encoding="utf-8"))
    assert stats["latency_ms"]["p50"] > 0.0
    assert query_node(virtual_camera.path).outputs  # left ready for the next program


def smile_on(pixels: np.ndarray, landmarker: Landmarker) -> float | None:
    """How much a face smiles, in [0, 1]; None without a face."""
    track = landmarker.detect(Frame(np.ascontiguousarray(pixels), 0, time.perf_counter()))
    if not track:
        return None
    sides = ("mouthSmileLeft", "mouthSmileRight")
    return float(np.mean([track.blendshapes[BLENDSHAPE_NAMES.index(side)] for side in sides]))


def test_another_program_sees_a_smile(webcam, run_cam, virtual_camera, pictures_of):
    """More of one than the webcam ever showed in the seconds before."""
    with Landmarker() as landmarker:
        source = open_source(webcam.path, **NOTHING_ASKED)
        smiles = [smile_on(source.read().pixels, landmarker) for _ in range(BEFORE)]
        source.close()
        if None in smiles:
            pytest.skip("nobody sits before the webcam")
        before = np.convolve(smiles, np.full(WINDOW, 1.0 / WINDOW), "valid").max()
        if before > SMILES_ALREADY:
            pytest.skip(f"who sits before the webcam smiles already ({before:.2f} of 1)")
        run_cam()
        window: deque[float] = deque(maxlen=WINDOW)
        for picture in pictures_of(virtual_camera.path):
            if (smile := smile_on(picture, landmarker)) is not None:
                window.append(smile)
            if len(window) == WINDOW and np.mean(window) > before + SMILE_GAINED:
                return
    pytest.fail(f"no smile: {before:.2f} before, {np.mean(window):.2f} at last")


def test_a_second_start_works(scene, run_cam, virtual_camera, seen_on):
    for _ in range(2):
        program = run_cam("--max-frames", "40")
        said = ended(program)
        assert program.returncode == 0, said
    program = run_cam()
    seen_on(virtual_camera.path, shows(scene[1]))
    program.terminate()
    said = ended(program)
    assert program.returncode == 143, said


def test_a_busy_virtual_camera_is_one_line(run_cam, virtual_camera, seen_on):
    first = run_cam()
    seen_on(virtual_camera.path)
    second = run_cam()
    said = ended(second)
    assert second.returncode == 1, said
    assert f"process {first.pid}" in said
    assert "Traceback" not in said


def test_on_demand_the_webcam_is_on_only_while_somebody_watches(
    scene, webcam, run_cam, virtual_camera, seen_on, wait_for
):
    if holders(webcam.path):
        pytest.skip(f"{webcam.path} is in use")
    program = run_cam("--on-demand")

    def webcam_is_on() -> bool:
        assert program.poll() is None, ended(program)
        return any(f"process {program.pid}" in who for who in holders(webcam.path))

    wait_for(lambda: query_node(virtual_camera.path).captures, "the virtual camera")
    wait_for(lambda: is_live(program), "the filter")
    assert not webcam_is_on()
    for _ in range(2):
        seen_on(virtual_camera.path, shows(scene[1]))
        assert webcam_is_on()
        wait_for(lambda: not webcam_is_on(), "the webcam to go off")
        assert query_node(virtual_camera.path).captures, "it stays listed"
    program.send_signal(signal.SIGINT)
    said = ended(program)
    assert program.returncode == 130, said
    assert "Traceback" not in said


def is_live(program: subprocess.Popen[bytes]) -> bool:
    """Whether a program says next that it filters."""
    return b"is live" in program.stdout.readline()


def test_a_webcam_that_is_pulled_out_comes_back(
    scene, webcam, run_cam, virtual_camera, pictures_of, wait_for
):
    driver = Path("/sys/bus/platform/drivers/vivid")
    if webcam.driver != "vivid" or not os.access(driver / "unbind", os.W_OK):
        pytest.skip("pulling out needs the vivid test driver and root")
    program = run_cam()
    matches = shows(scene[1])
    with contextlib.closing(pictures_of(virtual_camera.path)) as pictures:
        next(picture for picture in pictures if matches(picture))
        (driver / "unbind").write_text("vivid.0")
        try:
            size = next(pictures).shape
            gone = next(picture for picture in pictures if not matches(picture))
            assert gone.shape == size
        finally:
            (driver / "bind").write_text("vivid.0")
        back = next(picture for picture in pictures if matches(picture))
        assert back.shape == size
    program.terminate()
    said = ended(program)
    assert said.count("the last picture stays until it is back") == 1
    assert said.count("is back") == 2, said
    assert program.returncode == 143, said


def test_a_start_after_a_kill_works(scene, run_cam, virtual_camera, seen_on):
    program = run_cam()
    seen_on(virtual_camera.path, shows(scene[1]))
    program.kill()
    program.wait(LIMIT_S)
    program = run_cam()
    seen_on(virtual_camera.path, shows(scene[1]))
    program.terminate()
    said = ended(program)
    assert program.returncode == 143, said
