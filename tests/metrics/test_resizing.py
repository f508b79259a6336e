"""Resizing against its definitions: TensorFlow's kernels, and torch-fidelity's version of the first."""

import numpy as np
import pytest

from ganlab.metrics.resizing import METHODS, positions, resize
from tests.metrics.peers import import_peer

SHAPES = [(28, 28, 1), (32, 32, 3), (40, 40, 3), (64, 48, 3), (218, 178, 3), (299, 299, 3), (311, 400, 1), (1, 1, 1)]


def pixels(shape):
    return np.random.default_rng(0).integers(0, 256, (2, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_tf1_bilinear_is_what_tensorflow_1_computes(shape):
    import tensorflow as tf

    images = pixels(shape)
    expected = tf.compat.v1.image.resize_bilinear(images, (299, 299), align_corners=False, half_pixel_centers=False)
    assert np.abs(np.asarray(resize(images, 299, "tf1_bilinear")) - expected.numpy()).max() < 1e-4


@pytest.mark.parametrize("shape", SHAPES)
def test_bilinear_has_the_pixel_centres_of_tensorflow_2(shape):
    import tensorflow as tf

    images = pixels(shape)
    expected = tf.image.resize(images, (299, 299), method="bilinear", antialias=False)
    assert np.abs(np.asarray(resize(images, 299, "bilinear")) - expected.numpy()).max() < 1e-3


@pytest.mark.parametrize("shape", SHAPES)
def test_nearest_takes_the_pixel_tensorflow_2_takes(shape):
    import tensorflow as tf

    images = pixels(shape)
    expected = tf.image.resize(images, (299, 299), method="nearest").numpy()
    assert np.array_equal(np.asarray(resize(images, 299, "nearest")), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_tf1_bilinear_is_what_torch_fidelity_computes(shape):
    peer = import_peer("torch_fidelity.interpolate_compat_tensorflow")
    import torch

    images = pixels(shape)
    channels_first = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    expected = peer.interpolate_bilinear_2d_like_tensorflow1x(channels_first, size=(299, 299), align_corners=False)
    received = np.asarray(resize(images, 299, "tf1_bilinear"))
    assert np.abs(received - expected.numpy().transpose(0, 2, 3, 1)).max() < 1e-4


def test_the_methods_differ_where_it_matters():
    images = pixels((40, 40, 3))
    results = [np.asarray(resize(images, 299, method)) for method in METHODS]
    assert np.abs(results[0] - results[1]).mean() > 5
    assert np.abs(results[1] - results[2]).mean() > 5


def test_a_row_of_two_pixels_by_hand():
    row = np.array([0.0, 8.0], np.float32).reshape(1, 1, 2, 1)
    results = {method: np.asarray(resize(row, 4, method))[0, 0, :, 0].tolist() for method in METHODS}
    assert results == {"tf1_bilinear": [0, 4, 8, 8], "bilinear": [0, 2, 6, 8], "nearest": [0, 0, 8, 8]}


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="expected one of tf1_bilinear, bilinear, nearest, received 'cubic'"):
        positions(4, 8, "cubic")
