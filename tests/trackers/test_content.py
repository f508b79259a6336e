"""A run folder as trackers see it."""

import json

import numpy as np
import pytest

from ganlab.errors import GanlabError
from ganlab.runs.folder import RunFolder
from ganlab.trackers.content import read_content
from tests.trackers.runs import BEGAN, IDENTITY, write_run


def points(values):
    return [(point.step, point.value) for point in values]


def test_a_short_history_is_sent_as_it_is(tmp_path):
    content = read_content(write_run(tmp_path, 8))
    assert points(content.history["d_loss"]) == [(step, step) for step in range(1, 9)]
    assert points(content.history["diversity"]) == [(4, 0.1), (8, 0.1)]
    assert content.history.keys() == {"d_loss", "diversity"}


def test_a_long_history_becomes_at_most_a_thousand_means(tmp_path):
    content = read_content(write_run(tmp_path, 2501))
    found = points(content.history["d_loss"])
    assert len(found) == 834 and found[:2] == [(3, 2.0), (6, 5.0)]
    assert found[-2:] == [(2499, 2498.0), (2501, 2500.5)], "the last mean is of the two steps that are left"
    assert points(content.history["diversity"])[:3] == [(6, 0.1), (9, 0.1), (12, 0.1)], (
        "the mean of the steps with a value"
    )


def test_the_means_of_a_run_that_trains_are_those_of_the_finished_run(tmp_path):
    early = read_content(write_run(tmp_path / "early", 1000, total=2501, state="running"))
    late = read_content(write_run(tmp_path / "late", 2501))
    assert points(early.history["d_loss"]) == points(late.history["d_loss"])[:333]
    assert early.files == [] and early.ended is None


def test_times_follow_the_seconds_of_the_steps(tmp_path):
    content = read_content(write_run(tmp_path, 8))
    assert [point.time - BEGAN for point in content.history["d_loss"][:3]] == [0.5, 1.0, 1.5]
    assert [point.time - BEGAN for point in content.metrics["fd1k_random"]] == [2.0, 4.0]
    assert (content.began, content.ended) == (BEGAN, BEGAN + 100)


def test_values_that_are_no_numbers_are_left_out(tmp_path):
    files = RunFolder(write_run(tmp_path, 3))
    files.history.write_text("step,d_loss,seconds\n1,0.5,1\n2,inf,1\n3,nan,1\n")
    files.metrics.write_text('{"step": 1, "name": "a", "value": NaN}\n{"step": 2, "name": "a", "value": 3}\n')
    content = read_content(files.path)
    assert points(content.history["d_loss"]) == [(1, 0.5)] and points(content.metrics["a"]) == [(2, 3.0)]


def test_a_row_that_is_just_being_written_is_left_for_the_next_time(tmp_path):
    files = RunFolder(write_run(tmp_path, 3, total=9, state="running"))
    with files.history.open("a") as file:
        file.write("4,0.")
    assert points(read_content(files.path).history["d_loss"]) == [(1, 1), (2, 2), (3, 3)]


def test_tells_hyperparameters_verdict_and_files(tmp_path):
    run = write_run(tmp_path, 8)
    for name in ("real_and_generated.png", "samples/reconstructions-000002.png", "samples/reconstructions-000004.png"):
        (run / name).touch()
    content = read_content(run)
    assert content.params["loss"] == "non_saturating" and content.params["latent_dim"] == 4
    assert content.params["generator_optimizer"] == "Adam(learning_rate=0.001)" and content.params["seed"] == 3
    assert content.tags["verdict"] == "ok" and content.tags["identity"] == IDENTITY
    assert content.grids.keys() == {1, 4}
    pictures = {"real_and_generated.png", "reconstructions-000004.png"}
    assert {path.name for path, _ in content.files} == {"config.yaml", "history.csv", "metrics.jsonl"} | pictures


def test_a_copy_is_the_same_run_and_a_fresh_run_is_another(tmp_path):
    first, copy, fresh = (
        write_run(tmp_path / name, 2, again=again) for name, again in (("a", ""), ("b", ""), ("c", "-2"))
    )
    keys = [read_content(folder).key for folder in (first, copy, fresh)]
    assert keys == [IDENTITY, IDENTITY, f"{IDENTITY}-2"]


def test_a_run_without_an_identity_is_refused(tmp_path):
    files = RunFolder(write_run(tmp_path, 2))
    files.status_file.write_text(json.dumps({"status": "finished"}))
    with pytest.raises(GanlabError, match="damaged: identity: missing"):
        read_content(files.path)


def test_a_run_before_its_first_step_has_no_values(tmp_path):
    files = RunFolder(write_run(tmp_path, 1, state="created"))
    files.history.unlink()
    files.metrics.unlink()
    content = read_content(files.path)
    assert content.history == {} and content.metrics == {} and np.isfinite(content.began)
