"""The bench's own sums: medians of ratios within a round, and percentiles. Pure, and tested."""

import math
import statistics
from collections.abc import Sequence


def paired(values: Sequence[float], base: Sequence[float]) -> float:
    """Return the median of per-round ratios: a slow minute of the machine slows both sides of a ratio.

    Raises ``ValueError`` when the rounds are not the same number.
    """
    return statistics.median(value / other for value, other in zip(values, base, strict=True))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that ``share`` of all do not exceed. ``ordered`` is sorted and not empty."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def halves(rounds: Sequence[float], each: int = 2) -> list[float]:
    """Return the mean of every ``each`` consecutive values: a server that is asked more than once in a round."""
    return [statistics.fmean(rounds[at : at + each]) for at in range(0, len(rounds), each)]
