"""The process that sends runs while they train: what it does apart from a training. `tests/cli/test_track.py` has whole runs."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

from ganlab.config.loading import load_config
from ganlab.flows.plan import Plan
from ganlab.runs.folder import RunFolder
from ganlab.trackers.follow import followed
from tests.cli.experiments import CONFIG
from tests.trackers.runs import write_run

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="the extra 'tensorboard' is not installed"
)


def plan(tmp_path: Path, folder: Path, track: str = "tensorboard") -> Plan:
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    config = load_config(tmp_path / "tiny.yaml", [f"track={track}"])
    return Plan(config, None, 12, "cell", "identity", RunFolder(folder))


def events(folder: Path) -> list[str]:
    return [path.parent.name for path in folder.rglob("events.out.tfevents.*")]


@needs_tensorboard
def test_folders_are_sent_at_the_end_of_the_block_each_to_its_own_tracker(tmp_path, capfd):
    board = tmp_path / "board"
    plans = [plan(tmp_path, tmp_path / "digits" / f"tiny-seed3-abababab{again}") for again in ("", "-2")]
    plans.append(plan(tmp_path, tmp_path / "digits" / "tiny-seed3-abababab-3", f"tensorboard:{board}"))
    with followed(plans):
        for again in ("", "-2", "-3"):
            write_run(tmp_path, 4, again=again)
    assert sorted(events(tmp_path / ".tensorboard")) == ["tiny-seed3-abababab", "tiny-seed3-abababab-2"]
    assert events(board) == ["tiny-seed3-abababab-3"] and capfd.readouterr().err == ""


@needs_tensorboard
def test_a_run_that_ends_before_it_has_a_folder_sends_nothing(tmp_path, capfd):
    with followed([plan(tmp_path, tmp_path / "digits" / "never")]):
        pass
    assert events(tmp_path) == [] and capfd.readouterr().err == ""


def test_a_process_that_does_not_start_is_one_line(tmp_path, monkeypatch, capfd):
    def no_memory(*arguments, **options):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", no_memory)
    folder = tmp_path / "digits" / "run"
    with followed([plan(tmp_path, folder)]):
        trained = True
    expected = f"track: the process that sends the run does not start: Cannot allocate memory; ganlab export {folder}"
    assert trained and capfd.readouterr().err == f"{expected} --to tensorboard --results {tmp_path} sends the rest\n"


def test_without_a_tracker_there_is_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", None)
    with followed([plan(tmp_path, tmp_path / "run", "none")]):
        pass
