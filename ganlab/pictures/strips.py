"""Strips: sample grids of one run side by side, a caption above each, to show a whole training."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganlab.errors import GanlabError
from ganlab.pictures.canvas import drawing
from ganlab.pictures.images import read_png

_COUNT = 8
_COLUMNS = 4
_MOST_WIDTH = 420  # pixels of one grid
_LEAST_WIDTH = 360  # pixels of a strip, for its title
_MARGIN, _CAPTION, _TITLE = 16, 26, 22  # pixels; _TITLE is a line of the title
_LETTER = 9  # pixels, more than letters of the title take on average
_DPI = 72  # a point is a pixel


def choose_steps(available: Sequence[int], wanted: Sequence[int] = (), most: int = _COUNT) -> list[int]:
    """The steps of a training to show, in order.

    Args:
        available: the steps that have a grid.
        wanted: the steps to show if at least two of them are available. Else steps are chosen, densest at the beginning,
            where most changes: the nearest to `last * (i / (most - 1)) ** 2`.
        most: how many steps are chosen.
    """
    available = sorted(available)
    chosen = [step for step in wanted if step in set(available)]
    if len(chosen) > 1 or not available:
        return chosen
    left, shown = set(available), []
    for index in reversed(range(min(most, len(left)))):
        place = available[-1] * (index / (most - 1)) ** 2
        shown.append(min(left, key=lambda step: (abs(step - place), step)))
        left.remove(shown[-1])
    return sorted(shown)


def write_strip(path: Path, pictures: Sequence[Path], captions: Sequence[str], title: str) -> Path:
    """Writes grids as one PNG, four in a row, pixel for pixel.

    Args:
        path: the PNG, written completely or not at all.
        pictures: the grids. A grid that is wider than 420 pixels becomes smaller.
        captions: a text above each grid.
        title: a text above all.

    Raises:
        GanlabError: there are no pictures, or one cannot be read.
    """
    if not pictures:
        raise GanlabError(f"{path}: expected at least one grid, received none")
    grids = [_grid(picture) for picture in pictures]
    columns = min(_COLUMNS, len(grids))
    # A caption may be wider than a small grid.
    step_x = max(*(grid.width for grid in grids), *(_LETTER * len(caption) for caption in captions)) + _MARGIN
    step_y = max(grid.height for grid in grids) + _CAPTION + _MARGIN
    width = max(columns * step_x + _MARGIN, _LEAST_WIDTH)
    lines = textwrap.wrap(title, (width - 2 * _MARGIN) // _LETTER)
    head = _TITLE * max(1, len(lines)) + _MARGIN
    height = head + -(-len(grids) // columns) * step_y + _MARGIN
    with drawing(path, width / _DPI, height / _DPI, _DPI) as figure:
        style = {"verticalalignment": "bottom", "color": "#1f2937", "parse_math": False}
        for number, line in enumerate(lines, 1):
            figure.text(_MARGIN / width, 1 - (_MARGIN / 2 + number * _TITLE) / height, line, size=14, **style)
        for index, (grid, caption) in enumerate(zip(grids, captions, strict=True)):
            left = _MARGIN + index % columns * step_x
            top = height - head - index // columns * step_y - _CAPTION  # counted from below, as matplotlib does
            figure.text(left / width, (top + 4) / height, caption, size=12, **style)
            figure.figimage(np.asarray(grid), left, top - grid.height)
    return path


def _grid(path: Path) -> Image.Image:
    grid = read_png(path, lambda picture: picture.convert("RGB"))
    if grid.width > _MOST_WIDTH:
        grid = grid.resize((_MOST_WIDTH, round(grid.height * _MOST_WIDTH / grid.width)), Image.Resampling.LANCZOS)
    return grid
