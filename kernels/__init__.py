"""Per-pixel loops in Numba: they know arrays and numbers, never faces, presets or files."""
