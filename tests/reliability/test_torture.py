"""Short turns of `make torture`: some kills, some faults. The whole takes an hour."""

import json
import subprocess
import sys

import pytest


def report_of(program: str, *words: str) -> dict:
    """The last line that a program prints; it must end well."""
    command = [sys.executable, "-m", f"tests.reliability.{program}", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(("kills", "seed"), [(2, 2), pytest.param(3, 3, marks=pytest.mark.slow)])
def test_killed_runs_end_as_if_nothing_had_happened(kills, seed):
    report = report_of("kills", "--kills", str(kills), "--seed", str(seed), "--jobs", "1", "--kind", "run")
    assert sum(report["kills"].values()) == kills and report["rounds"]["run"] >= 1


@pytest.mark.slow
def test_a_killed_sweep_ends_as_if_nothing_had_happened():
    report = report_of("kills", "--kills", "2", "--seed", "2", "--jobs", "1", "--kind", "sweep")
    assert sum(report["kills"].values()) == 2 and report["rounds"]["sweep"] >= 1


@pytest.mark.parametrize(("cases", "seed"), [(3, 3), pytest.param(6, 4, marks=pytest.mark.slow)])
def test_runs_with_a_failing_file_operation_end_with_a_line_and_can_be_finished(cases, seed):
    report = report_of("faults", "--sample", str(cases), "--seed", str(seed), "--jobs", "1")
    assert report["cases"] == cases and report["wrong"] == 0
    assert report["ends"]["kill: killed"] == cases // 3
    # One in fourteen failures is borne: the run ends well all the same.
    assert sum(report["ends"].get(f"{fault}: exit code 1", 0) for fault in ("EIO", "ENOSPC")) >= cases // 3
