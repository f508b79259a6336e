import math
import subprocess
import sys

import pytest

from ganlab.reports.replication import ranks, spearman


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


def test_an_order_of_ten_thousand_needs_no_warning(recwarn):
    assert ranks([1.0] * 10_000) == [5000.5] * 10_000
    assert spearman([(1, 1), (1, 2), (1, 3)]) is None and spearman([(1, 2), (2, 2), (3, 2)]) is None
    assert not recwarn.list


def test_the_same_order_correlates_fully_and_the_reverse_fully_against():
    assert spearman([(1, 1), (2, 2), (3, 3), (4, 4)]) == pytest.approx(1.0)
    assert spearman([(1, 4), (2, 3), (3, 2), (4, 1)]) == pytest.approx(-1.0)


def test_ties_share_their_ranks():
    # Pearson's correlation of the ranks 1.5, 1.5, 3, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)
    assert spearman([(1.5, 1), (1.5, 2), (3, 3), (4, 4)]) == pytest.approx(math.sqrt(0.9))


@pytest.mark.parametrize("pairs", [[], [(1, 1)], [(1, 1), (2, 2)], [(2, 1), (2, 2), (2, 3)]])
def test_without_an_order_there_is_no_correlation(pairs):
    assert spearman(pairs) is None


def test_reports_load_scipy_only_to_rank():
    code = "import sys, ganlab.reports.formats; sys.exit('scipy' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
