"""What papers published, beside our values, as plain data."""

from ganlab.reports.metric_names import label_metrics
from ganlab.reports.report import Report
from ganlab.reports.studies import Study
from ganlab.reports.study_rows import StudyRow, agreement, metric_ranks, published_ranks, studies_of

# id of a cell -> study -> what it says of the cell
Published = dict[int, dict[str, dict]]


def published_document(report: Report) -> tuple[dict, Published]:
    """The published experiments, study by study, and what each says of the cells that repeat them.

    Returns:
        study -> data set -> {score, experiments, agreement}, with Spearman's correlation for each metric; and for each
        cell study -> {name, score, rank, ranks of our metrics, differences}.
    """
    studies: dict[str, dict] = {}
    of_cells: Published = {}
    for dataset in report.by_dataset():
        for study, rows in studies_of(report, dataset):
            labels = label_metrics(report.metrics_of([row.cell for row in rows if row.cell]))
            studies.setdefault(study.name, {})[dataset] = {
                "score": study.layout.score,
                "experiments": {row.name: row.score for row in rows},
                "agreement": {
                    label: {which: _agreement(study, rows, key, which) for which in ("last", "best")}
                    for key, label in labels.items()
                },
            }
            for cell, entry in _cells(study, rows, labels):
                of_cells.setdefault(id(cell), {})[study.name] = entry
    return studies, of_cells


def _agreement(study: Study, rows: list[StudyRow], key, which: str) -> dict:
    found = agreement(rows, study, key, which)
    return {"spearman": found.correlation, "n": found.n}


def _cells(study: Study, rows: list[StudyRow], labels: dict):
    places = published_ranks(rows, study)
    ours = {(key, which): metric_ranks(rows, key, which) for key in labels for which in ("last", "best")}
    for row in rows:
        if row.cell:
            yield (
                row.cell,
                {
                    "name": row.name,
                    study.layout.score: row.score,
                    "rank": places.get(row.name),
                    "ranks": {
                        label: {which: ours[key, which].get(id(row)) for which in ("last", "best")}
                        for key, label in labels.items()
                    },
                    "differences": {column: {"ours": a, "published": b} for column, (a, b) in row.differences.items()},
                },
            )
