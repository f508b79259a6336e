"""The tables of a paper with our runs in them: the experiments, and our scores beside the published scores."""

from ganlab.reports.comparison import floor_texts, metric_notes, metric_texts
from ganlab.reports.published import VERDICT, PaperTable
from ganlab.reports.replication import WHICH, Repetition, Replication
from ganlab.reports.report import Report
from ganlab.reports.table import Column, Table, numbers, texts

NONE = "-"


def replication_tables(report: Report, dataset: str) -> list[Table]:
    """For each paper with experiments on a data set: its tables of experiments, then a table of scores."""
    tables = []
    for replication in report.replications:
        if replication.dataset == dataset:
            tables += [_facts(replication, table) for table in replication.publication.layout.tables]
            tables.append(_scores(replication))
    return tables


def _facts(replication: Replication, table: PaperTable) -> Table:
    """A table of our experiments, with the published value where it differs."""
    rows, headings = replication.rows, table.columns
    columns = [Column("experiment"), *(Column(heading, _is_numeric(rows, name)) for name, heading in headings.items())]
    cells = [[row.name, *(_fact(row, column) for column in headings)] for row in rows]
    differing = any(row.differences.keys() & headings.keys() for row in rows)
    notes = ["Where our value differs, the published value stands in brackets."] if differing else []
    return Table(columns, cells, _title(replication, table.title), notes)


def _fact(row: Repetition, column: str) -> str:
    published, difference = row.published[column] or NONE, row.differences.get(column)
    return f"{difference['ours'] or NONE} (published {published})" if difference else published


def _is_numeric(rows: list[Repetition], column: str) -> bool:
    values = [row.published[column] for row in rows if row.published[column]]
    return bool(values) and all(value.replace(".", "", 1).isdigit() for value in values)


def _scores(replication: Replication) -> Table:
    layout, labels = replication.publication.layout, replication.labels
    columns = [*texts("experiment"), *texts("derived from", rank=5), *numbers(f"published {layout.score}")]
    columns += [*numbers("published rank", rank=1), *numbers("n", rank=4), *texts("status", rank=4)]
    has_verdicts = any(row.published.get(VERDICT) for row in replication.rows)
    columns += texts(*["published verdict"] * has_verdicts, "verdict", rank=4)
    for place, label in enumerate(labels.values()):
        for which in WHICH:
            rank = 1 if place == 0 and which == "last" else 3
            columns += numbers(f"{label} {which}", f"{label} {which} rank", rank=rank)
    floors = floor_texts([row.cell for row in replication.rows], labels)
    correlations = {
        f"{label} {which}": "" if found["spearman"] is None else f"{found['spearman']:.2f} (n = {found['n']})"
        for label, agreement in replication.agreement.items()
        for which, found in agreement.items()
    }
    footer = [{"experiment": "floor (real data)", **floors}]
    footer += [{"experiment": "Spearman with the published order", **correlations}]
    title = _title(replication, layout.scores.get(replication.dataset, "scores"))
    rows = [_score_row(replication, row) for row in replication.rows]
    return Table(columns, rows, title, _notes(replication), footer if labels else [])


def _score_row(replication: Replication, row: Repetition) -> dict:
    score, cell, facts = replication.publication.layout.score, row.cell, row.cell.facts()
    # A seed of the cell has no finished run.
    missing = len(cell.averaged) != len({run.identity for run in cell.runs})
    return {
        **facts,
        "experiment": row.name,
        "derived from": row.published.get("derived_from") or facts["family"],
        f"published {score}": row.published.get(score) or NONE,
        "published rank": _place(row.rank),
        "published verdict": row.published.get(VERDICT) or NONE,
        "status": f"incomplete: {facts['status']}" if missing else facts["status"] or "no run",
        **metric_texts(cell, replication.labels),
        **{f"{label} {which} rank": _place(rank) for label, of in row.ranks.items() for which, rank in of.items()},
    }


def _notes(replication: Replication) -> list[str]:
    score = replication.publication.layout.score
    notes = [f"published {score}: by the protocol of the paper; only orders can be compared."]
    notes += metric_notes(replication.labels)
    for row in replication.rows:
        if row.problem:
            notes.append(f"{row.name} was not compared with the published experiment: {row.problem}")
        if row.differences:
            told = [f"{c} {d['ours'] or NONE}, not {d['published'] or NONE}" for c, d in row.differences.items()]
            notes.append(f"{row.name} differs from the published experiment: {'; '.join(told)}.")
    missing = [row.name for row in replication.rows if not row.cell.runs]
    return [*notes, f"No run yet: {', '.join(missing)}."] if missing else notes


def _title(replication: Replication, title: str) -> str:
    return f"{replication.publication.name}, {replication.dataset}, {title}"


def _place(rank: float | None) -> float | None:
    """A whole rank as an integer: the table shows 3, not 3.000."""
    return int(rank) if rank is not None and rank == int(rank) else rank
