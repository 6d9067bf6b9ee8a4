"""Per-pixel loops in Numba: they know arrays and numbers, never faces, presets or files."""

from __future__ import annotations

import os
import threading

import numba

from kernels.cache import usable_folder

# Numba would keep what it compiles beside the source.
if not numba.config.CACHE_DIR:  # type: ignore[attr-defined]
    numba.config.CACHE_DIR = str(usable_folder())  # type: ignore[attr-defined]

# While other programs keep every core busy, as a video call does, OpenMP's threads wait for each
# other actively and a kernel takes several times as long; Numba's own work queue does not. It
# aborts the process if two threads call at once, so every parallel kernel is called under the lock.
if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER = "workqueue"  # type: ignore[attr-defined]

ONE_CALLER = threading.Lock()
