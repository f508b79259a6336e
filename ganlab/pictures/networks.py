"""The models/ folder of a run: Keras' summaries as text, and gan.png, a graph with a box for every layer.

Keras' own plot_model needs the graphviz program, which a user may not have.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ganlab.config.schema import Config
from ganlab.errors import GanlabError
from ganlab.pictures.canvas import default_settings, drawing
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ganlab.models.building import Models
    from ganlab.models.network import Network


@dataclass(frozen=True)
class LayerRow:
    """One layer of a drawing: its name, class, output shape without the batch (None for any length) and parameter count.

    `inputs` names the layers of the same network whose outputs this layer takes.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    inputs: tuple[str, ...] = ()


# All lengths in points.
_TITLE, _SIZES = 18, (12, 9)
_INK, _PALE = "#1f2430", "#6b7280"
_STROKE = {"color": "#475569", "linewidth": 1.5, "zorder": 1, "snap": False}
_MARGIN, _HEADER, _GUTTER = 24, 68, 56
_HEIGHT, _GAP, _INSET = 38, 22, 13  # of a box, below it, beside its text
_LEAST_WIDTH, _PASSING = 220, 22  # of a column with boxes, of one with passing lines alone
_DPI, _MOST_SIDE, _MOST_PIXELS = 130, 60_000, 40e6  # Agg draws 2**16 pixels a side, Pillow reads 89 million in all

# A part of a layer's class name -> colour; the first part that fits counts.
_COLOURS = {
    "Input": "#64748b",
    "Norm": "#15803d",
    "Conv": "#c2410c",
    "Dense": "#1d4ed8",
    "Embedding": "#1d4ed8",
    "Dropout": "#a16207",
    "Gaussian": "#a16207",
    "LU": "#be185d",
    "Activation": "#be185d",
    "": "#6d28d9",
}


def write_models(folder: RunFolder, config: Config, models: "Models") -> None:
    """Writes a summary of each network, a summary of the chain of all networks (gan.txt), and gan.png."""
    from ganlab.models.building import chained

    summarised = {name: network.model for name, network in models.networks.items()}
    if config.IS_CHAIN:
        summarised["gan"] = chained(models.networks)
    for name, model in summarised.items():
        lines: list[str] = []
        with _without_display():
            model.summary(print_fn=lambda line, lines=lines: lines.append(f"{line}\n"), line_length=100)
        write_text(folder.summary_of(name), "".join(lines))
    rows = {name: rows_of(network) for name, network in models.networks.items()}
    write_drawing(folder.drawing, rows, config.IS_CHAIN)


def _without_display() -> AbstractContextManager:
    """In a notebook Keras also shows an empty box for each summary that goes to a `print_fn`."""
    if "IPython" not in sys.modules:
        return nullcontext()
    from IPython.utils.capture import capture_output

    return capture_output()


def rows_of(network: "Network") -> list[LayerRow]:
    """The layers of a network, once each: the run on a reference batch is left out."""
    shapes, drawn = network.shapes, set(network.inputs)
    rows = [LayerRow(name, "Input", shapes[name], 0) for name in network.inputs]
    for node in network.nodes:
        if node.name == node.layer.name:
            takes = tuple(name for name in dict.fromkeys((*node.takes, *node.more.values())) if name in drawn)
            rows.append(LayerRow(node.name, type(node.layer).__name__, node.shape, node.layer.count_params(), takes))
            drawn.add(node.name)
    return rows


Node = tuple[str, int]  # a layer and its row, or a row below it that a line from the layer passes


def arrange(rows: Sequence[LayerRow]) -> tuple[dict[str, int], dict[Node, int], list[tuple[Node, Node]]]:
    """Lays a network out: a row for each depth, branches side by side, and room for lines that pass rows.

    Returns:
        the row of each layer, the column of each node, and the lines from a node to a node in the next row.
    """
    depth: dict[str, int] = {}
    for row in rows:
        depth[row.name] = 1 + max((depth[name] for name in row.inputs), default=-1)
    lines = [((name, depth[row.name] - 1), (row.name, depth[row.name])) for row in rows for name in row.inputs]
    lowest = dict(depth)  # the last row that a line from the layer passes
    for (name, level), _ in lines:
        lowest[name] = max(lowest[name], level)
    lines += [((name, level), (name, level + 1)) for name in depth for level in range(depth[name], lowest[name])]
    starts: dict[Node, list[Node]] = {}
    for start, end in lines:
        starts.setdefault(end, []).append(start)
    columns: dict[Node, int] = {}
    for level in range(max(depth.values()) + 1):
        nodes = [(name, level) for name in depth if depth[name] <= level <= lowest[name]]
        # A node stands below the leftmost of its inputs. Layers come before passing lines.
        wanted = {node: min((columns[start] for start in starts.get(node, [])), default=0) for node in nodes}
        free = 0
        for node in sorted(nodes, key=lambda node: (wanted[node], depth[node[0]] < level)):
            columns[node] = max(free, wanted[node])
            free = columns[node] + 1
    return depth, columns, lines


