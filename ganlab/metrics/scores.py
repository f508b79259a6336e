"""Scores of generated samples: Inception Score, precision and recall, density and coverage. Pure numpy."""

from collections.abc import Iterator

import numpy as np

from ganlab.metrics.distances import checked_pair

_BLOCK_ELEMENTS = 2**22  # distances held at once: 32 MiB of float64; smaller products are slower


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Inception Score, exp of the mean KL(p(y|x) || p(y)), over splits of the sample in its order.

    Salimans et al. 2016 (arXiv 1606.03498). 1 for predictions that are all the same, K for certain
    predictions spread evenly over K classes. Sizes that the splits do not divide give splits that differ by
    one row.

    Args:
        probabilities: shape (N, K), rows that sum to 1.
        splits: number of parts; at least one row each.

    Returns:
        Mean and standard deviation (ddof 0) over the splits.

    Raises:
        ValueError: if rows are no probabilities or there are fewer rows than splits.
    """
    probabilities = np.asarray(probabilities, np.float64)
    if probabilities.ndim != 2 or not 1 <= splits <= len(probabilities):
        raise ValueError(f"expected shape (N >= {splits} splits, K), received {probabilities.shape}")
    if not (probabilities >= 0).all() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError("expected rows of probabilities that sum to 1")
    scores = [_exponential_divergence(part) for part in np.array_split(probabilities, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _exponential_divergence(probabilities: np.ndarray) -> float:
    marginal = probabilities.mean(axis=0)
    # p log(p / m), which is 0 where p is 0; m is only 0 where all p are.
    ratio = np.divide(probabilities, marginal, out=np.ones_like(probabilities), where=probabilities > 0)
    return float(np.exp(np.sum(probabilities * np.log(ratio), axis=1).mean()))


def precision_recall(real_features: np.ndarray, fake_features: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Improved precision and recall, Kynkäänniemi et al. 2019 (arXiv 1904.06991).

    Precision is the share of fake points inside the union of real balls, recall that of real points inside
    the union of fake balls. A ball reaches from a point to its k-th nearest other point of the same sample,
    and contains its border.

    Args:
        real_features, fake_features: shapes (N, d) and (M, d), more than k rows each.
        k: number of the neighbour that sets the radius.
    """
    real, fake = _centred_pair(real_features, fake_features, k)
    return _covered_share(fake, real, k), _covered_share(real, fake, k)


def density_coverage(real_features: np.ndarray, fake_features: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Density and coverage, Naeem et al. 2020 (arXiv 2002.09797).

    Density is the mean number of real balls a fake point lies in, over k (so it may exceed 1); coverage is
    the share of real balls that hold a fake point. Balls as in `precision_recall`, those of the real sample
    only.

    Args:
        real_features, fake_features: shapes (N, d) and (M, d), more than k rows each.
        k: number of the neighbour that sets the radius.
    """
    real, fake = _centred_pair(real_features, fake_features, k)
    radii = _squared_radii(real, k)
    inside_count, covered_count = 0, 0
    for rows, squared in _squared_distances(real, fake):
        inside = squared <= radii[rows, None]
        inside_count += int(inside.sum())
        covered_count += int(inside.any(axis=1).sum())
    return inside_count / (k * len(fake)), covered_count / len(real)


def _covered_share(points: np.ndarray, centres: np.ndarray, k: int) -> float:
    """Share of `points` that lie in at least one ball around `centres`."""
    radii = _squared_radii(centres, k)
    covered = sum(int((squared <= radii).any(axis=1).sum()) for _, squared in _squared_distances(points, centres))
    return covered / len(points)


def _squared_radii(points: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each point to its k-th nearest other point, shape (N,)."""
    # The point itself is at distance exactly 0, so the k-th other one has index k.
    return np.concatenate([np.partition(squared, k, axis=1)[:, k] for _, squared in _squared_distances(points, points)])


def _squared_distances(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows of the (N, M) matrix of squared distances, |x|^2 + |y|^2 - 2 x.y.

    What rounding leaves of the distance of identical points is set to 0, so that they are equal here too.
    """
    left_norms, right_norms = (np.square(points).sum(axis=1) for points in (left, right))
    block = max(1, _BLOCK_ELEMENTS // len(right))
    for start in range(0, len(left), block):
        rows = slice(start, start + block)
        scale = left_norms[rows, None] + right_norms
        squared = left[rows] @ right.T
        squared *= -2
        squared += scale
        scale *= 1e-13
        squared *= squared >= scale
        yield rows, squared


def _centred_pair(real: np.ndarray, fake: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    if k < 1:
        raise ValueError(f"k: expected at least 1, received {k}")
    real, fake = checked_pair(real, fake, least=k + 1)
    centre = real.mean(axis=0)  # distances do not change, and are rounded less near the origin
    return real - centre, fake - centre
