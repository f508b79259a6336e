"""A sweep without processes: its jobs are planned, and their runs written, by the test."""

import importlib.util

import pytest

from ganlab.flows import sweep as flow
from ganlab.flows.sweep import Sweep
from ganlab.runs.folder import RunFolder
from tests.sweeps.test_local import Notes
from tests.sweeps.test_search import EARLIER, MEASURED, WORSE, begun, measure, number_of, write_pruned

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("optuna") is None, reason="the extra 'search' is not installed"
)


class Trained:
    """An executor that writes the metrics of its jobs until they are given up."""

    def __init__(self, curves):
        self.curves = curves

    def execute(self, jobs, board):
        for job in jobs:
            for step, value in zip((20, 40, 60), self.curves[number_of(job)], strict=True):
                if not self.pruned(job):
                    measure(job, step, value)
            reason = self.pruned(job)
            board.ended(job, "pruned" if reason else RunFolder(job.folder).status()["status"], reason or "")


def test_a_search_goes_on_turn_after_turn_and_leaves_what_it_has_pruned(tmp_path, monkeypatch):
    path, results, said = write_pruned(tmp_path), tmp_path / "results", []
    monkeypatch.setattr(
        flow, "survey", lambda configs, where, fresh, may_download: ([begun(where, each) for each in configs], [])
    )
    curves = EARLIER | {6: (4, 1, 1), 7: (2, 2, 2)}

    def train():
        found, due = Sweep([path], MEASURED, None, results, say=said.append), []
        for turn in found.turns():
            due.append(len(turn.due))
            found.train(turn, Trained(curves), Notes(list(turn.states)))
        return found, due

    first, due = train()
    assert due == [1] * 7 and said[0] == "trial 1 of 7: checking 1 run"
    assert first.outcome().startswith("7 trials, 1 pruned; best: trial 1, fd1k_classifier 1 (")
    first.require_finished()
    runs = first.as_dict()["runs"]
    assert [run["state"] for run in runs] == ["finished"] * 5 + ["pruned", "finished"]
    assert runs[5]["message"] == f"at step 20 {WORSE}" and len(first.jobs) == 7
    again, due = train()
    assert due == [0] * 7 and again.as_dict()["trials"] == first.as_dict()["trials"]
    assert [run["state"] for run in again.as_dict()["runs"]] == [run["state"] for run in runs]
