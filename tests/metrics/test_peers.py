"""Frechet and kernel distances beside those that other programs compute from the same features."""

import numpy as np
import pytest

from ganlab.metrics.distances import frechet_distance_from_features, kernel_distance, moments_of
from ganlab.metrics.scores import density_coverage, inception_score, precision_recall
from tests.metrics.peers import import_peer


@pytest.fixture(scope="module")
def features():
    """Two samples of 300 correlated features, 40 wide, one shifted and stretched."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(40, 40)) / 6
    return generator.normal(size=(300, 40)) @ mixing, 1.2 * generator.normal(size=(300, 40)) @ mixing + 0.1


@pytest.fixture(scope="module")
def moments(features):
    return [value for each in map(moments_of, features) for value in (each.mean, each.covariance)]


def test_frechet_distance_is_that_of_pytorch_fid(features, moments):
    peer = import_peer("pytorch_fid.fid_score")
    theirs = peer.calculate_frechet_distance(*moments)
    assert frechet_distance_from_features(*features) == pytest.approx(float(theirs), rel=1e-8)


def test_frechet_distance_is_that_of_clean_fid(features, moments):
    peer = import_peer("cleanfid.fid")
    theirs = peer.frechet_distance(*moments)
    assert frechet_distance_from_features(*features) == pytest.approx(float(theirs), rel=1e-8)


def test_frechet_distance_is_that_of_torch_fidelity(features, moments):
    peer = import_peer("torch_fidelity.metric_fid")
    first, second = ({"mu": moments[at], "sigma": moments[at + 1]} for at in (0, 2))
    theirs = peer.fid_statistics_to_metric(first, second, verbose=False)["frechet_inception_distance"]
    assert frechet_distance_from_features(*features) == pytest.approx(float(theirs), rel=1e-8)


def test_frechet_distance_is_that_of_torchmetrics(features, moments):
    peer = import_peer("torchmetrics.image.fid")
    import torch

    theirs = peer._compute_fid(*(torch.from_numpy(each) for each in moments))
    assert frechet_distance_from_features(*features) == pytest.approx(float(theirs), rel=1e-8)


def test_kernel_distance_of_whole_samples_is_that_of_torch_fidelity(features):
    peer = import_peer("torch_fidelity.metric_kid")
    import torch

    theirs = peer.kid_features_to_metric(
        *(torch.from_numpy(each) for each in features), kid_subsets=1, kid_subset_size=300, kid_degree=3, verbose=False
    )["kernel_inception_distance_mean"]
    assert kernel_distance(*features) == pytest.approx(float(theirs), rel=1e-8)


def test_inception_score_is_that_of_torch_fidelity():
    peer = import_peer("torch_fidelity.metric_isc")
    import torch

    logits = 3 * np.random.default_rng(1).normal(size=(500, 20))
    theirs = peer.isc_features_to_metric(torch.from_numpy(logits), splits=10, shuffle=False)
    powers = np.exp(logits)
    mean, deviation = inception_score(powers / powers.sum(axis=1, keepdims=True))
    assert mean == pytest.approx(theirs["inception_score_mean"], rel=1e-6)
    assert deviation == pytest.approx(theirs["inception_score_std"], rel=1e-6)


def test_precision_recall_density_and_coverage_are_those_of_prdc(features):
    peer = import_peer("prdc")
    theirs = peer.compute_prdc(*features, nearest_k=4)
    assert precision_recall(*features, k=4) == pytest.approx((theirs["precision"], theirs["recall"]), abs=1e-12)
    assert density_coverage(*features, k=4) == pytest.approx((theirs["density"], theirs["coverage"]), abs=1e-12)


def test_points_on_a_border_are_treated_as_prdc_treats_them():
    peer = import_peer("prdc")
    # Many equal distances; the mean of 256 integers is exact, so centring does not round them.
    points = np.random.default_rng(2).integers(0, 4, (2, 256, 3)).astype(np.float64)
    theirs = peer.compute_prdc(*points, nearest_k=5)
    assert density_coverage(*points, k=5) == pytest.approx((theirs["density"], theirs["coverage"]), abs=1e-12)
