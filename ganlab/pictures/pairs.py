"""Pairs of images, one above the other, with a number below each pair."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlab.pictures.canvas import drawing

_COLUMNS = 10


def write_pairs(path: Path, above: np.ndarray, below: np.ndarray, numbers: Sequence[float], title: str) -> Path:
    """Draws pairs in rows of ten.

    Args:
        path: the PNG, written completely or not at all.
        above, below: uint8 (N, H, W, C), N >= 1.
        numbers: one for each pair.
        title: a line above all.
    """
    columns = min(_COLUMNS, len(above))
    rows = -(-len(above) // columns)
    with drawing(path, max(5, columns), 0.6 + 2.3 * rows, dpi=100, layout="constrained") as figure:
        figure.suptitle(title, fontsize=10, parse_math=False)
        grid = figure.subplots(2 * rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for index, pair in enumerate(zip(above, below, strict=True)):
            row, column = divmod(index, columns)
            for offset, image in enumerate(pair):
                axes = grid[2 * row + offset, column]
                axes.imshow(image[..., 0] if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
            axes.set_title(f"{numbers[index]:.4g}", y=-0.28, fontsize=8)
    return path
