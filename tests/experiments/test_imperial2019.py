"""The script behind "Table 4 cannot come from 60,000 images", for predictions whose score is known."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "experiments" / "imperial2019" / "splits.py"))


@pytest.fixture(scope="module")
def found():
    """The curves of a classifier that is always certain, for ten classes of equal chances: the score of all images is 10."""
    certain = np.eye(10)[np.random.default_rng(0).integers(0, 10, 60_000)]
    return SCRIPT["curves"](certain, [n for n, _, _ in SCRIPT["published"]()])


def test_a_split_of_m_images_lowers_the_logarithm_of_the_score_by_9_over_2_m(found):
    for count, scores in found.items():
        for (splits, _, _), (mean, _) in zip(SCRIPT["published"](), scores, strict=True):
            assert np.log(10 / mean) == pytest.approx(9 * splits / (2 * count), rel=0.35, abs=1e-3)


def test_the_printed_means_fall_as_those_of_6000_images(found):
    def fall(means):
        return np.log(means[0] / means[-1])

    few, many = (fall([mean for mean, _ in found[count]]) for count in (6_000, 60_000))
    printed = fall([mean for _, mean, _ in SCRIPT["published"]()])
    assert 0.7 * few < printed < few and printed > 6 * many


def test_the_table_has_a_row_for_each_number_of_splits(found, tmp_path):
    printed = SCRIPT["published"]()
    SCRIPT["write_table"](tmp_path / "splits.csv", [n for n, _, _ in printed], found, printed)
    with (tmp_path / "splits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["splits"] for row in rows] == ["1", "2", "5", "10", "20", "50", "100", "200"]
    assert float(rows[0]["mean_60000"]) == pytest.approx(10, abs=0.01) and rows[3]["mean_printed"] == "7.8596"
