"""Signs of a failing GAN from cheap statistics: divergence, collapse and non-convergence. Pure functions of arrays."""

import numpy as np

# Of the real images' mean pairwise distance; well-trained and even poor generators stay above 0.6 on digits and faces.
COLLAPSED_BELOW = 0.3
PINNED_ACCURACY = 0.995
_FLAT = 1e-3


def diversity(fake: np.ndarray, real: np.ndarray) -> float:
    """Mean distance between generated images over the same between real ones; near 0 when all look alike.

    Args:
        fake, real: uint8 or float images (N, ...), of the same scale and number.
    """
    return _mean_distance(fake) / max(_mean_distance(real), 1e-12)


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

    The discriminator has won when it is right about practically every image, real and generated, and its loss is flat at 0.
    """
    if "d_accuracy_real" not in columns or not len(rows):
        return None
    loss, *accuracies = (
        rows[:, columns.index(name)].mean() for name in ("d_loss", "d_accuracy_real", "d_accuracy_fake")
    )
    if min(accuracies) > PINNED_ACCURACY and loss < 10 * _FLAT:
        return "the discriminator is right about every image and its loss is 0"
    if max(accuracies) < 1 - PINNED_ACCURACY:
        return "the discriminator is wrong about every image"
    return None
