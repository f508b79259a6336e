import numpy as np
import pytest
from PIL import Image

from ganlab.data.dataset import Split, fingerprint_of
from ganlab.data.options import apply_options, plain_error_at, resize, to_luminosity
from ganlab.errors import ConfigError
from tests.data.samples import noise, options

TRAIN = Split(noise(6, 16, 16, 3), np.arange(6))
TEST = Split(noise(4, 16, 16, 3, seed=1), np.arange(4))


def prepared(**changes):
    return apply_options("cifar10", TRAIN, TEST, None, "here", options("cifar10", **changes), plain_error_at)


def test_without_wishes_images_stay_as_they_are():
    dataset = prepared()
    assert dataset.train.images is not None and np.array_equal(dataset.train.images, TRAIN.images)
    assert dataset.fingerprint == fingerprint_of(TRAIN.images)


def test_a_limit_takes_the_first_training_images_and_leaves_the_test_images():
    dataset = prepared(limit=2)
    assert np.array_equal(dataset.train.images, TRAIN.images[:2]) and list(dataset.train.labels) == [0, 1]
    assert dataset.test.count == 4 and dataset.fingerprint == fingerprint_of(TRAIN.images[:2])


def test_all_images_are_those_of_both_parts_and_nothing_is_held_out():
    dataset = prepared(split="all")
    assert np.array_equal(dataset.train.images, np.concatenate([TRAIN.images, TEST.images]))
    assert list(dataset.train.labels) == [*range(6), *range(4)] and dataset.test is None
    assert np.array_equal(prepared(split="all", limit=7).train.images[6], TEST.images[0])


def test_all_images_of_a_set_without_a_test_part_is_a_config_error():
    with pytest.raises(ConfigError) as caught:
        apply_options("digits", TRAIN, None, None, "here", options("digits", split="all"), plain_error_at)
    assert str(caught.value) == "data.split: expected train, because digits has no test part, received all"


def test_a_limit_beyond_the_data_set_is_a_config_error():
    with pytest.raises(ConfigError) as caught:
        prepared(limit=7)
    assert str(caught.value) == ("data.limit: expected at most 6 (the training images in here), received 7.")


def test_size_and_grey_apply_to_both_splits():
    dataset = prepared(image_size=8, grayscale="luminosity")
    assert dataset.shape == (8, 8, 1) and dataset.test.images.shape == (4, 8, 8, 1)
    assert dataset.train.images.dtype == np.uint8


def test_resizing_is_pillows_lanczos():
    expected = np.asarray(Image.fromarray(TRAIN.images[3]).resize((8, 8), Image.Resampling.LANCZOS))
    assert np.array_equal(resize(TRAIN.images, 8)[3], expected)


def test_resizing_averages_instead_of_skipping_pixels():
    stripes = np.zeros((1, 64, 64, 1), np.uint8)
    stripes[:, :, ::2] = 200
    assert np.abs(resize(stripes, 8).astype(int) - 100).max() <= 5


@pytest.mark.parametrize(
    ("colour", "grey"),
    [
        ((255, 0, 0), 76),  # 0.2989 * 255 = 76.22
        ((0, 255, 0), 150),  # 0.5870 * 255 = 149.69
        ((0, 0, 255), 29),  # 0.1140 * 255 = 29.07
        ((255, 255, 255), 255),
        ((0, 0, 0), 0),
        ((10, 100, 200), 84),  # 2.989 + 58.7 + 22.8 = 84.49
    ],
)
def test_luminosity_weighs_the_colours(colour, grey):
    assert to_luminosity(np.full((2, 1, 1, 3), colour, np.uint8)).tolist() == [[[[grey]]]] * 2


def test_luminosity_leaves_grey_images_alone():
    grey = noise(2, 4, 4, 1)
    assert to_luminosity(grey) is grey
    assert np.array_equal(to_luminosity(grey.repeat(3, axis=3)), grey)
