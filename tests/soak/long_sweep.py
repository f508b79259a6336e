"""Trains a sweep of many tiny runs and looks at every folder: python -m tests.soak.long_sweep --runs 200 -j 2

The sweep's own memory and open files are watched as well (Linux only). A run is 12 steps, so nearly all of its six seconds is the
start of a process.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.cli.experiments import CONFIG, FILES, STEPS
from tests.soak.long_run import Sighting, _look

CELLS = {"loss": ["non_saturating", "hinge"], "train.batch_size": [4, 8]}


def sweep(folder: Path, runs: int, jobs: int) -> tuple[Path, list[Sighting]]:
    """Trains; gives the results folder and sightings of the sweep's process, `step` being how many runs had ended.

    Raises: RuntimeError if the sweep does not end with exit code 0.
    """
    (folder / "base.yaml").write_text(CONFIG)
    study = {"base": "base.yaml", "matrix": CELLS, "seeds": list(range(runs // 4))}
    (folder / "study.yaml").write_text(json.dumps(study))  # JSON is YAML
    results = folder / "results"
    command = [
        sys.executable,
        "-m",
        "ganlab",
        "sweep",
        str(folder / "study.yaml"),
        "--results",
        str(results),
        "-j",
        str(jobs),
        "-q",
    ]
    sightings: list[Sighting] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            ended = len(list(results.glob("*/*/summary.json")))
            if not sightings or ended >= sightings[-1].step + max(1, runs // 10):
                sightings += _look(process.pid, ended)
            time.sleep(0.2)
    if process.returncode:
        raise RuntimeError(f"the sweep ended with exit code {process.returncode}")
    return results, sightings


def problems(results: Path, runs: int) -> list[str]:
    """What is wrong with the folders of a sweep: their number, their files, their state, their identities, their checksums."""
    folders = sorted(path.parent for path in results.glob("*/*/config.yaml"))
    found = [] if len(folders) == runs else [f"{len(folders)} folders instead of {runs}"]
    identities = set()
    for folder in folders:
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        if files != set(FILES.split()):
            found.append(f"{folder.name}: files {sorted(files ^ set(FILES.split()))}")
            continue
        status, summary = (json.loads((folder / name).read_text()) for name in ("status.json", "summary.json"))
        if status["status"] != "finished" or summary["steps"] != STEPS or not summary["metrics"]:
            found.append(f"{folder.name}: {status['status']} after {summary['steps']} steps")
        identities.add(summary["identity"])
        for manifest in folder.glob("checkpoints/state-*/MANIFEST.json"):
            for name, digest in json.loads(manifest.read_text())["sha256"].items():
                if hashlib.sha256((manifest.parent / name).read_bytes()).hexdigest() != digest:
                    found.append(f"{manifest.parent}: {name} is not as its manifest says")
    if len(identities) != len(folders):
        found.append(f"{len(identities)} identities in {len(folders)} folders")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    given = parser.parse_args()
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        results, sightings = sweep(Path(folder), given.runs, given.jobs)
        wrong = problems(results, given.runs)
        listed = subprocess.run(
            [sys.executable, "-m", "ganlab", "report", "--results", str(results), "--format", "json"],
            capture_output=True,
            check=True,
        )
    cells = [(cell["n"], cell["status"]) for cell in json.loads(listed.stdout)["cells"]]
    print(f"{'ended':>8} {'MB':>7} {'files':>6} {'threads':>8}")
    for seen in sightings:
        print(f"{seen.step:8} {seen.megabytes:7.1f} {seen.files:6} {seen.threads:8}")
    print(f"{given.runs} runs in {time.time() - began:.0f} s; cells of the report: {cells}; {len(wrong)} wrong folders")
    for problem in wrong:
        print(f"WRONG: {problem}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
