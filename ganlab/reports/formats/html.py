"""One page with tables, figures, and for each experiment its networks, summaries and config.

The page contains style, script and pictures. Its content policy forbids the network. Without its script it can still be read;
the script sorts tables, hides what the reader's filters leave out, and enlarges pictures.
"""

import base64
import contextlib
import json
import re
import tempfile
from datetime import datetime
from pathlib import Path

import jinja2

from ganlab.reports.averages import Cell
from ganlab.reports.comparison import comparison_tables
from ganlab.reports.environments import environment_table
from ganlab.reports.figures import draw_figures, run_label, told_apart, told_settings
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import Group, Report
from ganlab.reports.table import printable
from ganlab.runs.environment import version_of
from ganlab.runs.folder import RunFolder

MOST_PICTURE_BYTES = 40_000_000
_MOST_TEXTS, _MOST_TEXT_BYTES = 10, 100_000  # summaries of networks, and bytes of one: the folder may be a stranger's
_MOST_GRIDS = 16  # of a run that is compared with another, step by step
_GRIDS_SHARE = 4  # these grids have a quarter of the room


def render(report: Report, most_bytes: int = MOST_PICTURE_BYTES) -> str:
    """The page. It says if pictures are left out because they have more than `most_bytes` in all."""
    album = _Album(most_bytes)
    overviews, strips = _figures(report, album)
    sections = []
    for dataset, cells in report.by_dataset().items():
        groups = [group for group in report.groups if group.dataset == dataset]
        experiments = [[_experiment(*each, strips, album) for each in _cells_of(group)] for group in groups]
        runs = [run for cell in cells for run in cell.runs]
        more = [*replication_tables(report, dataset), environment_table(runs)]
        section = {
            "dataset": dataset,
            "runs": len(runs),
            "cells": len(cells),
            "pictures": overviews.get(dataset, []),
            "experiments": [experiment for of_group in experiments for experiment in of_group],
            # A row of a comparison is an experiment; the rows of other tables are not.
            "tables": [
                *zip(comparison_tables(report, dataset), experiments, strict=True),
                *((table, []) for table in more),
            ],
        }
        sections.append(section)
    grids = _Album(min(album.room, most_bytes // _GRIDS_SHARE))
    for section in sections:
        section["trainings"] = _trainings(report, section["dataset"], grids)
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["sort_key"] = _sort_key
    page = environment.get_template("page.html").render(
        written=f"{datetime.now():%Y-%m-%d %H:%M}",
        version=version_of("ganlab"),
        sections=sections,
        filters=_filters(report),
        problems=[printable(problem) for problem in report.problems],
        left_out=album.is_full or grids.is_full,
    )
    return page + "\n"


class _Album:
    """Pictures as addresses that hold their bytes, as long as there is room."""

    def __init__(self, most_bytes: int):
        self.room, self.is_full = most_bytes, False

    def picture(self, path: Path, title: str, caption: str, problem: str = "", wide: bool = False) -> dict:
        """A PNG as the page shows it; without a source if there is no file, no more room, or a problem."""
        try:
            source = self.source(path)
        except OSError as error:  # another user's file
            source, problem = "", f"{path}: cannot be read: {error.strerror}"
        told = {"title": title, "caption": caption, "problem": problem}
        return {key: printable(text) for key, text in told.items()} | {"source": source, "wide": wide}

    def source(self, path: Path) -> str:
        """The address of a PNG; '' if there is no file or no more room."""
        size = path.stat().st_size if path.is_file() else 0
        self.is_full |= size > self.room
        if self.is_full or not size:
            return ""
        self.room -= size
        return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _figures(report: Report, album: _Album) -> tuple[dict[str, list[dict]], dict[Path, dict]]:
    """Data set -> the pictures of all its runs, and run folder -> its strip. Without room, ganlab stops drawing."""
    overviews: dict[str, list[dict]] = {}
    strips: dict[Path, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        for figure in draw_figures(report, Path(folder)):
            caption = "" if figure.run else figure.title
            told = album.picture(figure.path, figure.title, caption, figure.problem, figure.wide)
            if album.is_full:
                break
            if figure.run:
                strips[figure.run.folder] = told
            else:
                overviews.setdefault(figure.dataset, []).append(told)
    return overviews, strips


def _trainings(report: Report, dataset: str, album: _Album) -> list[dict]:
    """The runs with sample grids, each with its steps and their grids. First one run of each cell, then the others."""
    from ganlab.pictures.strips import choose_steps

    runs = [(run, more, number) for cell, more in told_apart(report, dataset) for number, run in enumerate(cell.runs)]
    found = []
    for run, more, _ in sorted(runs, key=lambda each: each[2]):
        files = RunFolder(run.folder)
        grids = []
        for step in choose_steps(files.sample_steps(), most=_MOST_GRIDS):
            with contextlib.suppress(OSError):  # another user's file: the run's strip tells of it
                grids.append((step, album.source(files.sample(step))))
        if album.is_full:
            break
        if grids:
            found.append({"title": run_label(run, more), "grids": grids})
    return found


def _cells_of(group: Group) -> list[tuple[Cell, dict[str, str]]]:
    return list(zip(group.cells, group.settings, strict=True))


def _facts(cell: Cell, settings: dict[str, str]) -> dict[str, list[str]]:
    """What a reader may filter by: key -> the values of a cell, several if its runs have several verdicts."""
    verdicts = list(dict.fromkeys(run.verdict for run in cell.runs))
    return {"dataset": [cell.dataset], "verdict": verdicts, **{key: [value] for key, value in settings.items()}}


def _filters(report: Report) -> dict[str, list[str]]:
    """Key -> the values in which cells differ, in the order of their numbers or letters."""
    values: dict[str, dict[str, None]] = {}
    for cell, settings in (each for group in report.groups for each in _cells_of(group)):
        for key, found in _facts(cell, settings).items():
            values.setdefault(key, {}).update(dict.fromkeys(found))
    return {key: sorted(found, key=_order) for key, found in values.items() if len(found) > 1}


def _order(text: str) -> tuple[float, str]:
    return float(_sort_key(text).replace("Infinity", "inf") or "inf"), text


def _experiment(cell: Cell, settings: dict[str, str], strips: dict[Path, dict], album: _Album) -> dict:
    """One cell: samples of a run, and what this run's folder says of its losses, networks and config."""
    runs = [*cell.averaged, *cell.runs]
    run = next((run for run in runs if run.folder in strips), runs[0])
    files = RunFolder(run.folder)
    strip, title = strips.get(run.folder), printable(f"{run.name} on {run.dataset}, seed {run.seed}")
    named = {"losses": files.losses, "mean outputs of the discriminator": files.outputs, "networks": files.drawing}
    pictures = [album.picture(path, f"{title}: {name}", name) for name, path in named.items()]
    texts = {path.name: _text(path) for path in [*sorted(files.models.glob("*.txt"))[:_MOST_TEXTS], files.config]}
    return {
        "id": f"{run.dataset}/{run.folder.name}",
        "title": strip["title"] if strip else title,
        "settings": told_settings(settings),
        "facts": json.dumps(_facts(cell, settings)),
        "strip": strip,
        "pictures": [picture for picture in pictures if picture["source"] or picture["problem"]],
        "texts": {name: text for name, text in texts.items() if text},
    }


def _text(path: Path) -> str:
    """The beginning of a file, or why it cannot be read; '' if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_TEXT_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"


def _sort_key(text: str) -> str:
    """The number at the start of a cell, in the form of JavaScript; '' for none."""
    match = re.match(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)", text)
    return match[0].replace("inf", "Infinity") if match else ""
