"""The report for programs: every run, every cell and every published experiment as plain data."""

from dataclasses import asdict

from ganlab.reports.averages import Cell, MetricSummary
from ganlab.reports.metric_names import MetricKey
from ganlab.reports.report import Report
from ganlab.runs.records import RunRecord

REPORT_FORMAT = 1


def report_document(report: Report) -> dict:
    """The report as plain data; a run without a summary is there with its status."""
    return {
        "format": REPORT_FORMAT,
        "runs": [run.summary or _unfinished(run) for run in report.runs],
        "cells": [
            _cell(report, cell, labels)
            for cells in report.by_dataset().values()
            for labels in [report.labels_of(cells)]
            for cell in cells
        ],
        "published": _published(report),
        "problems": report.problems,
    }


def _cell(report: Report, cell: Cell, labels: dict[MetricKey, str]) -> dict:
    repeated = {}
    for paper, row in report.repetitions_of(cell):
        score = {"name": row.name, paper.layout.score: row.score, "rank": row.rank}
        repeated[paper.name] = {**score, "ranks": row.ranks, "differences": row.differences}
    return {
        **cell.facts(),
        **{key: asdict(cell.cost(key)) for key in ("seconds", "images_per_second")},
        "metrics": {label: _metric(cell.metrics[key], key[1]) for key, label in labels.items() if key in cell.metrics},
        **({"published": repeated} if repeated else {}),
    }


def _metric(metric: MetricSummary, fingerprint: str | None) -> dict:
    return {
        "last": asdict(metric.last),
        "best": asdict(metric.best),
        "best_steps": metric.best_steps,
        "floor": metric.floors[0] if len(metric.floors) == 1 else metric.floors or None,
        "fingerprint": fingerprint,
    }


def _published(report: Report) -> dict:
    """Study -> data set -> the published scores, and how far the order of our runs agrees with theirs."""
    studies: dict[str, dict] = {}
    for found in report.all_replications():
        experiments = {row.name: row.score for row in found.rows}
        told = {"score": found.publication.layout.score, "experiments": experiments, "agreement": found.agreement}
        studies.setdefault(found.publication.name, {})[found.dataset] = told
    return studies


def _unfinished(run: RunRecord) -> dict:
    known = {"name": run.name, "family": run.family, "dataset": run.dataset, "seed": run.seed}
    return {**known, "identity": run.identity, "status": run.state, "verdict": None, "metrics": {}}
