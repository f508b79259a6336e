"""Starts the sides of a benchmark, each in its process, and lets them take turns."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

_WORKER = Path(__file__).with_name("worker.py")


class WorkerError(Exception):
    """A side ended; the message is its last line."""


class Worker:
    """One side of a comparison. Only one worker may be asked something at a time; the others sleep."""

    def __init__(self, side: str, config: Path, overrides: list[str], log: Path):
        self.side, self.log = side, log
        options = [word for override in overrides for word in ("-o", override)]
        command = [sys.executable, str(_WORKER), side, str(config), *options]
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        ready = self._answer()
        self.quantum, self.form = ready["quantum"], ready["form"]

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            said = self.log.read_text().strip().splitlines() or ["no message"]
            raise WorkerError(f"{self.side}: {said[-1]}")
        return json.loads(line)

    def ask(self, **request) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def run(self, steps: int) -> float:
        """Milliseconds a step."""
        return 1000 * self.ask(run=steps)["seconds"] / steps

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def interleave(workers: list[Worker], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds a step of each worker in each round. In a round each runs once, for about `seconds`.

    The first run of each compiles and is not counted; the second says how many steps take `seconds`.
    """
    steps = {}
    for worker in workers:
        worker.run(worker.quantum)
        estimate = worker.run(worker.quantum) / 1000
        steps[worker.side] = worker.quantum * max(1, round(seconds / (estimate * worker.quantum)))
    times: dict[str, list[float]] = {worker.side: [] for worker in workers}
    for _ in range(rounds):
        for worker in workers:
            times[worker.side].append(worker.run(steps[worker.side]))
            time.sleep(0.05)  # a thread pool may wait actively for a moment after its work
    return times


def ratio(times: dict[str, list[float]], side: str, of: str) -> float:
    """How many times faster `of` is than `side`: the median over rounds, so that a busy moment hits both."""
    return statistics.median(a / b for a, b in zip(times[side], times[of], strict=True))
