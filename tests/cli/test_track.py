"""`ganlab run --track`: a run is sent while it trains. A tracker that fails changes nothing of the run."""

import contextlib
import importlib.util
import os
import socket

import pytest

from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_history
from ganlab.runs.records import read_run
from tests.cli.experiments import CONFIG, FILES, files_below, the_run
from tests.forks import Fork


def needs(tracker):
    missing = importlib.util.find_spec(tracker) is None
    return pytest.mark.skipif(missing, reason=f"the extra '{tracker}' is not installed")


def run(folder, cache, track) -> tuple[int, list[str]]:
    """The exit code of a run of tiny.yaml, and all that it printed."""
    (folder / "tiny.yaml").write_text(CONFIG)
    environment = os.environ | {"GANLAB_CACHE": str(cache), "MLFLOW_HTTP_REQUEST_TIMEOUT": "1"}
    process = Fork(folder, "run", "tiny.yaml", "-q", "--track", track, environment=environment)
    code = process.wait(timeout=300)
    return code, process.communicate()[0].splitlines()


def losses(folder):
    history = read_history(RunFolder(the_run(folder / "results")).history)
    return {name: list(values) for name, values in history.items() if name != "seconds"}


@needs("tensorboard")
def test_a_run_is_sent_and_is_the_same_run_as_without_a_tracker(tmp_path, cache, finished):
    code, lines = run(tmp_path, cache, "tensorboard")
    path, untracked = the_run(tmp_path / "results"), the_run(finished / "results")
    assert (code, lines) == (0, [f"results/digits/{path.name}"])
    assert path.name == untracked.name, "track is no part of the identity"
    assert str(losses(tmp_path)) == str(losses(finished))
    (events,) = (tmp_path / "results" / ".tensorboard").rglob("events.out.tfevents.*")
    content = events.read_bytes()
    assert b"history/d_loss" in content and b"metrics/is1k_classifier" in content and b"session_end_info" in content


@contextlib.contextmanager
def closed_port():
    """The address of a server that is down."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
    yield address


@contextlib.contextmanager
def silent_server():
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@needs("mlflow")
@pytest.mark.parametrize(("server", "error"), [(closed_port, "Connection refused"), (silent_server, "timed out")])
def test_a_tracker_that_is_down_or_hangs_costs_one_line(tmp_path, cache, finished, server, error):
    with server() as address:
        code, lines = run(tmp_path, cache, f"mlflow:{address}")
    path = the_run(tmp_path / "results")
    name = f"results/digits/{path.name}"
    assert code == 0 and read_run(path).finished and str(losses(tmp_path)) == str(losses(finished))
    assert "".join(f"{file}\n" for file in files_below(path)) == FILES
    (warning,) = [line for line in lines if line != name]
    assert warning.startswith(f"track: mlflow at {address}: ") and error in warning
    assert warning.endswith(f"ganlab export {name} --to mlflow:{address} sends the rest")
