"""Personal maps: an expression as its user shows it, from a few looks at the user's own face."""
