"""StarGAN's generator is as large as its authors made it."""

from __future__ import annotations

import pytest

from livexpr.errors import LivexprError
from livexpr.training.evaluation import stargan


def test_the_generator_has_as_many_parameters_as_it_should():
    pytest.importorskip("torch", reason="needs PyTorch (the extra `peers`)")
    generator = stargan.build_generator()
    assert sum(p.numel() for p in generator.parameters()) == stargan.N_PARAMETERS
    found = stargan.measure(repeats=1)
    assert found["bytes"] == 4 * found["parameters"] == 33_747_200
    assert found["ms"] > 0


def test_without_pytorch_it_is_one_line_with_the_remedy(monkeypatch):
    monkeypatch.setattr(stargan, "find_spec", lambda name: None)
    assert not stargan.is_installed()
    with pytest.raises(LivexprError, match=r"needs PyTorch.*run: pip install"):
        stargan.build_generator()
