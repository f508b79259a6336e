"""The published files themselves, where GANLAB_DATA has them."""

from pathlib import Path

import numpy as np
import pytest

from ganlab.data import list_datasets, load_dataset
from tests.data.samples import options, write_idx_files

pytestmark = pytest.mark.data


def need(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"GANLAB_DATA has no {path.name}")
    return path


def test_mnist_is_whole():
    dataset = load_dataset(options("mnist"))
    assert dataset.train.images.shape == (60000, 28, 28, 1) and dataset.test.images.shape == (10000, 28, 28, 1)
    assert list(dataset.train.labels[:5]) == [5, 0, 4, 1, 9]
    assert np.bincount(dataset.train.labels)[[0, 1, 9]].tolist() == [5923, 6742, 5949]
    assert round(dataset.train.images.mean() / 255, 4) == 0.1307  # the mean every MNIST script carries


@pytest.mark.parametrize("kind", ["as it is", "int64", "idx"])
def test_mnist_is_known_in_whichever_form_it_lies(own_data, kind, tmp_path, monkeypatch):
    dataset = load_dataset(options("mnist"))
    folder = tmp_path / "mine" / "mnist"
    parts = dataset.train.images[..., 0], dataset.train.labels, dataset.test.images[..., 0], dataset.test.labels
    arrays = dict(zip(("x_train", "y_train", "x_test", "y_test"), parts, strict=True))
    if kind == "int64":
        folder.mkdir(parents=True)
        np.savez(folder / "mnist.npz", **{key: array.astype(np.int64) for key, array in arrays.items()})
    elif kind == "idx":
        write_idx_files(folder, {key: array.astype(np.uint8) for key, array in arrays.items()})
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path / "mine") if kind != "as it is" else str(own_data))
    again = load_dataset(options("mnist"))
    assert again.note is None and again.fingerprint == dataset.fingerprint


def test_fashion_mnist_is_whole(own_data):
    need(own_data / "fashion-mnist")
    dataset = load_dataset(options("fashion_mnist"))
    assert (dataset.count, dataset.test.count) == (60000, 10000)
    assert np.bincount(dataset.train.labels).tolist() == [6000] * 10
    assert dataset.class_names[dataset.train.labels[0]] == "Ankle boot" and dataset.note is None
    assert round(dataset.train.images.mean() / 255, 4) == 0.2860


def test_cifar10_is_colour_and_can_be_grey(own_data):
    path = need(own_data / "cifar10" / "cifar10.npz")
    grey = load_dataset(options("cifar10", limit=500, grayscale="luminosity"))
    assert grey.shape == (32, 32, 1) and grey.class_names[grey.train.labels[0]] == "frog"
    with np.load(path) as arrays:
        weighed = arrays["x_test"] @ np.array([0.2989, 0.5870, 0.1140])
    assert np.abs(weighed - grey.test.images[..., 0]).max() <= 0.5 + 1e-4


def test_a_zip_of_photos_is_read_whole(own_data):
    archive = need(own_data / "afhq" / "afhq_train_cat_64.zip")
    dataset = load_dataset(options("folder", source=str(archive)))
    assert dataset.train.images.shape == (5153, 64, 64, 3)
    assert load_dataset(options("folder", source=str(archive))).fingerprint == dataset.fingerprint


def test_photos_in_a_folder_match_their_small_versions_in_the_zip(own_data):
    folder, archive = need(own_data / "afhq" / "train"), need(own_data / "afhq" / "afhq_train_cat_64.zip")
    large = load_dataset(options("folder", source=str(folder), image_size=64))
    small = load_dataset(options("folder", source=str(archive), limit=400))
    assert large.train.images.shape == (20, 64, 64, 3)
    # The first original, flickr_cat_000013, is one of the first in the zip: nothing else is nearly as close.
    distances = np.abs(small.train.images.astype(int) - large.train.images[0]).mean(axis=(1, 2, 3))
    assert distances.min() < 5 < np.sort(distances)[1]


def test_the_list_finds_them():
    rows = {row["name"]: row for row in list_datasets()}
    assert (rows["mnist"]["train"], rows["mnist"]["test"], rows["mnist"]["problem"]) == (60000, 10000, None)
