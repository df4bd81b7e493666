"""Replay (重放): a stored input under its own rules gives the same bytes, under others the difference."""
