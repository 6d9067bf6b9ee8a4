"""The expressions that are rendered: how much of each of the head model's shapes makes one.

After the action units of Ekman & Friesen's Facial Action Coding System (1978), then set by eye on
photographs of many people and with the help of expression classifiers other than those that judge
the result (see docs/evaluation.md). Both sides, but where a name ends in ``_L`` or ``_R``: the
subject's left and right.
"""

from __future__ import annotations

from collections.abc import Mapping

Recipe = Mapping[str, float]

EXPRESSIONS: Mapping[str, Recipe] = {
    "sad": {
        "browInnerUp": 1.08,
        "browDown": 0.53,
        "mouthFrown": 0.72,
        "mouthShrugLower": 0.22,
        "eyeSquint": 0.14,
        "eyeBlink": 0.12,
    },
    "angry": {
        "browDown": 1.14,
        "browFurrow": 1.61,
        "browOuterUp": 0.57,
        "eyeSquint": 0.66,
        "eyeBlink": 0.11,
        "noseSneer": 0.24,
        "mouthFrown": 0.38,
        "mouthPress": 0.28,
        "mouthPucker": 0.19,
        "mouthRollLower": 0.14,
        "mouthRollUpper": 0.28,
        "jawForward": 0.19,
    },
    "surprised": {
        "browInnerUp": 0.9,
        "browOuterUp": 0.9,
        "eyeWide": 0.75,
        "jawOpen": 0.45,
        "mouthFunnel": 0.3,
    },
    "disgusted": {
        "noseSneer": 0.7,
        "mouthUpperUp": 0.78,
        "cheekSquint": 0.45,
        "eyeSquint": 0.55,
        "browInnerUp": 0.4,
        "browDown": 0.25,
        "mouthFrown": 0.5,
        "mouthShrugLower": 0.88,
    },
    "fearful": {
        "browInnerUp": 1.3,
        "browOuterUp": 0.2,
        "browDown": 0.7,
        "eyeWide": 1.1,
        "mouthStretch": 0.45,
        "mouthLowerDown": 0.3,
        "mouthUpperUp": 0.15,
        "mouthFrown": 0.15,
        "jawOpen": 0.27,
    },
    "contempt": {
        "mouthSmile_L": 0.75,
        "mouthDimple_L": 0.2,
        "mouthUpperUp_L": 0.12,
        "cheekSquint_L": 0.3,
        "browDown_R": 0.2,
        "browOuterUp_L": 0.25,
        "eyeSquint": 0.35,
        "mouthRollLower": 0.1,
    },
}
"""Whole expressions."""

ACTIONS: Mapping[str, Recipe] = {
    "brows-up": {"browInnerUp": 0.8, "browOuterUp": 0.8},
    "brows-down": {"browDown": 1.0, "browFurrow": 0.6},
    "eyes-wide": {"eyeWide": 1.0},
    "eyes-narrow": {"eyeSquint": 0.9, "cheekSquint": 0.2, "eyeBlink": 0.12},
    "smile-left": {"mouthSmile_L": 0.8, "mouthDimple_L": 0.2, "cheekSquint_L": 0.45},
    "smile-right": {"mouthSmile_R": 0.8, "mouthDimple_R": 0.2, "cheekSquint_R": 0.45},
    "lips-pressed": {"mouthPress": 1.0, "mouthRollLower": 0.5, "mouthRollUpper": 0.3},
    "jaw-open": {"jawOpen": 0.5},
    "nose-wrinkle": {"noseSneer": 0.9},
    "cheek-puff": {"cheekPuff": 0.7},
}
"""Single actions, to be mixed."""

RECIPES: Mapping[str, Recipe] = {**EXPRESSIONS, **ACTIONS}
"""Everything that is rendered, by the name of its map."""
