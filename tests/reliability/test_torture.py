"""Short turns of `make torture`: two kills of runs and one of a sweep, three faults. The whole takes an hour."""

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


def test_killed_runs_end_as_if_nothing_had_happened():
    report = report_of("kills", "--kills", "2", "--seed", "2", "--jobs", "1", "--kind", "run")
    assert sum(report["kills"].values()) == 2 and report["rounds"]["run"] >= 1


@pytest.mark.slow(longest=True)
def test_a_killed_sweep_ends_as_if_nothing_had_happened():
    report = report_of("kills", "--kills", "1", "--seed", "2", "--jobs", "1", "--kind", "sweep")
    assert sum(report["kills"].values()) == 1 and report["rounds"]["sweep"] >= 1


def test_runs_with_a_failing_file_operation_end_with_a_line_and_can_be_finished():
    report = report_of("faults", "--sample", "3", "--seed", "3", "--jobs", "1")
    assert report["cases"] == 3 and report["wrong"] == 0
    assert report["ends"]["kill: killed"] == 1
    # One in fourteen failures is borne: the run ends well all the same.
    assert sum(report["ends"].get(f"{fault}: exit code 1", 0) for fault in ("EIO", "ENOSPC")) >= 1
