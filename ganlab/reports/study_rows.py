"""A study's experiments and the cells that repeat them, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from ganlab.errors import ConfigError
from ganlab.metrics.names import better
from ganlab.reports.cells import Cell, Statistic
from ganlab.reports.metric_names import MetricKey
from ganlab.reports.ranking import ranks, spearman
from ganlab.reports.report import Report
from ganlab.reports.studies import Study


@dataclass(frozen=True)
class StudyRow:
    """One published experiment and a cell that has its name.

    Attributes:
        name: of the experiment.
        published: its row of published.csv.
        score: the published score.
        cell: the runs; None where nobody ran it yet.
        facts: what the runs' config says of the published columns; {} while there is none.
        problem: why the config could not be read, or ''.
    """

    name: str
    published: dict[str, str]
    score: float | None
    cell: Cell | None
    facts: dict[str, str]
    problem: str = ""

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        """Column -> (ours, published) of every fact in which the runs are not the published experiment."""
        from ganlab.reports.facts import same

        both = self.facts.keys() & self.published.keys()
        pairs = {column: (self.facts[column], self.published[column]) for column in self.published if column in both}
        return {column: pair for column, pair in pairs.items() if not same(*pair)}

    def value(self, key: MetricKey, which: str) -> float | None:
        """The mean of the `last` or `best` values of a metric."""
        metric = self.cell.metrics.get(key) if self.cell else None
        statistic: Statistic | None = getattr(metric, which) if metric else None
        return statistic.mean if statistic else None


@dataclass(frozen=True)
class Agreement:
    """How far the order by one metric is the published order.

    Attributes:
        correlation: Spearman's, None where it has no meaning.
        n: the experiments that have both values.
    """

    correlation: float | None
    n: int


def studies_of(report: Report, dataset: str) -> Iterator[tuple[Study, list[StudyRow]]]:
    """Every study that knows one of the cells on a data set, with a row for all of its experiments there."""
    cells = [cell for cell in report.cells if cell.dataset == dataset]
    for study in report.studies:
        published = study.of_dataset(dataset)
        known = {name: [cell for cell in cells if _name(cell, published) == name] for name in published}
        if any(known.values()):
            yield study, [_row(study, dataset, name, cell) for name in published for cell in known[name] or [None]]


def compared(rows: list[StudyRow]) -> list[StudyRow]:
    """The rows that take part in rankings: of each experiment the cell that is nearest to what was published."""
    nearest: dict[str, StudyRow] = {}
    for row in rows:
        known = nearest.get(row.name)
        if row.cell and row.cell.averaged and (known is None or len(row.differences) < len(known.differences)):
            nearest[row.name] = row
    return list(nearest.values())


def metric_ranks(rows: list[StudyRow], key: MetricKey, which: str) -> dict[int, float]:
    """id of a row -> its rank among the compared rows that have a value."""
    valued = [row for row in compared(rows) if row.value(key, which) is not None]
    places = ranks([row.value(key, which) for row in valued], better(key[0]) == "lower")
    return {id(row): place for row, place in zip(valued, places, strict=True)}


def published_ranks(rows: list[StudyRow], study: Study) -> dict[str, float]:
    """Name of an experiment -> its rank by the published score, among all that have one."""
    scores = {row.name: row.score for row in rows if row.score is not None}
    return dict(zip(scores, ranks(list(scores.values()), better(study.layout.score) == "lower"), strict=True))


def agreement(rows: list[StudyRow], study: Study, key: MetricKey, which: str) -> Agreement:
    """Spearman's rank correlation of one metric's order with the published order."""
    both = [row for row in compared(rows) if row.value(key, which) is not None and row.score is not None]
    ours = ranks([row.value(key, which) for row in both], better(key[0]) == "lower")
    theirs = ranks([row.score for row in both], better(study.layout.score) == "lower")
    return Agreement(spearman(ours, theirs), len(both))


def _name(cell: Cell, published: dict) -> str | None:
    return next((run.name for run in cell.runs if run.name in published), None)


def _row(study: Study, dataset: str, name: str, cell: Cell | None) -> StudyRow:
    from ganlab.reports.facts import facts_of_run  # pydantic and the schema: only for runs that a study knows

    published, score = study.experiments[dataset, name], study.score(dataset, name)
    try:
        facts = next((facts for run in cell.runs if (facts := facts_of_run(run))), {}) if cell else {}
    except ConfigError as error:
        return StudyRow(name, published, score, cell, {}, str(error))
    return StudyRow(name, published, score, cell, facts)
