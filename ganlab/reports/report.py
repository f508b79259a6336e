"""The report: which runs, grouped into cells, in which order, with which metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, group_cells, metric_keys
from ganlab.reports.metric_names import MetricKey, choose_metrics, label_metrics
from ganlab.reports.published import Publication, read_publications
from ganlab.reports.replication import Repetition, Replication, replicate
from ganlab.runs.records import RunRecord, as_named, find_runs, folders_in, is_run, read_runs


@dataclass(frozen=True)
class Report:
    """The content of a report, the same for all formats."""

    runs: list[RunRecord]  # in reading order
    cells: list[Cell]  # data set by data set; the best first where a metric was asked for
    metrics: list[MetricKey]  # the protocols to show
    problems: list[str]  # a line for each run folder that could not be read
    publications: list[Publication]  # published experiments, to put beside runs of the same names
    dataset: str | None  # the only data set, where one was asked for

    def by_dataset(self) -> dict[str, list[Cell]]:
        """Data set -> its cells."""
        return {dataset: list(cells) for dataset, cells in groupby(self.cells, lambda cell: cell.dataset)}

    @cached_property
    def replications(self) -> list[Replication]:
        """Every paper with experiments of which there are runs, one for each data set, compared once for all formats."""
        found = [
            replicate(paper, dataset, cells, self.metrics)
            for dataset, cells in self.by_dataset().items()
            for paper in self.publications
        ]
        return [replication for replication in found if replication]

    def repetitions_of(self, cell: Cell) -> list[tuple[Publication, Repetition]]:
        """The experiments that a cell repeats, at most one a paper."""
        return [(found.publication, row) for found in self.replications for row in found.rows if row.cell is cell]

    def labels_of(self, cells: list[Cell]) -> dict[MetricKey, str]:
        """The protocols that some of these cells were measured by, with their headings."""
        return label_metrics(key for key in self.metrics if any(key in cell.metrics for cell in cells))


def build_report(
    paths: Sequence[Path],
    *,
    results: Path,
    dataset: str | None = None,
    metrics: Sequence[str] = (),
    studies: Path = Path("experiments"),
) -> Report:
    """Reads run folders and groups them.

    Args:
        paths: run folders, or folders of run folders; none means all of `results`.
        results: the folder of all runs.
        dataset: only this data set.
        metrics: names of the metrics to show; the first one also gives the order of the rows.
        studies: the folder of studies with published scores.

    Raises:
        ConfigError: a path without runs, a data set or a metric that no run has, a mistake in a study's files.
    """
    folders = dict.fromkeys(folder for path in paths or [results] for folder in _runs_under(Path(path)))
    runs, problems = read_runs(list(folders))
    if dataset is not None:
        known = {run.dataset for run in runs}
        if dataset not in known:
            raise ConfigError(f"--dataset {dataset}: no run here is on this data set.{did_you_mean(dataset, known)}")
        runs = [run for run in runs if run.dataset == dataset]
    keys = choose_metrics(metric_keys(runs), metrics)
    cells = sorted(group_cells(runs), key=lambda cell: (cell.dataset, *(_rank(cell, keys[0]) if metrics else ())))
    return Report(runs, cells, keys, problems, read_publications(Path(studies)), dataset)


def _rank(cell: Cell, key: MetricKey) -> tuple[bool, float]:
    """Sorts the best mean first and cells without a mean last."""
    mean = cell.metrics[key].last.mean if key in cell.metrics else None
    if mean is None or mean != mean:
        return True, 0.0
    return False, mean if better(key[0]) == "lower" else -mean


def _runs_under(path: Path) -> list[Path]:
    """The run folders a path stands for: itself, or those one or two levels below."""
    if is_run(path):
        return [as_named(path)]
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; expected a run folder or a folder of run folders")
    path = path.resolve() if path.is_symlink() else path
    found = [run for run in folders_in(path, path) if is_run(run)] or find_runs(path)
    if not found:
        raise ConfigError(f"{path}: no run folders here; 'ganlab run CONFIG' makes one")
    return found
