import math

import numpy as np
import pytest
from scipy import stats

from ganlab.reports.ranking import ranks, spearman


@pytest.mark.parametrize(
    ("values", "lower_first", "expected"),
    [
        ([], True, []),
        ([3.0, 1.0, 2.0], True, [3, 1, 2]),
        ([3.0, 1.0, 2.0], False, [1, 3, 2]),
        ([1.0, 1.0, 2.0, 0.5], True, [2.5, 2.5, 4, 1]),
        ([math.nan, 5.0, math.inf], True, [3, 1, 2]),
        ([math.nan, 5.0, math.nan], False, [2.5, 1, 2.5]),
    ],
)
def test_the_best_value_has_rank_one_and_equal_values_share(values, lower_first, expected):
    assert ranks(values, lower_first) == expected


def test_the_same_order_correlates_fully_and_the_reverse_fully_against():
    assert spearman([1, 2, 3, 4], [1, 2, 3, 4]) == pytest.approx(1.0)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)


@pytest.mark.parametrize("first", [[], [1], [1, 2], [2, 2, 2]])
def test_without_an_order_there_is_no_correlation(first):
    assert spearman(first, list(range(1, len(first) + 1))) is None


@pytest.mark.parametrize("seed", range(5))
def test_ranks_and_correlation_are_those_of_scipy(seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 6, (2, 12)).astype(float).tolist()  # with ties
    assert ranks(first) == stats.rankdata(first).tolist()
    assert spearman(ranks(first), ranks(second)) == pytest.approx(stats.spearmanr(first, second).statistic)
