"""Benchmarks take a while and want a quiet machine: they run only when asked for."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "benchmark: measures; runs only when asked for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip benchmarks unless the command names the marker or this folder."""
    if "benchmark" in config.option.markexpr or any("benchmarks" in arg for arg in config.args):
        return
    for item in items:
        if item.get_closest_marker("benchmark") is not None:
            item.add_marker(pytest.mark.skip(reason="a benchmark: ask with -m benchmark"))
