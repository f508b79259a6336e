"""One HTML page from sections: tables, pictures, and experiments with their networks, summaries and config.

The page contains style, script and pictures. Its content policy forbids the network. Without its script it can still be read;
the script sorts tables, hides what the reader's filters leave out, and enlarges pictures.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jinja2

from ganlab.reports.averages import Cell
from ganlab.reports.figures import Figure
from ganlab.reports.table import Table, printable
from ganlab.runs.environment import version_of
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import RunRecord

MOST_PICTURE_BYTES = 40_000_000
_MOST_TEXTS, _MOST_TEXT_BYTES = 10, 100_000  # summaries of networks, and bytes of one: the folder may be a stranger's

# Pictures of a run on the page, with their captions.
_PICTURES = {
    "real and generated": "real images beside generated images of the last step",
    "reconstructions": "real images beside their reconstructions",
    "estimates": "samples of all sample steps",
    "losses": "losses",
    "outputs": "mean outputs of the discriminator",
    "histograms": "histograms of layers",
    "networks": "networks",
}

Facts = dict[str, list[str]]  # what a reader may filter by: key -> values, several if runs have several verdicts


@dataclass(frozen=True)
class Section:
    """A part of the page under one heading.

    Attributes:
        id: the section's address behind the # of the page's.
        facts: a filter that excludes them hides the section.
        intro: a line below the heading.
        tables: each with an entry for each row: `id`, the address that the row's first cell leads to, or '', and the row's
            `facts`. An experiment is such an entry. A table whose rows are not filtered has no entries.
        pictures: as an `Album` gives them, under the heading `pictures_title`.
        experiments: as `experiment` gives them.
        trainings: runs to compare step by step, each with its `title` and `grids`, pairs of a step and a picture's address.
    """

    id: str
    title: str
    facts: Facts
    intro: str
    tables: Sequence[tuple[Table, Sequence[Mapping]]]
    pictures: Sequence[dict] = ()
    experiments: Sequence[dict] = ()
    trainings: Sequence[dict] = ()
    pictures_title: str = "All runs"


def render_page(title: str, sections: Sequence[Section], problems: Iterable[str], left_out: bool) -> str:
    """The text of the whole page.

    Args:
        title: the heading of the page.
        sections: in the order of the page.
        problems: a line for each run folder that could not be read.
        left_out: whether pictures are missing because they need too much room.
    """
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=folder, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["sort_key"] = _sort_key
    page = environment.get_template("page.html").render(
        title=title,
        written=f"{datetime.now():%Y-%m-%d %H:%M}",
        version=version_of("ganlab"),
        sections=sections,
        filters=_filters(sections),
        problems=[printable(problem) for problem in problems],
        left_out=left_out,
    )
    return page + "\n"


class Album:
    """Pictures as addresses that hold their bytes, as long as there is room."""

    def __init__(self, most_bytes: int):
        self.room, self.is_full = most_bytes, False

    def figures(self, drawn: Iterable[Figure]) -> Iterator[tuple[Figure, dict]]:
        """Each figure with its picture. Without room, ganlab stops drawing."""
        for figure in drawn:
            caption = "" if figure.run else figure.title  # a strip contains its title
            picture = self.picture(figure.path, figure.title, caption, figure.problem, figure.wide)
            if self.is_full:
                return
            yield figure, picture

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


def experiment(cell: Cell, settings: str, facts: Facts, strips: Mapping[Path, dict], album: Album) -> dict:
    """One cell: samples of a run, and what this run's folder says of its losses, networks and config.

    Args:
        cell: with at least one run.
        settings: what tells the cell apart from others, as a caption.
        facts: what a reader may filter by.
        strips: run folder -> its strip of samples. A run with a strip is preferred.
        album: takes the pictures.
    """
    runs = [*cell.averaged, *cell.runs]
    run = next((run for run in runs if run.folder in strips), runs[0])
    files = RunFolder(run.folder)
    strip, title = strips.get(run.folder), printable(f"{run.name} on {run.dataset}, seed {run.seed}")
    paths = files.pictures()
    pictures = [album.picture(paths[key], f"{title}: {name}", name) for key, name in _PICTURES.items()]
    texts = {path.name: _text(path) for path in [*sorted(files.models.glob("*.txt"))[:_MOST_TEXTS], files.config]}
    return {
        "id": f"{run.dataset}/{run.folder.name}",
        "title": strip["title"] if strip else title,
        "settings": settings,
        "facts": facts,
        "strip": strip,
        "pictures": [picture for picture in pictures if picture["source"] or picture["problem"]],
        "texts": {name: text for name, text in texts.items() if text},
    }


def verdicts(cell: Cell) -> list[str]:
    """The distinct verdicts of a cell's runs, as a fact to filter by."""
    return list(dict.fromkeys(run.verdict for run in cell.runs))


def counted(runs: Sequence[RunRecord], cells: Sequence[Cell], cell: str = "experiment") -> str:
    """The numbers of runs and cells as the line below a heading; `cell` is the reader's word for one cell."""
    several = ["" if len(found) == 1 else "s" for found in (runs, cells)]
    return f"{len(runs)} run{several[0]} of {len(cells)} {cell}{several[1]}"


def _text(path: Path) -> str:
    """The beginning of a file, or why it cannot be read; '' if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_TEXT_BYTES).decode("utf-8", "replace")
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"


def _filters(sections: Sequence[Section]) -> dict[str, list[str]]:
    """Key -> the values in which rows differ, in the order of their numbers or letters."""
    values: dict[str, dict[str, None]] = {}
    for row in (row for section in sections for _, rows in section.tables for row in rows):
        for key, found in row["facts"].items():
            values.setdefault(key, {}).update(dict.fromkeys(found))
    return {key: sorted(found, key=_order) for key, found in values.items() if len(found) > 1}


def _order(text: str) -> tuple[float, str]:
    return float(_sort_key(text).replace("Infinity", "inf") or "inf"), text


def _sort_key(text: str) -> str:
    """The number at the start of a cell, in the form of JavaScript; '' for none."""
    match = re.match(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|inf)", text)
    return match[0].replace("inf", "Infinity") if match else ""
