"""The page of a benchmark: problem x optimizer, then for each problem its best settings with their experiments."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganlab.reports.benchmark import Problem, benchmark_tables, draw_benchmark
from ganlab.reports.environments import environment_table
from ganlab.reports.figures import draw_strip
from ganlab.reports.formats.page import (
    MOST_PICTURE_BYTES,
    Album,
    Section,
    counted,
    experiment,
    render_page,
    verdicts,
)
from ganlab.reports.report import Report
from ganlab.reports.table import Table, printable


def render(report: Report, problems: Sequence[Problem], most_bytes: int = MOST_PICTURE_BYTES) -> str:
    """The page. It says if pictures are left out because they have more than `most_bytes` in all."""
    album = Album(most_bytes)
    overview, *tables = benchmark_tables(problems)
    curves, strips = _figures(report, problems, album)
    entries = [{"id": _address(number), "facts": {"problem": [each.title]}} for number, each in enumerate(problems)]
    cells = [setting.cell for problem in problems for setting in problem.settings]
    runs = [run for cell in cells for run in cell.runs]
    summary = [(replace(overview, title=""), entries)]  # the section's heading is its title
    sections = [Section("overview", overview.title, {}, counted(runs, cells, "setting"), summary)]
    for number, (problem, table) in enumerate(zip(problems, tables, strict=True)):
        sections.append(_section(_address(number), problem, table, curves[number], strips, album))
    return render_page("ganlab report: benchmark of optimizers", sections, report.problems, album.is_full)


def _address(number: int) -> str:
    """The id of a problem's section. A title will not do: it has spaces, and two problems of other labels may share one."""
    return f"problem-{number + 1}"


def _figures(report: Report, problems: Sequence[Problem], album: Album) -> tuple[list[list[dict]], dict[Path, dict]]:
    """The curves of each problem, and run folder -> strip for a run of each best setting."""
    best = [setting for problem in problems for setting in problem.best.values()]
    with tempfile.TemporaryDirectory() as folder:
        curves = []
        for number, problem in enumerate(problems):
            if album.is_full:
                curves.append([])
                continue
            # Files are named by titles, and two problems may have one title.
            drawn = draw_benchmark([problem], Path(folder, str(number)))
            curves.append([picture for _, picture in album.figures(drawn)])
        drawn = (figure for setting in best for figure in draw_strip(report, Path(folder), setting.cell))
        strips = {figure.run.folder: picture for figure, picture in album.figures(drawn)}
    return curves, strips


def _section(
    address: str, problem: Problem, table: Table, curves: list[dict], strips: dict[Path, dict], album: Album
) -> Section:
    """The section of a problem; `table` has a row for each of its optimizers."""
    entries, experiments = [], []
    for optimizer in problem.optimizers:
        facts = {"problem": [problem.title], "optimizer": [optimizer]}
        if best := problem.best.get(optimizer):
            told = printable(", ".join(filter(None, (optimizer, best.arguments))))
            facts |= {"verdict": verdicts(best.cell)}
            experiments.append(experiment(best.cell, told, facts, strips, album))
        entries.append(experiments[-1] if best else {"id": "", "facts": facts})
    cells = [setting.cell for setting in problem.settings]
    runs = [run for cell in cells for run in cell.runs]
    return Section(
        address,
        problem.title,
        {"problem": [problem.title]},
        counted(runs, cells, "setting"),
        [(table, entries), (environment_table(runs), [])],
        curves,
        experiments,
        pictures_title="Scores",
    )
