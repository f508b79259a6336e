"""A short turn of each of the programs here; docs/reliability.md has the figures of a long one."""

from tests.hostile import fuzz_config, fuzz_run_folder, fuzz_weights
from tests.hostile.wrong_configs import KINDS


def test_every_config_is_read_or_refused_in_one_line_quickly_and_in_little_memory():
    figures = fuzz_config.fuzz(range(450), seed=1)
    assert figures.failures == []
    assert figures.counts.total() == 450 and {kind for kind, _ in figures.counts} == {kind.__name__ for kind in KINDS}
    assert sum(count for (_, what), count in figures.counts.items() if what == "read") > 20


def test_every_run_folder_is_shown_or_refused_in_one_line():
    codes, _, failures = fuzz_run_folder.fuzz(range(40), seed=2)
    assert failures == [] and codes[0] > 40 and codes[1] > 10


def test_every_weight_file_is_read_or_refused(tmp_path):
    outcomes, _, failures = fuzz_weights.fuzz(range(150), seed=3, folder=tmp_path)
    assert failures == [] and outcomes["refused"] > 100


def test_what_is_wrong_with_an_answer_is_seen():
    assert fuzz_run_folder.problem_of(0, "a table\n") is None
    assert fuzz_run_folder.problem_of(1, "internal error: KeyError: 'x'") is not None
    assert fuzz_run_folder.problem_of(0, "\x1b[2J") is not None
    assert fuzz_run_folder.problem_of(-11, "") is not None