@default_settings()
def write_drawing(path: Path, networks: Mapping[str, Sequence[LayerRow]], chained: bool = False) -> Path:
    """Draws networks side by side.

    Args:
        path: the PNG, written completely or not at all.
        networks: by name, from left to right; each layer stands behind the layers whose outputs it takes.
        chained: whether an arrow leads from the last layer of each network to the first of the next.

    Raises:
        GanlabError: if there is nothing to draw or the file cannot be written.
    """
    if not networks or not all(networks.values()):
        raise GanlabError(f"{path}: expected networks with at least one layer each, received none.")
    plans: list[_Plan] = []
    for name, rows in networks.items():
        plans.append(_Plan(name, rows, plans[-1].right + _GUTTER if plans else _MARGIN))
    width = plans[-1].right + _MARGIN
    height = max(_top(level) for plan in plans for level in plan.depth.values()) + _HEIGHT + _GAP + _MARGIN
    dpi = min(_DPI, 72 * _MOST_SIDE / max(width, height), 72 * math.sqrt(_MOST_PIXELS / (width * height)))
    with drawing(path, width / 72, height / 72, dpi) as figure:
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for plan in plans:
            plan.draw(axes)
        for plan, following in pairwise(plans) if chained else ():
            plan.connect(axes, following)
    return path


class _Plan:
    """One network on the sheet, between the borders `left` and `right`."""

    def __init__(self, name: str, rows: Sequence[LayerRow], left: float):
        self.name, self.rows, self.left = name, rows, left
        self.depth, columns, self.lines = arrange(rows)
        texts = [_width(a + b, size) for row in rows for (a, b), size in zip(_texts(row), _SIZES, strict=True)]
        self.box = max(_LEAST_WIDTH, max(texts) + 4 * _INSET)
        boxes = {columns[node] for node in self.depth.items()}
        widths = [self.box if column in boxes else _PASSING for column in range(max(columns.values()) + 1)]
        ends = [left + sum(widths[: column + 1]) + _GAP * column for column in range(len(widths))]
        self.right = max(ends[-1], left + _width(name, _TITLE))
        self.middle = {node: ends[column] - widths[column] / 2 for node, column in columns.items()}

    def draw(self, axes: "Axes") -> None:
        total = sum(row.parameters for row in self.rows)
        _write(axes, self.left, _MARGIN + _TITLE, self.name, _TITLE, _INK)
        _write(axes, self.left, _MARGIN + _TITLE + 16, f"{total:,} parameters", _SIZES[1], _PALE)
        for start, end in self.lines:
            x, top = self.middle[end], _top(end[1])
            if end in self.depth.items():
                _arrow(axes, (self.middle[start], top - _GAP), (x, top))
            else:
                axes.plot([self.middle[start], x, x], [top - _GAP, top, top + _HEIGHT], **_STROKE)
        for row in self.rows:
            node = row.name, self.depth[row.name]
            _box(axes, row, self.middle[node] - self.box / 2, _top(node[1]), self.box)

    def connect(self, axes: "Axes", following: "_Plan") -> None:
        """Draws an arrow from the last layer, up between the networks, to the first layer of the next one."""
        last, between = self.rows[-1].name, self.right + _GUTTER / 2
        x, to_x = self.middle[last, self.depth[last]], following.middle[following.rows[0].name, 0]
        bottom, above = _top(self.depth[last]) + _HEIGHT, _top(0) - _GAP
        turn = bottom + _GAP / 2
        axes.plot([x, x, between, between, to_x], [bottom, turn, turn, above, above], **_STROKE)
        _arrow(axes, (to_x, above), (to_x, _top(0)))


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 11}
    axes.annotate("", end, start, arrowprops=style | _STROKE)


def _box(axes: "Axes", row: LayerRow, left: float, top: float, width: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    colour = next(colour for part, colour in _COLOURS.items() if part in row.kind)
    shape = "round,pad=0,rounding_size=5"
    axes.add_patch(FancyBboxPatch((left, top), width, _HEIGHT, shape, fc=(colour, 0.06), ec=colour))
    axes.plot([left + 6, left + 6], [top + 8, top + _HEIGHT - 8], color=colour, linewidth=4, solid_capstyle="round")
    for (begin, end), size, ink, line in zip(_texts(row), _SIZES, (_INK, _PALE), (top + 16, top + 30), strict=True):
        _write(axes, left + _INSET + 4, line, begin, size, ink)
        _write(axes, left + width - _INSET, line, end, size, ink, "right")


def _texts(row: LayerRow) -> tuple[tuple[str, str], tuple[str, str]]:
    """The left and right texts of both lines in a box."""
    shape = " × ".join("any" if length is None else f"{length:,}" for length in row.output_shape)
    return (row.kind, shape), (row.name, f"{row.parameters:,} parameters" if row.parameters else "")


def _write(axes: "Axes", x: float, y: float, text: str, size: float, colour: str, side: str = "left") -> None:
    axes.text(x, y, text, size=size, color=colour, horizontalalignment=side, parse_math=False)


def _width(text: str, size: float) -> float:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0]


def _top(level: int) -> float:
    return _MARGIN + _HEADER + level * (_HEIGHT + _GAP)
