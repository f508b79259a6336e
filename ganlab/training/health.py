"""Signs of a failing GAN: divergence, collapse and non-convergence. Pure functions of arrays.

Images are compared pixel by pixel. The features of an untrained network gave the same signs in all runs of
experiments/failing_gans, and need one network for each shape.
"""

import math
from collections.abc import Mapping

import numpy as np

from ganlab.metrics.scores import precision_recall

# Bounds of the two numbers below; experiments/failing_gans has the numbers of good and of bad generators.
COLLAPSED_BELOW = 0.3
RECALL_BELOW = 0.05
_NEIGHBOUR = 10
FEWEST_IMAGES = 2 * _NEIGHBOUR  # for recall: a good generator of fewer images repeats them, and its balls have radius 0
# Young generators, and above all their moving averages, look collapsed: in experiments/failing_gans until step 250.
ENOUGH_STEPS = 300
PINNED_ACCURACY = 0.995
FEWEST_STEPS = 50  # a critic may be wrong about some batches in a row
_ZERO_LOSS = 0.01
_FLAT = 1e-6


def diversity(fake: np.ndarray, real: np.ndarray) -> float:
    """The mean distance of two generated images over the mean distance of two real images; near 0 if all look alike.

    Args:
        fake, real: uint8 or float images (N, ...) of the same scale, two or more each.
    """
    return _mean_distance(fake) / max(_mean_distance(real), 1e-12)


def recall(fake: np.ndarray, real: np.ndarray) -> float:
    """The share of real images inside the 10-nearest-neighbour ball of some generated image; 0 for a few modes.

    Kynkäänniemi et al. 2019 (arXiv 1904.06991), of pixels. Ten neighbours instead of three, because few images are compared.

    Args:
        fake, real: as for `diversity`, FEWEST_IMAGES or more.
    """
    flat = (images.reshape(len(images), -1) for images in (real, fake))
    return precision_recall(*flat, k=_NEIGHBOUR)[1]


def collapsed(diversity: float, recall: float = 1.0) -> str | None:
    """One sentence if these numbers are signs of a collapse, or None."""
    if diversity < COLLAPSED_BELOW:
        return f"generated images differ {diversity:.2f} times as much as real ones"
    if recall < RECALL_BELOW:
        return f"generated images are near only {recall:.0%} of the real images: they are few different ones, or far from real ones"
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


def not_converged(rows: np.ndarray, columns: tuple[str, ...], in_turn: bool = False) -> str | None:
    """One sentence if the last steps look as if one network has won for good, or None.

    The discriminator has won if it is right about practically every image, real and generated, and its loss is flat at 0. It
    has lost if it is wrong about every image. Without a logged accuracy, as for critics, the mean outputs decide.

    Args:
        rows, columns: of the history.
        in_turn: whether the discriminator is updated on real and generated batches in turn. Then each output is measured right
            after an update on the other kind, which moves all outputs, and a critic's outputs tell no side from the other.
    """
    column = {name: rows[:, index].astype(np.float64) for index, name in enumerate(columns)}
    if not len(rows):
        return None
    if "d_accuracy_real" in column:
        return _pinned(column) or _still(column)
    return (_outplayed(column, in_turn) if len(rows) >= FEWEST_STEPS else None) or _still(column)


def _pinned(column: Mapping[str, np.ndarray]) -> str | None:
    loss, *accuracies = (column[name].mean() for name in ("d_loss", "d_accuracy_real", "d_accuracy_fake"))
    if min(accuracies) > PINNED_ACCURACY and loss < _ZERO_LOSS:
        return "the discriminator is right about every image and its loss is 0"
    if max(accuracies) < 1 - PINNED_ACCURACY:
        return "the discriminator is wrong about every image"
    return None


def _outplayed(column: Mapping[str, np.ndarray], in_turn: bool) -> str | None:
    if "d_real" not in column:  # a GAN logs the mean outputs of both sides, or none
        return None
    if not in_turn and (column["d_real"] <= column["d_fake"]).mean() > PINNED_ACCURACY:
        return "the discriminator never rates real images above generated ones"
    loss = column["d_loss"]
    # Only for losses that cannot be negative, such as the relativistic loss, and if the generator's loss is high.
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
