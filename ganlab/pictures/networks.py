"""gan.png: every layer of the networks as labelled boxes, drawn by Pillow alone.

Keras' plot_model needs the graphviz program, which a user may not have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ganlab.errors import GanlabError
from ganlab.storage.writing import replacing


@dataclass(frozen=True)
class LayerRow:
    """One layer of a drawing.

    Attributes:
        name: of the layer.
        kind: its class.
        output_shape: with or without the batch's None in front.
        parameters: how many numbers it holds.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int


@dataclass(frozen=True)
class NetworkDrawing:
    """One network, from its input to its output."""

    name: str
    rows: Sequence[LayerRow]


# All lengths in pixels. Pictures are shown at half size by most screens that matter, hence the large fonts.
_TITLE, _TEXT, _SMALL = 44, 30, 22
_PAPER, _INK, _PALE, _LINE = "#ffffff", "#1f2430", "#6b7280", "#475569"
_MARGIN, _GUTTER, _HEADER = 60, 140, 150
_BOX_HEIGHT, _GAP, _INSET, _STRIPE = 92, 36, 28, 12
_TEXT_GAP = 70  # between what stands left and right in a box

# What a layer's class name contains: (stripe, fill). The first that fits counts.
_COLOURS = {
    "Input": ("#64748b", "#f1f5f9"),
    "Norm": ("#15803d", "#f0fdf4"),
    "Conv": ("#c2410c", "#fff7ed"),
    "Dense": ("#1d4ed8", "#eff6ff"),
    "Embedding": ("#1d4ed8", "#eff6ff"),
    "Dropout": ("#a16207", "#fefce8"),
    "Gaussian": ("#a16207", "#fefce8"),
    "LU": ("#be185d", "#fdf2f8"),
    "Activation": ("#be185d", "#fdf2f8"),
    "": ("#6d28d9", "#f5f3ff"),
}


def write_drawing(path: Path, networks: Sequence[NetworkDrawing]) -> Path:
    """Draws the networks side by side, an arrow from each one's output to the next one's input.

    Args:
        path: the PNG, written whole or not at all.
        networks: from left to right, such as generator and discriminator.

    Raises:
        GanlabError: if there is nothing to draw or the file cannot be written.
    """
    if not networks or not all(network.rows for network in networks):
        raise GanlabError(f"{path}: expected networks with at least one layer each, received none.")
    widths = [_column_width(network) for network in networks]
    deepest = max(len(network.rows) for network in networks)
    height = 2 * _MARGIN + _HEADER + deepest * (_BOX_HEIGHT + _GAP) + _GAP
    width = 2 * _MARGIN + sum(widths) + _GUTTER * (len(networks) - 1)
    picture = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    left = _MARGIN
    for index, (network, column) in enumerate(zip(networks, widths, strict=True)):
        _draw_network(draw, network, left, column)
        if index + 1 < len(networks):
            next_middle = left + column + _GUTTER + widths[index + 1] // 2
            _draw_connection(draw, len(network.rows), left + column // 2, left + column, next_middle)
        left += column + _GUTTER
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
    return path


def _draw_network(draw: ImageDraw.ImageDraw, network: NetworkDrawing, left: int, width: int) -> None:
    total = sum(row.parameters for row in network.rows)
    middle = left + width // 2
    draw.text((middle, _MARGIN), network.name, _INK, _font(_TITLE), anchor="ma")
    draw.text((middle, _MARGIN + 60), f"{total:,} parameters", _PALE, _font(_SMALL), anchor="ma")
    for index, row in enumerate(network.rows):
        top = _top(index)
        if index:
            _draw_arrow(draw, [(middle, top - _GAP), (middle, top)])
        _draw_box(draw, row, left, top, width)


def _draw_box(draw: ImageDraw.ImageDraw, row: LayerRow, left: int, top: int, width: int) -> None:
    stripe, fill = next(colours for part, colours in _COLOURS.items() if part in row.kind)
    right, bottom = left + width, top + _BOX_HEIGHT
    draw.rounded_rectangle((left, top, right, bottom), 12, fill=fill, outline=stripe, width=2)
    draw.rounded_rectangle((left, top, left + _STRIPE, bottom), 12, fill=stripe, corners=(True, False, False, True))
    first, second = top + 42, top + 74  # baselines
    draw.text((left + _INSET, first), row.kind, _INK, _font(_TEXT), anchor="ls")
    draw.text((left + _INSET, second), row.name, _PALE, _font(_SMALL), anchor="ls")
    draw.text((right - _INSET, first), _shape_text(row), _INK, _font(_TEXT), anchor="rs")
    draw.text((right - _INSET, second), _parameter_text(row), _PALE, _font(_SMALL), anchor="rs")


def _draw_connection(draw: ImageDraw.ImageDraw, rows: int, middle: int, right: int, next_middle: int) -> None:
    """From below the last box, up between the columns, into the first box of the next one."""
    below, above = _top(rows) - _GAP // 2 + 8, _top(0) - _GAP - 8
    between = right + _GUTTER // 2
    start = (middle, _top(rows) - _GAP)
    _draw_arrow(
        draw,
        [
            start,
            (middle, below),
            (between, below),
            (between, above),
            (next_middle, above),
            (next_middle, _top(0)),
        ],
    )


def _draw_arrow(draw: ImageDraw.ImageDraw, points: list[tuple[int, int]]) -> None:
    """A line through the points that ends in a head pointing down."""
    x, y = points[-1]
    draw.line([*points[:-1], (x, y - 10)], fill=_LINE, width=4, joint="curve")
    draw.polygon([(x, y), (x - 9, y - 16), (x + 9, y - 16)], fill=_LINE)


def _top(index: int) -> int:
    return _MARGIN + _HEADER + index * (_BOX_HEIGHT + _GAP)


def _column_width(network: NetworkDrawing) -> int:
    lines = [(row.kind, _shape_text(row), _TEXT) for row in network.rows]
    lines += [(row.name, _parameter_text(row), _SMALL) for row in network.rows]
    inner = max(_font(size).getlength(left) + _font(size).getlength(right) for left, right, size in lines)
    return round(max(inner + _TEXT_GAP + 2 * _INSET, _font(_TITLE).getlength(network.name), 520))


def _shape_text(row: LayerRow) -> str:
    shape = row.output_shape[1:] if row.output_shape[:1] == (None,) else row.output_shape
    return " x ".join("any" if length is None else f"{length:,}" for length in shape)


def _parameter_text(row: LayerRow) -> str:
    return f"{row.parameters:,} parameters" if row.parameters else ""


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
