"""Run folders and data sets that the user may not read have a line of their own; they hide no other run."""

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run_folders import write_run

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


@pytest.fixture
def results(tmp_path):
    for name, dataset in (("exp01", "digits"), ("exp02", "digits"), ("exp03", "mnist")):
        write_run(tmp_path / "results", name, dataset=dataset)
    return tmp_path / "results"


def ganlab(results: Path, *words: str) -> tuple[int, str, str]:
    """Runs a command line as a user to whom permissions apply: (exit code, stdout, stderr)."""

    def obey_permissions():
        if sys.platform == "linux":  # root may read everything, unless it gives that up
            for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
                ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    command = [sys.executable, "-m", "ganlab", *words]
    done = subprocess.run(command, cwd=results.parent, preexec_fn=obey_permissions, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def close(results: Path, pattern: str) -> Path:
    (path,) = results.glob(pattern)
    path.chmod(0)
    return path.relative_to(results.parent)


@pytest.mark.parametrize("pattern", ["digits/exp01*", "digits/exp01*/status.json", "digits/exp01*/summary.json"])
def test_a_run_that_may_not_be_read_hides_no_other(results, pattern):
    closed = close(results, pattern)
    for command in ("ls", "report"):
        code, out, err = ganlab(results, command)
        assert code == 1 and "exp02" in out and "exp03" in out, (out, err)
        assert err.startswith(str(closed)) and "Permission denied" in err and err.count("\n") == 1
    code, out, err = ganlab(results, "report", "--format", "json")
    assert [run["name"] for run in json.loads(out)["runs"]] == ["exp02", "exp03"]
    assert len(json.loads(out)["problems"]) == 1
    code, out, _ = ganlab(results, "verify", "results")
    assert code == 6 and out.count("exp0") >= 3 and "Permission denied" in out
    assert ganlab(results, "show", "exp02")[0] == 0
    code, _, err = ganlab(results, "show", "exp01")
    assert code == 1 and err.startswith(str(closed)) and err.count("\n") == 1


def test_a_data_set_that_may_not_be_read_hides_no_other(results):
    closed = close(results, "digits")
    for command in ("ls", "report"):
        code, out, err = ganlab(results, command)
        assert code == 1 and "exp03" in out
        assert err == f"{closed}: cannot be listed: Permission denied\n"
    code, _, err = ganlab(results, "report", "results/digits")
    assert code == 1 and err.endswith("digits: cannot be listed: Permission denied\n") and err.count("\n") == 1


def test_results_that_may_not_be_read_are_named(results):
    results.chmod(0)
    for command in ("ls", "report"):
        code, out, err = ganlab(results, command)
        assert (code, out) == (2, "") and "'results' is not readable" in err
