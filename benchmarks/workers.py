"""Starts the sides of a benchmark, each in its process, and lets them take turns."""

import functools
import json
import os
import platform
import select
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

_WORKER = Path(__file__).with_name("worker.py")


class WorkerError(Exception):
    """A side ended; the message is its last line."""


class Worker:
    """One side of a comparison. Workers may start at the same time; then only one may be asked at a time, and the others sleep."""

    def __init__(
        self,
        side: str,
        config: Path,
        overrides: list[str],
        log: Path,
        environment: dict | None = None,
        name: str = "",
        program: Path = _WORKER,
    ):
        self.side, self.log = name or side, log
        options = [word for override in overrides for word in ("-o", override)]
        command = [sys.executable, str(program), side, str(config), *options]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with log.open("w") as errors:
            self.process = subprocess.Popen(command, stderr=errors, env={**os.environ, **(environment or {})}, **pipes)

    @functools.cached_property
    def _ready(self) -> dict:
        return self._answer()

    @property
    def quantum(self) -> int:
        """Steps that the side performs in one call, or a multiple of them. Waits until the side is ready, as `form` does."""
        return self._ready["quantum"]

    @property
    def form(self) -> str:
        return self._ready["form"]

    def _answer(self, limit: float | None = None) -> dict:
        """The next answer; WorkerError, and an end of the worker, if it takes more than `limit` seconds."""
        if not select.select([self.process.stdout], [], [], limit)[0]:
            self.process.kill()
            self.process.wait()
            raise WorkerError(f"more than {limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            said = self.log.read_text().strip().splitlines() or ["no message"]
            raise WorkerError(f"{self.side}: {said[-1]}")
        return json.loads(line)

    def ask(self, limit: float | None = None, **request) -> dict:
        _ = self.quantum
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer(limit)

    def run(self, steps: int, limit: float | None = None) -> float:
        """Milliseconds a step."""
        return 1000 * self.ask(limit, run=steps)["seconds"] / steps

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def interleave(workers: list[Worker], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds a step of each worker in each round. In a round each runs once, for about `seconds`.

    One run says how many steps take `seconds`; the workers have compiled before.
    """
    steps = {}
    for worker in workers:
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


def machine() -> str:
    """What figures depend on: the processor, its vector instructions, its cores, and the GPU."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    vector = [flag for flag in known if flag in facts.get("flags", "").split()]
    found = [facts.get("model name") or platform.processor() or platform.machine(), *vector, f"{os.cpu_count()} cores"]
    if shutil.which("nvidia-smi"):
        ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        found += subprocess.run(ask, capture_output=True, text=True).stdout.split("\n")
    return ", ".join(filter(None, found))
