"""A short turn of each of the programs here; docs/reliability.md has the figures of a long one."""

import h5py

from ganlab.flows.verify import verify_run
from tests.forks import runs_in_forks, survey_in_forks
from tests.hostile import fuzz_config, fuzz_going_on, fuzz_run_folder, fuzz_weights, whole_run, wrong_folders
from tests.hostile.watch import watching
from tests.hostile.wrong_configs import KINDS


def test_every_config_is_read_or_refused_in_one_line_quickly_and_in_little_memory():
    figures = fuzz_config.fuzz(range(450), seed=1)
    assert figures.failures == []
    assert figures.counts.total() == 450 and {kind for kind, _ in figures.counts} == {kind.__name__ for kind in KINDS}
    assert sum(count for (_, what), count in figures.counts.items() if what == "read") > 20


def test_every_run_folder_is_shown_or_refused_in_a_few_lines():
    figures = fuzz_run_folder.fuzz(range(2 * len(wrong_folders.KINDS)), seed=2)
    assert figures.failures == []
    assert figures.codes["ls", 0] > 20 and figures.codes["ls", 1] > 2 and figures.codes["verify", 6] > 20


def test_no_run_folder_has_a_command_change_anything_else(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path))
    survey_in_forks(monkeypatch)
    runs_in_forks(monkeypatch)
    figures = fuzz_going_on.fuzz(range(2 * len(fuzz_going_on.KINDS)), seed=4)
    assert figures.failures == []
    assert {command for command, _ in figures.codes} == {"sample", "evaluate", "run", "sweep"}
    assert figures.codes["evaluate", 0] > 2 and figures.codes["evaluate", 1] > 1 and figures.codes["run", 0] > 2


def test_the_folder_that_is_damaged_is_sound_before(tmp_path):
    found = verify_run(whole_run.write_whole_run(tmp_path, "one"))
    assert (found.state, found.damage, found.notes) == ("finished", [], [])


def test_what_reaches_outside_is_seen(tmp_path):
    bait = wrong_folders.lay_bait(tmp_path)
    with watching(bait) as touched:
        assert (bait / "a.lock").exists() and touched() == set()
        h5py.File(bait / "other.h5").close()
        assert touched() == {str(bait / "other.h5")}


def test_every_weight_file_is_read_or_refused(tmp_path):
    outcomes, _, failures = fuzz_weights.fuzz(range(150), seed=3, folder=tmp_path)
    assert failures == [] and outcomes["refused"] > 100


def test_what_is_wrong_with_an_answer_is_seen():
    assert fuzz_run_folder.problem_of("ls", 0, "a table\n") is None
    assert fuzz_run_folder.problem_of("ls", 1, "internal error: KeyError: 'x'") is not None
    assert fuzz_run_folder.problem_of("ls", 0, "\x1b[2J") is not None
    assert fuzz_run_folder.problem_of("ls", -11, "") is not None
    assert fuzz_run_folder.problem_of("verify", 1, "") is not None
