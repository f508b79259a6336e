"""Statistics of a whole training set: right, computed once, made again when damaged, and measured against."""

import numpy as np
import pytest

from ganlab.metrics import whole_statistics
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.names import ROWS, Row
from ganlab.metrics.protocols import evaluate_all, resolve
from ganlab.metrics.random_network import load_random_network
from ganlab.metrics.statistics import select_real
from ganlab.metrics.whole_statistics import load_whole_statistics
from ganlab.pictures.images import from_uint8


@pytest.fixture
def extractor():
    return load_random_network((8, 8, 1))


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(whole_statistics, "_CHUNK", 500)


def test_moments_are_those_of_all_training_images(digits, extractor, cache, small_chunks):
    real = load_whole_statistics(digits, extractor, 1000).real
    features = extractor.extract(digits.train.images).features.astype(np.float64)
    assert real.count == 1797
    assert np.allclose(real.mean, features.mean(axis=0), atol=1e-6)
    assert np.allclose(real.covariance, np.cov(features, rowvar=False), atol=1e-6)


def test_the_floor_is_between_disjoint_parts_of_the_training_set(digits, extractor, cache):
    few, many = (load_whole_statistics(digits, extractor, count) for count in (600, 1000))
    features = extractor.extract(digits.train.images[select_real(digits, 1797)]).features
    assert (few.floor_count, many.floor_count) == (600, 898)
    expected = frechet_distance_from_features(features[:600], features[600:])
    assert few.floors["fd_whole"] == pytest.approx(expected, rel=1e-4)


def test_statistics_are_computed_once_and_again_when_damaged(digits, extractor, cache, monkeypatch):
    first = load_whole_statistics(digits, extractor, 1000)
    (path,) = (cache / "statistics").glob("digits-random-all-1000-*.npz")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    second = load_whole_statistics(digits, extractor, 1000)
    monkeypatch.setattr(whole_statistics, "_compute", lambda *_: pytest.fail("computed a third time"))
    third = load_whole_statistics(digits, extractor, 1000)
    assert np.array_equal(first.real.covariance, second.real.covariance)
    assert np.array_equal(first.real.covariance, third.real.covariance)
    assert first.floors == third.floors


def test_a_generator_is_measured_against_the_whole_set(digits, cache, monkeypatch):
    monkeypatch.setitem(ROWS, "fid5k_full", Row("fd_whole", "random", 1000))  # a network that needs no weights
    images = digits.train.images[select_real(digits, 1000)]
    (value,) = evaluate_all(
        resolve(["fid5k_full"], digits), lambda count: from_uint8(images[:count], "tanh"), digits, "tanh"
    )
    features = [load_random_network((8, 8, 1)).extract(each).features for each in (digits.train.images, images)]
    assert value.value == pytest.approx(frechet_distance_from_features(*features), rel=1e-4)
    assert 0 < value.value < value.floor
    assert (value.floor_n, value.details) == (898, {"real_count": 1797})
    assert value.recipe["real"] == {"count": "all", "split": "train"}
