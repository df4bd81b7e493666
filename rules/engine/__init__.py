"""The engine: a rulebook and an input in, a verdict out; the fast path, and its plain twin for tests."""
