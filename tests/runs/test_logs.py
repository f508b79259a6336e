import json

import numpy as np
import pytest

from ganlab.errors import GanlabError
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import HistoryFile, best_step, check_history, metric_table, read_history, read_metrics
from ganlab.training.stages import Column
from tests.storage.test_writing import files_of_at_most


def test_columns_come_back_as_numbers_and_blanks_as_nan(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,d_loss,penalty,seconds\n1,0.5,2.25,0.001\n2,-1e-07,,0.001\n3,nan,,0.001\n")
    history = read_history(path)
    assert list(history) == ["step", "d_loss", "penalty", "seconds"]
    assert all(column.dtype == np.float64 for column in history.values())
    np.testing.assert_array_equal(history["step"], [1, 2, 3])
    np.testing.assert_array_equal(history["d_loss"], [0.5, -1e-07, np.nan])
    np.testing.assert_array_equal(history["penalty"], [2.25, np.nan, np.nan])


def test_a_history_without_steps_has_columns_without_values(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,d_loss,seconds\n")
    assert {name: len(column) for name, column in read_history(path).items()} == {"step": 0, "d_loss": 0, "seconds": 0}


def test_a_run_keeps_the_columns_with_which_an_earlier_version_began_it(tmp_path):
    path = tmp_path / "history.csv"
    columns = [Column("g_loss"), Column("d_generator"), Column("penalty", optional=True)]
    path.write_text("step,g_loss,penalty,seconds\n1,0.5,,0.25\n")
    HistoryFile(path, columns, ()).append(2, np.array([[0.5, 0.75, 2.0]]), {}, 0.25)
    assert path.read_text() == "step,g_loss,penalty,seconds\n1,0.5,,0.25\n2,0.5,2,0.25\n"


def test_rows_that_do_not_fit_on_the_disk_leave_no_torn_one(tmp_path):
    path = tmp_path / "history.csv"
    history = HistoryFile(path, [Column("d_loss")], ())
    history.append(1, np.array([[0.5]]), {}, 0.25)
    before = path.read_text()
    with files_of_at_most(len(before) + 12), pytest.raises(OSError, match="File too large") as caught:
        history.append(4, np.array([[0.5], [0.25], [0.125]]), {}, 0.75)
    assert caught.value.filename == str(path) and path.read_text() == before
    history.append(4, np.array([[0.5], [0.25], [0.125]]), {}, 0.75)
    assert path.read_text() == "step,d_loss,seconds\n1,0.5,0.25\n2,0.5,0.25\n3,0.25,0.25\n4,0.125,0.25\n"


@pytest.mark.parametrize(("optional", "expected"), [((), ["history.csv: line 2: kept: received ''"]), (("kept",), [])])
def test_a_blank_is_damage_unless_its_column_may_be_empty(tmp_path, optional, expected):
    path = tmp_path / "history.csv"
    path.write_text("step,loss,kept,penalty,seconds\n1,0.5,,,0.25\n2,0.5,1.0,,0.75\n")
    assert list(check_history(path, 2, finite=True, whole=True, optional=optional)) == expected


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path)


def line(step, name, value, **more):
    return {"step": step, "name": name, "value": value, "floor": 0.5, "floor_n": 500} | {
        "fingerprint": "f00d",
        "weight_hash": "beef",
        "real_data": "dada",
        **more,
    }


def write_metrics(folder, *lines):
    folder.metrics.write_text("".join(json.dumps(entry) + "\n" for entry in lines))


class TestMetricLines:
    def write(self, folder, *lines):
        folder.metrics.write_text("".join(f"{line}\n" for line in lines))

    def line(self, step, name, value):
        return json.dumps({"step": step, "name": name, "value": value})

    def test_the_last_line_of_a_step_and_name_counts_and_torn_ones_do_not(self, folder):
        name = "is1k_classifier"
        self.write(folder, self.line(1, name, 2.0), self.line(1, name, 3.0), '{"step": 2, "na')
        assert [line["value"] for line in read_metrics(folder.metrics)] == [3.0]

    def test_no_file_means_no_lines_and_no_best_step(self, folder):
        assert read_metrics(folder.metrics) == []
        assert best_step(folder) is None

    @pytest.mark.parametrize("line", ['{"step": 1}', '{"step": true, "name": "x", "value": 1}', "[}"])
    def test_a_line_that_is_no_metric_value_is_damage(self, folder, line):
        self.write(folder, self.line(1, "is1k_classifier", 2.0), line)
        with pytest.raises(GanlabError) as caught:
            read_metrics(folder.metrics)
        assert str(caught.value) == f"{folder.metrics}: damaged: line 2 is no metric value"

    @pytest.mark.parametrize(("name", "expected"), [("fd1k_classifier", 20), ("is1k_classifier", 30)])
    def test_the_best_step_is_the_lowest_distance_or_the_highest_score(self, folder, name, expected):
        values = {10: 5.0, 20: 1.0, 30: 9.0}
        other = self.line(20, "pr1k_classifier.recall", 0.1)
        self.write(folder, *(self.line(step, name, value) for step, value in values.items()), other)
        assert best_step(folder) == expected

    def test_the_first_metric_of_the_config_chooses_and_the_earlier_of_equal_steps(self, folder):
        values = {
            "fd1k_classifier": (4.0, 2.0, 2.0),
            "fd1k_random": (1.0, 2.0, 3.0),
            "is1k_classifier": (1.0, 2.0, 9.0),
        }
        for order, expected in (((0, 1, 2), 20), ((1, 0, 2), 10), ((2, 0, 1), 30)):
            names = [list(values)[index] for index in order]
            self.write(folder, *(self.line(10 * (n + 1), name, values[name][n]) for n in range(3) for name in names))
            assert best_step(folder) == expected


class TestMetricTable:
    def test_the_best_distance_is_the_lowest_and_the_best_score_the_highest(self, folder):
        write_metrics(
            folder,
            *(line(step, "fd1k_classifier", value) for step, value in ((10, 5.0), (20, 2.0), (30, 9.0))),
            *(line(step, "is1k_classifier", value) for step, value in ((10, 5.0), (20, 8.0), (30, 7.0))),
        )
        table = metric_table(folder)
        picked = {name: [entry[key] for key in ("last", "best", "best_step")] for name, entry in table.items()}
        assert picked == {"fd1k_classifier": [9.0, 2.0, 20], "is1k_classifier": [7.0, 8.0, 20]}
        assert table["fd1k_classifier"]["floor"] == 0.5 and table["fd1k_classifier"]["fingerprint"] == "f00d"

    def test_the_first_of_equal_values_is_the_best_step(self, folder):
        write_metrics(folder, line(10, "fd1k_classifier", 2.0), line(20, "fd1k_classifier", 2.0))
        assert metric_table(folder)["fd1k_classifier"]["best_step"] == 10

    def test_lines_count_by_their_step_not_by_their_place(self, folder):
        write_metrics(folder, line(20, "fd1k_classifier", 2.0), line(10, "fd1k_classifier", 5.0))
        assert metric_table(folder)["fd1k_classifier"]["last"] == 2.0

    def test_a_value_of_an_earlier_step_is_not_the_last_of_a_run_that_could_not_be_measured_at_its_end(self, folder):
        write_metrics(folder, line(10, "fd1k_classifier", 2.0))
        entry = metric_table(folder, finished=20)["fd1k_classifier"]
        assert (entry["last"], entry["best"], entry["best_step"]) == (None, 2.0, 10)
        assert metric_table(folder, finished=10)["fd1k_classifier"]["last"] == 2.0

    @pytest.mark.parametrize("other", [{"fingerprint": "0ld"}, {"weight_hash": "0ld"}, {"real_data": "0ld"}])
    def test_the_best_value_is_of_the_protocol_of_the_newest(self, folder, other):
        before = [line(step, "is1k_classifier", value) | other for step, value in ((10, 9.0), (20, 8.0))]
        write_metrics(folder, *before, line(20, "is1k_classifier", 5.0), line(10, "is1k_classifier", 6.0))
        entry = metric_table(folder)["is1k_classifier"]
        assert (entry["last"], entry["best"], entry["best_step"]) == (5.0, 6.0, 10)
        write_metrics(folder, *before, line(20, "is1k_classifier", 5.0))
        entry = metric_table(folder)["is1k_classifier"]
        assert (entry["last"], entry["best"], entry["best_step"]) == (5.0, 5.0, 20)

    def test_lines_of_versions_that_did_not_name_the_real_data_count(self, folder):
        before, newest = line(10, "is1k_classifier", 9.0), line(20, "is1k_classifier", 5.0)
        del before["real_data"]
        write_metrics(folder, before, newest)
        entry = metric_table(folder)["is1k_classifier"]
        assert (entry["best"], entry["real_data"]) == (9.0, newest["real_data"])

    def test_metrics_of_another_version_are_listed_as_well(self, folder):
        write_metrics(
            folder, *(line(step, name, value) for step, value in ((10, 5.0), (20, 2.0)) for name in ("fid7k_x", "x"))
        )
        best = {name: entry["best"] for name, entry in metric_table(folder).items()}
        assert best == {"fid7k_x": 2.0, "x": 5.0}

    def test_a_run_without_metrics_has_an_empty_table(self, folder):
        assert metric_table(folder) == {}
