"""losses.png and outputs.png: what history.csv has, step by step.

Short histories are drawn point by point. A long one has more points than the picture has pixels, so each stretch of steps
is drawn as a band from its lowest to its highest value, with its mean as a line: noise stays visible.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganlab.errors import GanlabError
from ganlab.images import write_whole

_MOST_POINTS = 5_000
_STRETCHES = 500
_MEAN_OVER = 50  # points, of the running mean of a short history

# history column: (label, colour)
_LOSSES = {
    "d_loss": ("discriminator", "#1d4ed8"),
    "g_loss": ("generator", "#c2410c"),
    "penalty": ("penalty", "#15803d"),
}
_OUTPUTS = {"d_real": ("real images", "#1d4ed8"), "d_fake": ("generated images", "#c2410c")}


def write_losses(path: Path, history: dict[str, np.ndarray]) -> Path:
    """Draws d_loss, g_loss and penalty over steps.

    Args:
        path: the PNG, written whole or not at all.
        history: columns of one length; `step` gives the x axis (else 1, 2, ...), absent columns are left out.

    Raises:
        GanlabError: if no column can be drawn or the file cannot be written.
    """
    return _write(path, history, _LOSSES, "loss")


def write_outputs(path: Path, history: dict[str, np.ndarray]) -> Path:
    """Draws the discriminator's mean outputs d_real and d_fake over steps; see `write_losses`."""
    return _write(path, history, _OUTPUTS, "mean discriminator output")


def _write(path: Path, history: dict[str, np.ndarray], curves: dict[str, tuple[str, str]], unit: str) -> Path:
    present = {column: style for column, style in curves.items() if len(history.get(column, ()))}
    if not present:
        raise GanlabError(
            f"{path}: expected one of the columns {', '.join(curves)}, received none with values."
        )
    # Figure alone, without pyplot: no global state, no window system.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    for column, (label, colour) in present.items():
        values = np.asarray(history[column], np.float64)
        steps = np.asarray(history.get("step", np.arange(1, len(values) + 1)), np.float64)
        _draw_curve(axes, steps, values, label, colour)
    axes.set(xlabel="step", ylabel=unit)
    axes.grid(color="#e5e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    return write_whole(
        path, lambda temporary: figure.savefig(temporary, format="png", metadata={"Software": None})
    )


def _draw_curve(axes, steps: np.ndarray, values: np.ndarray, label: str, colour: str) -> None:
    finite = np.isfinite(values)
    if len(values) > _MOST_POINTS:
        middles, low, mean, high = band(steps[finite], values[finite])
        axes.fill_between(middles, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(middles, mean, color=colour, linewidth=1.5, label=label)
    elif finite.sum() > 4 * _MEAN_OVER:
        axes.plot(steps, np.where(finite, values, np.nan), color=colour, alpha=0.3, linewidth=0.8)
        axes.plot(*running_mean(steps[finite], values[finite]), color=colour, linewidth=1.5, label=label)
    else:
        marker = "o" if finite.sum() < 20 else None
        axes.plot(
            steps, np.where(finite, values, np.nan), color=colour, marker=marker, markersize=3, label=label
        )
    _mark_lost(axes, steps[~finite], label, colour)


def _mark_lost(axes, steps: np.ndarray, label: str, colour: str) -> None:
    """Crosses at the lower edge where a value is NaN or infinite."""
    if len(steps):
        axes.plot(
            steps[:: max(1, len(steps) // _STRETCHES)],
            np.full_like(steps[:: max(1, len(steps) // _STRETCHES)], 0.02),
            transform=axes.get_xaxis_transform(),
            linestyle="none",
            marker="x",
            color=colour,
            label=f"{label}: not finite ({len(steps)} of the steps)",
        )


def band(steps: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Middle step, lowest, mean and highest value of up to 500 consecutive stretches of finite values `(N,)`."""
    if not len(values):
        return (np.empty(0),) * 4
    starts = np.unique(np.linspace(0, len(values), min(_STRETCHES, len(values)), endpoint=False).astype(int))
    lengths = np.diff(np.append(starts, len(values)))
    return (
        np.add.reduceat(steps, starts) / lengths,
        np.minimum.reduceat(values, starts),
        np.add.reduceat(values, starts) / lengths,
        np.maximum.reduceat(values, starts),
    )


def running_mean(steps: np.ndarray, values: np.ndarray) -> Sequence[np.ndarray]:
    """Steps and values `(N,)` averaged over 50 neighbours, `(N - 49,)`: no average reaches beyond the ends."""
    window = np.full(_MEAN_OVER, 1 / _MEAN_OVER)
    return np.convolve(steps, window, "valid"), np.convolve(values, window, "valid")
