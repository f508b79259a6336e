"""Ranks, and how far two rankings agree."""

import math
from collections.abc import Sequence


def ranks(values: Sequence[float], lower_first: bool = True) -> list[float]:
    """The rank of each value, the best 1; equal values share the mean of their ranks, NaN comes last."""

    def key(value: float) -> tuple[bool, float]:
        return (True, 0.0) if math.isnan(value) else (False, value if lower_first else -value)

    keys = [key(value) for value in values]
    ordered = sorted(keys)
    firsts = {key: ordered.index(key) for key in keys}
    return [firsts[key] + (keys.count(key) + 1) / 2 for key in keys]


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation of two equally long lists of ranks, in [-1, 1].

    It is the linear correlation of the ranks, so ties are right, too (Spearman 1904; Kendall and Gibbons 1990, ch. 3).
    None below three pairs, or where all ranks of one side are equal: there is no order to compare then.
    """
    n = len(first)
    if n < 3:
        return None
    middle = (n + 1) / 2
    pairs = [(a - middle, b - middle) for a, b in zip(first, second, strict=True)]
    squares = math.sqrt(sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs))
    return sum(a * b for a, b in pairs) / squares if squares else None
