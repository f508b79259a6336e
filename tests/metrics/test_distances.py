"""Frechet and kernel distance against cases whose value is known."""

import numpy as np
import pytest
import scipy.linalg

from ganlab.metrics.distances import (
    _cholesky,
    frechet_distance,
    frechet_distance_from_features,
    kernel_distance,
    merge,
    moments_of,
)


def random_covariance(generator, dimensions):
    factor = generator.normal(size=(dimensions, 2 * dimensions))
    return factor @ factor.T / (2 * dimensions)


def random_rotation(generator, dimensions):
    return np.linalg.qr(generator.normal(size=(dimensions, dimensions)))[0]


def test_equal_distributions_are_at_distance_zero():
    generator = np.random.default_rng(1)
    mean, covariance = generator.normal(size=50), random_covariance(generator, 50)
    assert frechet_distance(mean, covariance, mean, covariance) == pytest.approx(0, abs=1e-9)


def test_equal_samples_are_at_distance_zero():
    features = np.random.default_rng(2).normal(size=(100, 20))
    assert frechet_distance_from_features(features, features[::-1]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("dimensions", [1, 8, 64])
def test_a_shift_of_ones_under_identity_covariance_costs_d(dimensions):
    identity = np.eye(dimensions)
    shifted = frechet_distance(np.zeros(dimensions), identity, np.ones(dimensions), identity)
    assert shifted == pytest.approx(dimensions, rel=1e-12)


def test_diagonal_covariances_differ_by_their_deviations():
    variances1, variances2 = np.array([1.0, 4.0, 9.0, 0.25]), np.array([4.0, 4.0, 1.0, 0.0])
    expected = np.sum((np.sqrt(variances1) - np.sqrt(variances2)) ** 2)
    zeros = np.zeros(4)
    distance = frechet_distance(zeros, np.diag(variances1), zeros, np.diag(variances2))
    assert distance == pytest.approx(expected, rel=1e-12)


def test_rotating_both_distributions_changes_nothing():
    generator = np.random.default_rng(3)
    variances1, variances2 = generator.uniform(0.1, 4, size=(2, 16))
    rotation = random_rotation(generator, 16)
    mean = rotation @ np.arange(16.0)
    expected = np.sum(np.arange(16.0) ** 2) + np.sum((np.sqrt(variances1) - np.sqrt(variances2)) ** 2)
    distance = frechet_distance(
        np.zeros(16),
        rotation @ np.diag(variances1) @ rotation.T,
        mean,
        rotation @ np.diag(variances2) @ rotation.T,
    )
    assert distance == pytest.approx(expected, rel=1e-12)


def test_a_linear_transport_map_costs_what_it_moves():
    # S2 = T S1 T with T symmetric positive definite is the optimal transport: trace((T - I) S1 (T - I)).
    generator = np.random.default_rng(4)
    covariance = random_covariance(generator, 24)
    transport = random_covariance(generator, 24) + 0.5 * np.eye(24)
    moved = (transport - np.eye(24)) @ covariance @ (transport - np.eye(24))
    distance = frechet_distance(np.zeros(24), covariance, np.zeros(24), transport @ covariance @ transport)
    assert distance == pytest.approx(np.trace(moved), rel=1e-10)


def test_the_two_by_two_case():
    distance = frechet_distance([0, 1], [[2, 1], [1, 3]], [3, -1], [[1, -0.5], [-0.5, 2]])
    assert distance == pytest.approx(13.812210414014718, rel=1e-13)


def test_collapse_to_one_point_costs_the_whole_variance():
    generator = np.random.default_rng(5)
    covariance, point = random_covariance(generator, 12), generator.normal(size=12)
    expected = np.trace(covariance) + point @ point
    for pair in [
        (np.zeros(12), covariance, point, np.zeros((12, 12))),
        (point, np.zeros((12, 12)), np.zeros(12), covariance),
    ]:
        assert frechet_distance(*pair) == pytest.approx(expected, rel=1e-12)


def test_the_distance_is_the_same_from_either_side_also_where_one_covariance_is_singular():
    generator = np.random.default_rng(7)
    narrow, wide = generator.standard_normal((4, 9)), generator.standard_normal((30, 9))
    flat, full = narrow.T @ narrow, wide.T @ wide  # of ranks 4 and 9
    there = frechet_distance(np.zeros(9), flat, np.ones(9), full)
    assert there == pytest.approx(frechet_distance(np.ones(9), full, np.zeros(9), flat), rel=1e-9)


@pytest.mark.parametrize("zeros", [(5, 0), (0, 5), (5, 3), (15, 15)])
def test_singular_covariances_lose_no_digits(zeros):
    generator = np.random.default_rng(12)
    variances1, variances2 = generator.uniform(0.1, 4, size=(2, 16))
    variances1[: zeros[0]], variances2[: zeros[1]] = 0, 0
    rotation = random_rotation(generator, 16)
    covariance1, covariance2 = (rotation @ np.diag(v) @ rotation.T for v in (variances1, variances2))
    expected = np.sum((np.sqrt(variances1) - np.sqrt(variances2)) ** 2)
    distance = frechet_distance(np.zeros(16), covariance1, np.zeros(16), covariance2)
    assert distance == pytest.approx(expected, rel=1e-12)


def test_collapse_of_a_sample_with_fewer_rows_than_dimensions():
    features = np.random.default_rng(6).normal(size=(10, 40))
    collapsed = np.repeat(features[:1], 10, axis=0)
    shift = features.mean(axis=0) - features[0]
    expected = features.var(axis=0, ddof=1).sum() + shift @ shift
    assert frechet_distance_from_features(features, collapsed) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("counts", [(30, 30), (30, 90), (90, 30), (90, 90), (64, 64)])
def test_samples_agree_with_their_covariances_for_any_number_of_rows(counts):
    generator = np.random.default_rng(7)
    features1 = generator.normal(size=(counts[0], 64))
    features2 = generator.normal(0.3, 1.4, size=(counts[1], 64))
    expected = frechet_distance(
        features1.mean(axis=0),
        np.cov(features1, rowvar=False),
        features2.mean(axis=0),
        np.cov(features2, rowvar=False),
    )
    assert frechet_distance_from_features(features1, features2) == pytest.approx(expected, rel=1e-12)


def test_features_far_from_the_origin_keep_their_precision():
    features = np.random.default_rng(8).normal(size=(500, 8))
    near = frechet_distance_from_features(features, features * 2)
    far = frechet_distance_from_features(features + 1e6, features * 2 + 1e6)
    assert far == pytest.approx(near, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_with_the_matrix_square_root_of_scipy(seed):
    generator = np.random.default_rng(seed)
    mean1, mean2 = generator.normal(size=(2, 32))
    covariance1, covariance2 = random_covariance(generator, 32), random_covariance(generator, 32)
    root = scipy.linalg.sqrtm(covariance1 @ covariance2).real
    expected = np.sum((mean1 - mean2) ** 2) + np.trace(covariance1 + covariance2 - 2 * root)
    distance = frechet_distance(mean1, covariance1, mean2, covariance2)
    assert distance == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], np.eye(2), [0], np.eye(2)), "means"),
        (([0, 0], np.eye(3), [0, 0], np.eye(2)), "expected shape"),
        (([0, 0], np.eye(2), [0, 0], [[1, np.nan], [0, 1]]), "finite"),
        (([0, np.inf], np.eye(2), [0, 0], np.eye(2)), "finite"),
        (([0, 0], np.eye(2), [0, np.inf], np.eye(2)), "finite"),
        (([0, 0], np.eye(2), [0, 0], [[1, 1], [0, 1]]), "symmetric"),
    ],
)
def test_what_is_no_normal_distribution_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(*arguments)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_a_covariance_may_be_askew_by_a_hundred_millionth_of_its_largest_value(scale):
    zeros, upper = np.zeros(2), np.array([[0, 1], [0, 0]])
    frechet_distance(zeros, scale * (np.eye(2) + 0.9e-8 * upper), zeros, np.eye(2))
    with pytest.raises(ValueError, match="symmetric"):
        frechet_distance(zeros, scale * (np.eye(2) + 1.5e-8 * upper), zeros, np.eye(2))


