"""The report for programs: JSON with every run, cell and published experiment; one CSV row a cell for spreadsheets."""

from dataclasses import asdict

from ganlab.reports.averages import Cell
from ganlab.reports.comparison import hyperparameters
from ganlab.reports.metric_names import MetricKey
from ganlab.reports.report import Report
from ganlab.reports.table import Table, texts
from ganlab.runs.records import RunRecord

REPORT_FORMAT = 1
COSTS = ("seconds", "images_per_second")
METRIC_PARTS = ("last_mean", "last_sd", "best_mean", "best_sd", "best_step", "n", "floor", "fingerprint")


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


def _unfinished(run: RunRecord) -> dict:
    known = {"name": run.name, "family": run.family, "dataset": run.dataset, "seed": run.seed}
    return {**known, "identity": run.identity, "status": run.state, "verdict": None, "metrics": {}}


def _cell(report: Report, cell: Cell, labels: dict[MetricKey, str]) -> dict:
    told = cell.facts() | {key: asdict(cell.cost(key)) for key in COSTS} | {"metrics": {}}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            floors = metric.floors
            told["metrics"][label] = {
                "last": asdict(metric.last),
                "best": asdict(metric.best),
                "best_steps": metric.best_steps,
                "floor": floors[0] if len(floors) == 1 else floors or None,
                "fingerprint": key[1],
            }
    for paper, row in report.repetitions_of(cell):
        score = {"name": row.name, paper.layout.score: row.score, "rank": row.rank}
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
    """One row a cell over all data sets, numbers in full; semicolons separate several values in one place."""
    labels = report.labels_of(report.cells)
    parameters = dict.fromkeys(name for cell in report.cells for name in hyperparameters(cell))
    columns = ["dataset", "cell", "name", "family", "n", "seeds", "status", "verdict", *parameters, *COSTS]
    columns += [f"{label}_{part}" for label in labels.values() for part in METRIC_PARTS]
    known = {found.publication.name for found in report.replications}
    papers = [paper.name for paper in report.publications if paper.name in known]
    columns += [f"{paper}_{part}" for paper in papers for part in ("published", "differences")]
    return Table(texts(*columns), [_row(report, cell, labels) for cell in report.cells])


def _row(report: Report, cell: Cell, labels: dict[MetricKey, str]) -> dict[str, str]:
    values = cell.facts() | {key: cell.cost(key).mean for key in COSTS}
    for key, label in labels.items():
        if metric := cell.metrics.get(key):
            last, best = metric.last, metric.best
            parts = (last.mean, last.sd, best.mean, best.sd, metric.best_steps, last.n, metric.floors, key[1])
            values |= {f"{label}_{name}": part for name, part in zip(METRIC_PARTS, parts, strict=True)}
    for paper, row in report.repetitions_of(cell):
        values |= {f"{paper.name}_published": row.score, f"{paper.name}_differences": [*row.differences]}
    return hyperparameters(cell) | {name: _plain(value) for name, value in values.items()}


def _plain(value: str | float | list | None) -> str:
    if isinstance(value, list):
        return ";".join(map(_plain, value))
    return value if isinstance(value, str) else "" if value is None else repr(value)
