import json

import pytest

from ganlab.data import DATASETS, list_datasets, load_dataset
from ganlab.errors import ConfigError
from tests.data.samples import mnist_arrays, options, write_idx_files, write_npz


def test_an_unknown_data_set_is_a_config_error_with_a_hint():
    with pytest.raises(ConfigError) as caught:
        load_dataset(options("fashon_mnist"))
    assert str(caught.value) == "data.name: unknown data set 'fashon_mnist'. Did you mean 'fashion_mnist'?"


def test_an_unknown_name_without_a_similar_one_says_how_own_pictures_are_read():
    with pytest.raises(ConfigError, match=r"^data.name: unknown data set 'mine'\. Expected one of: afhq, ") as caught:
        load_dataset(options("mine"))
    own = "'name: folder' with 'source: FOLDER', or 'ganlab prepare mine --source FOLDER'."
    assert str(caught.value).endswith(f" For your own pictures: {own}")


def test_a_config_can_place_the_error():
    def error_at(keys, message):
        return ConfigError(f"exp.yaml:3:7: {'.'.join(keys)}: {message}")

    with pytest.raises(ConfigError, match=r"^exp\.yaml:3:7: data\.limit: expected at most 1797"):
        load_dataset(options("digits", limit=2000), error_at)


def test_the_list_says_what_is_here_and_what_is_not(own_data):
    write_npz(own_data / "mnist" / "mnist.npz", mnist_arrays())
    write_idx_files(own_data / "fashion-mnist", mnist_arrays())
    rows = {row["name"]: row for row in list_datasets()}
    assert list(rows) == list(DATASETS)
    assert (rows["digits"]["found"], rows["digits"]["train"]) == ("scikit-learn", 1797)
    assert rows["mnist"]["found"] == str(own_data / "mnist" / "mnist.npz")
    assert (rows["mnist"]["train"], rows["mnist"]["test"], rows["mnist"]["shape"]) == (7, 3, [28, 28, 1])
    assert rows["fashion_mnist"]["found"] == str(own_data / "fashion-mnist")
    assert (rows["fashion_mnist"]["train"], len(rows["fashion_mnist"]["checksum"])) == (7, 64)
    assert (rows["cifar10"]["found"], rows["cifar10"]["checksum"]) == ("download", None)
    assert all(row.keys() == rows["digits"].keys() for row in rows.values())
    assert json.dumps(list(rows.values()))


def test_the_list_survives_a_broken_file(own_data):
    path = write_npz(own_data / "mnist" / "mnist.npz", mnist_arrays())
    path.write_bytes(path.read_bytes()[:100])
    row = next(row for row in list_datasets() if row["name"] == "mnist")
    assert row["problem"].startswith(f"{path}: broken data file: ") and row["train"] is None
