"""The tables of a paper with our runs in them: parameters, structures, and scores beside the published ones."""

from ganlab.reports.comparison import floor_text, metric_notes, metric_texts, states, verdicts
from ganlab.reports.metric_names import MetricKey, label_metrics
from ganlab.reports.report import Report
from ganlab.reports.studies import Study
from ganlab.reports.study_rows import StudyRow, agreement, metric_ranks, published_ranks, studies_of
from ganlab.reports.table import Column, Table, number

NONE = "-"


def study_tables(report: Report, dataset: str) -> list[Table]:
    """All tables of all studies that know a run on this data set; [] where none does."""
    tables = []
    for study, rows in studies_of(report, dataset):
        tables += [_facts(study, dataset, rows, title) for title in study.layout.tables]
        tables.append(_scores(report, study, dataset, rows))
    return tables


def _facts(study: Study, dataset: str, rows: list[StudyRow], title: str) -> Table:
    """A table of what was trained: ours, with the published value where it is another."""
    headings = study.layout.tables[title]
    columns = [Column("experiment"), *(Column(heading, numeric=_numeric(rows, c)) for c, heading in headings.items())]
    cells = [[row.name, *(_fact(row, column) for column in headings)] for row in rows]
    differing = any(row.differences.keys() & headings.keys() for row in rows)
    notes = ["What differs from the paper stands before what it says."] if differing else []
    return Table(columns, cells, title=f"{study.name}, {dataset}, {title}", notes=notes)


def _fact(row: StudyRow, column: str) -> str:
    published = row.published[column]
    if column not in row.differences:
        return published or NONE
    ours, _ = row.differences[column]
    return f"{ours or NONE} (published {published or NONE})"


def _numeric(rows: list[StudyRow], column: str) -> bool:
    texts = [row.published[column] for row in rows if row.published[column]]
    return bool(texts) and all(text.replace(".", "", 1).isdigit() for text in texts)


def _scores(report: Report, study: Study, dataset: str, rows: list[StudyRow]) -> Table:
    keys = report.metrics_of([row.cell for row in rows if row.cell])
    labels = label_metrics(keys)
    columns = [Column("experiment"), Column("derived from"), Column(f"published {study.layout.score}", numeric=True)]
    columns += [Column("published rank", numeric=True), Column("n", numeric=True), Column("status"), Column("verdict")]
    for key in keys:
        parts = ("last", "last rank", "best", "best rank")
        columns += [Column(f"{labels[key]} {part}", numeric=True) for part in parts]
    places = published_ranks(rows, study)
    ours = {(key, which): metric_ranks(rows, key, which) for key in keys for which in ("last", "best")}
    footer = [_floors(rows, keys), _correlations(study, rows, keys)] if keys else []
    title = study.layout.scores.get(dataset, "scores")
    return Table(
        columns,
        [_score_row(study, row, keys, places, ours) for row in rows],
        title=f"{study.name}, {dataset}, {title}",
        notes=_notes(study, rows, keys, labels),
        footer=footer,
    )


def _score_row(study: Study, row: StudyRow, keys: list[MetricKey], places: dict, ours: dict) -> list[str]:
    published = row.published.get(study.layout.score) or NONE
    texts = [row.name, row.published.get("derived_from") or (row.cell.family if row.cell else "")]
    texts += [published, _place(places.get(row.name)), str(len(row.cell.averaged) if row.cell else 0)]
    texts += [_status(row), verdicts(row.cell) if row.cell else ""]
    for key in keys:
        metric = row.cell.metrics.get(key) if row.cell else None
        last, best = metric_texts(metric, len(row.cell.averaged) if row.cell else 0)
        texts += [last, _place(ours[key, "last"].get(id(row))), best, _place(ours[key, "best"].get(id(row)))]
    return texts


def _status(row: StudyRow) -> str:
    """What became of the runs; `incomplete` where some seed of the cell has no finished run."""
    if row.cell is None:
        return "no run"
    whole = len(row.cell.averaged) == len({run.identity for run in row.cell.runs})
    return states(row.cell) if whole else f"incomplete: {states(row.cell)}"


def _floors(rows: list[StudyRow], keys: list[MetricKey]) -> list[str]:
    cells = [row.cell for row in rows if row.cell]
    texts = [text for key in keys for text in (floor_text(cells, key), "", floor_text(cells, key), "")]
    return ["floor (real data)", *[""] * 6, *texts]


def _correlations(study: Study, rows: list[StudyRow], keys: list[MetricKey]) -> list[str]:
    texts = []
    for key in keys:
        for which in ("last", "best"):
            found = agreement(rows, study, key, which)
            texts += ["" if found.correlation is None else f"{found.correlation:.2f} (n = {found.n})", ""]
    return ["Spearman with the published order", *[""] * 6, *texts]


def _notes(study: Study, rows: list[StudyRow], keys: list[MetricKey], labels: dict) -> list[str]:
    score = study.layout.score
    notes = [f"published {score}: as the paper prints it, by a protocol of its own; only the orders can be compared."]
    notes += metric_notes(keys, labels)
    for row in rows:
        if row.problem:
            notes.append(f"{row.name} was not compared with the published experiment: {row.problem}")
        if row.differences:
            told = "; ".join(f"{c} {ours or NONE}, not {p or NONE}" for c, (ours, p) in row.differences.items())
            notes.append(f"{row.name} differs from the published experiment: {told}.")
    missing = [row.name for row in rows if row.cell is None]
    if missing:
        notes.append(f"No run yet: {', '.join(missing)}.")
    return notes


def _place(rank: float | None) -> str:
    return "" if rank is None else number(int(rank) if rank == int(rank) else rank)
