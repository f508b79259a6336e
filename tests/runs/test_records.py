import contextlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from ganlab.errors import ConfigError, GanlabError
from ganlab.flows.verify import run_folders_at, verify_run
from ganlab.runs.records import find_run, find_runs, read_run, read_runs
from tests.run_folders import metric, write_json, write_run


def test_no_results_folder_means_no_runs(tmp_path):
    assert find_runs(tmp_path / "nowhere") == []


def test_runs_are_folders_with_a_status_two_levels_down_and_exp2_stands_before_exp10(tmp_path):
    second = write_run(tmp_path, "exp10", dataset="mnist")
    first = write_run(tmp_path, "exp2", dataset="mnist")
    (tmp_path / "reference" / "akel2022").mkdir(parents=True)
    (tmp_path / "mnist" / "table.csv").touch()
    assert find_runs(tmp_path) == [first, second]


class TestFindRun:
    @pytest.mark.parametrize("selector", ["{path}", "{folder}", "digits/{folder}", "quickstart"])
    def test_a_run_answers_to(self, tmp_path, selector):
        folder = write_run(tmp_path)
        write_run(tmp_path, "another")
        assert find_run(tmp_path, selector.format(path=folder, folder=folder.name)) == folder

    @pytest.mark.parametrize("digits", [4, 8, 64])
    def test_a_run_answers_to_the_first_digits_of_its_identity(self, tmp_path, digits):
        folder = write_run(tmp_path)
        identity = read_run(folder).summary["identity"]
        assert find_run(tmp_path, identity[:digits]) == folder

    def test_three_digits_are_too_few(self, tmp_path):
        folder = write_run(tmp_path)
        with pytest.raises(ConfigError, match="no such run"):
            find_run(tmp_path, folder.name.split("-")[-1][:3])

    def test_a_seed_tells_runs_of_one_config_apart(self, tmp_path):
        folders = [write_run(tmp_path, seed=seed) for seed in (0, 1)]
        assert find_run(tmp_path, "quickstart-seed1") == folders[1]

    def test_a_fresh_repetition_does_not_hide_the_first_run(self, tmp_path):
        first, second = write_run(tmp_path), write_run(tmp_path, again="-2")
        assert find_run(tmp_path, first.name) == first
        assert find_run(tmp_path, second.name) == second

    def test_several_answers_are_listed_up_to_five(self, tmp_path):
        for seed in range(7):
            write_run(tmp_path, seed=seed)
        with pytest.raises(ConfigError) as caught:
            find_run(tmp_path, "quickstart")
        message = str(caught.value)
        assert message.startswith(f"quickstart: 7 runs in {tmp_path} fit: quickstart-seed0-")
        assert message.count("quickstart-seed") == 5
        assert message.endswith(", ...")

    def test_a_near_miss_is_pointed_out(self, tmp_path):
        write_run(tmp_path)
        with pytest.raises(ConfigError) as caught:
            find_run(tmp_path, "quikstart")
        assert str(caught.value) == f"quikstart: no such run in {tmp_path}. Did you mean 'quickstart'?"

    def test_without_any_run_the_command_that_makes_one_is_named(self, tmp_path):
        with pytest.raises(ConfigError, match="'ganlab run CONFIG' makes one"):
            find_run(tmp_path, "quickstart")


class TestReadRun:
    def test_a_finished_run_says_what_it_was(self, tmp_path):
        record = read_run(write_run(tmp_path, "exp18", dataset="celeba", seed=3, family="WGAN"))
        assert (record.dataset, record.name, record.seed, record.family) == ("celeba", "exp18", 3, "WGAN")
        assert (record.state, record.finished, record.verdict) == ("finished", True, "ok")
        assert record.updated == 1714561200.0

    def test_a_running_run_is_known_by_its_folder_and_its_config(self, tmp_path):
        folder = write_run(tmp_path, "my-net", seed=2, family="LSGAN", status="running", with_summary=False)
        record = read_run(folder)
        assert (record.dataset, record.name, record.seed, record.family) == ("digits", "my-net", 2, "LSGAN")
        assert record.identity == folder.name[-8:]
        assert not record.finished and record.summary is None and record.metrics == {}

    def test_a_summary_does_not_make_a_stopped_run_finished(self, tmp_path):
        assert not read_run(write_run(tmp_path, status="stopped")).finished

    def test_the_newest_grid_is_the_picture_to_open(self, tmp_path):
        folder = write_run(tmp_path)
        (folder / "samples").mkdir()
        named = {"samples": "samples/001500.png", "reconstructions": "samples/reconstructions-001500.png"}
        named |= {"losses": "losses.png", "real and generated": "real_and_generated.png"}
        for name in (*named.values(), "samples/000500.png", "samples/reconstructions-000500.png"):
            (folder / name).touch()
        assert read_run(folder).pictures() == {key: folder / name for key, name in named.items()}

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("status.json", "{", "damaged JSON: Expecting property name"),
            ("status.json", "", "damaged JSON:"),
            ("status.json", "[" * 100_000, "damaged JSON:"),
            ("status.json", "\xff", "damaged JSON:"),
            ("status.json", "[]", "damaged: expected a mapping, received []"),
            ("status.json", '{"status": "asleep"}', "damaged: status: expected one of created, running"),
            ("status.json", '{"status": ["running"]}', "damaged: status: expected one of created, running"),
            ("status.json", '{"status": "running", "times": 3}', "damaged: times: expected a mapping of states"),
            ("status.json", '{"status": "running", "times": {"updated": ""}}', "damaged: times: expected"),
            (
                "status.json",
                '{"status": "running", "cell": []}',
                "damaged: cell: expected 64 hex digits, received []",
            ),
            ("status.json", "{}", "damaged: status: missing; expected one of created, running"),
            ("summary.json", '{"format": 1', "damaged JSON:"),
            ("summary.json", '{"format": 2}', "format: expected 1, received 2; another version of ganlab wrote it"),
            ("summary.json", '{"format": 1}', "damaged: identity: missing; expected 64 hex digits"),
        ],
    )
    def test_a_damaged_file_is_one_line_that_names_it(self, tmp_path, file, content, message):
        folder = write_run(tmp_path)
        (folder / file).write_text(content, encoding="latin-1")
        with pytest.raises(GanlabError, match=re.escape(f"{folder / file}: {message}")) as caught:
            read_run(folder)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"seed": "0"}, "damaged: seed: expected an integer >= 0, received '0'"),
            ({"seed": True}, "damaged: seed: expected an integer >= 0, received true"),
            ({"metrics": []}, "damaged: metrics: expected a mapping, received []"),
            ({"metrics": {"fd1k": 3.0}}, "damaged: metrics.fd1k: expected a mapping, received 3.0"),
            ({"metrics": {"fd1k": {"last": 1.0}}}, "damaged: metrics.fd1k.best: missing; expected a number or null"),
            (
                {"metrics": {"fd1k": metric("low")}},
                "damaged: metrics.fd1k.last: expected a number or null, received 'low'",
            ),
        ],
    )
    def test_a_summary_with_a_wrong_value_is_one_line_that_names_it(self, tmp_path, change, message):
        folder = write_run(tmp_path)
        summary = json.loads((folder / "summary.json").read_text())
        write_json(folder / "summary.json", {**summary, **change})
        with pytest.raises(GanlabError, match=re.escape(f"{folder / 'summary.json'}: {message}")):
            read_run(folder)

    def test_values_that_were_never_computed_are_allowed(self, tmp_path):
        metrics = {"fd1k": metric(None, best_step=None, floor=None)}
        folder = write_run(tmp_path, metrics=metrics, verdict=None)
        assert read_run(folder).metrics == metrics


