"""Ranks, and how far two rankings agree. Loading scipy.stats takes a second, so only a comparison with a paper loads it."""

from collections.abc import Sequence


def ranks(values: Sequence[float], lower_first: bool = True) -> list[float]:
    """The rank of each value, the best 1; equal values share the mean of their ranks, NaN comes last."""
    import numpy as np
    from scipy.stats import rankdata

    places = rankdata(np.asarray(values, float) * (1 if lower_first else -1), nan_policy="omit")
    unranked = np.isnan(places)
    places[unranked] = len(places) - (unranked.sum() - 1) / 2
    return places.tolist()


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's correlation of pairs of ranks; None below three pairs or where all ranks of one side are equal."""
    sides = list(zip(*pairs, strict=True))
    if len(pairs) < 3 or any(len(set(side)) == 1 for side in sides):
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(*sides).statistic)
