"""Curves with their spread over seeds, in one plot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ganlab.pictures.canvas import drawing

_DASHES = ("-", "--", ":")


class Point(Protocol):
    """A mean, and its deviation, None for a single value."""

    mean: float | None
    sd: float | None


def write_curves(
    path: Path, curves: Mapping[str, Mapping[float, Point]], x: str, y: str, title: str, logarithmic: bool = False
) -> Path:
    """Draws a curve through the means for each name, with a band of one standard deviation each way.

    Args:
        path: the PNG, written completely or not at all.
        curves: name -> (place on the x axis, greater than 0 if it is logarithmic -> mean and deviation).
        x, y: labels of the axes.
        title: above the plot.
        logarithmic: whether the x axis is logarithmic.
    """
    with drawing(path, 9, 5, dpi=110, layout="constrained") as figure:
        import matplotlib

        axes = figure.add_subplot()
        colours = matplotlib.colormaps["tab10"].colors
        for number, (name, points) in enumerate(curves.items()):
            style = {
                "color": colours[number % len(colours)],
                "linestyle": _DASHES[number // len(colours) % len(_DASHES)],
            }
            places, means = list(points), [point.mean for point in points.values()]
            axes.plot(places, means, marker="o", markersize=4, label=name, **style)
            spreads = [point.sd or 0.0 for point in points.values()]
            low, high = ([m + sign * s for m, s in zip(means, spreads, strict=True)] for sign in (-1, 1))
            axes.fill_between(places, low, high, color=style["color"], alpha=0.15, linewidth=0)
        if logarithmic:
            axes.set_xscale("log")
        axes.set_xlabel(x)
        axes.set_ylabel(y, parse_math=False)
        axes.set_title(title, fontsize=10, parse_math=False)
        axes.grid(color="#e5e7eb")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(frameon=False, loc="outside right upper")
    return path