def test_a_damaged_run_does_not_hide_the_others(tmp_path):
    good, bad, worse = (write_run(tmp_path, name) for name in ("exp01", "exp02", "exp03"))
    (bad / "status.json").write_text("{")
    (worse / "summary.json").unlink()
    (worse / "summary.json").mkdir()
    unfinished = {"status": "running", "with_summary": False}
    listed, torn = (write_run(tmp_path, name, **unfinished) for name in ("exp04", "exp05"))
    (listed / "config.yaml").write_text("- 1")
    (torn / "config.yaml").write_text("a: [")
    records, problems = read_runs([bad, worse, good, listed, torn])
    assert [record.folder for record in records] == [good]
    assert problems[2].startswith(f"{listed / 'config.yaml'}: damaged: expected a mapping, received ")
    assert len(problems) == 4 and problems[3].startswith(f"{torn / 'config.yaml'}:") and "\n" not in problems[3]
    assert str(bad / "status.json") in problems[0]
    assert problems[1] == f"{worse / 'summary.json'}: Is a directory"


@pytest.mark.parametrize(
    ("file", "content"),
    [("config.yaml", "[1, 2]"), ("config.yaml", "a: ["), ("status.json", '{"status": "running", "steps": 1e400}')],
)
def test_a_damaged_run_without_a_summary_hides_none_either(tmp_path, file, content):
    good = write_run(tmp_path, "good", status="running", with_summary=False)
    bad = write_run(tmp_path, "bad", status="running", with_summary=False)
    (bad / file).write_text(content)
    records, problems = read_runs([bad, good])
    assert [record.name for record in records] == ["good"]
    assert len(problems) == 1 and problems[0].startswith(str(bad / file))


@contextlib.contextmanager
def as_an_ordinary_user():
    """Takes the rights of the superuser away: it may read everything."""
    if is_root := os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


class TestFoldersOfAnotherUser:
    @pytest.fixture
    def results(self):
        folder = Path(tempfile.mkdtemp())  # tmp_path lies in a folder that is closed to others
        folder.chmod(0o755)
        yield folder
        for path in folder.rglob("*"):
            path.chmod(0o755)
        shutil.rmtree(folder)

    @pytest.mark.parametrize("closed", ["{run}", "{run}/status.json", "{run}/summary.json", "mnist"])
    @pytest.mark.parametrize("mode", [0o000, 0o311])
    def test_are_a_line_each_and_hide_no_other(self, results, closed, mode):
        good = write_run(results, "good", dataset="celeba")
        bad = write_run(results, "bad", dataset="mnist")
        path = results / closed.format(run=bad.relative_to(results))
        path.chmod(mode if path.is_dir() else 0)
        with as_an_ordinary_user():
            records, problems = read_runs(find_runs(results))
            findings = {folder.name: verify_run(folder).damage for folder in run_folders_at(results)}
        assert [record.folder for record in records] == [good]
        assert len(problems) == 1 and problems[0].startswith(str(path)) and "Permission denied" in problems[0]
        (found,) = (lines for name, lines in findings.items() if name != good.name)
        assert "Permission denied" in found[0]

    def test_the_run_that_is_meant_is_one_line(self, results):
        run = write_run(results, "mine")
        run.chmod(0)
        with as_an_ordinary_user(), pytest.raises(GanlabError, match="Permission denied"):
            read_run(find_run(results, str(run)))

    def test_results_that_are_closed_are_no_empty_list(self, results):
        write_run(results, "mine")
        results.chmod(0)
        with as_an_ordinary_user(), pytest.raises(PermissionError):
            find_runs(results)
        results.chmod(0o755)
