"""The report for programs: JSON with every run, cell and published experiment, and CSV with a row for each cell."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ganlab.reports.averages import Cell
from ganlab.reports.metric_names import MetricKey
from ganlab.reports.progress import progress_of
from ganlab.reports.published import VERDICT
from ganlab.reports.report import Report
from ganlab.reports.table import Table, texts
from ganlab.runs.records import RunRecord

REPORT_FORMAT = 1
COSTS = ("seconds", "images_per_second")
_OF_NAMES = ("settings", "metrics", "published")  # mappings in a cell whose keys are names


def report_document(report: Report) -> dict:
    """The report as plain data; a run without a summary has its status."""
    cells = [
        _cell(report, cell, settings, labels)
        for group in report.groups
        for labels in [report.labels_of(group.cells)]
        for cell, settings in zip(group.cells, group.varied, strict=True)
    ]
    return {
        "format": REPORT_FORMAT,
        "runs": [run.summary or _unfinished(run) for run in report.runs],
        "cells": cells,
        "published": _published(report),
        "problems": report.problems,
    }


def _unfinished(run: RunRecord) -> dict:
    known = {"name": run.name, "family": run.family, "dataset": run.dataset, "seed": run.seed}
    progress = asdict(progress_of(run))
    return {
        **known,
        "identity": run.identity,
        "status": run.state,
        "verdict": None,
        "metrics": {},
        "progress": progress,
    }


def _cell(report: Report, cell: Cell, settings: Mapping[str, str], labels: Mapping[MetricKey, str]) -> dict:
    told = cell.facts() | {"data": cell.data, "settings": dict(settings)}
    told |= {key: asdict(cell.cost(key)) for key in COSTS} | {"metrics": {}}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            floors = metric.floors
            told["metrics"][label] = {
                "last": asdict(metric.last),
                "best": asdict(metric.best),
                "best_steps": metric.best_steps,
                "floor": floors[0] if len(floors) == 1 else floors or None,
                "fingerprint": key.protocol,
                "weight_hash": key.weights,
                "real_data": key.real,
            }
    for paper, row in report.repetitions_of(cell):
        score = {"name": row.name, paper.layout.score: row.score, "rank": row.rank}
        score |= {"verdict": verdict} if (verdict := row.published.get(VERDICT)) else {}
        told.setdefault("published", {})[paper.name] = {**score, "ranks": row.ranks, "differences": row.differences}
    return told


def _published(report: Report) -> dict:
    """Study -> data set -> the published scores, and how far the order of our runs agrees with theirs."""
    studies: dict[str, dict] = {}
    for found in report.replications:
        experiments = {row.name: row.score for row in found.rows}
        told = {"score": found.publication.layout.score, "experiments": experiments, "agreement": found.agreement}
        studies.setdefault(found.publication.name, {})[found.dataset] = told
    return studies


def tidy_table(report: Report) -> Table:
    """The rows of `tidy_rows` as text: numbers in full, several values with semicolons."""
    rows = [{name: plain(value) for name, value in row.items()} for row in tidy_rows(report)]
    return Table(texts(*dict.fromkeys(name for row in rows for name in row)), rows)


def tidy_rows(report: Report) -> list[dict[str, Any]]:
    """The cells of the JSON document, a flat row each: keys of nested mappings are joined by `_`."""
    labels = report.labels_of(report.cells)
    varied = [settings for group in report.groups for settings in group.varied]
    cells = [cell for group in report.groups for cell in group.cells]
    return [_flat(_cell(report, *each, labels)) for each in zip(cells, varied, strict=True)]


def _flat(told: Mapping[str, Any]) -> dict[str, Any]:
    row = {}
    for key, value in told.items():
        if not isinstance(value, Mapping):
            row[key] = value
        else:
            prefix = "" if key in _OF_NAMES else f"{key}_"
            row |= {f"{prefix}{name}": entry for name, entry in _flat(value).items()}
    return row


def plain(value: str | float | list | None) -> str:
    """A value in full, for programs; several values with semicolons."""
    if isinstance(value, list):
        return ";".join(map(plain, value))
    return value if isinstance(value, str) else "" if value is None else repr(value)
