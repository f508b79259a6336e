"""Labels of `labels: balanced`, after docs/config.md: rare labels are drawn more often, and an image gets the nearest class."""

import numpy as np


class Balancing:
    """The classes of the data and the decaying counts of the labels that images got.

    Args:
        pixels: in [0, 1], (N, ...).
        labels: (N,).
        counts: (classes,), as a state has them.
    """

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, counts: np.ndarray):
        flat = pixels.reshape(len(pixels), -1)
        self.means = np.stack([flat[labels == label].mean(axis=0) for label in range(len(counts))])
        residuals = flat - self.means[labels]
        self.inverse = np.linalg.inv(residuals.T @ residuals / len(flat) + 0.01 * np.eye(flat.shape[1]))
        self.counts = np.array(counts, np.float64)

    def drawn(self, numbers: np.ndarray) -> np.ndarray:
        """Labels for uniform numbers: label k with a probability in proportion to 1 / (count + 1)."""
        weights = 1.0 / (self.counts + 1.0)
        return np.searchsorted(np.cumsum(weights) / weights.sum(), numbers, side="right")

    def nearest(self, pixels: np.ndarray) -> np.ndarray:
        """The class with the least Mahalanobis distance to each image; counts it."""
        differences = pixels.reshape(len(pixels), 1, -1) - self.means
        found = np.einsum("nkd,de,nke->nk", differences, self.inverse, differences).argmin(axis=1)
        self.counts = 0.9 * self.counts + 0.1 * np.bincount(found, minlength=len(self.counts))
        return found
