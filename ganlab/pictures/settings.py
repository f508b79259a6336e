"""A score over the settings in which runs differ: one small plot a setting, or one line a run through all settings."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlab.pictures.canvas import drawing
from ganlab.pictures.plots import sheet

_LOGARITHMIC = 20  # greatest value over least value of a setting
_APART = 0.15  # least distance of two numbers at an axis of length 1
_MOST_LETTERS, _MOST_WORDS = 40, 8  # side by side below a small plot
_LABEL_WIDTH = 26  # characters
_COLOUR = "#1d4ed8"


class _Scale:
    """The places of a setting's values on an axis from 0 to 1, and the values that are written there.

    Numbers that span a factor of 20 are placed by their logarithms. Texts stand at equal distances; '' is written `none`.
    """

    def __init__(self, values: Sequence[str]):
        values = [value or "none" for value in values]
        numbers = [_as_number(value) for value in values]
        is_numeric = None not in numbers
        if is_numeric:
            is_logarithmic = min(numbers) > 0 and max(numbers) / min(numbers) >= _LOGARITHMIC
            places = np.log(numbers) if is_logarithmic else np.asarray(numbers, np.float64)
        else:
            names = list(dict.fromkeys(values))
            places = np.array([names.index(value) for value in values], np.float64)
        extent = np.ptp(places)
        self.places = (places - places.min()) / extent if extent else np.full(len(values), 0.5)
        labels = dict(sorted(zip(self.places.tolist(), values, strict=True)))
        last = max(labels)
        self.labels: dict[float, str] = {}  # place -> text
        for place, label in labels.items():
            is_free = place - max(self.labels, default=-1.0) >= _APART and last - place >= _APART
            if not is_numeric or is_free or place == last:
                self.labels[place] = textwrap.fill(label, _LABEL_WIDTH)


def _as_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def write_sensitivity(path: Path, settings: dict[str, list[str]], scores: Sequence[float], score: str) -> Path:
    """Draws a score over each setting: a small plot for each setting, a point for each run, a line through the means.

    Args:
        path: the PNG, written completely or not at all.
        settings: key -> its value in each run, as text.
        scores: the score of each run, finite.
        score: the name of the score.
    """
    with sheet(path, list(settings)) as plots:
        for axes, values in zip(plots, settings.values(), strict=True):
            scale = _Scale(values)
            distinct = np.unique(scale.places)
            means = [np.mean(np.asarray(scores)[scale.places == place]) for place in distinct]
            axes.plot(distinct, means, color=_COLOUR, alpha=0.4, linewidth=1)
            axes.plot(scale.places, scores, "o", color=_COLOUR, markersize=4)
            words = list(scale.labels.values())
            axes.set_xticks([*scale.labels], words, parse_math=False)
            if sum(map(len, words)) > _MOST_LETTERS:
                turned = 90 if len(words) > _MOST_WORDS else 20
                axes.tick_params("x", labelrotation=turned)
            axes.set_ylabel(textwrap.fill(score, _LABEL_WIDTH), fontsize=8, parse_math=False)
            axes.grid(color="#e5e7eb")
            axes.set_axisbelow(True)
    return path


def write_parallel(path: Path, settings: dict[str, list[str]], scores: Sequence[float], score: str) -> Path:
    """Draws parallel coordinates: an axis for each setting and a last one for the score, a line for each run.

    The colour of a line is its score. The arguments are those of `write_sensitivity`.
    """
    columns = {**settings, score: [f"{value:.4g}" for value in scores]}
    scales = [_Scale(values) for values in columns.values()]
    with drawing(path, 1.9 * len(scales) + 0.6, 3.6, dpi=100, layout="constrained") as figure:
        import matplotlib

        axes = figure.add_subplot(xlim=(-0.1, len(scales) - 0.3), ylim=(-0.04, 1.04))
        colours = matplotlib.colormaps["viridis"](scales[-1].places)
        for line, colour in zip(np.transpose([scale.places for scale in scales]), colours, strict=True):
            axes.plot(line, color=colour, linewidth=1.2, alpha=0.8)
        behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}
        for place, scale in enumerate(scales):
            axes.axvline(place, color="#1f2937", linewidth=1)
            for height, label in scale.labels.items():
                axes.text(place + 0.03, height, label, fontsize=7, va="center", bbox=behind, parse_math=False)
        heads = [textwrap.fill(name, _LABEL_WIDTH) for name in columns]
        axes.set_xticks(range(len(scales)), heads, fontsize=8, parse_math=False)
        axes.xaxis.set_ticks_position("top")
        axes.yaxis.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return path
