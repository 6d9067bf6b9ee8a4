"""How kernels are compiled."""

from __future__ import annotations

from typing import Any

OUTER: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
"""Of functions that Python calls."""

INNER: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""Of functions that only compiled ones call: what Python would need is not compiled."""

INLINE: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "inline": "always",
}
"""Of functions that become part of those that call them."""
