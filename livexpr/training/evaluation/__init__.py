"""How well expressions do on people who had no part in their fitting: ``livexpr evaluate``."""

PARTS = ("methods", "curve", "robustness", "unlike", "family", "speed")
"""What can be measured by itself, in the order in which it is."""
