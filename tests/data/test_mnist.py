"""MNIST and Fashion-MNIST share their forms."""

import numpy as np
import pytest

from ganlab.data.registry import load_dataset
from ganlab.errors import GanlabError
from tests.data.samples import mnist_arrays, options, write_idx_files, write_npz

ARRAYS = mnist_arrays()


def write_as_npz(folder, file):
    write_npz(folder / file, ARRAYS)


def write_as_idx(folder, file):
    write_idx_files(folder, ARRAYS)


@pytest.mark.parametrize(
    ("name", "folder", "write", "file"),
    [
        ("mnist", "mnist", write_as_npz, "mnist.npz"),
        ("mnist", "mnist", write_as_idx, None),
        ("fashion_mnist", "fashion_mnist", write_as_npz, "fashion-mnist.npz"),
        ("fashion_mnist", "fashion_mnist", write_as_idx, None),
        ("fashion_mnist", "fashion-mnist", write_as_idx, None),
    ],
)
def test_both_forms_give_the_same_data(own_data, name, folder, write, file):
    write(own_data / folder, file)
    dataset = load_dataset(options(name))
    assert dataset.shape == (28, 28, 1) and dataset.count == 7 and dataset.test.count == 3
    assert np.array_equal(dataset.train.images[..., 0], ARRAYS["x_train"])
    assert np.array_equal(dataset.test.labels, ARRAYS["y_test"]) and dataset.test.labels.dtype == np.int64
    assert dataset.source.startswith(str(own_data / folder)) and len(dataset.class_names) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_train": np.array([10] * 7, np.uint8)}, "expected labels 0 to 9, received 10 to 10"),
        ({"y_train": np.array([-1] * 7, np.int64)}, "expected labels 0 to 9, received -1 to -1"),
        ({"y_train": np.zeros(6, np.uint8)}, "expected a label for each image, received 7 and 6"),
        (
            {"x_test": np.zeros((0, 28, 28), np.uint8), "y_test": np.zeros(0, np.uint8)},
            "expected a label for each image, received 0 and 0",
        ),
    ],
)
def test_labels_that_do_not_fit_are_damage(own_data, change, message):
    path = write_npz(own_data / "mnist" / "mnist.npz", ARRAYS | change)
    with pytest.raises(GanlabError) as caught:
        load_dataset(options("mnist"))
    assert str(caught.value).startswith(f"{path}: broken data file: {message}.")


def test_own_data_is_preferred_to_the_cache(own_data, cache):
    write_npz(cache / "data" / "mnist" / "mnist.npz", mnist_arrays(train=9))
    assert load_dataset(options("mnist")).count == 9
    write_npz(own_data / "mnist" / "mnist.npz", ARRAYS)
    assert load_dataset(options("mnist")).count == 7
