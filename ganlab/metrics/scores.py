"""Scores of generated samples: Inception Score, precision and recall, density and coverage, copies. Pure NumPy."""

from collections.abc import Iterator

import numpy as np

from ganlab.metrics.distances import checked_pair

_BLOCK_ELEMENTS = 2**22  # distances held at once: 32 MiB of float64; smaller products are slower


def inception_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """Inception Score, exp of the mean KL(p(y|x) || p(y)), over splits of the sample in its order.

    Salimans et al. 2016 (arXiv 1606.03498). 1 for equal predictions, K for certain predictions spread evenly over K
    classes. The sizes of splits differ by at most one row.

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

    Precision is the share of fake points inside the union of real balls; recall is the share of real points inside the union
    of fake balls. A ball reaches from a point to its k-th nearest other point of the same sample, and contains its border.

    Args:
        real_features, fake_features: shapes (N, d) and (M, d), more than k rows each.
        k: number of the neighbour that sets the radius.
    """
    real, fake = _centred_pair(real_features, fake_features, k)
    return _covered_share(fake, real, k), _covered_share(real, fake, k)


def density_coverage(real_features: np.ndarray, fake_features: np.ndarray, k: int = 5) -> tuple[float, float]:
    """Density and coverage, Naeem et al. 2020 (arXiv 2002.09797).

    Density is the mean number of real balls around a fake point, over k (so it may exceed 1); coverage is the share of real
    balls that hold a fake point. The balls are those of `precision_recall` around real points, here without their border:
    the authors' program (github.com/clovaai/generative-evaluation-prdc) compares by <.

    Args:
        real_features, fake_features: shapes (N, d) and (M, d), more than k rows each.
        k: number of the neighbour that sets the radius.
    """
    real, fake = _centred_pair(real_features, fake_features, k)
    radii = _squared_radii(real, k)
    inside_count, covered_count = 0, 0
    for rows, squared in _squared_distances(real, fake):
        inside = squared < radii[rows, None]
        inside_count += int(inside.sum())
        covered_count += int(inside.any(axis=1).sum())
    return inside_count / (k * len(fake)), covered_count / len(real)


def share_of_copies(
    train_features: np.ndarray, held_out_features: np.ndarray, fake_features: np.ndarray, quantile: float = 0.01
) -> tuple[float, float]:
    """Share of fake points that lie nearer to some training point than nearly all held-out real points do.

    After Meehan et al. 2020 (arXiv 2004.05675). Held-out points are real and were not trained on, so a share of `quantile` of
    them lies as near by chance. A generator that learned the distribution has about this share, a generator that repeats
    training points a share near 1.

    Args:
        train_features, held_out_features, fake_features: shapes (N, d), (K, d) and (M, d).
        quantile: share of held-out points within the threshold.

    Returns:
        The share and the threshold, a distance in the units of the features.
    """
    (_, nearest_held_out), (_, nearest_fake) = (
        nearest(points, train_features) for points in (held_out_features, fake_features)
    )
    threshold = np.quantile(nearest_held_out, quantile)
    return float(np.mean(nearest_fake < threshold)), float(np.sqrt(threshold))


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of `others` (N, d) that is nearest to each of `points` (M, d), and the squared Euclidean distances: both (M,)."""
    points, others = checked_pair(points, others, least=1)
    centre = others.mean(axis=0)  # distances do not change, and are rounded less near the origin
    blocks = [
        (squared.argmin(axis=1), squared.min(axis=1))
        for _, squared in _squared_distances(points - centre, others - centre)
    ]
    rows, squared = zip(*blocks, strict=True)
    return np.concatenate(rows), np.concatenate(squared)


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

    The distance of identical points is exactly 0: distances as small as rounding errors are set to 0.
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
