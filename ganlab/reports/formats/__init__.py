"""How a report is written: one small renderer a format.

A new format is one more file here, its line in RENDERERS and its name in the command's choices.
"""

from collections.abc import Callable

from ganlab.reports.comparison import comparison_tables
from ganlab.reports.document import report_document, to_json
from ganlab.reports.formats import csv, latex, markdown, text
from ganlab.reports.report import Report
from ganlab.reports.tidy import tidy_table

RENDERERS: dict[str, Callable[[Report], str]] = {
    "table": lambda report: text.render(comparison_tables(report)),
    "markdown": lambda report: markdown.render(comparison_tables(report)),
    "latex": lambda report: latex.render(comparison_tables(report)),
    "csv": lambda report: csv.render([tidy_table(report)]),
    "json": lambda report: to_json(report_document(report)),
}


def render(report: Report, format_name: str) -> str:
    """The report in one of the RENDERERS' formats, as the text of a whole file."""
    return RENDERERS[format_name](report)
