"""Moments of parts merged are the moments of the whole."""

import numpy as np
import pytest

from ganlab.metrics.moments import merge, moments_of


@pytest.fixture
def features():
    return np.random.default_rng(0).normal(100, 3, (500, 7)) @ np.random.default_rng(1).normal(size=(7, 7))


def test_moments_are_those_of_numpy(features):
    moments = moments_of(features.astype(np.float32))
    assert moments.count == 500
    assert np.allclose(moments.mean, features.mean(axis=0))
    assert np.allclose(moments.covariance, np.cov(features.astype(np.float32), rowvar=False, ddof=1))


@pytest.mark.parametrize("cut", [2, 3, 250, 498])
def test_merged_parts_are_the_whole(features, cut):
    merged = merge(moments_of(features[:cut]), moments_of(features[cut:]))
    whole = moments_of(features)
    assert merged.count == whole.count
    assert np.allclose(merged.mean, whole.mean, rtol=1e-12)
    assert np.allclose(merged.covariance, whole.covariance, rtol=1e-9)


def test_one_row_has_no_covariance():
    with pytest.raises(ValueError, match=r"expected shape \(N >= 2, d\), received \(1, 4\)"):
        moments_of(np.zeros((1, 4)))
