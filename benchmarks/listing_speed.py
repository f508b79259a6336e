"""Seconds the listing commands take over many run folders.

    python benchmarks/listing_speed.py --runs 1000

Trains one short run for its files and makes folders of it in a temporary place: the twenty experiments of configs/ over as many
seeds as it takes, each with its own config, summary and status, and links to the files that listings do not read. As many
runs without a summary lie in `unfinished`. The commands alternate, each in a process of its own, so that a busy moment of
the machine hits all; medians are printed.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ganlab.config.identity import identity_of
from ganlab.config.loading import dump_config, load_config
from ganlab.runs.folder import RunFolder
from ganlab.runs.summary import hyperparameters

ROOT = Path(__file__).parents[1]
COMMANDS = [
    ["--version"],
    ["ls"],
    ["report"],
    ["report", "--dataset", "mnist"],
    ["report", "--format", "csv"],
    ["report", "--format", "json"],
    ["ls", "--results", "unfinished"],
    ["report", "--results", "unfinished"],
]


def ganlab(*words: str, folder: Path) -> float:
    """Wall seconds of one command in a folder."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ganlab", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def make_runs(folder: Path, count: int) -> None:
    """`count` run folders below results/ and unfinished/, as runs of configs/exp*.yaml leave them at and before their end."""
    ganlab("run", str(ROOT / "configs/quickstart.yaml"), "-o", "train.steps=200", "--results", "one", folder=folder)
    (template,) = (path.parent for path in folder.glob("one/*/*/summary.json"))
    configs = [load_config(path) for path in sorted((ROOT / "configs").glob("exp*.yaml"))]
    for number in range(count):
        config = configs[number % len(configs)].model_copy(update={"seed": number // len(configs)})
        _make_run(folder / "results", template, config)
        _make_run(folder / "unfinished", template, config, finished=False)


def _make_run(results: Path, template: Path, config, finished: bool = True) -> None:
    steps = config.train.steps or 200
    cell, identity = identity_of(config, "no data", steps)
    run = RunFolder(results / config.data.name / f"{config.name}-seed{config.seed}-{identity[:8]}")
    for path in template.rglob("*"):
        if path.is_file():
            target = run.path / path.relative_to(template)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target)
    own = {"identity": identity, "cell": cell}
    summary = json.loads((template / run.summary.name).read_text(encoding="utf-8")) | own
    summary |= {"name": config.name, "family": config.family, "seed": config.seed, "dataset": config.data.name}
    summary |= {"steps": steps, "config": hyperparameters(config, config.data.image_size)}
    for metric in summary["metrics"].values():
        metric["last"] *= random.Random(identity).uniform(0.9, 1.1)
    status = json.loads((template / run.status_file.name).read_text(encoding="utf-8")) | own
    if not finished:
        status["status"] = "running"
    contents = {run.summary: json.dumps(summary), run.status_file: json.dumps(status), run.config: dump_config(config)}
    for path, text in contents.items():
        path.unlink()  # the template's must stay as it is
        if finished or path != run.summary:
            path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_runs(folder, arguments.runs)
        (folder / "experiments").symlink_to(ROOT / "experiments")  # with the published scores beside the runs
        times = [[ganlab(*words, folder=folder) for words in COMMANDS] for _ in range(arguments.repeats)]
    print(f"| command | seconds over {arguments.runs} runs |\n|---|---|")
    for words, seconds in zip(COMMANDS, zip(*times, strict=True), strict=True):
        print(f"| ganlab {' '.join(words)} | {statistics.median(seconds):.2f} |")


if __name__ == "__main__":
    main()
