"""Where the wall time of a whole `ganlab run` goes.

    GANLAB_DATA=... python benchmarks/run_cost.py configs/exp01.yaml

Runs the command in a process of its own, in a temporary folder of results. Charges every moment of its main thread to one
subject: the subject of the innermost running function of the table below. The compilation is part of the first training
step. Other threads have a column of their own. Metrics' cached statistics of real data are made beforehand.
"""

import argparse
import builtins
import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

# subject -> functions, as module:name. Where several nest, the innermost one is charged.
WATCHED = {
    "data": ["ganlab.flows.plan:load_dataset"],
    "models": [
        "ganlab.flows.session:build_models",
        "ganlab.flows.session:build_network",
        "ganlab.flows.session:build_objective",
        "ganlab.flows.session:write_models",
    ],
    "metrics": ["ganlab.metrics.evaluation:compute_real_statistics", "ganlab.training.callbacks:Metrics.on_chunk"],
    "training steps": ["ganlab.backends.tensorflow:Steps.run"],
    "random numbers": ["ganlab.training.draws:Draws.take"],
    "history": ["ganlab.training.callbacks:History.on_chunk"],
    "health": ["ganlab.training.callbacks:Health.on_chunk"],
    "status.json": ["ganlab.runs.folder:RunFolder.set_status"],
    "pictures": ["ganlab.training.callbacks:Samples.on_chunk"],
    "checkpoints": ["ganlab.training.callbacks:Checkpoints.on_chunk"],
    "final plots": ["ganlab.flows.session:Session._finish"],
    "summary": ["ganlab.flows.session:Session.summarise"],
}
IMPORT = "import"
# All that happens within one of these belongs to it.
CLOSED = {IMPORT, "metrics"}
ALLOWED = (IMPORT, "training steps", "metrics")  # the rest is what ganlab adds


class Clock(threading.local):
    """Charges the time of one thread to subjects."""

    def __init__(self, totals: dict):
        self.stack, self.since = ["other"], time.perf_counter()
        self.seconds = totals.setdefault(threading.current_thread().name, defaultdict(float))

    def turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self.stack[-1]] += now - self.since
        self.since = now

    def watched(self, subject: str, function: Callable) -> Callable:
        @functools.wraps(function)
        def charged(*arguments, **options):
            if self.stack[-1] in CLOSED:
                return function(*arguments, **options)
            self.turn()
            self.stack.append(subject)
            try:
                return function(*arguments, **options)
            finally:
                self.turn()
                self.stack.pop()

        return charged


def watch(clock: Clock) -> None:
    """Puts the clock around imports, and around the functions of WATCHED as soon as their modules are there."""
    waiting = [(subject, *name.split(":")) for subject, names in WATCHED.items() for name in names]

    def charged(function: Callable) -> Callable:
        timed = clock.watched(IMPORT, function)

        @functools.wraps(function)
        def importing(*arguments, **options):
            outermost = clock.stack[-1] != IMPORT
            result = timed(*arguments, **options)
            if outermost:
                for entry in [entry for entry in waiting if entry[1] in sys.modules]:
                    waiting.remove(entry)
                    _replace(clock, *entry)
            return result

        return importing

    builtins.__import__ = charged(builtins.__import__)
    importlib.import_module = charged(importlib.import_module)


def _replace(clock: Clock, subject: str, module: str, name: str) -> None:
    *path, last = name.split(".")
    owner = functools.reduce(getattr, path, sys.modules[module])
    setattr(owner, last, clock.watched(subject, getattr(owner, last)))


def inside(words: list[str]) -> None:
    """The command itself, watched; the times go to the file that RUN_COST_TIMES names."""
    totals: dict[str, dict[str, float]] = {}
    clock = Clock(totals)
    watch(clock)
    from ganlab.cli.main import main

    try:
        main(words)
    finally:
        clock.turn()
        Path(os.environ["RUN_COST_TIMES"]).write_text(json.dumps({"threads": totals, "end": time.perf_counter()}))


def measure(words: list[str]) -> tuple[float, dict[str, dict[str, float]]]:
    """Wall seconds of the command, and seconds by thread and subject."""
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times.json"
        command = [sys.executable, __file__, "--inside", "run", *words, "--results", f"{folder}/results"]
        start = time.perf_counter()
        subprocess.run(command, check=True, env=os.environ | {"RUN_COST_TIMES": str(times)})
        wall = time.perf_counter() - start
        threads = json.loads(times.read_text())["threads"]
    main = threads["MainThread"]
    main["process start and end"] = wall - sum(main.values())
    return wall, threads


def table(wall: float, threads: dict[str, dict[str, float]]) -> str:
    main = threads.pop("MainThread")
    beside: dict[str, float] = defaultdict(float)
    for seconds in threads.values():
        for subject, value in seconds.items():
            beside[subject] += value
    lines = ["| subject | main thread, s | % of wall | beside it, s |", "|---|---|---|---|"]
    for subject in sorted(main, key=lambda name: (name not in ALLOWED, -main[name])):
        other = f"{beside[subject]:.2f}" if subject in beside else ""
        lines.append(f"| {subject} | {main[subject]:.2f} | {100 * main[subject] / wall:.2f} | {other} |")
    rest = sum(value for subject, value in main.items() if subject not in ALLOWED)
    lines.append(f"| wall | {wall:.2f} | 100 | |")
    lines.append(f"| neither {', '.join(ALLOWED[:-1])} nor {ALLOWED[-1]} | {rest:.2f} | {100 * rest / wall:.2f} | |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("-o", "--override", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    overrides = [word for override in arguments.override for word in ("-o", override)]
    short = ["-o", "train.steps=1", *overrides]
    measure([arguments.config, *short, "-q"])  # fills the caches
    print(table(*measure([arguments.config, *overrides])))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2:])
    else:
        main()
