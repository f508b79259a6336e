"""Strips: the sample grids of one run side by side, a caption above each, so that a training is seen at a glance."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ganlab.data.decoding import refusing_bombs
from ganlab.errors import GanlabError
from ganlab.storage.writing import replacing

_COUNT = 8
_COLUMNS = 4
_MOST_WIDTH = 420  # pixels of one grid; a larger one is made smaller
_MARGIN = 16
_CAPTION, _TITLE = 17, 21  # font sizes
_INK, _PAPER = "#1f2937", "#ffffff"


def choose_steps(available: Sequence[int], wanted: Sequence[int] = ()) -> list[int]:
    """The steps to show of a training, in order.

    Args:
        available: the steps that have a grid.
        wanted: those that are shown if at least two of them are available. Else up to eight are taken, densest at the
            beginning, where most happens: nearest to `last * (i / 7) ** 2`.
    """
    available = sorted(available)
    chosen = [step for step in wanted if step in set(available)]
    if len(chosen) > 1 or not available:
        return chosen
    left, shown = set(available), []
    for index in reversed(range(min(_COUNT, len(left)))):
        place = available[-1] * (index / (_COUNT - 1)) ** 2
        shown.append(min(left, key=lambda step: (abs(step - place), step)))
        left.remove(shown[-1])
    return sorted(shown)


def write_strip(path: Path, pictures: Sequence[Path], captions: Sequence[str], title: str) -> Path:
    """Writes grids of one size as one PNG, four in a row, whole or not at all.

    Args:
        path: the PNG.
        pictures: the grids.
        captions: of each grid, to stand above it.
        title: to stand above all.

    Raises:
        GanlabError: there are no pictures, or one cannot be read.
    """
    if not pictures:
        raise GanlabError(f"{path}: expected at least one grid, received none")
    grids = [_grid(picture) for picture in pictures]
    width, height = max(grid.width for grid in grids), max(grid.height for grid in grids)
    columns = min(_COLUMNS, len(grids))
    rows = -(-len(grids) // columns)
    step_x, step_y = width + _MARGIN, height + 2 * _CAPTION + _MARGIN
    top = _TITLE + _MARGIN
    size = (columns * step_x + _MARGIN, top + rows * step_y + _MARGIN // 2)
    sheet = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN), title, fill=_INK, font=ImageFont.load_default(_TITLE))
    for index, (grid, caption) in enumerate(zip(grids, captions, strict=True)):
        left = _MARGIN + index % columns * step_x
        upper = top + index // columns * step_y + _MARGIN
        pen.text((left, upper), caption, fill=_INK, font=ImageFont.load_default(_CAPTION))
        sheet.paste(grid, (left, upper + _CAPTION + 6))
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG", optimize=True)
    return path


def _grid(path: Path) -> Image.Image:
    try:
        # PNG alone: of the other formats Pillow knows, some start programs. The run may be someone else's.
        with refusing_bombs(), Image.open(path, formats=["PNG"]) as picture:
            grid = picture.convert("RGB")
    except Exception as error:  # damaged pictures raise nearly anything from inside of Pillow's decoders
        raise GanlabError(f"{path}: cannot be read as a picture: {' '.join(str(error).split())}") from error
    if grid.width > _MOST_WIDTH:
        grid = grid.resize((_MOST_WIDTH, round(grid.height * _MOST_WIDTH / grid.width)), Image.Resampling.LANCZOS)
    return grid
