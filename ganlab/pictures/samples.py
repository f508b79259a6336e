"""The picture of a batch of generated samples: a grid of images, or a scatter plot with an array beside it."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganlab.config.schema import value_range as limits_of
from ganlab.errors import ConfigError
from ganlab.pictures.canvas import drawing
from ganlab.pictures.images import to_uint8, write_grid
from ganlab.storage.writing import replacing

_MARGIN = 0.25  # of the points' extent, on each side


def require_picture(path: Path) -> None:
    """Raises: ConfigError for a name without the suffix of a picture that can be written, and for a folder."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE or path.is_dir():
        raise ConfigError(f"--out {path}: expected a name with the suffix of a picture, such as .png or .jpg")


def write_samples(
    path: Path, samples: np.ndarray, grid: tuple[int, int], value_range: str, real: np.ndarray | None = None
) -> None:
    """Writes a grid of images. Other samples become a scatter plot and an array with the same name and the suffix .npy.

    Args:
        path: the PNG, such as samples/000500.png.
        samples: images `(N, H, W, C)`, uint8 or floats in the value range; or other samples `(N, ...)`.
        grid: rows and columns of images.
        value_range: of float images, `tanh` or `sigmoid`.
        real: `(M, ...)`, drawn below samples that are no images.

    Raises:
        ConfigError: for another picture than a PNG, if the samples are no images.
        GanlabError: if float images are not finite.
    """
    if samples.ndim == 4:
        write_grid(path, samples if samples.dtype == np.uint8 else to_uint8(samples, value_range), *grid)
        return
    if path.suffix.lower() != ".png":
        raise ConfigError(f"--out {path}: the samples are no images; expected the suffix .png, for a scatter plot")
    with replacing(path.with_suffix(".npy")) as temporary:
        np.save(temporary, samples, allow_pickle=False)
    write_scatter(path, samples, real, limits_of(value_range))


def write_scatter(
    path: Path, samples: np.ndarray, real: np.ndarray | None = None, value_range: tuple[float, float] = (-1.0, 1.0)
) -> None:
    """Draws the first two numbers of each sample as a point; the second is 0 if there is only one number.

    The real samples give the borders, so that the pictures of a run are frames of one film; see `borders_of`.
    """
    points, behind = points_of(samples), None if real is None else points_of(real)
    low, high = borders_of(points if behind is None else behind, value_range)
    inside = ((points >= low) & (points <= high)).all(axis=1).sum()
    with drawing(path, 5, 5, dpi=100, layout="constrained") as figure:
        axes = figure.add_subplot(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        if behind is not None:
            axes.scatter(*behind.T, s=6, color="#9ca3af", linewidths=0, label="real")
        axes.scatter(*points.T, s=6, color="#c2410c", linewidths=0, label="generated")
        axes.set_xlabel(f"{inside:,} of {len(samples):,} generated samples are within these borders")
        figure.legend(frameon=False, loc="outside upper left", ncols=2)


def borders_of(points: np.ndarray, value_range: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value `(2,)` of the axes of a plot of points `(n, 2)`: their extent and a margin.

    An axis on which all points have one value shows the value range instead.
    """
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else np.zeros((2, 2))
    margin = _MARGIN * (high - low)
    has_extent = high > low
    low = np.where(has_extent, low - margin, np.minimum(low, value_range[0]))
    return low, np.where(has_extent, high + margin, np.maximum(high, value_range[1]))


def points_of(samples: np.ndarray) -> np.ndarray:
    """`(n, 2)`, float64, for the samples whose numbers are finite."""
    flat = np.asarray(samples, np.float64).reshape(len(samples), -1)[:, :2]
    return np.pad(flat, [(0, 0), (0, 2 - flat.shape[1])])[np.isfinite(flat).all(axis=1)]
