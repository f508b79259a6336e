"""What a run shows of its generator: a grid of images; of other data, the array and a scatter picture."""

from pathlib import Path

import numpy as np

from ganlab.pictures.images import write_grid
from ganlab.storage.writing import replacing


def write_samples(path: Path, samples: np.ndarray, rows: int, columns: int, real: np.ndarray | None = None) -> None:
    """Writes the samples of one step, whole or not at all.

    Args:
        path: the PNG. Data that are no images also leave an array beside it, under the same name with .npy.
        samples: uint8 images (N, H, W, C), or floats (N, d).
        rows, columns: of the grid of images.
        real: real samples to draw beside data that are no images, shape (M, d).
    """
    if samples.ndim == 4:
        write_grid(path, samples, rows, columns)
        return
    with replacing(path.with_suffix(".npy")) as temporary:
        np.save(temporary, samples)
    write_scatter(path, samples, real)


def write_scatter(path: Path, samples: np.ndarray, real: np.ndarray | None = None) -> None:
    """Draws the first two numbers of each sample (the first against 0 where there is one) as points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for points, label, colour in ((real, "real", "#9ca3af"), (samples, "generated", "#c2410c")):
        if points is not None:
            flat = points.reshape(len(points), -1).astype(np.float64)
            axes.scatter(
                flat[:, 0], flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(flat)), s=12, c=colour, label=label
            )
    figure.legend(frameon=False, loc="outside upper left", ncols=2)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
