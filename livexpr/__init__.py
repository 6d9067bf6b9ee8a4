"""livexpr: a live webcam filter that changes the expression on its user's own face."""

__version__ = "0.1.0"
