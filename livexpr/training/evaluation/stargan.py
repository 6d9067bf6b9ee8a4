"""StarGAN's generator, for its size and its time only: the peer that the paper compares with.

Nobody ships its weights, and its training takes a day on a graphics card; with random weights it
takes just as long and is just as large. PyTorch is optional (the extra ``peers``).
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import numpy as np

from livexpr.errors import LivexprError
from livexpr.training.evaluation.speed import median_ms

N_PARAMETERS = 8_436_800
"""Of the generator with 64 channels, 6 residual blocks and 7 labels, one for each expression."""

N_BYTES = 4 * N_PARAMETERS
INSTALL = "pip install torch"
SIZE = 128
_CHANNELS, _BLOCKS, _LABELS = 64, 6, 7


def is_installed() -> bool:
    """Return whether PyTorch is there."""
    return find_spec("torch") is not None


def build_generator() -> Any:
    """Return the generator with random weights.

    Raises
    ------
    LivexprError
        Without PyTorch.

    References
    ----------
    Choi et al. (2018), StarGAN: Unified Generative Adversarial Networks for Multi-Domain
    Image-to-Image Translation, CVPR, arXiv 1711.09020, table 4.
    """
    if not is_installed():
        raise LivexprError(f"StarGAN's generator needs PyTorch, which is missing; run: {INSTALL}")
    torch: Any = importlib.import_module("torch")
    nn = torch.nn
    torch.manual_seed(0)

    def normalised(layer: Any, channels: int) -> list[Any]:
        return [layer, nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)]

    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int) -> None:
            super().__init__()
            convolutions = [nn.Conv2d(channels, channels, 3, 1, 1, bias=False) for _ in range(2)]
            self.main = nn.Sequential(
                *normalised(convolutions[0], channels),
                nn.ReLU(inplace=True),
                *normalised(convolutions[1], channels),
            )

        def forward(self, x: Any) -> Any:
            return x + self.main(x)

    layers = normalised(nn.Conv2d(3 + _LABELS, _CHANNELS, 7, 1, 3, bias=False), _CHANNELS)
    layers.append(nn.ReLU(inplace=True))
    channels = _CHANNELS
    for _ in range(2):
        down = nn.Conv2d(channels, 2 * channels, 4, 2, 1, bias=False)
        channels *= 2
        layers += [*normalised(down, channels), nn.ReLU(inplace=True)]
    layers += [Residual(channels) for _ in range(_BLOCKS)]
    for _ in range(2):
        up = nn.ConvTranspose2d(channels, channels // 2, 4, 2, 1, bias=False)
        channels //= 2
        layers += [*normalised(up, channels), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(channels, 3, 7, 1, 3, bias=False), nn.Tanh()]
    generator = nn.Sequential(*layers).eval()
    found = sum(p.numel() for p in generator.parameters())
    assert found == N_PARAMETERS, f"{found:,} parameters, expected {N_PARAMETERS:,}"
    return generator


def measure(repeats: int = 15) -> dict[str, float]:
    """Return ``ms`` for one picture of 128x128 px, ``parameters``, ``bytes`` and ``threads``.

    Raises
    ------
    LivexprError
        Without PyTorch.
    """
    generator = build_generator()
    torch: Any = importlib.import_module("torch")
    picture = torch.zeros(1, 3 + _LABELS, SIZE, SIZE)
    with torch.inference_mode():
        shape = tuple(generator(picture).shape)
        assert shape == (1, 3, SIZE, SIZE), shape
        milliseconds = median_ms(lambda: np.asarray(generator(picture)), repeats)
    return {
        "ms": milliseconds,
        "parameters": N_PARAMETERS,
        "bytes": N_BYTES,
        "threads": torch.get_num_threads(),
    }
