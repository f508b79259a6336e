from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlab.pictures.images import write_grid
from ganlab.reports.figures import draw_figures
from ganlab.reports.report import build_report
from tests.run_folders import metric, write_run
from tests.studies import write_study

HISTORY = "step,d_loss,g_loss,seconds\n1,0.5,0.7,0.1\n2,0.4,0.9,0.1\n"


def trained(run: Path, steps=(1, 500, 1000, 1500)) -> Path:
    """Gives a run folder a history and sample grids."""
    (run / "history.csv").write_text(HISTORY)
    for step in steps:
        write_grid(run / "samples" / f"{step:06d}.png", np.full((4, 8, 8, 1), step % 250, np.uint8), 2, 2)
    return run


def figures_of(tmp_path, **options):
    report = build_report((), results=tmp_path / "results", studies=tmp_path / "studies", **options)
    return list(draw_figures(report, tmp_path / "figures"))


def test_each_data_set_has_a_sheet_of_losses_and_each_cell_a_strip(tmp_path):
    for name, dataset in (("exp01", "digits"), ("exp02", "digits"), ("exp03", "mnist")):
        for seed in range(2):
            trained(write_run(tmp_path / "results", name, dataset=dataset, seed=seed))
    figures = figures_of(tmp_path)
    assert [figure.title for figure in figures] == [
        "Losses of all runs on digits",
        "exp01 on digits, seed 0",
        "exp02 on digits, seed 0",
        "Losses of all runs on mnist",
        "exp03 on mnist, seed 0",
    ]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(f.path.name for f in figures)
    assert [figure.wide for figure in figures] == [True, False, False, True, False]


def test_a_score_over_the_settings_that_differ_is_drawn_for_each_group(tmp_path):
    for number, data in enumerate("1122"):
        metrics = {"fd1k": metric(float(number))}
        write_run(tmp_path / "results", f"exp{number}", units=number + 1, data=data * 64, metrics=metrics)
    write_run(tmp_path / "results", "other", dataset="mnist")
    assert [(figure.path.name, figure.title) for figure in figures_of(tmp_path)] == [
        ("digits-settings-1.png", "fd1k over each setting, digits (data 11111111)"),
        ("digits-settings-2.png", "fd1k over each setting, digits (data 22222222)"),
    ]
    assert all(Image.open(figure.path).size == (340, 280) for figure in figures_of(tmp_path))


def test_cells_of_one_name_are_told_apart_by_their_settings(tmp_path, monkeypatch):
    sheets = []
    monkeypatch.setattr("ganlab.pictures.plots.write_loss_sheet", lambda path, histories: sheets.append([*histories]))
    for units, size, again in ((8, 32, ""), (8, 32, "-2"), (16, 64, "")):
        more = {"written": f"batch: {size}\n", "config": {"batch_size": size}, "again": again}
        trained(write_run(tmp_path / "results", units=units, **more))
    trained(write_run(tmp_path / "results", "other"))
    figures = figures_of(tmp_path)
    assert sorted(figure.title for figure in figures[3:]) == [
        "other on digits, seed 0",
        "quickstart on digits, seed 0, units 16, batch 64",
        "quickstart on digits, seed 0, units 8, batch 32",
    ]
    names = [title.rpartition(", ")[0] for title in sheets[0]]
    assert names.count("quickstart, seed 0, units 8, batch 32") == 2 and len(set(sheets[0])) == 4
    assert figures[1].title == "fd1k_classifier and all settings, a line for each run, digits"


def test_the_strip_of_a_published_figure_has_its_steps(tmp_path):
    write_study(tmp_path / "studies")
    trained(write_run(tmp_path / "results", "exp01"))
    trained(write_run(tmp_path / "results", "exp02"))
    _, published, other = figures_of(tmp_path)
    assert published.title == "exp01 on digits, seed 0: as Figure 1"
    assert other.title == "exp02 on digits, seed 0"
    sizes = [Image.open(figure.path).size for figure in (published, other)]
    # three grids beside four
    assert (sizes[0][0] - 16) * 4 == (sizes[1][0] - 16) * 3


def test_a_strip_of_other_steps_is_not_called_the_published_figure(tmp_path):
    write_study(tmp_path / "studies")
    trained(write_run(tmp_path / "results", "exp01"), steps=(1, 20, 40))
    assert figures_of(tmp_path)[1].title == "exp01 on digits, seed 0"


def test_a_finished_run_stands_for_its_cell_before_an_unfinished_one(tmp_path):
    trained(write_run(tmp_path / "results", status="failed"))
    trained(write_run(tmp_path / "results", seed=1))
    assert figures_of(tmp_path)[1].title == "quickstart on digits, seed 1"


def test_runs_without_pictures_have_none(tmp_path):
    write_run(tmp_path / "results", status="created", with_summary=False)
    assert figures_of(tmp_path) == []


@pytest.mark.parametrize(("name", "index"), [("history.csv", 0), ("samples/001000.png", 1)])
def test_a_damaged_file_is_told_and_hides_nothing(tmp_path, name, index):
    bad = trained(write_run(tmp_path / "results", "exp01")) / name
    trained(write_run(tmp_path / "results", "exp02"))
    bad.write_text("step,d_loss\n1,torn\n")
    figures = figures_of(tmp_path)
    assert [bool(figure.problem) for figure in figures] == [number == index for number in range(3)]
    assert str(bad) in figures[index].problem and "\n" not in figures[index].problem


def test_a_hundred_runs_fill_a_sheet(tmp_path, monkeypatch):
    monkeypatch.setattr("ganlab.reports.figures.RUNS_ON_A_SHEET", 2)
    for seed in range(3):
        (write_run(tmp_path / "results", seed=seed) / "history.csv").write_text(HISTORY)
    assert [(figure.path.name, figure.title) for figure in figures_of(tmp_path)] == [
        ("digits-losses-1.png", "Losses of all runs on digits (1 of 2)"),
        ("digits-losses-2.png", "Losses of all runs on digits (2 of 2)"),
    ]