@pytest.mark.parametrize(("precisions", "has_full_rank"), [(19, False), (21, True)])
@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_a_matrix_is_singular_below_ten_times_its_size_in_precisions(precisions, has_full_rank, scale):
    # Two features with correlation r: the second squared pivot is 1 - r^2 of the variance.
    correlation = 1 - precisions * 2.0**-53
    factor = _cholesky(scale * np.array([[1, correlation], [correlation, 1]]))
    assert (factor is not None) is has_full_rank


def test_tiny_covariances_keep_their_rank():
    mean, covariance = np.zeros(2), np.full((2, 2), 1e-20)
    assert frechet_distance(mean, covariance, mean, covariance) == pytest.approx(0, abs=1e-30)
    assert frechet_distance(mean, covariance, mean, 4 * covariance) == pytest.approx(2e-20, rel=1e-6)


@pytest.mark.parametrize(
    ("features1", "features2", "message"),
    [
        (np.zeros((5, 3)), np.zeros((5, 4)), "same d"),
        (np.zeros((5, 3)), np.zeros((5, 3, 1)), "same d"),
        (np.zeros((5, 3, 1)), np.zeros((5, 3)), "same d"),
        (np.zeros((1, 3)), np.zeros((5, 3)), "2 rows"),
        (np.diag([1, np.nan, 1]), np.zeros((5, 3)), "finite"),
        (np.zeros((5, 3)), np.diag([1, np.nan, 1]), "finite"),
    ],
)
@pytest.mark.parametrize("distance", [frechet_distance_from_features, kernel_distance])
def test_what_is_no_sample_is_refused(distance, features1, features2, message):
    with pytest.raises(ValueError, match=message):
        distance(features1, features2)


