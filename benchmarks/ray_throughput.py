"""Throughput of a sweep on two Ray nodes of this machine, against two local processes.

    pip install 'ganlab[ray]'
    RAY_worker_niceness=0 python benchmarks/ray_throughput.py --runs 8 --turns 2

Trains the same runs by `ganlab sweep -j 2` on this machine and on a cluster of a head without processors and two nodes with one
each, in turns, each time in a new folder of results. The start of the cluster is not counted. Ray starts workers with a lower
priority by default; on a busy machine that alone makes them slower, so RAY_worker_niceness=0 takes it away.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        places = {"local": [], "ray": ["--on", "ray", "--address", cluster.address]}
        seconds = {place: [] for place in places}
        for turn in range(options.turns):
            for place, words in places.items():
                seconds[place].append(sweep(options.runs, options.steps, words))
                load = os.getloadavg()[0]
                print(f"turn {turn + 1}: {place} {seconds[place][-1]:.1f} s, load {load:.1f}", flush=True)
    finally:
        cluster.shutdown()
    local, ray = (statistics.median(seconds[place]) for place in places)
    print(f"{options.runs} runs: local {local:.1f} s, ray {ray:.1f} s, throughput of ray / local {local / ray:.2f}")


def sweep(runs: int, steps: int, words: list[str]) -> float:
    """Seconds of a sweep over `runs` seeds of the quickstart."""
    seeds = ",".join(map(str, range(runs)))
    with tempfile.TemporaryDirectory() as folder:
        command = ["sweep", "quickstart", "--seeds", seeds, "-j", "2", "-o", f"train.steps={steps}", "-o", "metrics=[]"]
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "ganlab", *command, "--results", str(Path(folder) / "results"), "-q", *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
