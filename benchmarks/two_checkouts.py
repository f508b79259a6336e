"""A step of this checkout against a step of another one, taking turns on one machine: is a change slower?

    git worktree add ../before COMMIT
    GANLAB_DATA=... python benchmarks/two_checkouts.py ../before exp01 exp05 exp18

Prints milliseconds a step (medians) and how many times as fast this checkout is (median of the rounds' ratios). A machine whose two
sides are the same code shows how far ratios scatter: give this checkout itself as the other one.
"""

import argparse
import platform
import statistics
import tempfile
from pathlib import Path

from workers import Worker, interleave, ratio

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout of ganlab")
    parser.add_argument("configs", nargs="+", help="names of files in configs/, such as exp01")
    parser.add_argument("-o", "--override", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--side", default="ours", help="ours, ours_jax or ours_torch")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run")
    words = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {words.rounds} rounds of {words.seconds:g} s\n")
    print("| config | before, ms | now, ms | now is faster by | forms |\n|---|---|---|---|---|")
    for name in words.configs:
        print(_row(name, words), flush=True)


def _row(name: str, words: argparse.Namespace) -> str:
    config = HERE / "configs" / f"{name}.yaml"
    with tempfile.TemporaryDirectory() as folder:
        workers = []
        for side, source in (("before", words.other.resolve()), ("now", HERE)):
            # Each has a cache of its own: what one measured must not be the other's choice.
            environment = {"PYTHONPATH": str(source), "GANLAB_CACHE": f"{folder}/{side}"}
            program = source / "benchmarks" / "worker.py"
            log = Path(folder, f"{side}.log")
            workers.append(Worker(words.side, config, words.override, log, environment, side, program))
        times = interleave(workers, words.rounds, words.seconds)
        for worker in workers:
            worker.close()
    forms = " / ".join(worker.form for worker in workers)
    medians = {side: statistics.median(found) for side, found in times.items()}
    return (
        f"| {name} | {medians['before']:.2f} | {medians['now']:.2f} | {ratio(times, 'before', 'now'):.3f} | {forms} |"
    )


if __name__ == "__main__":
    main()
