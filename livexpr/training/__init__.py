"""Fitting pixel maps, judging them, and looking at them; nothing live imports this."""
