"""A real browser, as in a video call: Chromium lists the virtual camera and plays it."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from livexpr.output import Publisher, open_virtual_camera
from livexpr.types import Frame

pytestmark = pytest.mark.hardware

LIMIT_S = 300.0
STUDIO_S = 150.0
SIZE = (640, 480)
LEFT_RGB, RIGHT_RGB = (30, 40, 200), (220, 60, 20)
COLOUR_TOLERANCE = 12
"""Grey levels: the camera's 4:2:0, and the browser's own conversion and scaling."""

BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/usr/lib/chromium/chromium-headless-shell",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--single-process",
    "--in-process-gpu",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",
    "--no-first-run",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-features=WebRtcPipeWireCamera",
)

PAGE = """<!doctype html><video autoplay muted playsinline></video><canvas></canvas><script>
const wanted = WANTED, report = facts => fetch('/', {method: 'POST', body: JSON.stringify(facts)});
const pause = ms => new Promise(done => setTimeout(done, ms));
const video = document.querySelector('video'), canvas = document.querySelector('canvas');
async function find() {
  for (;;) {
    // Names are told only after some camera was allowed; another one may be busy.
    try { (await navigator.mediaDevices.getUserMedia({video: true})).getTracks()
      .forEach(track => track.stop()); } catch (problem) { await report({waiting: `${problem}`}); }
    const devices = await navigator.mediaDevices.enumerateDevices();
    const found = devices.find(device => device.label.includes(wanted));
    if (found) return found;
    await pause(500);
  }
}
async function play(device) {
  const video_wishes = {deviceId: {exact: device.deviceId}};
  video.srcObject = await navigator.mediaDevices.getUserMedia({video: video_wishes});
  await video.play();
  const next = () => new Promise(done => video.requestVideoFrameCallback(done));
  for (let frames = 1;; frames++) {
    await next();
    if (frames % 10) continue;
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(video, 0, 0);
    const at = (x, y) => [...context.getImageData(
      Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data].slice(0, 3);
    const grid = [1, 3, 5, 7].map(y => [1, 3, 5, 7].map(x => at(x / 8, y / 8)));
    await report({label: device.label, size: [canvas.width, canvas.height], frames, grid});
  }
}
(async () => { for (;;) try { await play(await find()); }
  catch (problem) { await report({waiting: `${problem}`}); await pause(500); } })();
</script>"""


@pytest.fixture
def page(virtual_camera):
    """An address that serves the page, and a queue of what the page reports."""
    reports: queue.Queue[dict] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.replace("WANTED", json.dumps(virtual_camera.name)).encode())

        def do_POST(self) -> None:
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", reports
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def browse(start, page, tmp_path, webcam_path):
    """Function that shows the page in Chromium, and gives the first report that fits."""
    known = (os.environ.get("CHROME", ""), *BROWSERS)
    browser = next((found for name in known if name and (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine (CHROME names one)")
    address, reports = page
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", address]
    if webcam_path is not None and os.geteuid() == 0 and shutil.which("unshare"):
        # A second reader disturbs the first on some webcams, so this one is out of its sight.
        hide = f'mount --bind /dev/null {webcam_path} && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", hide, "sh", *command]

    def first(condition, program: subprocess.Popen[bytes] | None = None) -> dict:
        silent = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start(*command, stdout=subprocess.DEVNULL, **silent)
        report, end_s = {}, time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            with contextlib.suppress(queue.Empty):
                report = reports.get(timeout=1.0)
                if "grid" in report and condition(report):
                    return report
            if program is not None and program.poll() is not None:
                pytest.fail(f"it ended: {program.stdout.read().decode(errors='replace')}")
        pytest.fail(f"the page never showed it; its last report: {report}")

    return first


@pytest.fixture
def webcam_path() -> str | None:
    """A webcam that the browser is not to see."""
    return os.environ.get("WEBCAM") or None


def has_halves(report: dict) -> bool:
    grid = np.array(report["grid"])
    errors = np.abs(grid[:, :2] - LEFT_RGB).max(), np.abs(grid[:, 2:] - RIGHT_RGB).max()
    return max(errors) <= COLOUR_TOLERANCE


def test_chromium_plays_the_virtual_camera_in_right_colours(virtual_camera, browse):
    publisher = Publisher(size=SIZE, fps=30.0, live=True)
    publisher.add(open_virtual_camera(virtual_camera.path, SIZE, 30.0))
    pixels = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
    pixels[:, : SIZE[0] // 2], pixels[:, SIZE[0] // 2 :] = LEFT_RGB[::-1], RIGHT_RGB[::-1]
    publisher.publish(Frame(pixels, 0, time.perf_counter()))
    try:
        report = browse(has_halves)
    finally:
        publisher.close()
    assert virtual_camera.name in report["label"]
    assert tuple(report["size"]) == SIZE


def test_chromium_plays_the_filtered_webcam(webcam, virtual_camera, start, browse):
    program = start(
        *(sys.executable, "run_cam.py", "--expression", "happy", "--no-preview"),
        *("--source", webcam.path, "--output", f"camera:{virtual_camera.path}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    # Neither the dark placeholder nor one plain colour: a picture of the webcam.
    report = browse(lambda report: np.array(report["grid"]).std() > 10.0, program)
    assert virtual_camera.name in report["label"]


def test_chromium_plays_it_while_the_studio_is_used(webcam, virtual_camera, start, browse):
    why = "the extra 'studio' is not installed"
    pytest.importorskip("livexpr.studio.server", reason=why)
    connect = pytest.importorskip("websockets.sync.client", reason=why).connect
    program = start(
        *(sys.executable, "run_cam.py", "--expression", "happy", "--no-preview", "--studio"),
        *("--source", webcam.path, "--output", f"camera:{virtual_camera.path}"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said = []
    for line in program.stdout:
        said.append(line.decode(errors="replace"))
        if found := re.search(r"http://\S+", said[-1]):
            break
    else:
        pytest.fail("".join(said))
    n_pictures = 0
    seen: queue.Queue[dict] = queue.Queue()
    watching = threading.Thread(
        target=lambda: seen.put(browse(lambda report: np.array(report["grid"]).std() > 10.0))
    )
    address, ready = found[0], json.dumps({"ready": {"before": True}})
    origin = address.rsplit("/", 2)[0]
    with connect(address.replace("http:", "ws:") + "live", origin=origin, max_size=None) as studio:
        studio.send(ready)
        ends_s = time.monotonic() + STUDIO_S
        # The browser comes once the studio shows something: they share one processor, which at
        # first compiles the kernels, too, and then serves Chromium first: that may be done before
        # there is a second picture.
        while (n_pictures < 2 or watching.is_alive()) and time.monotonic() < ends_s:
            try:
                message = studio.recv(timeout=1.0)
            except TimeoutError:
                continue
            if isinstance(message, bytes):
                if not n_pictures:
                    watching.start()
                n_pictures += 1
                studio.send(ready)
                studio.send(json.dumps({"command": f"intensity {n_pictures % 10 / 10}", "id": 1}))
            else:
                assert json.loads(message)["ok"], message
    assert n_pictures > 1
    watching.join()
    assert virtual_camera.name in seen.get_nowait()["label"]
