"""What a check costs, against a frozen baseline, in one interleaved run (``python -m bench``)."""
