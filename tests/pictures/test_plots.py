import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganlab.pictures.plots import running_mean, write_loss_sheet, write_losses, write_outputs
from tests.pictures.drawn import overlapping

BLUE, ORANGE, GREEN = (29, 78, 216), (194, 65, 12), (21, 128, 61)
PALETTE = {BLUE, ORANGE, GREEN, (109, 40, 217), (161, 98, 7)}


def history(count: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    columns = ("d_loss", "g_loss", "d_real", "d_fake")
    return {"step": np.arange(1, count + 1)} | {name: random.normal(size=count) for name in columns}


def colours(path) -> set[tuple[int, int, int]]:
    with Image.open(path) as picture:
        assert picture.size == (1080, 600)
        pixels = np.asarray(picture.convert("RGBA")).view(np.uint32)  # one number a pixel: quick to sort
    return {tuple(int(byte) for byte in colour.tobytes()[:3]) for colour in np.unique(pixels)}


@pytest.fixture
def legend(monkeypatch) -> list[str]:
    """The words of the legend that is drawn last."""
    from matplotlib.figure import Figure

    words, draw = [], Figure.legend

    def keep(self, *arguments, **options):
        made = draw(self, *arguments, **options)
        words[:] = [text.get_text() for text in made.get_texts()]
        return made

    monkeypatch.setattr(Figure, "legend", keep)
    return words


@pytest.mark.parametrize("count", [1, 40, 1000, 300_000])
def test_curves_of_any_length_are_drawn_without_warnings(tmp_path, recwarn, count):
    assert colours(write_losses(tmp_path / "losses.png", history(count))) >= {BLUE, ORANGE}
    assert colours(write_outputs(tmp_path / "outputs.png", history(count))) >= {BLUE, ORANGE}
    assert not recwarn.list


def test_outputs_of_the_generators_update_have_a_curve(tmp_path):
    rows = history(50)
    assert GREEN not in colours(write_outputs(tmp_path / "a.png", rows))
    assert GREEN in colours(write_outputs(tmp_path / "a.png", rows | {"d_generator": np.ones(50)}))


def test_absent_columns_are_left_out(tmp_path):
    rows = history(50)
    without = colours(write_losses(tmp_path / "a.png", rows))
    assert GREEN not in without
    assert GREEN in colours(write_losses(tmp_path / "a.png", rows | {"penalty": np.ones(50)}))
    del rows["g_loss"]
    assert ORANGE not in colours(write_losses(tmp_path / "a.png", rows))


@pytest.mark.parametrize(
    "columns",
    [
        ("loss", "reconstruction", "kl"),
        ("d_loss", "g_loss", "feature_matching", "penalty"),
        ("d_margin_loss", "energy", "g_loss"),
    ],
)
def test_each_column_of_an_objective_has_a_curve_of_its_own_colour(tmp_path, columns):
    rows = {"step": np.arange(1, 41), "d_real": np.ones(40), "diversity": np.ones(40), "seconds": np.ones(40)}
    with_none = colours(write_losses(tmp_path / "none.png", rows))
    drawn = set()
    for count in range(1, len(columns) + 1):
        shown = rows | {name: np.full(40, 1.0 + number) for number, name in enumerate(columns[:count])}
        before, drawn = drawn, colours(write_losses(tmp_path / "a.png", shown)) & PALETTE
        assert len(drawn) == count and not with_none & PALETTE, (before, drawn)


@pytest.mark.parametrize("empty", [{}, {"step": np.arange(0), "d_loss": np.empty(0)}])
def test_an_empty_history_gives_an_empty_plot(tmp_path, recwarn, empty):
    assert BLUE not in colours(write_losses(tmp_path / "a.png", empty))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("lost", "count"),
    [(np.nan, 10), (np.nan, 1000), (np.nan, 20000), (np.inf, 1000), (-np.inf, 20000), (1e300, 1000)],
)
def test_lost_values_leave_a_gap_and_are_counted(tmp_path, recwarn, lost, count, legend):
    rows = {"d_loss": np.linspace(0, 1, count)}
    rows["d_loss"][count // 2 :] = lost
    write_losses(tmp_path / "lost.png", rows)
    assert legend == [f"discriminator ({count - count // 2:,} of {count:,} steps not finite)"]
    assert BLUE in colours(tmp_path / "lost.png")
    assert not recwarn.list


def test_a_history_without_any_finite_value_is_drawn(tmp_path, recwarn):
    for count in (5, 6000):
        write_losses(tmp_path / "a.png", {"d_loss": np.full(count, np.nan)})
    assert not recwarn.list


def test_the_running_mean_of_a_line_is_the_line():
    steps = np.arange(1.0, 301.0)
    centres, means = running_mean(steps, 2 * steps + 1)
    assert np.allclose(means, 2 * centres + 1) and centres[0] == 25.5 and centres[-1] == 275.5


def test_one_huge_value_spoils_its_neighbours_only():
    values = np.ones(1000)
    values[500] = 1e25
    centres, means = running_mean(np.arange(1000.0), values)
    assert np.array_equal(means[np.abs(centres - 500) > 50], np.ones((np.abs(centres - 500) > 50).sum()))


def test_the_same_history_gives_the_same_bytes(tmp_path):
    first, second = (write_losses(tmp_path / name, history(300)) for name in ("a.png", "b.png"))
    assert first.read_bytes() == second.read_bytes()


def test_matplotlib_is_loaded_late_and_without_its_global_state(tmp_path):
    code = (
        "import sys, ganlab.pictures.plots as plots; assert 'matplotlib' not in sys.modules;"
        "plots.write_losses(sys.argv[1], {}); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], check=True)


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (4, 1), (9, 3)])
def test_a_sheet_has_a_plot_for_each_run(tmp_path, count, rows):
    path = write_loss_sheet(tmp_path / "sheet.png", {f"run {index}": history(30) for index in range(count)})
    with Image.open(path) as picture:
        assert picture.size == (340 * min(count, 4), round(50 + 230 * rows))
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    height = (picture.size[1] - 50) / rows
    blue = np.argwhere((abs(pixels - BLUE).sum(-1) < 40)[50:])
    panels = {(int(row // height), int(column // 340)) for row, column in blue}
    assert panels == {divmod(index, 4) for index in range(count)}


def test_a_run_without_losses_leaves_its_place_on_the_sheet(tmp_path):
    path = write_loss_sheet(tmp_path / "sheet.png", {"without": {}, "with": history(30)})
    with Image.open(path) as picture:
        assert picture.size == (680, 280)


NAMES = [f"learning_rate_0.000{index}-batch_size_64-loss_non_saturating, seed 0, 03755dda" for index in range(6)]


@pytest.mark.parametrize("titles", [NAMES, NAMES[:1], ["x" * 150, "a $run$ " * 12]])
def test_titles_on_a_sheet_are_whole_and_apart(tmp_path, drawn, titles):
    write_loss_sheet(tmp_path / "sheet.png", {title: history(30) for title in titles})
    shown = [axes.title for axes in drawn.axes if axes.title.get_text()]
    assert ["".join(title.get_text().split()) for title in shown] == ["".join(title.split()) for title in titles]
    legend = drawn.legends[0].get_texts()
    assert overlapping(drawn, [*shown, *legend]) == []


def test_the_one_legend_of_a_sheet_does_not_count_lost_values(tmp_path, drawn):
    lost = {"d_loss": np.where(np.arange(30) < 9, np.nan, 1.0)}
    write_loss_sheet(tmp_path / "sheet.png", {"a": history(30), "b": history(30) | lost})
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["discriminator", "generator"]
