import math

import pytest

from ganlab.reports.averages import group_cells, metrics_of, summarize
from ganlab.reports.metric_names import MetricKey
from ganlab.runs.records import find_runs, read_run, read_runs
from tests.run_folders import metric, write_run

FD1K = MetricKey("fd1k", "f00d")


def cells_of(results):
    return group_cells([read_run(folder) for folder in find_runs(results)])


@pytest.mark.parametrize(
    ("values", "mean", "sd", "n"),
    [
        ([], None, None, 0),
        ([None, None], None, None, 0),
        ([3.0], 3.0, None, 1),
        ([1.0, 3.0], 2.0, math.sqrt(2), 2),
        ([2, 4, None, 6], 4.0, 2.0, 3),
        ([1e8, 1e8 + 1, 1e8 + 2], 1e8 + 1, 1.0, 3),
        ([math.inf, 1.0], math.inf, math.nan, 2),
        ([1e200, -1e200], 0.0, math.inf, 2),
    ],
)
def test_mean_and_sample_deviation(values, mean, sd, n):
    result = summarize(values)
    assert (result.mean, result.sd) == pytest.approx((mean, sd), nan_ok=True) and result.n == n


def test_seeds_of_one_cell_are_averaged(tmp_path):
    for seed, value in enumerate([10.0, 12.0, 17.0]):
        write_run(tmp_path, seed=seed, metrics={"fd1k": metric(value, best=value - 1, best_step=100 * seed)})
    (cell,) = cells_of(tmp_path)
    summary = cell.metrics[FD1K]
    assert (cell.name, cell.facts()["seeds"]) == ("quickstart", [0, 1, 2])
    assert (summary.last.mean, summary.last.sd, summary.last.n) == pytest.approx((13.0, math.sqrt(13), 3))
    assert summary.best.mean == pytest.approx(12.0)
    assert summary.best_steps == [0, 100, 200]


@pytest.mark.parametrize("state", ["created", "running", "failed", "diverged", "stopped"])
def test_only_finished_runs_are_averaged(tmp_path, state):
    write_run(tmp_path, metrics={"fd1k": metric(10.0)})
    write_run(tmp_path, seed=1, status=state, metrics={"fd1k": metric(999.0)})
    (cell,) = cells_of(tmp_path)
    assert [run.state for run in cell.runs] == ["finished", state]
    assert cell.metrics[FD1K].last.mean == 10.0
    assert cell.facts()["seeds"] == [0]


def test_of_repetitions_the_newest_counts_in_any_order_of_reading(tmp_path):
    for number in (2, 10, 9):
        write_run(tmp_path, again=f"-{number}", metrics={"fd1k": metric(float(number))})
    runs, _ = read_runs(find_runs(tmp_path))
    for order in (runs, runs[::-1], [runs[2], runs[0], runs[1]]):
        (cell,) = group_cells(order)
        assert cell.metrics[FD1K].last.mean == 10.0


def test_a_run_without_a_summary_joins_the_cell_its_status_names(tmp_path):
    write_run(tmp_path)
    write_run(tmp_path, seed=1, status="running", with_summary=False)
    (cell,) = cells_of(tmp_path)
    assert len(cell.runs) == 2 and len(cell.averaged) == 1


def test_a_fresh_repetition_counts_once_and_the_newest_counts(tmp_path):
    for again, value in (("", 1.0), ("-2", 2.0), ("-10", 3.0)):
        write_run(tmp_path, again=again, metrics={"fd1k": metric(value)})
    (cell,) = cells_of(tmp_path)
    assert len(cell.runs) == 3
    assert (cell.metrics[FD1K].last.mean, cell.metrics[FD1K].last.n) == (3.0, 1)


def test_fingerprints_that_differ_are_never_averaged_together(tmp_path):
    write_run(tmp_path, metrics={"fd1k": metric(10.0, fingerprint="aa")})
    write_run(tmp_path, seed=1, metrics={"fd1k": metric(20.0, fingerprint="bb")})
    (cell,) = cells_of(tmp_path)
    assert {key: value.last.mean for key, value in cell.metrics.items()} == {
        MetricKey("fd1k", "aa"): 10.0,
        MetricKey("fd1k", "bb"): 20.0,
    }


@pytest.mark.parametrize("part", ["weight_hash", "fingerprint"])
def test_values_of_other_classifiers_are_never_averaged_together(tmp_path, part):
    for seed, (value, mark) in enumerate([(3.0, "aa"), (40.0, "bb"), (5.0, "aa")]):
        write_run(tmp_path, seed=seed, data="d" * 64, metrics={"fd1k": metric(value, **{part: mark})})
    (cell,) = cells_of(tmp_path)
    assert [(value.last.mean, value.last.n) for value in cell.metrics.values()] == [(4.0, 2), (40.0, 1)]
    assert {key.data for key in cell.metrics} == {"d" * 64}


def test_values_against_other_test_splits_are_never_averaged_together(tmp_path):
    for seed, (value, real) in enumerate([(3.0, "aa"), (40.0, "bb"), (5.0, "aa"), (7.0, None)]):
        write_run(tmp_path, seed=seed, data="d" * 64, metrics={"copies1k_classifier": metric(value, real_data=real)})
    (cell,) = cells_of(tmp_path)
    assert {key.real: (value.last.mean, value.last.n) for key, value in cell.metrics.items()} == {
        "aa": (4.0, 2),
        "bb": (40.0, 1),
        None: (7.0, 1),
    }


def test_values_against_the_training_images_meet_those_of_versions_that_did_not_name_them(tmp_path):
    write_run(tmp_path, data="d" * 64, metrics={"fd1k": metric(3.0, real_data="d" * 64)})
    write_run(tmp_path, seed=1, data="d" * 64, metrics={"fd1k": metric(5.0)})
    (cell,) = cells_of(tmp_path)
    assert [(value.last.mean, value.last.n) for value in cell.metrics.values()] == [(4.0, 2)]


def test_one_cell_on_two_data_sets_stays_two(tmp_path):
    write_run(tmp_path, dataset="mnist", cell="c" * 64)
    write_run(tmp_path, dataset="digits", cell="c" * 64)
    assert [cell.dataset for cell in cells_of(tmp_path)] == ["digits", "mnist"]


def test_metrics_stand_in_the_order_the_runs_wrote_them(tmp_path):
    folder = write_run(tmp_path, metrics={"is1k": metric(9.0), "fd1k": metric(1.0, fingerprint="b")})
    assert [*metrics_of(read_run(folder))] == [MetricKey("is1k", "f00d"), MetricKey("fd1k", "b")]
