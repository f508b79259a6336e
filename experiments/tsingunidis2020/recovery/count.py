"""Counts recovered runs and false stops: python experiments/tsingunidis2020/recovery/count.py RESULTS [START]

Two Markdown tables from run folders alone. START is the name of the runs that others started from, `collapsed` if not given.
"""

import itertools
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_history
from ganlab.runs.records import RunRecord, find_runs, read_runs
from ganlab.training.health import ENOUGH_STEPS, collapsed, not_converged

NOT_JUDGED_BY = ("step", "diversity", "recall", "seconds")


def signs_of(history: Mapping[str, np.ndarray]) -> list[tuple[int, str]]:
    """(step, sign) of each look, as the run itself judged: collapsed, not_converged or ok."""
    columns = tuple(name for name in history if name not in NOT_JUDGED_BY)
    rows = np.stack([history[name] for name in columns], axis=1)
    looks, found = np.flatnonzero(np.isfinite(history["diversity"])), []
    for before, look in zip([-1, *looks], looks, strict=False):
        has_collapsed = collapsed(history["diversity"][look], history["recall"][look])
        stuck = not_converged(rows[before + 1 : look + 1], columns)
        found.append((int(history["step"][look]), "collapsed" if has_collapsed else "not_converged" if stuck else "ok"))
    return found


def stop_of(signs: Sequence[tuple[int, str]], verdict: str) -> int | None:
    """The step at which `train.stop_on: [verdict]` ends a run: two looks in a row agree, the second at step 300 or later."""
    pairs = itertools.pairwise(signs)
    return next((step for (_, one), (step, two) in pairs if one == two == verdict and step >= ENOUGH_STEPS), None)


def recovered_at(signs: Sequence[tuple[int, str]]) -> int | None:
    """The step of the first look after which every look is ok; None if the last is not."""
    first = None
    for step, sign in reversed(signs):
        if sign != "ok":
            break
        first = step
    return first


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (heads, ["---"] * len(heads), *rows))


def mean_and_deviation(values: Sequence[float]) -> str:
    deviation = f" ± {np.std(values, ddof=1):.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{deviation}"


def recoveries(histories: Mapping[str, Mapping[int, Mapping]], start: str) -> str:
    """A row for each name, of the seeds whose start had collapsed; none if no start had."""
    begun = {seed for seed, history in histories[start].items() if signs_of(history)[-1][1] == "collapsed"}
    rows = []
    for name, runs in histories.items():
        kept = [history for seed, history in sorted(runs.items()) if seed in begun]
        if not kept:
            continue
        steps = [step for history in kept if (step := recovered_at(signs_of(history))) is not None]
        last = [[h[number][np.isfinite(h["recall"])][-1] for number in ("diversity", "recall")] for h in kept]
        at = f"{np.median(steps):.0f}" if steps else ""
        rows.append((name, f"{len(steps)} of {len(kept)}", at, *map(mean_and_deviation, zip(*last, strict=True))))
    return table(("run", "not collapsed at the end", "since step (median)", "diversity", "recall"), rows)


def stops(runs: Sequence[tuple[RunRecord, Mapping]]) -> str:
    """A row for each verdict: how many runs it would have ended, and how many of these ended well without it."""
    rows = []
    for verdict in ("not_converged", "collapsed"):
        found = [(run, signs_of(history), len(history["step"])) for run, history in runs]
        stopped = [(run, step, length) for run, signs, length in found if (step := stop_of(signs, verdict)) is not None]
        wrong = sum(run.verdict == "ok" for run, _, _ in stopped)
        saved = sum(length - step for _, step, length in stopped) / max(sum(length for _, _, length in found), 1)
        rows.append((verdict, f"{len(stopped)} of {len(found)}", wrong, f"{saved:.0%}"))
    return table(("train.stop_on", "stopped runs", "false stops: the run ended ok", "steps saved"), rows)


def main() -> None:
    records, problems = read_runs(find_runs(Path(sys.argv[1])))
    start = sys.argv[2] if len(sys.argv) > 2 else "collapsed"
    runs = [(run, read_history(RunFolder(run.folder).history)) for run in records if run.summary]
    histories: dict[str, dict[int, Mapping]] = defaultdict(dict)
    for run, history in runs:
        histories[run.name][run.summary["seed"]] = history
    if start in histories:
        print(recoveries(histories, start), end="\n\n")
    print(stops(runs), *problems, sep="\n")


if __name__ == "__main__":
    main()
