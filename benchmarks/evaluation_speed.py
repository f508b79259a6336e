"""Seconds that the metrics of 5,000 generated images take: Frechet distance, Inception Score, precision and recall.

    GANLAB_DATA=... python benchmarks/evaluation_speed.py configs/exp01.yaml

Trains a few steps with an empty cache, which makes the statistics of the real data, and then evaluates the checkpoint again and
again by `ganlab evaluate`. Printed are the evaluation alone, as metrics.jsonl has it, and the whole command, medians each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

METRICS = ("fd5k_classifier", "is5k_classifier", "pr5k_classifier")


def ganlab(*words: str, cache: str) -> float:
    """Wall seconds of one command."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "ganlab", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"GANLAB_CACHE": cache})
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache, results = f"{folder}/cache", f"{folder}/results"
        short = ["-o", "train.steps=50", "-o", f"metrics=[{', '.join(METRICS)}]", "--results", results]
        ganlab("run", arguments.config, *short, "-q", cache=cache)
        (lines,) = Path(results).glob("*/*/metrics.jsonl")
        chosen = [word for metric in METRICS for word in ("--metric", metric)]
        walls, seconds = [], []
        for _ in range(arguments.repeats):
            walls.append(ganlab("evaluate", str(lines.parent), *chosen, cache=cache))
            seconds.append(json.loads(lines.read_text().splitlines()[-1])["seconds"])
    print("| config | evaluation, s | whole command, s |\n|---|---|---|")
    print(f"| {arguments.config} | {statistics.median(seconds):.2f} | {statistics.median(walls):.2f} |")


if __name__ == "__main__":
    main()
