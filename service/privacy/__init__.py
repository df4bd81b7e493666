"""One patient's data: export and erasure."""
