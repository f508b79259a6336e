"""Distances between two samples of features: Frechet and kernel, in float64; and the moments behind the first."""

from dataclasses import dataclass

import numpy as np

_BLOCK_ELEMENTS = 2**22  # kernel values held at once: 32 MiB of float64


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a sample of features, from which the Frechet distance is computed.

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


def frechet_distance(mean1: np.ndarray, covariance1: np.ndarray, mean2: np.ndarray, covariance2: np.ndarray) -> float:
    """Squared Frechet (2-Wasserstein) distance between two normal distributions of dimension d.

    |m1 - m2|^2 + trace(S1 + S2 - 2 (S1^1/2 S2 S1^1/2)^1/2), Dowson and Landau 1982; as a score of generated
    images Heusel et al. 2017 (arXiv 1706.08500). With S1 = F F^T and S2 = G G^T, the trace of the last root is the sum
    of the singular values of C = F^T G.

    The roots of the eigenvalues of C C^T are the same numbers in half the time, but a root turns a rounding error
    of 1e-16 into 1e-8. So they are used only where both covariances have full rank.

    Args:
        mean1, mean2: shape (d,).
        covariance1, covariance2: shape (d, d), symmetric, positive semi-definite.

    Returns:
        The distance, in squared units of the features; never negative.

    Raises:
        ValueError: if shapes do not match, a value is not finite or a covariance is not symmetric.
    """
    mean1, mean2 = (np.asarray(mean, np.float64) for mean in (mean1, mean2))
    covariance1, covariance2 = (_checked_covariance(c, mean1.size) for c in (covariance1, covariance2))
    if mean1.ndim != 1 or mean1.shape != mean2.shape:
        raise ValueError(f"means: expected two of shape (d,), received {mean1.shape} and {mean2.shape}")
    if not (np.isfinite(mean1).all() and np.isfinite(mean2).all()):
        raise ValueError("means: expected finite numbers, received NaN or infinity")
    factor1, factor2 = _cholesky(covariance1), _cholesky(covariance2)
    if factor1 is not None and factor2 is not None:
        cross = factor1.T @ factor2
        cross_trace = np.sqrt(np.linalg.eigvalsh(cross @ cross.T).clip(min=0)).sum()
    else:
        factor1 = _eigen_factor(covariance1) if factor1 is None else factor1
        factor2 = _eigen_factor(covariance2) if factor2 is None else factor2
        cross_trace = np.linalg.svd(factor1.T @ factor2, compute_uv=False).sum()
    return _combine(mean1 - mean2, np.trace(covariance1) + np.trace(covariance2), cross_trace)


def frechet_distance_from_features(features1: np.ndarray, features2: np.ndarray) -> float:
    """Frechet distance between the normal distributions fitted to two samples (covariance with ddof 1).

    With fewer rows than dimensions the covariances are singular and large; then the trace of the root of
    their product is taken as the sum of the singular values of the N1 x N2 cross-Gram matrix A1 A2^T, where
    A is the centred sample over sqrt(N - 1), so that S = A^T A. Both forms are the same number.

    Args:
        features1, features2: shapes (N1, d) and (N2, d), at least two rows each.
    """
    features1, features2 = checked_pair(features1, features2)
    mean1, mean2 = features1.mean(axis=0), features2.mean(axis=0)
    scaled1 = (features1 - mean1) / np.sqrt(len(features1) - 1)
    scaled2 = (features2 - mean2) / np.sqrt(len(features2) - 1)
    if min(len(features1), len(features2)) >= features1.shape[1]:
        return frechet_distance(mean1, scaled1.T @ scaled1, mean2, scaled2.T @ scaled2)
    cross_trace = np.linalg.svd(scaled1 @ scaled2.T, compute_uv=False).sum()
    return _combine(mean1 - mean2, np.square(scaled1).sum() + np.square(scaled2).sum(), cross_trace)


def kernel_distance(features1: np.ndarray, features2: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy under the kernel (x.y / d + 1)^3, over the whole samples.

    The kernel inception distance of Binkowski et al. 2018 (arXiv 1801.01401) when the features are
    Inception's. An unbiased estimate may be slightly negative for equal distributions.

    Args:
        features1, features2: shapes (N1, d) and (N2, d), at least two rows each.
    """
    features1, features2 = checked_pair(features1, features2)
    within1 = _kernel_sum(features1, features1) - _diagonal_kernel_sum(features1)
    within2 = _kernel_sum(features2, features2) - _diagonal_kernel_sum(features2)
    between = _kernel_sum(features1, features2)
    n1, n2 = len(features1), len(features2)
    return float(within1 / (n1 * (n1 - 1)) + within2 / (n2 * (n2 - 1)) - 2 * between / (n1 * n2))


def _cholesky(covariance: np.ndarray) -> np.ndarray | None:
    """Cholesky's factor, a tenth of the work of eigenvectors; None if the matrix is singular up to rounding.

    A squared pivot is the variance of a feature given all features before it. For a singular matrix, rounding leaves a pivot
    of up to about d times the precision of the feature's variance.
    """
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return None
    least = 10 * len(covariance) * np.finfo(np.float64).eps * covariance.diagonal()
    return factor if (np.square(factor.diagonal()) > least).all() else None


def _eigen_factor(covariance: np.ndarray) -> np.ndarray:
    """F with F F^T = covariance, shape (d, rank): eigenvectors whose values are above rounding errors."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * values.max(initial=0)
    return vectors[:, kept] * np.sqrt(values[kept])


def _combine(shift: np.ndarray, traces: float, cross_trace: float) -> float:
    return float(max(0.0, shift @ shift + traces - 2 * cross_trace))


def _kernel_sum(left: np.ndarray, right: np.ndarray) -> float:
    rows = max(1, _BLOCK_ELEMENTS // len(right))
    blocks = (left[start : start + rows] for start in range(0, len(left), rows))
    return sum(float(np.sum((block @ right.T / left.shape[1] + 1) ** 3)) for block in blocks)


def _diagonal_kernel_sum(features: np.ndarray) -> float:
    return float(np.sum((np.square(features).sum(axis=1) / features.shape[1] + 1) ** 3))


def _checked_covariance(covariance: np.ndarray, dimensions: int) -> np.ndarray:
    covariance = np.asarray(covariance, np.float64)
    if covariance.shape != (dimensions, dimensions):
        raise ValueError(f"covariance: expected shape ({dimensions}, {dimensions}), received {covariance.shape}")
    if not np.isfinite(covariance).all():
        raise ValueError("covariance: expected finite numbers, received NaN or infinity")
    if np.abs(covariance - covariance.T).max(initial=0) > 1e-8 * np.abs(covariance).max(initial=0):
        raise ValueError("covariance: expected a symmetric matrix")
    return covariance


def checked_pair(features1: np.ndarray, features2: np.ndarray, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Two samples in float64; raises ValueError unless both are finite, of one width and of `least` rows or more."""
    pair = np.asarray(features1, np.float64), np.asarray(features2, np.float64)
    shapes = f"received {pair[0].shape} and {pair[1].shape}"
    if any(features.ndim != 2 for features in pair) or pair[0].shape[1] != pair[1].shape[1]:
        raise ValueError(f"features: expected two of shape (N, d) with the same d, {shapes}")
    if any(len(features) < least for features in pair):
        raise ValueError(f"features: expected at least {least} rows each, {shapes}")
    if not all(np.isfinite(features).all() for features in pair):
        raise ValueError("features: expected finite numbers, received NaN or infinity")
    return pair
