"""The experiments of a paper beside our runs of the same names: differences, ranks, and how far the orders agree."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from ganlab.errors import ConfigError
from ganlab.reports.averages import Cell
from ganlab.reports.facts import facts_of_run, same
from ganlab.reports.metric_names import MetricKey, label_metrics, lower_is_better
from ganlab.reports.published import Publication
from ganlab.reports.ranking import ranks, spearman

WHICH = ("last", "best")  # of the values of a metric
Ranked = tuple[MetricKey, str]


@dataclass(frozen=True)
class Repetition:
    """One published experiment and a cell that has its name.

    Attributes:
        name: of the experiment.
        published: its row of published.csv.
        score: the published score.
        rank: by that score, among all experiments that have one.
        cell: the runs; None where nobody ran it yet.
        differences: column -> (ours, published) of every fact in which the runs are another experiment.
        problem: why the facts of the runs could not be read, or ''.
        ranks: of the cell's means, among the cells that are compared.
    """

    name: str
    published: dict[str, str]
    score: float | None
    rank: float | None
    cell: Cell | None
    differences: dict[str, tuple[str, str]]
    problem: str = ""
    ranks: dict[Ranked, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """How far the order by one metric is the published order.

    Attributes:
        correlation: Spearman's, None where it has no meaning.
        n: the experiments that have both values.
    """

    correlation: float | None
    n: int


@dataclass(frozen=True)
class Replication:
    """All experiments that a paper published on one data set, with what became of them here.

    Attributes:
        labels: the metrics of the runs, with their headings.
        rows: at least one for each experiment, in the order of the paper.
    """

    publication: Publication
    dataset: str
    labels: dict[MetricKey, str]
    rows: list[Repetition]
    agreement: dict[Ranked, Agreement]


def replicate(
    publication: Publication, dataset: str, cells: Sequence[Cell], metrics: Sequence[MetricKey]
) -> Replication | None:
    """Puts cells beside the published experiments of their names.

    Args:
        publication: what was published.
        dataset: of the experiments.
        cells: all cells on this data set.
        metrics: the protocols to show.

    Returns:
        None if no cell has the name of an experiment.
    """
    published = publication.of_dataset(dataset)
    repeated: dict[str, list[Cell]] = {name: [] for name in published}
    for cell in cells:
        if name := next((run.name for run in cell.runs if run.name in published), None):
            repeated[name].append(cell)
    if not any(repeated.values()):
        return None
    scores = {name: publication.score(dataset, name) for name in published}
    scored = {name: score for name, score in scores.items() if score is not None}
    places = dict(zip(scored, ranks([*scored.values()], lower_is_better(publication.layout.score)), strict=True))
    rows = [
        Repetition(name, row, scores[name], places.get(name), cell, *_differences(publication, row, cell))
        for name, row in published.items()
        for cell in repeated[name] or [None]
    ]
    keys = [key for key in metrics if any(key in row.cell.metrics for row in rows if row.cell)]
    compared = _compared(rows)
    agreement = {(key, which): _rank(compared, key, which) for key, which in itertools.product(keys, WHICH)}
    return Replication(publication, dataset, label_metrics(keys), rows, agreement)


def _differences(
    publication: Publication, published: dict[str, str], cell: Cell | None
) -> tuple[dict[str, tuple[str, str]], str]:
    """The differences of the first run that has a config, and why there are none."""
    columns = publication.layout.compare
    try:
        facts = next((facts for run in cell.runs if (facts := facts_of_run(run, columns))), {}) if cell else {}
    except ConfigError as error:
        return {}, str(error)
    pairs = {column: (facts[column], text) for column, text in published.items() if column in facts}
    return {column: pair for column, pair in pairs.items() if not same(*pair)}, ""


def _compared(rows: list[Repetition]) -> list[Repetition]:
    """The rows that take part in rankings: of each experiment the cell that is nearest to what was published."""
    nearest: dict[str, Repetition] = {}
    for row in rows:
        known = nearest.get(row.name)
        if row.cell and row.cell.averaged and (known is None or len(row.differences) < len(known.differences)):
            nearest[row.name] = row
    return list(nearest.values())


def _rank(rows: list[Repetition], key: MetricKey, which: str) -> Agreement:
    """Writes the ranks by one metric into the rows that have a value, and compares them with the published ones."""
    means = [getattr(row.cell.metrics[key], which).mean if key in row.cell.metrics else None for row in rows]
    valued = [(row, mean) for row, mean in zip(rows, means, strict=True) if mean is not None]
    places = ranks([mean for _, mean in valued], lower_is_better(key[0]))
    for (row, _), place in zip(valued, places, strict=True):
        row.ranks[key, which] = place
    both = [(row.ranks[key, which], row.rank) for row, _ in valued if row.rank is not None]
    return Agreement(spearman([ours for ours, _ in both], [theirs for _, theirs in both]), len(both))
