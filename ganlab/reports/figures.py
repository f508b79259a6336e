"""The pictures of a report: a score over settings, sheets with the losses of all runs, a strip of samples for each cell."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ganlab.errors import GanlabError
from ganlab.reports.averages import Cell
from ganlab.reports.report import Group, Report
from ganlab.reports.table import printable
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import RunRecord

RUNS_ON_A_SHEET = 100


@dataclass(frozen=True)
class Figure:
    """One PNG; `wide` if it needs the whole width of a page. `problem` is a line about unreadable files, or ''."""

    path: Path
    dataset: str
    title: str
    wide: bool = False
    problem: str = ""
    run: RunRecord | None = None  # whose samples a strip shows


def draw_figures(report: Report, folder: Path) -> Iterator[Figure]:
    """Draws figures into a folder, one at a time: for each data set a score over settings, losses, a strip for each cell.

    Runs without history or samples have no picture. File names begin with the data set.
    """
    for dataset in report.by_dataset():
        groups = [group for group in report.groups if group.dataset == dataset]
        for number, group in enumerate(groups, 1):
            yield from _scores(report, folder, group, f"-{number}" if len(groups) > 1 else "")
        told = told_apart(report, dataset)
        yield from _sheets(folder, dataset, [(run, more) for cell, more in told for run in cell.runs])
        for cell, more in told:
            yield from draw_strip(report, folder, cell, more)


def told_apart(report: Report, dataset: str) -> list[tuple[Cell, str]]:
    """The cells of a data set, each with what tells it apart from others of its name: its settings, or ''."""
    names = Counter(cell.name for cell in report.by_dataset()[dataset])
    return [
        (cell, f", {told_settings(settings)}" if names[cell.name] > 1 and settings else "")
        for group in report.groups
        if group.dataset == dataset
        for cell, settings in zip(group.cells, group.settings, strict=True)
    ]


def told_settings(settings: Mapping[str, str]) -> str:
    """The settings of a cell as a caption; a setting that the cell lacks is left out."""
    return printable(", ".join(f"{key} {value}" for key, value in settings.items() if value))


def _scores(report: Report, folder: Path, group: Group, ending: str) -> Iterator[Figure]:
    """The main metric of the finished runs over the settings in which cells differ, if runs have a finite value."""
    label, found = report.scores_of(group)
    scores = [(settings, score) for settings, score in found if math.isfinite(score)]
    if not scores or not scores[0][0]:
        return
    from ganlab.pictures.settings import write_parallel, write_sensitivity

    settings = {name: [values[name] for values, _ in scores] for name in scores[0][0]}
    values = [score for _, score in scores]
    path = write_sensitivity(folder / f"{group.dataset}-settings{ending}.png", settings, values, label)
    yield Figure(path, group.dataset, f"{label} over each setting, {group.title}", wide=True)
    if len(settings) > 1:
        path = write_parallel(folder / f"{group.dataset}-parallel{ending}.png", settings, values, label)
        yield Figure(path, group.dataset, f"{label} and all settings, a line for each run, {group.title}", wide=True)


def _sheets(folder: Path, dataset: str, runs: list[tuple[RunRecord, str]]) -> Iterator[Figure]:
    drawn = [(run, more) for run, more in runs if RunFolder(run.folder).history.is_file()]
    parts = [drawn[start : start + RUNS_ON_A_SHEET] for start in range(0, len(drawn), RUNS_ON_A_SHEET)]
    for number, part in enumerate(parts, 1):
        from ganlab.pictures.plots import write_loss_sheet
        from ganlab.runs.logs import read_history

        histories, unread = {}, []
        for run, more in part:
            try:
                histories[run_label(run, more)] = read_history(RunFolder(run.folder).history)
            except (OSError, ValueError) as error:
                unread.append(f"{RunFolder(run.folder).history}: cannot be read: {' '.join(str(error).split())}")
        ending, of_several = (f"-{number}", f" ({number} of {len(parts)})") if len(parts) > 1 else ("", "")
        path, title = folder / f"{dataset}-losses{ending}.png", f"Losses of all runs on {dataset}{of_several}"
        write_loss_sheet(path, histories)
        yield Figure(path, dataset, title, wide=True, problem="; ".join(unread))


def draw_strip(report: Report, folder: Path, cell: Cell, more: str = "") -> Iterator[Figure]:
    """Draws the training of the cell's first run that has sample grids into a folder; finished runs come first.

    The title ends in `more`, which tells cells of one name apart. A cell without sample grids has no strip.
    """
    from ganlab.pictures.strips import choose_steps, write_strip

    for run in [*cell.averaged, *cell.runs]:
        files = RunFolder(run.folder)
        papers = [paper for paper in report.publications if run.name in paper.experiments.get(run.dataset, {})]
        published = papers[0].layout.strip_of(run.name) if papers else None
        steps = choose_steps(files.sample_steps(), published.steps if published else ())
        if not steps:
            continue
        path = folder / f"{cell.dataset}-strip-{run.folder.name}.png"
        title = printable(f"{run.name} on {cell.dataset}, seed {run.seed}{more}")
        try:
            write_strip(path, [files.sample(step) for step in steps], [f"step {step:,}" for step in steps], title)
        except GanlabError as error:
            yield Figure(path, cell.dataset, title, problem=str(error), run=run)
        else:
            is_as_published = published is not None and set(steps) <= set(published.steps)
            yield Figure(path, cell.dataset, f"{title}: as {published.title}" if is_as_published else title, run=run)
        return


def run_label(run: RunRecord, more: str) -> str:
    """The title of a run among others; repetitions by --fresh have different titles."""
    number = run.folder.name.rpartition("-seed")[2].partition("-")[2] or run.identity
    return printable(f"{run.name}, seed {run.seed}{more}, {number}")
