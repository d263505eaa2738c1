"""Reads what AWS observed over a window. Never decides whether it is good enough: that is `verdict`'s."""
