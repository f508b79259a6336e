"""The classifier: shipped weights that hold what they promise, and training where there are none."""

import dataclasses
import os
from types import SimpleNamespace

import numpy as np
import pytest

from ganlab.data import Split, fingerprint_of, load_dataset
from ganlab.errors import MissingDataError
from ganlab.metrics import classifier
from ganlab.metrics.classifier import SHIPPED_SHAPES, is_shipped, load_classifier, train_classifier
from ganlab.metrics.scores import inception_score


def accuracy(extractor, split):
    sample = extractor.extract(split.images)
    return np.mean(sample.probabilities.argmax(axis=1) == split.labels)


@pytest.fixture
def short_training(monkeypatch):
    monkeypatch.setitem(classifier.RECIPE, "steps", 150)


@pytest.fixture
def upside_down(digits):
    images = digits.train.images[:, ::-1]
    return dataclasses.replace(
        digits,
        name="upside_down",
        train=Split(images, digits.train.labels),
        fingerprint=fingerprint_of(images),
    )


@pytest.mark.parametrize("name", SHIPPED_SHAPES)
def test_shipped_weights_are_small(name):
    assert (classifier.SHIPPED_FOLDER / f"{name}.weights.h5").stat().st_size < 1_000_000


def test_the_shipped_classifier_reads_the_digits(digits):
    assert is_shipped(digits)
    assert accuracy(load_classifier(digits), digits.train) > 0.99


@pytest.mark.data
@pytest.mark.parametrize(("name", "least_accuracy", "least_score"), [("mnist", 0.99, 9.5), ("fashion_mnist", 0.9, 7.5)])
def test_shipped_classifiers_read_images_they_have_not_seen(name, least_accuracy, least_score):
    if "GANLAB_DATA" not in os.environ:
        pytest.skip("GANLAB_DATA names no folder of data sets")
    options = SimpleNamespace(name=name, image_size=None, limit=None, range="tanh", grayscale=None, source=None)
    dataset = load_dataset(options)
    extractor = load_classifier(dataset)
    assert accuracy(extractor, dataset.test) >= least_accuracy
    score, _ = inception_score(extractor.extract(dataset.test.images[:5000]).probabilities)
    assert score >= least_score


def test_a_data_set_resized_is_no_longer_the_shipped_one(digits):
    images = np.repeat(digits.train.images, 2, axis=1)
    assert not is_shipped(dataclasses.replace(digits, train=Split(images, digits.train.labels)))


def test_other_images_under_a_published_name_are_no_longer_the_shipped_ones(digits):
    assert not is_shipped(dataclasses.replace(digits, note="not known to be the published digits"))


def test_other_labelled_data_get_a_classifier_trained_once(upside_down, cache, short_training, monkeypatch):
    extractor = load_classifier(upside_down)
    assert accuracy(extractor, upside_down.train) > 0.9
    monkeypatch.setattr(classifier, "train_classifier", lambda *arguments: pytest.fail("trained again"))
    classifier._load.cache_clear()
    assert load_classifier(upside_down).weight_hash == extractor.weight_hash


def test_other_labels_of_the_same_images_get_their_own_classifier(upside_down, cache, monkeypatch):
    monkeypatch.setitem(classifier.RECIPE, "steps", 2)
    parity = Split(upside_down.train.images, upside_down.train.labels % 2)
    load_classifier(upside_down)
    sample = load_classifier(dataclasses.replace(upside_down, train=parity, class_names=("even", "odd")))
    assert sample.extract(parity.images[:10]).probabilities.shape == (10, 2)
    assert len(list((cache / "classifiers").glob("*.h5"))) == 2


def test_training_gives_the_same_weights_again(digits, monkeypatch):
    monkeypatch.setitem(classifier.RECIPE, "steps", 5)
    first, second = (train_classifier(digits.train.images, digits.train.labels, 10).get_weights() for _ in range(2))
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(first, second, strict=True))


def test_training_leaves_the_random_numbers_of_others_alone(digits, monkeypatch):
    monkeypatch.setitem(classifier.RECIPE, "steps", 1)
    np.random.seed(7)
    expected = np.random.rand()
    np.random.seed(7)
    train_classifier(digits.train.images[:200], digits.train.labels[:200], 10)
    assert np.random.rand() == expected


def test_damaged_cached_weights_say_which_file_to_delete(upside_down, cache, monkeypatch):
    monkeypatch.setitem(classifier.RECIPE, "steps", 2)
    load_classifier(upside_down)
    (path,) = (cache / "classifiers").glob("*.h5")
    path.write_bytes(path.read_bytes()[:3000])
    classifier._load.cache_clear()
    with pytest.raises(MissingDataError, match=rf"damaged, the weights do not match their checksum.*Delete {path}"):
        load_classifier(upside_down)
