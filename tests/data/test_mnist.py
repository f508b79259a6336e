"""MNIST and Fashion-MNIST share their forms."""

import gzip

import numpy as np
import pytest

from ganlab.data.mnist import read_idx
from ganlab.data.registry import list_datasets, load_dataset
from ganlab.errors import GanlabError
from tests.data.samples import idx_bytes, mnist_arrays, noise, options, write_idx_files, write_npz

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


@pytest.mark.parametrize("kind", [np.int64, np.uint16, ">i4", np.float32, np.float64])
def test_images_and_labels_in_other_types_give_the_same_data(own_data, kind):
    write_npz(own_data / "mnist" / "mnist.npz", {key: array.astype(kind) for key, array in ARRAYS.items()})
    dataset = load_dataset(options("mnist"))
    assert dataset.train.images.dtype == np.uint8 and np.array_equal(dataset.train.images[..., 0], ARRAYS["x_train"])
    assert dataset.test.labels.dtype == np.int64 and np.array_equal(dataset.test.labels, ARRAYS["y_test"])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (ARRAYS["x_train"].astype(np.int32) - 1, "received int32 from -1 to 254"),
        (ARRAYS["x_train"].astype(np.uint16) * 257, "received uint16 from 0 to 65535"),
        (ARRAYS["x_train"] / 255, "received float64 from 0 to 1. Save np.rint(255 * x).astype(np.uint8) instead"),
        ((ARRAYS["x_train"] > 127).astype(np.float32), "received float32 from 0 to 1. Save"),
        (ARRAYS["x_train"] / 127.5 - 1, "received float64 from -1 to 1"),
        (ARRAYS["x_train"] + 0.5, "received float64 from 0.5 to 255.5"),
        (np.full((7, 28, 28), np.nan), "received float64 from nan to nan"),
        (ARRAYS["x_train"] > 127, "received bool from 0 to 1"),
    ],
)
def test_images_of_another_range_are_one_line_with_the_file_and_the_range(own_data, images, message):
    path = write_npz(own_data / "mnist" / "mnist.npz", ARRAYS | {"x_train": images})
    with pytest.raises(GanlabError) as caught:
        load_dataset(options("mnist"))
    expected = "x_train: expected whole numbers from 0 to 255, "
    assert str(caught.value).startswith(f"{path}: broken data file: {expected}{message}")


def test_labels_that_are_no_whole_numbers_are_one_line(own_data):
    write_npz(own_data / "mnist" / "mnist.npz", ARRAYS | {"y_test": np.array([0.5, 1, 2])})
    with pytest.raises(GanlabError, match="y_test: expected whole numbers, received float64"):
        load_dataset(options("mnist"))


@pytest.mark.parametrize("change", [lambda name: name.removesuffix(".gz"), lambda name: name.replace("-idx", ".idx")])
def test_idx_files_are_found_under_the_names_that_tools_give_them(own_data, change):
    write_idx_files(own_data / "mnist", ARRAYS)
    for path in list((own_data / "mnist").iterdir()):
        content = gzip.decompress(path.read_bytes()) if not change(path.name).endswith(".gz") else path.read_bytes()
        path.unlink()
        (own_data / "mnist" / change(path.name)).write_bytes(content)
    assert np.array_equal(load_dataset(options("mnist")).train.images[..., 0], ARRAYS["x_train"])


def test_some_idx_files_may_be_unpacked(own_data):
    write_idx_files(own_data / "mnist", ARRAYS)
    for path in list((own_data / "mnist").glob("*images*")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert load_dataset(options("mnist")).count == 7


@pytest.mark.parametrize("write", [write_as_npz, write_as_idx])
def test_images_under_a_published_name_that_are_not_the_published_ones_are_noted(own_data, write):
    write(own_data / "mnist", "mnist.npz")
    note = load_dataset(options("mnist", limit=2)).note
    assert note.startswith("not known to be the published mnist: 7 training and 3 test images of content ")
    row = next(row for row in list_datasets() if row["name"] == "mnist")
    assert (row["note"], row["problem"]) == (note, None)


def test_own_data_is_preferred_to_the_cache(own_data, cache):
    write_npz(cache / "data" / "mnist" / "mnist.npz", mnist_arrays(train=9))
    assert load_dataset(options("mnist")).count == 9
    write_npz(own_data / "mnist" / "mnist.npz", ARRAYS)
    assert load_dataset(options("mnist")).count == 7


IMAGES = noise(3, 4, 5)


def written(tmp_path, content: bytes):
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_values_come_back_as_they_were_written(tmp_path, pack):
    path = written(tmp_path, pack(idx_bytes(IMAGES)))
    assert np.array_equal(read_idx(path, (4, 5)), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "unpack requires a buffer of 4 bytes"),
        (idx_bytes(IMAGES)[:-1], "expected 60 values, received 59"),
        (b"no header", "expected the IDX header (0, 8, 3), received (28271, 32, 104)"),
        (gzip.compress(idx_bytes(IMAGES))[:-20], "ended before the end-of-stream marker"),
        (gzip.compress(idx_bytes(IMAGES)) + b"more", "Not a gzipped file"),
        (gzip.compress(idx_bytes(IMAGES)[:-1]), "expected 60 values, received 59"),
        (gzip.compress(idx_bytes(IMAGES) + b"!"), "expected its end after 60 values, received more"),
        (gzip.compress(b"\0\0\x0d\3"), "expected the IDX header (0, 8, 3), received (0, 13, 3)"),
        (gzip.compress(idx_bytes(IMAGES[0])), "expected the IDX header (0, 8, 3), received (0, 8, 2)"),
        (gzip.compress(idx_bytes(noise(3, 5, 4))), "expected samples of shape (4, 5), received 3 of (5, 4)"),
        (gzip.compress(idx_bytes(np.zeros((2**17, 4, 5), np.uint8))), "values unpack to more than 200 times its size"),
        (gzip.compress(b"\0\0\x08\3\xff\xff\xff\xff\0\0\0\4\0\0\0\5"), "received 4294967295 of (4, 5)"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(GanlabError) as caught:
        read_idx(path, (4, 5))
    text = str(caught.value)
    assert text.startswith(f"{path}: broken data file: ") and message in text and "\n" not in text
