"""The formats of a report. A new format is a function in this folder and a name in the choices of the command."""

from ganlab.reports.comparison import comparison_tables, pivot_tables
from ganlab.reports.formats import text
from ganlab.reports.plain_data import report_document, tidy_table
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import Report
from ganlab.reports.table import Table, to_json


def report_tables(report: Report) -> list[Table]:
    """The tables for a reader: the tables of papers if the user asked for one data set, then the comparison of all runs."""
    if report.is_pivot:
        return pivot_tables(report)
    papers = [] if report.dataset is None else replication_tables(report, report.dataset)
    return [*papers, *comparison_tables(report)]


def render(report: Report, format_name: str) -> str:
    """The report in one of the formats of `ganlab report`, as the text of a whole file."""
    if format_name == "html":
        from ganlab.reports.formats import html  # loads matplotlib

        return html.render(report)
    if format_name == "json":
        return to_json(report_document(report))
    is_tidy = format_name == "csv" and not report.is_pivot
    return text.render([tidy_table(report)] if is_tidy else report_tables(report), format_name)
