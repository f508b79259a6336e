"""The report: which runs, grouped into cells, in which order, with which metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from ganlab.config.shipped import studies_folder
from ganlab.errors import ConfigError, did_you_mean
from ganlab.metrics.names import better
from ganlab.reports.averages import Cell, group_cells, metrics_of
from ganlab.reports.metric_names import MetricKey, choose_metrics, label_metrics, main_metric
from ganlab.reports.published import Publication, read_publications
from ganlab.reports.replication import Repetition, Replication, replicate
from ganlab.reports.settings import chosen, settings_of, short_keys, varied
from ganlab.runs.records import RunRecord, as_named, by_name, find_runs, folders_in, is_closed, is_run, read_runs

OWN_COLUMNS = (
    "name",
    "family",
    "n",
    "status",
    "verdict",
    "seconds",
    "images/s",
)  # of a table beside settings and metrics


@dataclass(frozen=True)
class Group:
    """Cells that may be compared, because they were trained on the same images."""

    dataset: str
    title: str  # the name of the data set, with its fingerprint if other groups have the same name
    cells: list[Cell]
    varied: list[dict[str, str]]  # for each cell the settings in which the cells differ, or those asked for, as text

    @cached_property
    def settings(self) -> list[dict[str, str]]:
        """`varied` under short keys, as headings and captions name them."""
        heads = short_keys(list(self.varied[0]), OWN_COLUMNS) if self.varied else {}
        return [{heads[key]: value for key, value in settings.items()} for settings in self.varied]


@dataclass(frozen=True)
class Report:
    """The content of a report, the same for all formats."""

    runs: list[RunRecord]  # in reading order
    cells: list[Cell]  # data set by data set; the best first if the user asked for a metric
    groups: list[Group]  # the cells, grouped by the images that they were trained on
    metrics: list[MetricKey]  # to show
    problems: list[str]  # a line for each run folder that could not be read
    publications: list[Publication]  # to put beside runs of the same names
    dataset: str | None  # the only data set, if the user asked for one
    is_pivot: bool = False  # whether the two columns are the axes of a table of one metric

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
        """The experiments that a cell repeats, at most one for each paper."""
        return [(found.publication, row) for found in self.replications for row in found.rows if row.cell is cell]

    def labels_of(self, cells: Sequence[Cell]) -> dict[MetricKey, str]:
        """The metrics of these cells, with their headings."""
        return label_metrics(key for key in self.metrics if any(key in cell.metrics for cell in cells))

    def scores_of(self, group: Group) -> tuple[str, list[tuple[dict[str, str], float]]]:
        """The label of the main metric, and for each finished run its settings and its last value; '' and [] for none."""
        labels = self.labels_of(group.cells)
        main = main_metric(key.name for key in labels)
        key = next((key for key in labels if key.name == main), None)
        runs = [(run, shown) for cell, shown in zip(group.cells, group.settings, strict=True) for run in cell.averaged]
        scores = [(shown, metrics_of(run).get(key, {}).get("last")) for run, shown in runs]
        return labels.get(key, ""), [(shown, score) for shown, score in scores if score is not None]


def build_report(
    paths: Sequence[Path],
    *,
    results: Path,
    dataset: str | None = None,
    metrics: Sequence[str] = (),
    studies: Path | None = None,
    columns: Sequence[str] = (),
    is_pivot: bool = False,
) -> Report:
    """Reads run folders and groups the runs.

    Args:
        paths: run folders, or folders of run folders; none means all of `results`.
        results: the folder of all runs.
        dataset: only this data set.
        metrics: names of the metrics to show; the first one also gives the order of the rows.
        studies: the folder of studies with published scores; by default `experiments`, or the studies that ship with ganlab.
        columns: the settings to show, by the ends of their keys; none means the settings that differ.
        is_pivot: whether the two columns are the axes of a table of one metric.

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
    keys = choose_metrics([key for run in runs for key in metrics_of(run)], metrics)
    ranked = [key for key in keys if key.name == keys[0].name] if metrics else []
    cells = sorted(group_cells(runs), key=lambda cell: (cell.dataset, *_rank(cell, ranked)))
    groups = _group(cells, columns, problems)
    return Report(
        runs, cells, groups, keys, problems, read_publications(studies or studies_folder()), dataset, is_pivot
    )


def _group(cells: Sequence[Cell], columns: Sequence[str], problems: list[str]) -> list[Group]:
    """Groups cells by data set and training images; adds a line to `problems` for each config that cannot be read."""
    runs = [run for cell in cells for run in cell.runs]
    found, unread = settings_of(runs)
    problems += unread
    of_run = {id(run): settings for run, settings in zip(runs, found, strict=True)}
    groups: dict[tuple, list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.dataset, cell.data), []).append(cell)
    result = []
    for (dataset, data), alike in groups.items():
        is_only = sum(other == dataset for other, _ in groups) == 1
        title = dataset if is_only else f"{dataset} (data {(data or 'unknown')[:8]})"
        settings = [of_run[id(cell.runs[0])] for cell in alike]
        result.append(Group(dataset, title, alike, chosen(settings, columns) if columns else varied(settings)))
    return result


def _rank(cell: Cell, keys: Sequence[MetricKey]) -> tuple[int, float]:
    """Sorts cells by the first of the keys that they have: the best mean first, cells without a mean last."""
    for index, key in enumerate(keys):
        mean = cell.metrics[key].last.mean if key in cell.metrics else None
        if mean is not None and mean == mean:
            return index, mean if better(key.name) == "lower" else -mean
    return len(keys), 0.0


def _runs_under(path: Path) -> list[Path]:
    """The run folders that a path stands for: the folder itself, or those one or two levels below."""
    if is_run(path):
        return [as_named(path)]
    if not path.is_dir():
        raise ConfigError(f"{path}: no such folder; expected a run folder or a folder of run folders")
    path = path.resolve() if path.is_symlink() else path
    found = sorted((run for run in folders_in(path, path) if is_run(run)), key=by_name)
    if all(map(is_closed, found)):  # closed folders may be data sets
        found = find_runs(path)
    if not found:
        raise ConfigError(f"{path}: no run folders here; 'ganlab run CONFIG' makes one")
    return found
