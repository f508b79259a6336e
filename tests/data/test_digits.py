import numpy as np
from sklearn.datasets import load_digits

from ganlab.data.registry import load_dataset
from tests.data.samples import options


def test_all_digits_are_training_data_from_0_to_255():
    dataset = load_dataset(options("digits"))
    assert dataset.shape == (8, 8, 1) and dataset.count == 1797 and dataset.test is None
    assert dataset.train.images.dtype == np.uint8
    # 16 grey levels become 255, half of that rounds to even: 8 / 16 * 255 = 127.5
    grey = load_digits().images
    assert {int(dataset.train.images[..., 0][grey == level][0]) for level in (0, 4, 8, 16)} == {0, 64, 128, 255}
    assert np.array_equal(dataset.train.labels, load_digits().target)
    assert dataset.class_names == tuple("0123456789")


def test_digits_are_the_same_on_every_machine():
    fingerprint = load_dataset(options("digits")).fingerprint
    assert fingerprint.startswith("4a52f39e")


def test_digits_can_be_limited_and_enlarged():
    dataset = load_dataset(options("digits", limit=10, image_size=28))
    assert dataset.train.images.shape == (10, 28, 28, 1) and dataset.train.labels.shape == (10,)
