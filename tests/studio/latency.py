"""What an open studio costs the filter: latency and rate with a page that is used, and without.

Run as ``python -m tests.studio.latency``, on a machine that does nothing else. Both ways in turn;
judged is the median of what neighbouring runs differ by, since how fast a host is drifts by more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.studio.browser import browser, program
from tests.studio.running import ROOT

# Everything that a page can do at once: faces drawn, and two sliders that never rest.
_USE = """
document.getElementById('switch-overlay').click();
let step = 0;
setInterval(() => {
  step += 1;
  for (const id of ['intensity', 'slider-region-mouth']) {
    const slider = document.getElementById(id);
    slider.value = 0.8 + 0.4 * Math.sin(step / 5);
    slider.dispatchEvent(new Event('input'));
  }
}, 100);
"""


def measured(frames: int, chromium: str | None) -> dict[str, float]:
    """Run the demo for so many frames; return median latency, in ms, and frames per second.

    Parameters
    ----------
    frames : int
    chromium : str or None
        The browser that opens the studio; None runs without a studio.
    """
    with tempfile.TemporaryDirectory() as folder:
        stats = Path(folder) / "stats.json"
        command = [sys.executable, str(ROOT / "run_cam.py"), "--source", "demo", "--loop"]
        command += ["--output", "null", "--no-preview", "--no-ctl", "--quality", "full"]
        command += ["--max-frames", str(frames), "--stats", str(stats)]
        if chromium is not None:
            command.append("--studio")
        environment = {**os.environ, "XDG_CONFIG_HOME": folder}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert process.stderr is not None
        if chromium is not None:
            address = next(
                found[0] for line in process.stderr if (found := re.search(r"http://\S+", line))
            )
            with browser(chromium) as page:
                page.open(address)
                page.wait("document.getElementById('slider-region-mouth') !== null")
                page.run(_USE)
                while process.poll() is None:
                    time.sleep(0.1)
        process.communicate()
        report = json.loads(stats.read_text())
    return {"latency_ms": report["latency_ms"]["p50"], "fps": report["fps"]}


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure and tell; 1 when the studio costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=450)
    arguments = parser.parse_args()
    chromium = program()
    if chromium is None:
        _tell("no Chromium on this machine")
        return 2
    runs: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for _ in range(arguments.rounds):
        for way, which in (("without", None), ("with", chromium)):
            one = measured(arguments.frames, which)
            runs[way].append(one)
            _tell(f"{way:8} {one['latency_ms']:6.2f} ms  {one['fps']:6.2f} fps")
    by_turns = list(zip(runs["without"], runs["with"], strict=True))
    grows_ms = statistics.median(on["latency_ms"] - off["latency_ms"] for off, on in by_turns)
    loses = statistics.median(off["fps"] - on["fps"] for off, on in by_turns)
    least = {way: min(one["latency_ms"] for one in several) for way, several in runs.items()}
    _tell(f"the least of each differ by {least['with'] - least['without']:.2f} ms")
    _tell(f"latency p50 grows by {grows_ms:.2f} ms (at most 1), rate falls by {loses:.2f} fps")
    return int(grows_ms > 1.0 or loses > 0.1)


if __name__ == "__main__":
    sys.exit(main())
