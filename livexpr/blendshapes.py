"""The 52 blendshapes that the landmark model gives with a face: names, and what rest looks like."""

from __future__ import annotations

from collections.abc import Mapping

# In the order of the model's output (Apple's ARKit names, "_neutral" first).
BLENDSHAPE_NAMES: tuple[str, ...] = (
    *("_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft"),
    *("browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft"),
    *("eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight"),
    *("eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft"),
    *("eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft"),
    *("jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight"),
    *("mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft"),
    *("mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight"),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft"),
    *("mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft"),
    *("mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
)

# What the model reads on faces that show nothing: heavy brows look lowered, full lips puckered.
# The 95th percentile over the 81 neutral faces of the London set, the larger of both sides.
RESTING: Mapping[str, float] = {
    "browDown": 0.44,
    "browInnerUp": 0.40,
    "browOuterUp": 0.46,
    "eyeBlink": 0.21,
    "eyeLookDown": 0.32,
    "eyeLookIn": 0.26,
    "eyeLookOut": 0.28,
    "eyeLookUp": 0.18,
    "eyeSquint": 0.57,
    "mouthPress": 0.38,
    "mouthPucker": 0.67,
    "mouthRollLower": 0.12,
    "mouthShrugLower": 0.64,
    "mouthShrugUpper": 0.17,
    "mouthSmile": 0.25,
}


def resting_level(name: str) -> float:
    """Return up to what value a blendshape of this name says nothing."""
    return RESTING.get(name.removesuffix("Left").removesuffix("Right"), 0.0)
