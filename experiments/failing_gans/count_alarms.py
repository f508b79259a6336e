"""Counts the looks at which a run was taken for failing: python experiments/failing_gans/count_alarms.py RESULTS

A row for each experiment, as a Markdown table. A look is what a run does at each checkpoint; collapse is judged by the values in
history.csv, non-convergence by the rows since the look before.
"""

import sys
from pathlib import Path

import numpy as np

from ganlab.reports.averages import Cell, group_cells
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_history
from ganlab.runs.records import RunRecord, find_runs, read_runs
from ganlab.training.health import collapsed, not_converged

NOT_JUDGED_BY = ("step", "diversity", "recall", "seconds")


def alarms_of(run: RunRecord) -> tuple[list[str | None], float, float]:
    """What each look found, the least diversity and the least recall."""
    history = read_history(RunFolder(run.folder).history)
    columns = tuple(name for name in history if name not in NOT_JUDGED_BY)
    rows = np.stack([history[name] for name in columns], axis=1)
    looks = np.flatnonzero(np.isfinite(history["diversity"]))
    found = []
    for before, look in zip([-1, *looks], looks, strict=False):
        seen = collapsed(history["diversity"][look], history["recall"][look])
        found.append(seen or not_converged(rows[before + 1 : look + 1], columns))
    return found, float(np.nanmin(history["diversity"])), float(np.nanmin(history["recall"]))


def row_of(cell: Cell) -> list[str]:
    looked = [alarms_of(run) for run in cell.runs]
    looks = [found for run_looks, _, _ in looked for found in run_looks]
    verdicts = [run.verdict for run in cell.runs]
    (key, metric), *_ = cell.metrics.items()
    return [
        cell.dataset,
        cell.described["config"]["loss"],
        cell.name.split("-")[0],
        str(len(verdicts)),
        ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)),
        f"{sum(found is not None for found in looks)} of {len(looks)}",
        f"{min(least for _, least, _ in looked):.2f}",
        f"{min(least for _, _, least in looked):.2f}",
        f"{key.name} {metric.last.mean:.1f} ({metric.floors[0]:.1f})",
    ]


def main() -> None:
    records, problems = read_runs(find_runs(Path(sys.argv[1])))
    cells = [cell for cell in group_cells(records) if cell.averaged]
    heads = [
        "data",
        "loss",
        "network",
        "runs",
        "verdicts",
        "looks with an alarm",
        "least diversity",
        "least recall",
        "last (floor)",
    ]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    rows = [row_of(cell) for cell in cells]
    for row in rows:
        print("| " + " | ".join(row) + " |")
    runs = sum(len(cell.runs) for cell in cells)
    alarmed = sum(run.verdict != "ok" for cell in cells for run in cell.runs)
    print(f"\n{alarmed} of {runs} runs ended with another verdict than ok.", *problems, sep="\n")


if __name__ == "__main__":
    main()
