"""Mean and covariance of a sample of features, of one that does not fit into memory too."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """What the Frechet distance needs of a sample.

    Attributes:
        count: number of rows, at least two.
        mean: float64, shape (d,).
        covariance: float64, shape (d, d), ddof 1.
    """

    count: int
    mean: np.ndarray
    covariance: np.ndarray


def moments_of(features: np.ndarray) -> Moments:
    """Two passes in float64 over features of shape (N >= 2, d)."""
    features = np.asarray(features, np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"features: expected shape (N >= 2, d), received {features.shape}")
    mean = features.mean(axis=0)
    centred = features - mean
    return Moments(len(features), mean, centred.T @ centred / (len(features) - 1))


def merge(first: Moments, second: Moments) -> Moments:
    """Moments of both samples together.

    Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
    """
    count = first.count + second.count
    shift = second.mean - first.mean
    between = np.outer(shift, shift) * (first.count * second.count / count)
    within = first.covariance * (first.count - 1) + second.covariance * (second.count - 1)
    return Moments(count, first.mean + shift * (second.count / count), (within + between) / (count - 1))
