"""One page with tables and figures. Click a heading to sort its table; rows without a value come last.

The page contains style, script and pictures. Its content policy forbids the network.
"""

import base64
import re
import tempfile
from pathlib import Path

import jinja2

from ganlab.reports.comparison import comparison_tables
from ganlab.reports.figures import draw_figures
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import Report
from ganlab.reports.table import printable

MOST_PICTURE_BYTES = 24_000_000
TEMPLATE = Path(__file__).with_name("page.html")


def render(report: Report, most_bytes: int = MOST_PICTURE_BYTES) -> str:
    """The page. It says if pictures are left out because they have more than `most_bytes` in all."""
    pictures, left_out = _pictures(report, most_bytes)
    sections = [
        {
            "dataset": dataset,
            "runs": sum(len(cell.runs) for cell in cells),
            "cells": len(cells),
            "tables": [*comparison_tables(report, dataset), *replication_tables(report, dataset)],
            "pictures": pictures.get(dataset, []),
        }
        for dataset, cells in report.by_dataset().items()
    ]
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["sort_key"] = _sort_key
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    problems = [printable(problem) for problem in report.problems]
    return template.render(sections=sections, problems=problems, left_out=left_out) + "\n"


def _pictures(report: Report, most_bytes: int) -> tuple[dict[str, list[dict]], bool]:
    """Data set -> its pictures, and whether pictures were left out. At the limit ganlab stops drawing."""
    pictures: dict[str, list[dict]] = {}
    room = most_bytes
    with tempfile.TemporaryDirectory() as folder:
        for figure in draw_figures(report, Path(folder)):
            content = figure.path.read_bytes() if figure.path.is_file() else b""
            room -= len(content)
            if room < 0:
                return pictures, True
            source = f"data:image/png;base64,{base64.b64encode(content).decode()}" if content else ""
            told = {"title": printable(figure.title), "problem": printable(figure.problem)}
            pictures.setdefault(figure.dataset, []).append({**told, "source": source, "wide": figure.wide})
    return pictures, False


def _sort_key(text: str) -> str:
    """The number at the start of a cell, in the form of JavaScript; '' for none."""
    match = re.match(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)", text)
    return match[0].replace("inf", "Infinity") if match else ""
