"""The report for programs: every run and every cell as one document."""

import json
import math

from ganlab.reports.cells import Cell, MetricSummary, Statistic
from ganlab.reports.comparison import states, verdicts
from ganlab.reports.metric_names import label_metrics
from ganlab.reports.report import Report
from ganlab.reports.study_document import Published, published_document
from ganlab.runs.records import RunRecord

REPORT_FORMAT = 1


def report_document(report: Report) -> dict:
    """The report as plain data; a run without a summary is there with its status."""
    published, of_cells = published_document(report)
    return {
        "format": REPORT_FORMAT,
        "runs": [run.summary or _unfinished(run) for run in report.runs],
        "cells": [entry for cells in report.by_dataset().values() for entry in _cells(report, cells, of_cells)],
        "published": published,
        "problems": report.problems,
    }


def to_json(document: dict) -> str:
    """JSON that every reader accepts: what JSON has no word for, NaN and infinity, becomes null."""
    return json.dumps(_finite(document), indent=2) + "\n"


def _cells(report: Report, cells: list[Cell], published: Published) -> list[dict]:
    labels = label_metrics(report.metrics_of(cells))
    return [
        {
            "cell": cell.cell,
            "name": cell.name,
            "family": cell.family,
            "dataset": cell.dataset,
            "n": len(cell.averaged),
            "seeds": cell.seeds,
            "status": states(cell),
            "verdict": verdicts(cell),
            "seconds": _statistic(cell.cost("seconds")),
            "images_per_second": _statistic(cell.cost("images_per_second")),
            "metrics": {
                label: _metric(cell.metrics[key], key[1]) for key, label in labels.items() if key in cell.metrics
            },
            **({"published": published[id(cell)]} if id(cell) in published else {}),
        }
        for cell in cells
    ]


def _metric(metric: MetricSummary, fingerprint: str | None) -> dict:
    return {
        "last": _statistic(metric.last),
        "best": _statistic(metric.best),
        "best_steps": metric.best_steps,
        "floor": metric.floors[0] if len(metric.floors) == 1 else metric.floors or None,
        "fingerprint": fingerprint,
    }


def _statistic(value: Statistic) -> dict:
    return {"mean": value.mean, "sd": value.sd, "n": value.n}


def _unfinished(run: RunRecord) -> dict:
    known = {"name": run.name, "family": run.family, "dataset": run.dataset, "seed": run.seed}
    return {**known, "identity": run.identity, "status": run.state, "verdict": None, "metrics": {}}


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
