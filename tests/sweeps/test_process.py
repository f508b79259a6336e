"""What a sweep learns of the runs of a group, from their folders."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ganlab.config.loading import load_config
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.process import Attempt
from tests.sweeps.examples import write_config


@pytest.fixture
def job(tmp_path):
    config = load_config(write_config(tmp_path))
    return Job(config, "c" * 64, "a" * 64, 60, tmp_path / "results" / "digits" / "tiny-seed0-aaaaaaaa")


def outcome_of(job, content, code=0):
    job.folder.mkdir(parents=True)
    (job.folder / "status.json").write_text(content)
    return Attempt._of_lane(SimpleNamespace(results=job.folder.parents[1]), job, code, ("failed", "the last line"))


@pytest.mark.parametrize("fresh", [False, True])
def test_a_run_that_has_ended_is_finished_also_if_it_began_again(job, fresh):
    assert outcome_of(replace(job, fresh=fresh), json.dumps({"status": "finished"})) == ("finished", "")


def test_a_damaged_status_is_the_failure_of_one_run(job):
    state, reason = outcome_of(job, "{")
    assert state == "failed" and "status.json" in reason


@pytest.mark.parametrize(("code", "outcome"), [(75, ("stopped", "the last line")), (0, ("alone", "the last line"))])
def test_a_run_whose_group_ended_before_its_folder_was_made_was_stopped_or_left_it(job, code, outcome):
    group = SimpleNamespace(results=job.folder.parents[1])
    assert Attempt._of_lane(group, job, code, ("?", "the last line")) == outcome


def test_a_group_that_has_failed_fails_each_run_that_is_not_finished(job):
    status = json.dumps({"status": "stopped", "reason": "by SIGTERM"})
    assert outcome_of(job, status, code=1) == ("failed", "the last line")
