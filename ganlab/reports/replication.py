"""The experiments of a paper beside our runs of the same names: differences, ranks, and how far the orders agree."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ganlab.config.loading import load_resolved
from ganlab.errors import ConfigError
from ganlab.metrics.names import better
from ganlab.reports.averages import Cell
from ganlab.reports.facts import facts_of, same
from ganlab.reports.metric_names import MetricKey, label_metrics
from ganlab.reports.published import Publication
from ganlab.runs.folder import RunFolder

WHICH = ("last", "best")  # of the values of a metric


@dataclass(frozen=True)
class Repetition:
    """One published experiment and a cell that has its name."""

    name: str
    published: dict[str, str]  # the experiment's row of published.csv
    score: float | None  # the published score
    rank: float | None  # of this score among all published scores
    cell: Cell  # without runs if nobody ran the experiment yet
    differences: dict[str, dict[str, str]]  # column -> {ours, published}, where the runs differ from the paper
    problem: str  # why ganlab could not read the runs' config, or ''
    # Label of a metric -> {last, best} -> the rank among the compared cells, None for no value.
    ranks: dict[str, dict[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Replication:
    """All experiments that a paper published on one data set, with our runs of them."""

    publication: Publication
    dataset: str
    labels: dict[MetricKey, str]  # the metrics of the runs, with their headings
    rows: list[Repetition]  # at least one for each experiment, in the order of the paper
    # Label of a metric -> {last, best} -> {spearman, n}: the rank correlation of our order with the published order over
    # the n experiments that have both values; None if it is undefined.
    agreement: dict[str, dict[str, dict]]


def replicate(
    publication: Publication, dataset: str, cells: Sequence[Cell], metrics: Sequence[MetricKey]
) -> Replication | None:
    """Puts the cells of a data set beside the experiments of their names; None if no experiment has such a name."""
    published = publication.experiments.get(dataset, {})
    repeated: dict[str, list[Cell]] = {name: [] for name in published}
    for cell in cells:
        if name := next((run.name for run in cell.runs if run.name in published), None):
            repeated[name].append(cell)
    if not any(repeated.values()):
        return None
    scores = {name: publication.score(dataset, name) for name in published}
    has_scores = any(score is not None for score in scores.values())
    places = _places(scores, publication.better) if has_scores else dict.fromkeys(scores)
    rows = [
        Repetition(name, row, scores[name], places[name], cell, *_differences(publication, row, cell))
        for name, row in published.items()
        for cell in repeated[name] or [Cell(None, dataset, [], [], {})]
    ]
    labels = label_metrics(key for key in metrics if any(key in row.cell.metrics for row in rows))
    agreement = {label: {which: _rank(rows, key, label, which) for which in WHICH} for key, label in labels.items()}
    return Replication(publication, dataset, labels, rows, agreement)


def _places(values: dict[str, float | None], best: str) -> dict[str, float | None]:
    """Name -> rank, the `best` ("lower" or "higher") first; None for no value."""
    known = {name: value for name, value in values.items() if value is not None}
    places = ranks([*known.values()], best == "lower") if known else []
    return dict.fromkeys(values) | dict(zip(known, places, strict=True))


def _differences(publication: Publication, published: dict[str, str], cell: Cell) -> tuple[dict, str]:
    """The differences of the cell's first run that has a config; no differences and the reason if ganlab cannot read it."""
    configs = [path for run in cell.runs if (path := RunFolder(run.folder).config).is_file()]
    try:
        facts = facts_of(load_resolved(configs[0]), publication.layout.compare) if configs else {}
    except ConfigError as error:
        return {}, str(error)
    differing = [column for column, text in published.items() if column in facts and not same(facts[column], text)]
    return {column: {"ours": facts[column], "published": published[column]} for column in differing}, ""


def _rank(rows: list[Repetition], key: MetricKey, label: str, which: str) -> dict:
    """Sets the rows' ranks by one metric, and compares them with the published ranks."""
    compared: dict[str, Repetition] = {}  # for each experiment the cell with the fewest differences from the paper
    for row in rows:
        row.ranks.setdefault(label, {})[which] = None
        known = compared.get(row.name)
        if row.cell.averaged and (known is None or len(row.differences) < len(known.differences)):
            compared[row.name] = row
    metrics = {name: row.cell.metrics[key] for name, row in compared.items() if key in row.cell.metrics}
    places = _places({name: getattr(metric, which).mean for name, metric in metrics.items()}, better(key.name))
    for name, place in places.items():
        compared[name].ranks[label][which] = place
    pairs = [(places.get(name), row.rank) for name, row in compared.items()]
    both = [pair for pair in pairs if None not in pair]
    return {"spearman": spearman(both), "n": len(both)}


def ranks(values: Sequence[float], lower_first: bool = True) -> list[float]:
    """The rank of each value; the best has 1, equal values share the mean of their ranks, NaN comes last."""
    import numpy as np  # both take a second to load
    from scipy.stats import rankdata

    places = rankdata(np.asarray(values, float) * (1 if lower_first else -1), nan_policy="omit")
    unranked = np.isnan(places)
    places[unranked] = len(places) - (unranked.sum() - 1) / 2
    return places.tolist()


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Spearman's correlation of pairs of ranks; None below three pairs or if all ranks of one side are equal."""
    sides = list(zip(*pairs, strict=True))
    if len(pairs) < 3 or any(len(set(side)) == 1 for side in sides):
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(*sides).statistic)
