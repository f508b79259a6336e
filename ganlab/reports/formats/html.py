"""The page of a report: for each data set its tables and pictures, and each experiment with its networks and config."""

import contextlib
import tempfile
from pathlib import Path

from ganlab.reports.comparison import comparison_tables
from ganlab.reports.environments import environment_table
from ganlab.reports.figures import draw_figures, run_label, told_apart, told_settings
from ganlab.reports.formats.page import MOST_PICTURE_BYTES, Album, Section, counted, experiment, render_page, verdicts
from ganlab.reports.replication_tables import replication_tables
from ganlab.reports.report import Group, Report
from ganlab.runs.folder import RunFolder

_MOST_GRIDS = 16  # of a run that is compared with another, step by step
_GRIDS_SHARE = 4  # these grids have a quarter of the room


def render(report: Report, most_bytes: int = MOST_PICTURE_BYTES) -> str:
    """The page. It says if pictures are left out because they have more than `most_bytes` in all."""
    album = Album(most_bytes)
    overviews, strips = _figures(report, album)
    parts = {}
    for dataset in report.by_dataset():
        groups = [group for group in report.groups if group.dataset == dataset]
        parts[dataset] = [_experiments(group, strips, album) for group in groups]
    grids = Album(min(album.room, most_bytes // _GRIDS_SHARE))
    sections = [
        _section(report, dataset, experiments, overviews.get(dataset, []), _trainings(report, dataset, grids))
        for dataset, experiments in parts.items()
    ]
    return render_page("ganlab report", sections, report.problems, album.is_full or grids.is_full)


def _section(
    report: Report, dataset: str, experiments: list[list[dict]], pictures: list[dict], trainings: list[dict]
) -> Section:
    """The section of a data set; `experiments` has a list for each group of cells."""
    cells = report.by_dataset()[dataset]
    runs = [run for cell in cells for run in cell.runs]
    # A row of a comparison is an experiment; the rows of other tables are not.
    compared = zip(comparison_tables(report, dataset), experiments, strict=True)
    more = [(table, []) for table in (*replication_tables(report, dataset), environment_table(runs))]
    return Section(
        dataset,
        dataset,
        {"dataset": [dataset]},
        counted(runs, cells),
        [*compared, *more],
        pictures,
        [each for of_group in experiments for each in of_group],
        trainings,
    )


def _figures(report: Report, album: Album) -> tuple[dict[str, list[dict]], dict[Path, dict]]:
    """Data set -> the pictures of all its runs, and run folder -> its strip."""
    overviews: dict[str, list[dict]] = {}
    strips: dict[Path, dict] = {}
    with tempfile.TemporaryDirectory() as folder:
        for figure, picture in album.figures(draw_figures(report, Path(folder))):
            if figure.run:
                strips[figure.run.folder] = picture
            else:
                overviews.setdefault(figure.dataset, []).append(picture)
    return overviews, strips


def _experiments(group: Group, strips: dict[Path, dict], album: Album) -> list[dict]:
    found = []
    for cell, settings in zip(group.cells, group.settings, strict=True):
        told = {key: [value] for key, value in settings.items()}
        facts = {"dataset": [cell.dataset], "verdict": verdicts(cell), **told}
        found.append(experiment(cell, told_settings(settings), facts, strips, album))
    return found


def _trainings(report: Report, dataset: str, album: Album) -> list[dict]:
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
