"""Kills real `ganlab run` and `ganlab sweep` processes at random moments and looks at what comes out.

    python -m tests.reliability.kills --kills 200 --seed 0

Each round starts a run of one of CONFIGS, or a sweep of two runs, in a results folder of its own, kills it (SIGKILL) and
starts it again, until it is through. After every kill `ganlab verify` must find nothing; in the end weights, history, metrics
and pictures must be those of a run that was never stopped. A kill hits either any moment of a process' life, or one in which
it trains.
"""

import argparse
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.runs import CONFIGS, environment, finish, outcome, require_same, require_sound, start

_MOST_KILLS = 8  # of one round; then it may finish
SEEDS = (0, 1, 2)
RUN, SWEEP = "run", "sweep"


@dataclass
class Counts:
    """What has been done so far, by all workers together."""

    left: int
    kills: dict[str, int] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    configs: dict[str, int] = field(default_factory=dict)  # rounds of each
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        with self.lock:
            if self.left <= 0:
                return False
            self.left -= 1
            return True

    def give_back(self) -> None:
        with self.lock:
            self.left += 1

    def count(self, what: dict[str, int], key: str) -> None:
        with self.lock:
            what[key] = what.get(key, 0) + 1


class Killer:
    """Rounds on one folder.

    Args:
        folder: an empty folder to work in.
        seed: of the moments.
        counts: shared by all.
        backend: of the runs.
        configs: names in CONFIGS; the rounds take them in turn.
    """

    def __init__(self, folder: Path, seed: int, counts: Counts, backend: str, configs: Sequence[str]):
        self.folder, self.random, self.counts, self.backend = folder, random.Random(seed), counts, backend
        self.configs = (
            configs[seed % len(configs) :] + configs[: seed % len(configs)]
        )  # each worker begins with another one
        self.expected: dict[tuple, dict] = {}
        self.seconds: dict[tuple, float] = {}
        for name in configs:
            (folder / f"{name}.yaml").write_text(CONFIGS[name])

    def words(self, kind: str, seed: int, config: str) -> list[str]:
        backend = ["-o", f"backend={self.backend}", "-q"]
        if kind == SWEEP:
            return ["sweep", f"{config}.yaml", "--seeds", f"{seed},{seed + 10}", "-j", "2", *backend]
        return ["run", f"{config}.yaml", "--seed", str(seed), *backend]

    def know(self, kind: str, seed: int, config: str) -> None:
        """Runs a case once without a kill, and keeps its outcome and its seconds."""
        case = kind, seed, config
        if case not in self.expected:
            results = self.folder / " ".join(map(str, ("whole", *case)))
            began = time.monotonic()
            finish(self.folder, *self.words(*case), "--results", results.name)
            self.seconds[case] = time.monotonic() - began
            self.expected[case] = outcome(results)

    def round(self, number: int, kind: str) -> None:
        """One run or sweep, killed until it is through."""
        seed, config = self.random.choice(SEEDS), self.configs[number % len(self.configs)]
        case = kind, seed, config
        self.know(*case)
        results = self.folder / f"Läufe № {number}"  # a path with a space and letters beyond ASCII
        words = [*self.words(*case), "--results", results.name]
        for _ in range(_MOST_KILLS):
            if not self.counts.take():
                break
            began = time.monotonic()
            if not self.kill(kind, words, results, self.seconds[case]):
                # It was through before its moment came: the machine is faster now than when it was measured.
                self.seconds[case] = min(self.seconds[case], time.monotonic() - began)
                self.counts.give_back()
                break
            require_sound(results)
        finish(self.folder, *words)
        require_sound(results)
        require_same(outcome(results), self.expected[case])
        self.counts.count(self.counts.rounds, kind)
        self.counts.count(self.counts.configs, config)

    def kill(self, kind: str, words: list[str], results: Path, seconds: float) -> bool:
        """Starts the process and kills it; False if it was through before."""
        process = start(self.folder, *words)
        moment, phase = self.random.uniform(0, seconds), "any moment"
        if self.random.random() < 0.75:
            phase = "while training"
            moment = self.random.uniform(0, seconds / 3)
            while process.poll() is None and not _trains(process.pid, results):
                time.sleep(0.01)
        give_up = time.monotonic() + moment
        while process.poll() is None and time.monotonic() < give_up:
            time.sleep(0.005)
        if process.poll() is not None:
            printed = process.communicate()[0]
            assert process.returncode == 0, f"{words}: exit code {process.returncode}: {printed}"
            return False
        # A sweep's runs live on when it alone is killed, and the next sweep waits for them; or all go at once.
        victims = [process.pid]
        if kind == SWEEP and self.random.random() < 0.5:
            phase += ", its runs too"
            victims += _descendants(process.pid)
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()
        self.counts.count(self.counts.kills, f"{kind}, {phase}")
        return True


def _trains(pid: int, results: Path) -> bool:
    """Whether a process, or one that it started, has written that it trains."""
    ours = {pid, *_descendants(pid)}
    for status in results.glob("*/*/status.json"):
        record = json.loads(status.read_text())
        if record["status"] == "running" and record["owner"]["pid"] in ours:
            return True
    return False


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*children, *(below for child in children for below in _descendants(child))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--kind", choices=[RUN, SWEEP], help="kill only these; by default three runs to a sweep")
    parser.add_argument("--config", choices=CONFIGS, help="kill runs of this one; by default all in turn")
    parser.add_argument("--backend", default="tensorflow")
    options = parser.parse_args()
    counts, began = Counts(options.kills), time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        os.environ |= environment(Path(work) / "cache")

        def rounds(worker: int) -> None:
            folder = Path(work) / f"worker {worker}"
            folder.mkdir()
            configs = [options.config] if options.config else list(CONFIGS)
            killer = Killer(folder, options.seed * 1000 + worker, counts, options.backend, configs)
            for number in itertools.count():
                if counts.left <= 0:
                    break
                killer.round(number, options.kind or (SWEEP if number % 4 == 2 else RUN))
                print(f"{sum(counts.kills.values())} kills, {sum(counts.rounds.values())} rounds", flush=True)

        with ThreadPoolExecutor(options.jobs) as pool:
            for done in [pool.submit(rounds, worker) for worker in range(options.jobs)]:
                done.result()
    report = {
        "kills": counts.kills,
        "rounds": counts.rounds,
        "configs": counts.configs,
        "seed": options.seed,
        "backend": options.backend,
    }
    print(json.dumps(report | {"seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    sys.exit(main())
