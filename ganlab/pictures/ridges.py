"""histograms.png: the histograms of layers over a training, as ridges from early (back, top) to late (front, bottom)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ganlab.pictures.canvas import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 24  # ridges of a layer
_HEIGHT = 2.5  # of the highest ridge, in distances between ridges


def write_ridges(path: Path, files: Mapping[int, Path], layers: Sequence[tuple[str, str]]) -> Path:
    """Draws a plot for each layer, side by side. Of more than 24 steps, 24 at even distances are drawn.

    Args:
        path: the PNG, written completely or not at all.
        files: step -> the .npz with NETWORK.LAYER.counts (bins,) and NETWORK.LAYER.edges (bins + 1,). Steps of a phase in which
            a layer does not exist have none of its arrays.
        layers: (network, layer) of each plot.
    """
    steps = sorted(files)
    steps = [
        steps[index] for index in np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST)).round().astype(int))
    ]
    loaded = {}
    for step in steps:
        with np.load(files[step], allow_pickle=False) as file:
            loaded[step] = dict(file)
    with drawing(path, 5 * len(layers), 2 + 0.25 * len(steps), dpi=110, layout="constrained") as figure:
        for axes, (network, layer) in zip(figure.subplots(1, len(layers), squeeze=False)[0], layers, strict=True):
            name = f"{network}.{layer}"
            there = {step: arrays for step, arrays in loaded.items() if f"{name}.counts" in arrays}
            _draw(axes, {step: (arrays[f"{name}.counts"], arrays[f"{name}.edges"]) for step, arrays in there.items()})
            axes.set_title(name, fontsize=10, parse_math=False)
            axes.set(xlabel="output", ylabel="step")
    return path


def _draw(axes: "Axes", histograms: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
    """Draws one ridge for each step: the share of values in each bin, scaled to one height."""
    for place, (counts, edges) in enumerate(histograms.values()):
        base, share = -place, counts / max(1, counts.max())
        colour = (
            0.11 + 0.65 * place / max(1, len(histograms) - 1),
            0.31,
            0.85 - 0.8 * place / max(1, len(histograms) - 1),
        )
        axes.stairs(base + _HEIGHT * share, edges, baseline=base, fill=True, facecolor="white", zorder=place)
        axes.stairs(base + _HEIGHT * share, edges, baseline=base, fill=True, color=colour, alpha=0.45, zorder=place)
        axes.stairs(base + _HEIGHT * share, edges, baseline=base, color=colour, linewidth=1, zorder=place)
    axes.set_yticks([-place for place in range(len(histograms))], [f"{step:,}" for step in histograms])
    axes.spines[["top", "right", "left"]].set_visible(False)
