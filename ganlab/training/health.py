"""Signs of a failing GAN from cheap statistics: divergence, collapse and non-convergence. Pure functions of arrays.

Images are compared by their pixels: an untrained network's features told the same in all runs of experiments/failing_gans,
and need a network for each shape.
"""

import math
from collections.abc import Mapping

import numpy as np

from ganlab.metrics.scores import precision_recall

# Of the real images' mean pairwise distance; well-trained and even poor generators stay above 0.6 on digits and faces.
COLLAPSED_BELOW = 0.3
# Photos blurred beyond recognition still have a recall above 0.35, and ten different images many times have 0.
RECALL_BELOW = 0.05
_NEIGHBOUR = 10
FEWEST_IMAGES = 2 * _NEIGHBOUR  # with fewer, distances say little
PINNED_ACCURACY = 0.995
FEWEST_STEPS = 50  # a critic may be wrong about a few batches in a row
_ZERO_LOSS = 0.01
_FLAT = 1e-6


def diversity(fake: np.ndarray, real: np.ndarray) -> float:
    """Mean distance between generated images over the same between real ones; near 0 when all look alike.

    Args:
        fake, real: uint8 or float images (N, ...), of the same scale and number.
    """
    return _mean_distance(fake) / max(_mean_distance(real), 1e-12)


def recall(fake: np.ndarray, real: np.ndarray) -> float:
    """Share of real images no further from some generated image than its tenth nearest generated one; 0 for a few modes.

    Kynkäänniemi et al. 2019 (arXiv 1904.06991), of pixels. Ten, where three are usual, because so few images are compared.

    Args:
        fake, real: as for `diversity`, more than ten each.
    """
    flat = (images.reshape(len(images), -1) for images in (real, fake))
    return precision_recall(*flat, k=_NEIGHBOUR)[1]


def collapsed(diversity: float, recall: float) -> str | None:
    """Why images with these values look as if the generator makes the same few again and again, or None."""
    if diversity < COLLAPSED_BELOW:
        return f"generated images differ {diversity:.2f} times as much as real ones"
    if recall < RECALL_BELOW:
        return f"generated images are few different ones, near {recall:.0%} of the real images"
    return None


def _mean_distance(images: np.ndarray) -> float:
    flat = images.reshape(len(images), -1).astype(np.float64)
    squares = (flat**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * flat @ flat.T, 0))
    return float(distances.sum() / (len(flat) * (len(flat) - 1)))


def not_finite(rows: np.ndarray, columns: tuple[str, ...]) -> tuple[int, str] | None:
    """(row, column) of the first loss that is NaN or infinite, or None."""
    losses = [columns.index(name) for name in columns if name.endswith("loss")]
    bad = ~np.isfinite(rows[:, losses])
    if not bad.any():
        return None
    row = int(np.argmax(bad.any(1)))
    return row, columns[losses[int(np.argmax(bad[row]))]]


def not_converged(rows: np.ndarray, columns: tuple[str, ...]) -> str | None:
    """Why the last steps look as if one side has won for good, or None.

    The discriminator has won when it is right about practically every image, real and generated, and its loss is flat at 0;
    it has lost when it is wrong about every image. Where no accuracy is logged, as for critics, its mean outputs tell.

    Args:
        rows, columns: of the history.
    """
    column = {name: rows[:, index].astype(np.float64) for index, name in enumerate(columns)}
    if not len(rows):
        return None
    if "d_accuracy_real" in column:
        return _pinned(column) or _still(column)
    return (_outplayed(column) if len(rows) >= FEWEST_STEPS else None) or _still(column)


def _pinned(column: Mapping[str, np.ndarray]) -> str | None:
    loss, *accuracies = (column[name].mean() for name in ("d_loss", "d_accuracy_real", "d_accuracy_fake"))
    if min(accuracies) > PINNED_ACCURACY and loss < _ZERO_LOSS:
        return "the discriminator is right about every image and its loss is 0"
    if max(accuracies) < 1 - PINNED_ACCURACY:
        return "the discriminator is wrong about every image"
    return None


def _outplayed(column: Mapping[str, np.ndarray]) -> str | None:
    if not {"d_loss", "g_loss", "d_real", "d_fake"} <= column.keys():
        return None
    if (column["d_real"] <= column["d_fake"]).mean() > PINNED_ACCURACY:
        return "the discriminator never rates real images above generated ones"
    loss = column["d_loss"]
    # A loss that cannot be negative, such as the relativistic one, and what the generator pays for it.
    if (loss > 0).all() and loss.mean() < _ZERO_LOSS and column["g_loss"].mean() > -math.log(_ZERO_LOSS):
        return "the discriminator is right about every image and its loss is 0"
    return None


def _still(column: Mapping[str, np.ndarray]) -> str | None:
    losses = [values for name, values in column.items() if name.endswith("loss")]
    if (
        not losses
        or len(losses[0]) < FEWEST_STEPS
        or any(np.ptp(values) > _FLAT * abs(values.mean()) for values in losses)
    ):
        return None
    return "the losses no longer change"
