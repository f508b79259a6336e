"""Networks that see images: guards, batches, the classifier, the random network and weight files."""

import numpy as np
import pytest
from keras import ops

from ganlab.errors import GanlabError
from ganlab.metrics.classifier import build_classifier
from ganlab.metrics.extraction import (
    Extractor,
    check_images,
    compile_for_batches,
    to_network_range,
)
from ganlab.metrics.random_network import build_random_network, draw_weights, load_random_network
from ganlab.storage.weights import hash_of_arrays


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (300, 12, 9, 3)).astype(np.uint8)


def test_bytes_become_the_range_of_the_network():
    pixels = np.array([0, 255], np.uint8)
    assert to_network_range(pixels).tolist() == [-1, 1]
    assert to_network_range(pixels).dtype == np.float32


def test_batches_of_one_size_give_what_single_images_give(images):
    model = build_classifier((12, 9, 3), classes=5)
    compile_for_batches(model)
    sample = Extractor({}, model, "").extract(images)
    assert sample.features.shape == (300, 64)
    assert sample.probabilities.shape == (300, 5)
    expected = model(to_network_range(images[290:]), training=False)
    assert np.allclose(sample.features[290:], ops.convert_to_numpy(expected["features"]), atol=1e-5)
    assert np.allclose(sample.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_slice_of_a_sample_keeps_features_and_probabilities_together(images):
    model = build_classifier((12, 9, 3), classes=5)
    compile_for_batches(model)
    sample = Extractor({}, model, "").extract(images)
    assert len(sample[10:30]) == 20
    assert np.array_equal(sample[10:30].probabilities, sample.probabilities[10:30])


@pytest.mark.parametrize(
    ("received", "message"),
    [
        (np.zeros((5, 8, 8, 3), np.uint8), r"shape \(N, 8, 8, 1\), received uint8 of shape \(5, 8, 8, 3\)"),
        (np.zeros((5, 8, 8, 1), np.float32), "received float32"),
        (np.zeros((0, 8, 8, 1), np.uint8), r"shape \(0, 8, 8, 1\)"),
        (np.full((5, 8, 8, 1), 127, np.uint8), "nearly one grey, from 127 to 127 of 255"),
    ],
)
def test_what_the_network_cannot_judge_is_refused(received, message):
    with pytest.raises(GanlabError, match=message):
        check_images(received, (8, 8, 1))


def test_images_scaled_into_the_range_twice_are_refused(images):
    twice = (to_network_range(images) + 1) / 2 / 127.5 + 1  # in [-1, 1] before, scaled as if they were bytes
    with pytest.raises(GanlabError, match="nearly one grey"):
        check_images(np.rint(twice * 127.5).astype(np.uint8), (12, 9, 3))


def test_images_of_one_digit_without_any_variation_are_still_judged():
    digit = np.zeros((1, 8, 8, 1), np.uint8)
    digit[:, 2:6, 3:5] = 255
    check_images(np.repeat(digit, 10, axis=0), (8, 8, 1))


def test_images_are_blank_if_their_values_deviate_by_less_than_one_grey_level():
    images = np.full((6, 4, 4, 1), 100, np.uint8)
    images[::2] = 102  # a deviation of exactly one
    check_images(images, (4, 4, 1))
    images[::2] = 101
    message = "6 images of nearly one grey, from 100 to 101 of 255 with standard deviation 0.50; expected at least 1"
    with pytest.raises(GanlabError, match=message):
        check_images(images, (4, 4, 1))


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (33, 17, 3), (64, 64, 3), (4, 4, 1), (2, 3, 2)])
def test_both_networks_take_images_of_any_shape(shape):
    outputs = build_classifier(shape, 7).output
    assert outputs["features"].shape == (None, 64)
    assert outputs["probabilities"].shape == (None, 7)
    assert 1 <= build_random_network(shape).output["features"].shape[1] <= 256


def test_random_weights_are_the_same_bits_everywhere():
    weights = draw_weights([(3, 3, 1, 32), (32,), (3, 3, 32, 32), (32,)])
    assert {array.dtype for array in weights} == {np.dtype(np.float32)}
    assert hash_of_arrays(weights) == "2003b08fe38d1b43e76267b86afa54b1bf46dd3dcb152e2062a8c52456ff5f80"


def test_random_weights_have_the_variance_that_keeps_activations():
    kernel, bias = draw_weights([(3, 3, 64, 64), (4000,)])
    assert kernel.var() == pytest.approx(2 / (9 * 64), rel=0.02)
    assert bias.var() == pytest.approx(0.01, rel=0.1)


def test_precision_of_the_networks_under_test_does_not_reach_the_extractors(images):
    import keras

    expected = load_random_network((12, 9, 3)).extract(images)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        load_random_network.cache_clear()
        extractor = load_random_network((12, 9, 3))
        assert {weight.dtype for weight in extractor.model.weights} == {"float32"}
        assert np.allclose(extractor.extract(images).features, expected.features, atol=1e-5)
    finally:
        keras.config.set_dtype_policy(policy)
