"""estimates.png of data that are no images: every sample of a training in one plot, from light (early) to dark (late)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlab.pictures.canvas import drawing
from ganlab.pictures.samples import borders_of, points_of

_GREYS = 0.9, 0.0  # of the first and the last step but one; 1 is white
_MOST_TARGETS = 100


def write_estimates(path: Path, files: Sequence[Path], real: np.ndarray, value_range: tuple[float, float]) -> Path:
    """Draws the first two numbers of each sample: the last step in green, the real samples as red crosses.

    This is the form of Figure 12 of J. Perry, GAN Project 2022-23.

    Args:
        path: the PNG, written completely or not at all.
        files: the arrays `(n, ...)` of the steps, in order. There is at least one.
        real: `(M, ...)`; of more than 100 samples the first 100 are drawn.
        value_range: borders of an axis on which all real samples have one value.
    """
    steps = [points_of(np.load(file, allow_pickle=False)) for file in files]
    target = points_of(real[:_MOST_TARGETS])
    low, high = borders_of(target, value_range)
    greys = np.repeat(np.linspace(*_GREYS, len(steps)), [len(points) for points in steps])
    with drawing(path, 5, 5, dpi=100, layout="constrained") as figure:
        axes = figure.add_subplot(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        axes.scatter(*np.concatenate(steps).T, s=8, c=greys, cmap="gray", vmin=0, vmax=1, linewidths=0)
        axes.scatter(*steps[-1].T, s=14, color="#15803d", linewidths=0, label="last step")
        axes.scatter(*target.T, s=60, color="#dc2626", marker="x", label="real")
        axes.set_xlabel(f"{len(steps):,} sample steps, from light to dark")
        figure.legend(frameon=False, loc="outside upper left", ncols=2)
    return path