def expected_cubic_kernel(mean1, variance1, mean2, variance2, dimensions):
    """E (x.y / d + 1)^3 for independent normal x and y with means m (1, ..., 1) and covariance v I.

    s = x.y is a sum of d independent products p, so its cumulants are d times those of p, whose first three
    moments are products of the moments of x and y.
    """

    def moments(mean, variance):
        return mean, mean**2 + variance, mean**3 + 3 * mean * variance

    first, second, third = (a * b for a, b in zip(moments(mean1, variance1), moments(mean2, variance2), strict=True))
    mean = dimensions * first
    variance = dimensions * (second - first**2)
    skew = dimensions * (third - 3 * second * first + 2 * first**3)
    mean, variance, skew = mean / dimensions + 1, variance / dimensions**2, skew / dimensions**3
    return mean**3 + 3 * mean * variance + skew


def test_the_expected_kernel_distance_of_two_normal_distributions():
    within1 = expected_cubic_kernel(0, 1, 0, 1, 64)
    within2 = expected_cubic_kernel(0.1, 1.21, 0.1, 1.21, 64)
    between = expected_cubic_kernel(0, 1, 0.1, 1.21, 64)
    assert within1 + within2 - 2 * between == pytest.approx(0.0332841499023, abs=5e-14)


def test_kernel_distance_estimates_that_value_without_bias():
    generator = np.random.default_rng(9)
    estimates = [
        kernel_distance(generator.normal(size=(500, 64)), generator.normal(0.1, np.sqrt(1.21), size=(500, 64)))
        for _ in range(40)
    ]
    standard_error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert standard_error < 1e-3  # a biased estimate is 0.03 too high
    assert np.mean(estimates) == pytest.approx(0.0332841499023, abs=4 * standard_error)


def test_kernel_distance_is_the_sum_over_all_pairs_of_different_rows():
    generator = np.random.default_rng(10)
    features1, features2 = generator.normal(size=(7, 5)), generator.normal(1, 2, size=(9, 5))

    def kernel(x, y):
        return (x @ y / 5 + 1) ** 3

    def mean_within(features):
        return np.mean([kernel(x, y) for i, x in enumerate(features) for j, y in enumerate(features) if i != j])

    between = np.mean([kernel(x, y) for x in features1 for y in features2])
    expected = mean_within(features1) + mean_within(features2) - 2 * between
    assert kernel_distance(features1, features2) == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_does_not_depend_on_the_block_size(monkeypatch):
    generator = np.random.default_rng(11)
    features1, features2 = generator.normal(size=(50, 6)), generator.normal(size=(41, 6))
    whole = kernel_distance(features1, features2)
    monkeypatch.setattr("ganlab.metrics.distances._BLOCK_ELEMENTS", 100)
    assert kernel_distance(features1, features2) == pytest.approx(whole, rel=1e-12)


class TestMoments:
    """Of a sample, and of parts merged to the whole."""

    @pytest.fixture
    def features(self):
        return np.random.default_rng(0).normal(100, 3, (500, 7)) @ np.random.default_rng(1).normal(size=(7, 7))

    def test_are_those_of_numpy(self, features):
        moments = moments_of(features.astype(np.float32))
        assert moments.count == 500
        assert np.allclose(moments.mean, features.mean(axis=0))
        assert np.allclose(moments.covariance, np.cov(features.astype(np.float32), rowvar=False, ddof=1))

    @pytest.mark.parametrize("cut", [2, 3, 250, 498])
    def test_of_merged_parts_are_those_of_the_whole(self, features, cut):
        merged = merge(moments_of(features[:cut]), moments_of(features[cut:]))
        whole = moments_of(features)
        assert merged.count == whole.count
        assert np.allclose(merged.mean, whole.mean, rtol=1e-12)
        assert np.allclose(merged.covariance, whole.covariance, rtol=1e-9)

    def test_need_two_rows(self):
        with pytest.raises(ValueError, match=r"expected shape \(N >= 2, d\), received \(1, 4\)"):
            moments_of(np.zeros((1, 4)))
