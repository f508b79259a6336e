"""losses.png and outputs.png: the columns of history.csv over steps.

A pale curve shows every step, a strong curve the running mean.
"""

import contextlib
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.pictures.canvas import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 4  # plots in a row of a sheet
_TITLE_WIDTH = 40  # characters of a line above a small plot
_PLACES = 500  # points of the running mean of a long history
_MEAN_OVER = 50  # steps at least; a hundredth of a long history
_MOST = 1e30  # a greater loss counts as not finite; float64 sums of it would overflow

# Column of a history -> (label, colour)
_KNOWN = {
    "d_loss": ("discriminator", "#1d4ed8"),
    "g_loss": ("generator", "#c2410c"),
    "penalty": ("penalty", "#15803d"),
}
_COLOURS = ("#1d4ed8", "#c2410c", "#15803d", "#6d28d9", "#a16207")
_NO_LOSSES = ("step", "seconds", "diversity", "recall")
_OUTPUTS = {
    "d_real": ("real images", "#1d4ed8"),
    "d_fake": ("generated images", "#c2410c"),
    "d_generator": ("generated images, in the generator's update", "#15803d"),
}


def write_losses(path: Path, history: dict[str, np.ndarray]) -> Path:
    """Draws the losses of any objective and their parts, such as penalties, over steps.

    Args:
        path: the PNG, written completely or not at all.
        history: columns of one length; `step` gives the x axis (else 1, 2, ...).
    """
    return _write(path, history, _losses_of(history), "loss")


def _losses_of(history: dict[str, np.ndarray]) -> dict[str, tuple[str, str]]:
    """The objective's own columns, without the outputs and accuracies of a discriminator."""
    others = ("d_", "saturated_")
    found = [n for n in history if n not in _NO_LOSSES and (n.endswith("loss") or not n.startswith(others))]
    taken = {_KNOWN[name][1] for name in found if name in _KNOWN}
    free = itertools.cycle([colour for colour in _COLOURS if colour not in taken])
    return {name: _KNOWN.get(name) or (name, next(free)) for name in found}


def write_outputs(path: Path, history: dict[str, np.ndarray]) -> Path:
    """Draws the discriminator's mean outputs d_real, d_fake and d_generator over steps; see `write_losses`."""
    return _write(path, history, _OUTPUTS, "mean discriminator output")


def _write(path: Path, history: dict[str, np.ndarray], curves: dict[str, tuple[str, str]], unit: str) -> Path:
    with drawing(path, 9, 5, dpi=120, layout="constrained") as figure:
        axes = figure.add_subplot()
        _draw_curves(axes, history, curves)
        axes.set(xlabel="step", ylabel=unit)
        if axes.get_legend_handles_labels()[1]:
            figure.legend(frameon=False, loc="outside upper left", ncols=3)
    return path


def _draw_curves(axes: "Axes", history: dict[str, np.ndarray], curves: dict[str, tuple[str, str]]) -> None:
    """Draws the curves for which the history has values."""
    present = [column for column in curves if len(history.get(column, ()))]
    for column in present:
        label, colour = curves[column]
        values = np.asarray(history[column], np.float64)
        steps = np.asarray(history.get("step", np.arange(1, len(values) + 1)), np.float64)
        if not column.endswith("loss"):  # a lazy penalty has values in some steps only
            values, steps = values[~np.isnan(values)], steps[~np.isnan(values)]
        _draw_curve(axes, steps, values, label, colour)
    axes.grid(color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if not present:
        axes.text(0.5, 0.5, "nothing recorded", ha="center", transform=axes.transAxes)


def _draw_curve(axes: "Axes", steps: np.ndarray, values: np.ndarray, label: str, colour: str) -> None:
    """Draws one curve. Values that are not finite leave gaps, and the legend counts them."""
    kept = np.abs(values) < _MOST  # False for NaN, too
    if lost := len(values) - kept.sum():
        label = f"{label} ({lost:,} of {len(values):,} steps not finite)"
    if kept.sum() > 4 * _MEAN_OVER:
        axes.plot(steps, np.where(kept, values, np.nan), color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(*running_mean(steps[kept], values[kept]), color=colour, linewidth=1.6, label=label)
    else:
        few = {"marker": "o", "markersize": 3} if kept.sum() < 50 else {}
        axes.plot(steps, np.where(kept, values, np.nan), color=colour, label=label, **few)


def running_mean(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values `(N,)`, averaged over 50 neighbours or N / 100, at up to 500 places.

    Each average is a sum of its own, so one huge value changes only its neighbours.
    """
    width = max(_MEAN_OVER, len(values) // 100)
    places = len(values) - width + 1
    starts = np.linspace(0, places - 1, min(_PLACES, places)).astype(int)
    return tuple(np.array([column[start : start + width].mean() for start in starts]) for column in (steps, values))


@contextlib.contextmanager
def sheet(path: Path, titles: Sequence[str]) -> Iterator[list]:
    """Gives the axes of small plots with these titles, four in a row, and writes them as one PNG with one legend."""
    wrapped = ["\n".join(textwrap.wrap(title, _TITLE_WIDTH)) for title in titles]
    columns = max(1, min(_COLUMNS, len(titles)))
    rows = max(1, -(-len(titles) // columns))
    lines = max((title.count("\n") for title in wrapped), default=0)  # beyond the first one
    with drawing(path, 3.4 * columns, 0.5 + (2.3 + 0.14 * lines) * rows, dpi=100, layout="constrained") as figure:
        plots = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in plots[len(titles) :]:
            axes.set_axis_off()
        for axes, title in zip(plots, wrapped, strict=False):
            axes.set_title(title, fontsize=8, parse_math=False)  # a name may hold a dollar
            axes.tick_params(labelsize=7)
        yield plots[: len(titles)]
        named = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in plots]
        # Without the counts of lost values: they differ from run to run, and each would need a line of the legend.
        handles = {label.partition(" (")[0]: handle for pairs in named for handle, label in pairs}
        if handles:
            places = {"loc": "outside upper left", "ncols": min(3, 2 * columns)}
            figure.legend(handles.values(), handles, frameon=False, fontsize=8, **places)


def write_loss_sheet(path: Path, histories: dict[str, dict[str, np.ndarray]]) -> Path:
    """Draws the losses of many runs as small plots on one sheet, each with its own axes.

    Args:
        path: the PNG, written completely or not at all.
        histories: title of the plot -> history, as for `write_losses`.
    """
    with sheet(path, list(histories)) as plots:
        for axes, history in zip(plots, histories.values(), strict=True):
            _draw_curves(axes, history, _losses_of(history))
    return path
