"""What `run_experiment` does about signals before it trains. Signals to real processes: tests/reliability/test_signals.py."""

import contextlib
import signal

import pytest

from ganlab import experiment
from ganlab.config.loading import load_config
from ganlab.errors import StoppedError
from ganlab.flows.plan import plan_experiment
from ganlab.runs.folder import RunFolder
from ganlab.runs.locks import is_this_process, owner_record
from ganlab.training.signals import handling
from tests.cli.experiments import CONFIG


def fail(number, frame) -> None:
    raise AssertionError("this signal would have ended the process")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_a_signal_as_soon_as_the_lock_is_taken_leaves_nothing(tmp_path, monkeypatch, name):
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    plan, lock = plan_experiment(load_config(tmp_path / "tiny.yaml"), tmp_path / "results"), experiment.locked

    @contextlib.contextmanager
    def locked_and_stopped(*place):
        with lock(*place) as require_own:
            signal.raise_signal(getattr(signal, name))
            yield require_own

    monkeypatch.setattr(experiment, "locked", locked_and_stopped)
    with (
        handling({name: fail}),
        pytest.raises(StoppedError, match=f"stopped by {name} before its first step"),
    ):
        experiment.run_experiment(plan, tmp_path / "results", quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_second_ctrl_c_writes_nothing_about_the_run_of_another_process(tmp_path):
    folder = RunFolder(tmp_path)
    owner = owner_record() | {"since": 0}
    for other in ({}, owner | {"pid": owner["pid"] + 1}, owner | {"host": "elsewhere"}):
        folder.set_status("running", owner=other)
        before = folder.status()
        experiment.leave_unsaved(folder)
        assert folder.status() == before and not is_this_process(other)
    folder.set_status("running", owner=owner)
    experiment.leave_unsaved(folder)
    assert folder.status()["status"] == "stopped"
