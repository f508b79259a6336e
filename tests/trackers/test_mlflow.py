"""Runs in MLflow, read back through its own client from the database that `--to mlflow` makes."""

import importlib.util
import socket

import pytest

from ganlab.errors import ConfigError
from ganlab.trackers import open_tracker
from ganlab.trackers.content import read_content
from tests.trackers.runs import BEGAN, IDENTITY, write_run

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None, reason="the extra 'mlflow' is not installed"
)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A client of the default database of a folder of results, and the folder. To make the tables takes seconds."""
    results = tmp_path_factory.mktemp("results")
    tracker = open_tracker("mlflow", results)
    import mlflow

    return mlflow.MlflowClient(tracker.address), results


def runs(client, key):
    experiment = client.get_experiment_by_name("ganlab/digits")
    return client.search_runs([experiment.experiment_id], f"tags.`ganlab.key` = '{key}'")


def history(client, run, name):
    return sorted((metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name))


def artifacts(client, run, folder=None):
    return {file.path for file in client.list_artifacts(run.info.run_id, folder)}


def test_a_run_has_params_metrics_grids_files_and_verdict_once_after_two_exports(client, tmp_path):
    client, results = client
    content = read_content(write_run(tmp_path, 8))
    for _ in range(2):
        open_tracker("mlflow", results).send(content)
    (run,) = runs(client, IDENTITY)
    assert history(client, run, "d_loss") == [(step, step) for step in range(1, 9)]
    assert history(client, run, "fd1k_random") == [(4, 2.5), (8, 1.5)]
    assert run.data.params["loss"] == "non_saturating" and run.data.params["seed"] == "3"
    assert run.data.tags["ganlab.verdict"] == "ok"
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", BEGAN * 1000, (BEGAN + 100) * 1000)
    assert artifacts(client, run, "samples") == {"samples/000001.png", "samples/000004.png"}
    assert artifacts(client, run) == {"config.yaml", "history.csv", "metrics.jsonl", "samples"}
    assert (results / ".mlflow").is_dir(), "files lie in the folder of results"


def test_a_run_that_trains_is_sent_bit_by_bit(client, tmp_path):
    client, results = client
    tracker = open_tracker("mlflow", results)
    tracker.send(read_content(write_run(tmp_path / "early", 4, total=2500, state="running", again="-2")))
    (run,) = runs(client, f"{IDENTITY}-2")
    assert run.info.status == "RUNNING" and history(client, run, "d_loss") == [(3, 2.0)]
    tracker.send(read_content(write_run(tmp_path / "late", 2500, again="-2")))
    (run,) = runs(client, f"{IDENTITY}-2")
    found = history(client, run, "d_loss")
    assert run.info.status == "FINISHED" and found[-1] == (2500, 2500.0) and len(found) == 834


def test_nobody_at_an_address_is_one_line_with_the_address(tmp_path):
    content = read_content(write_run(tmp_path, 2))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(ConfigError) as caught:
        open_tracker(f"mlflow:{address}", tmp_path).send(content)
    assert str(caught.value).startswith(f"mlflow at {address}: ") and "Connection refused" in str(caught.value)
    assert "\n" not in str(caught.value)
