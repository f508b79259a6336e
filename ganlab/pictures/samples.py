"""What a run shows of a batch of generated samples: a grid of images, or a scatter picture with the numbers beside it."""

from pathlib import Path

import numpy as np

from ganlab.pictures.canvas import drawing
from ganlab.pictures.images import displayed, write_grid
from ganlab.storage.writing import replacing

_REAL, _GENERATED = "#9ca3af", "#c2410c"
_MARGIN = 0.25  # of the real samples' extent, on each side


def write_samples(
    path: Path,
    samples: np.ndarray,
    grid: tuple[int, int],
    value_range: str = "tanh",
    real: np.ndarray | None = None,
) -> None:
    """Writes the picture of some samples, and beside it, with the suffix .npy, samples that are no images.

    Args:
        path: the PNG, such as samples/000500.png.
        samples: images `(N, H, W, C)`, uint8 or floats in the range; or anything else, `(N, ...)`.
        grid: rows and columns of images.
        value_range: of float images, `tanh` or `sigmoid`.
        real: real samples to draw below others than images.

    Raises:
        GanlabError: if float images are not finite.
    """
    if samples.ndim == 4:
        write_grid(path, samples if samples.dtype == np.uint8 else displayed(samples, value_range), *grid)
        return
    with replacing(path.with_suffix(".npy")) as temporary:
        np.save(temporary, samples, allow_pickle=False)
    write_scatter(path, samples, real)


def write_scatter(path: Path, samples: np.ndarray, real: np.ndarray | None = None) -> Path:
    """Draws the first two numbers of each sample as a point, or histograms of samples of one number.

    The borders are those of the real samples, so that the pictures of a run are frames of one film.

    Args:
        path: the PNG, written whole or not at all.
        samples: `(N, ...)`; values that are not finite are left out.
        real: `(M, ...)`, drawn below the samples.
    """
    groups = {"real": (real, _REAL), "generated": (samples, _GENERATED)}
    points = {name: _points(array) for name, (array, _) in groups.items() if array is not None}
    ends = next((_ends(shown) for shown in points.values() if len(shown)), np.array([[0.0, 0.0], [1.0, 1.0]]))
    inside = ((points["generated"] >= ends[0]) & (points["generated"] <= ends[1])).all(axis=1).sum()
    with drawing(path, 5, 5, dpi=100, layout="constrained") as figure:
        axes = figure.add_subplot(xlim=ends[:, 0])
        for name, shown in points.items():
            if shown.shape[1] == 1:
                bins = np.linspace(*ends[:, 0], 41)
                axes.hist(shown[:, 0], bins, density=True, color=groups[name][1], alpha=0.6, label=name)
            else:
                axes.scatter(*shown.T, s=5, color=groups[name][1], linewidths=0, label=name)
                axes.set(ylim=ends[:, 1], aspect="equal")
        axes.set_xlabel(f"{inside:,} of {len(samples):,} generated samples are within these borders")
        figure.legend(frameon=False, loc="outside upper left", ncols=2)
    return path


def _points(samples: np.ndarray) -> np.ndarray:
    """`(n, 2)` or `(n, 1)`, float64, those that are finite."""
    points = np.asarray(samples, np.float64).reshape(len(samples), -1)[:, :2]
    return points[np.isfinite(points).all(axis=1)]


def _ends(points: np.ndarray) -> np.ndarray:
    """The lower and the upper border, `(2, columns)`."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * np.maximum(high - low, 1e-6)
    return np.stack([low - margin, high + margin])
