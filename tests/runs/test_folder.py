import json
import os
import shutil

import pytest

from ganlab.errors import CheckpointError
from ganlab.runs.folder import RunFolder, remove, remove_at_once


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run")


def test_every_file_has_its_place(folder):
    names = {
        folder.config: "config.yaml",
        folder.environment: "environment.json",
        folder.status_file: "status.json",
        folder.summary_of("generator"): "models/generator.txt",
        folder.drawing: "models/gan.png",
        folder.history: "history.csv",
        folder.losses: "losses.png",
        folder.outputs: "outputs.png",
        folder.sample(500): "samples/000500.png",
        folder.extra_sample("interpolation", 500, 7): "samples/interpolation-000500-seed7.png",
        folder.reconstructions(500): "samples/reconstructions-000500.png",
        folder.beside: "real_and_generated.png",
        folder.film: "samples.gif",
        folder.video: "samples.mp4",
        folder.generator_weights(500): "checkpoints/generator-000500.weights.h5",
        folder.state(1_000_000): "checkpoints/state-1000000",
        folder.metrics: "metrics.jsonl",
        folder.summary: "summary.json",
    }
    for path, name in names.items():
        assert path == folder.path / name


class TestSteps:
    def test_are_read_from_names_in_order_and_nothing_else_is_taken_for_one(self, folder):
        folder.samples.mkdir(parents=True)
        folder.checkpoints.mkdir()
        for step in (500, 1_000_000, 1):
            folder.sample(step).touch()
            folder.generator_weights(step).touch()
            folder.state(step).mkdir()
        for name in (".4711-state-000009", "damaged-state-000010", "state-best", "generator-x.weights.h5"):
            (folder.checkpoints / name).touch()
        # Not as it writes them: they name another file, or none.
        for digits in ("\u00b2", "\u0663", "7", "0000007", "-00007"):
            (folder.checkpoints / f"state-{digits}").touch()
        folder.extra_sample("sample", 500, 0).touch()
        steps = [1, 500, 1_000_000]
        assert folder.sample_steps() == folder.generator_steps() == folder.state_steps() == steps

    def test_there_are_none_without_folders(self, folder):
        assert folder.sample_steps() == folder.generator_steps() == folder.state_steps() == []


class TestStatus:
    def test_is_empty_before_there_is_one(self, folder):
        assert folder.status() == {}

    def test_keeps_what_was_said_before_and_the_time_of_each_state(self, folder):
        folder.set_status("created", identity="ab" * 32, reason="none")
        folder.set_status("running", reason=None)
        folder.set_status("finished")
        status = folder.status()
        assert (status["status"], status["identity"], status["reason"]) == ("finished", "ab" * 32, None)
        times = status["times"]
        assert times["created"] <= times["running"] <= times["finished"] == times["updated"]


class TestGeneratorWeights:
    @pytest.fixture
    def written(self, folder):
        folder.checkpoints.mkdir(parents=True)
        for step in (10, 20):
            folder.generator_weights(step).touch()
        return folder

    def test_are_the_newest_or_those_of_a_step(self, written):
        assert written.generator_step(None) == 20
        assert written.generator_step(10) == 10

    def test_of_a_step_that_is_not_there_name_those_that_are(self, written):
        with pytest.raises(CheckpointError) as caught:
            written.generator_step(15)
        assert str(caught.value) == f"{written.path}: no generator checkpoint of step 15; there are 10, 20"

    def test_of_a_run_that_has_none_say_so(self, folder):
        with pytest.raises(CheckpointError) as caught:
            folder.generator_step(None)
        assert str(caught.value) == f"{folder.path}: has no generator checkpoint yet; let the run reach one"


HISTORY = "step,d_loss,seconds\n1,0.5,0.1\n2,0.5,0.1\n3,0.5,0.1\n"


class TestHistorySteps:
    def test_are_those_of_whole_rows(self, folder):
        assert folder.history_steps() == 0
        folder.path.mkdir()
        folder.history.write_text(HISTORY)
        assert folder.history_steps() == 3
        folder.history.write_text("step,d_loss,penalty,seconds\n1,nan,,1e-05\n2,-inf,2.5,1.25e+10\n")
        assert folder.history_steps() == 2

    @pytest.mark.parametrize(
        "row",
        [
            "3,0.5,0.1\n",
            "2,0.5\n",
            "2,0.5,0.1,7\n",
            "2,0x1,0.1\n",
            "2,1_0,0.1\n",
            "2,\u0663,0.1\n",
            "2,a,0.1\n",
            "2,0.5,0.1",
            "\n",
        ],
    )
    def test_end_before_a_row_that_is_none(self, folder, row):
        folder.path.mkdir()
        folder.history.write_text(HISTORY.replace("2,0.5,0.1\n", row))
        assert folder.history_steps() == 1

    @pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"step,d_loss,seconds\n\xff,0.5,0.1\n"])
    def test_of_what_is_no_text_are_none(self, folder, content):
        folder.path.mkdir()
        folder.history.write_bytes(content)
        assert folder.history_steps() == 0


