"""Short versions of `make torture`: some kills, some faults. The whole takes an hour."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def report_of(program: str, *words: str) -> dict:
    """The last line that a program prints; it must end well."""
    command = [sys.executable, "-m", f"tests.reliability.{program}", *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_killed_runs_and_sweeps_end_as_if_nothing_had_happened():
    report = report_of("kills", "--kills", "6", "--seed", "2", "--kind", "run")
    assert sum(report["kills"].values()) == 6 and report["rounds"]["run"] >= 1


def test_a_killed_sweep_ends_as_if_nothing_had_happened():
    report = report_of("kills", "--kills", "2", "--seed", "2", "--jobs", "1", "--kind", "sweep")
    assert sum(report["kills"].values()) == 2 and report["rounds"]["sweep"] >= 1


def test_runs_with_a_failing_file_operation_end_with_a_line_and_can_be_finished():
    report = report_of("faults", "--sample", "10", "--seed", "3")
    assert report["cases"] == 10 and report["wrong"] == 0
    assert {"kill: killed", "EIO: exit code 1", "ENOSPC: exit code 1"} <= report["ends"].keys()
