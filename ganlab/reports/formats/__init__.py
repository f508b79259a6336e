"""How a report is written: one small renderer a format.

A new format is one more file here, its line in RENDERERS and its name in the command's choices.
"""

from collections.abc import Callable

from ganlab.reports.comparison import comparison_tables
from ganlab.reports.formats import csv, latex, markdown, text
from ganlab.reports.json_report import report_document
from ganlab.reports.json_text import to_json
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import Report
from ganlab.reports.table import Table
from ganlab.reports.tidy import tidy_table


def report_tables(report: Report) -> list[Table]:
    """The tables for a reader: those of papers where one data set was asked for, then what compares all runs."""
    papers = report.replications[report.dataset] if report.dataset is not None else []
    return [*replication_tables(papers), *comparison_tables(report)]


def _page(report: Report) -> str:
    from ganlab.reports.formats import html  # draws pictures, so it needs more than the other formats

    return html.render(report)


RENDERERS: dict[str, Callable[[Report], str]] = {
    "table": lambda report: text.render(report_tables(report)),
    "markdown": lambda report: markdown.render(report_tables(report)),
    "latex": lambda report: latex.render(report_tables(report)),
    "csv": lambda report: csv.render([tidy_table(report)]),
    "json": lambda report: to_json(report_document(report)),
    "html": _page,
}


def render(report: Report, format_name: str) -> str:
    """The report in one of the RENDERERS' formats, as the text of a whole file."""
    return RENDERERS[format_name](report)