class TestCuttingBack:
    @pytest.fixture
    def trained(self, folder):
        folder.samples.mkdir(parents=True)
        folder.histograms.mkdir()
        folder.checkpoints.mkdir()
        folder.history.write_text(HISTORY)
        folder.metrics.write_text("".join(json.dumps({"step": step, "value": 1.0}) + "\n" for step in (1, 2, 3)))
        for step in (1, 2, 3):
            folder.sample(step).touch()
            folder.reconstructions(step).touch()
            folder.histogram(step).touch()
            folder.generator_weights(step).touch()
            folder.state(step).mkdir()
            (folder.state(step) / "variables.npz").touch()
        return folder

    def test_removes_what_came_after_a_step(self, trained):
        trained.cut_back(2)
        assert trained.history.read_text() == HISTORY.removesuffix("3,0.5,0.1\n")
        assert [json.loads(line)["step"] for line in trained.metrics.read_text().splitlines()] == [1, 2]
        assert (
            trained.histogram_steps()
            == trained.sample_steps()
            == trained.reconstruction_steps()
            == trained.generator_steps()
            == trained.state_steps()
            == [1, 2]
        )

    def test_to_the_end_changes_nothing(self, trained):
        trained.cut_back(3)
        assert trained.history.read_text() == HISTORY
        assert trained.state_steps() == [1, 2, 3]

    def test_to_zero_leaves_the_header(self, trained):
        trained.cut_back(0)
        assert trained.history.read_text() == "step,d_loss,seconds\n"
        assert not trained.metrics.exists()
        assert trained.state_steps() == []

    @pytest.mark.parametrize("torn", ["3,0.5", "3", "", "x,0.5,0.1\n"])
    def test_a_torn_line_of_the_history_goes_and_what_follows_it(self, trained, torn):
        trained.history.write_text(HISTORY.removesuffix("3,0.5,0.1\n") + torn)
        trained.cut_back(3)
        assert trained.history.read_text() == HISTORY.removesuffix("3,0.5,0.1\n")

    @pytest.mark.parametrize("torn", ['{"step": 3, "val', '{"value": 1}\n', "[3]\n", "[" * 100_000 + "\n"])
    def test_a_torn_line_of_the_metrics_goes(self, trained, torn):
        whole = trained.metrics.read_text().splitlines(keepends=True)
        trained.metrics.write_text("".join(whole[:2]) + torn)
        trained.cut_back(3)
        assert trained.metrics.read_text() == "".join(whole[:2])

    def test_earlier_steps_that_were_measured_later_stay(self, trained):
        with trained.metrics.open("a") as file:
            file.write('{"step": 1, "value": 7.0}\n{"step": 3, "value": 7.0}\n{"step": 2, "val')
        trained.cut_back(2)
        lines = [json.loads(line) for line in trained.metrics.read_text().splitlines()]
        assert [(line["step"], line["value"]) for line in lines] == [(1, 1.0), (2, 1.0), (1, 7.0)]

    def test_of_an_empty_folder_is_nothing(self, folder):
        folder.cut_back(0)
        assert not folder.path.exists()


def test_what_is_removed_may_be_a_file_a_folder_or_gone(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "full" / "inner").mkdir(parents=True)
    for name in ("file", "full", "nothing"):
        remove(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_state_that_is_removed_goes_at_once_even_if_that_is_cut_short(folder, monkeypatch):
    for step in (1, 2):
        folder.state(step).mkdir(parents=True)
        for name in ("MANIFEST.json", "variables.npz"):
            (folder.state(step) / name).touch()
    remove_at_once(folder.state(1))
    remove_at_once(folder.state(1))
    assert [path.name for path in folder.checkpoints.iterdir()] == ["state-000002"]

    def cut_short(path):
        os.remove(path / "MANIFEST.json")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(shutil, "rmtree", cut_short)
        remove_at_once(folder.state(2))
    assert folder.state_steps() == [] and len(folder.half_written()) == 1
    folder.cut_back(0)
    assert list(folder.checkpoints.iterdir()) == []


def test_cutting_back_removes_what_came_later_and_what_was_half_written(tmp_path):
    folder = RunFolder(tmp_path)
    folder.history.write_text("step,seconds\n1,0.1\n2,0.1\n3,0.")
    for path in (folder.sample(1), folder.sample(2), folder.generator_weights(1)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / ".2e0ca2fe-history.csv").touch()
    (tmp_path / "samples" / ".0123abcd-000002.png").touch()
    (tmp_path / "checkpoints" / ".4711-state-000002").mkdir()
    folder.cut_back(1)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert left == ["checkpoints/generator-000001.weights.h5", "history.csv", "samples/000001.png"]
    assert folder.history.read_text() == "step,seconds\n1,0.1\n"
    assert not list(tmp_path.rglob(".*"))
