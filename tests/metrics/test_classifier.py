"""The classifier: shipped weights that hold what they promise, and training where there are none."""

import dataclasses
import os

import numpy as np
import pytest

from ganlab.config.schema import Data
from ganlab.data import Split, fingerprint_of, load_dataset
from ganlab.errors import MissingDataError
from ganlab.metrics import classifier
from ganlab.metrics.classifier import (
    SHIPPED_SHAPES,
    _shift,
    build_classifier,
    is_shipped,
    load_classifier,
    train_classifier,
    trained_weights,
)
from ganlab.metrics.names import NAMES
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


def test_the_recipe_is_that_of_published_values():
    assert NAMES["fd1k_classifier"].fingerprint == "73dd4b12b5f51099"


def test_the_file_of_trained_weights_depends_on_all_that_they_depend_on(upside_down, cache, monkeypatch):
    monkeypatch.setattr(classifier, "_train_and_write", lambda dataset, path: path.touch())
    labels = upside_down.train.labels
    others = [
        upside_down,
        dataclasses.replace(upside_down, fingerprint="of other images"),
        dataclasses.replace(upside_down, train=Split(upside_down.train.images, labels[::-1])),
        dataclasses.replace(upside_down, class_names=(*upside_down.class_names, "eleven")),
    ]
    files = {trained_weights(dataset) for dataset in others}
    monkeypatch.setitem(classifier.RECIPE, "steps", 2)
    assert len(files | {trained_weights(upside_down)}) == 5


@pytest.mark.parametrize(
    ("shape", "sides", "filters"),
    [
        ((4, 4, 1), [4], [16]),
        ((5, 5, 1), [5, 3], [16, 32]),
        ((28, 28, 1), [28, 14, 7, 4], [16, 32, 64, 64]),
        ((3, 65, 3), [3, 2, 1, 1, 1, 1], [16, 32, 64, 64, 64, 64]),
        ((65, 3, 3), [65, 33, 17, 9, 5, 3], [16, 32, 64, 64, 64, 64]),
    ],
)
def test_each_layer_after_the_first_halves_the_sides_down_to_at_most_four(shape, sides, filters):
    model = build_classifier(shape, 7, drawn=False)
    convolutions = [layer for layer in model.layers if hasattr(layer, "filters")]
    assert [layer.output.shape[1] for layer in convolutions] == sides
    assert [layer.filters for layer in convolutions] == filters
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert {name: output.shape[1] for name, output in model.output.items()} == {"features": 64, "probabilities": 7}


@pytest.mark.parametrize(("side", "reach"), [(4, 1), (8, 1), (28, 2)])
def test_a_batch_moves_by_one_offset_and_its_edges_are_repeated(side, reach):
    images = np.arange(2 * side * (side - 2), dtype=np.int32).reshape(2, side, side - 2, 1)
    rows, columns = np.arange(side), np.arange(side - 2)
    moved = {
        (down, right): images[:, np.clip(rows + down, 0, side - 1)][:, :, np.clip(columns + right, 0, side - 3)]
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
    }
    generator, found = np.random.default_rng(0), set()
    for _ in range(10 * len(moved)):
        shifted = _shift(images, generator)
        found.add(next(offset for offset, expected in moved.items() if np.array_equal(shifted, expected)))
    assert found == set(moved)


def test_training_takes_every_image_once_a_pass_at_a_rate_that_falls_to_zero(digits, monkeypatch):
    import keras

    seen = []
    monkeypatch.setitem(classifier.RECIPE, "steps", 4)
    monkeypatch.setattr(classifier, "_shift", lambda images, generator: images)
    monkeypatch.setattr(keras.Model, "train_on_batch", lambda *arguments: seen.append(arguments))
    train_classifier(digits.train.images[:96], digits.train.labels[:96], 10)
    generator = np.random.Generator(np.random.Philox(0))
    order = np.concatenate([generator.permutation(96) for _ in range(6)])[: 4 * 128].reshape(4, 128)
    model = seen[0][0]
    for rows, (_, images, labels) in zip(order, seen, strict=True):
        np.testing.assert_allclose(images, digits.train.images[rows] / 127.5 - 1, atol=1e-6)
        np.testing.assert_array_equal(labels, digits.train.labels[rows])
    rates = [float(model.optimizer._learning_rate(step)) for step in (0, 2, 4)]
    assert rates == pytest.approx([2e-3, 1e-3, 0.0]) and type(model.optimizer) is keras.optimizers.Adam
    logits = np.array([[0.0, np.log(3.0)]])
    assert float(model.loss(np.array([1]), logits)) == pytest.approx(np.log(4 / 3), rel=1e-5)


@pytest.mark.parametrize("name", SHIPPED_SHAPES)
def test_shipped_weights_are_small(name):
    assert (classifier.SHIPPED_FOLDER / f"{name}.weights.h5").stat().st_size < 1_000_000


def test_the_shipped_classifier_reads_the_digits(digits):
    assert is_shipped(digits)
    assert accuracy(load_classifier(digits), digits.train) > 0.99


def published(name):
    if "GANLAB_DATA" not in os.environ:
        pytest.skip("GANLAB_DATA names no folder of data sets")
    return load_dataset(Data(name=name))


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_published_data_are_those_of_the_shipped_classifiers(name):
    assert is_shipped(published(name))


@pytest.mark.data
@pytest.mark.parametrize(("name", "least_accuracy", "least_score"), [("mnist", 0.99, 9.5), ("fashion_mnist", 0.9, 7.5)])
def test_shipped_classifiers_read_images_they_have_not_seen(name, least_accuracy, least_score):
    dataset = published(name)
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
