"""Thin handlers: what is not on the hot path (operations, reading verdicts back, batches, documentation)."""
