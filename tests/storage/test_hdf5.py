"""What HDF5 can do beside holding arrays, each refused before a value is read. A bomb that is read after all takes terabytes."""

import h5py
import numpy as np
import pytest

from ganlab.errors import CheckpointError
from ganlab.storage.weights import check_weights, read_weights, require_plain_arrays
from tests.hostile.fuzz_weights import small_network
from tests.hostile.weights import sealed


def soft_link(file, folder):
    file["layers/a"] = h5py.SoftLink("/layers/dense")


def external_link(file, folder):
    file["layers/a"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def two_places(file, folder):
    file["layers/a"] = file["layers/dense"]


def circle(file, folder):
    file["layers/a"] = file["layers"]


def virtual(file, folder):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (4,))
    file.create_virtual_dataset("a", layout)


def external_storage(file, folder):
    file.create_dataset("a", (4,), "f4", external=[(str(folder / "other.h5"), 0, 16)])


def packed(file, folder):
    file.create_dataset("a", (100, 100), "f4", compression="gzip")


def huge_and_empty(file, folder):
    file.create_dataset("a", (2**20, 2**20), "f4")


def huge_in_chunks(file, folder):
    file.create_dataset("a", (2**20, 2**20), "f4", chunks=(1, 1))


def text(file, folder):
    file.create_dataset("a", data=["one", "two"])


def pair_of_numbers(file, folder):
    file.create_dataset("a", data=np.zeros(3, [("x", "f4"), ("y", "f4")]))


def reference(file, folder):
    file.create_dataset("a", data=file.ref, dtype=h5py.ref_dtype)


def no_shape(file, folder):
    file.create_dataset("a", data=h5py.Empty("f4"))


def committed_type(file, folder):
    file["a"] = np.dtype("f4")


def many_values(file, folder):
    file["layers"].attrs["a"] = ["x"] * 10


REFUSED = [
    (soft_link, "'a' is a link to elsewhere (SoftLink)"),
    (external_link, "'a' is a link to elsewhere (ExternalLink)"),
    (two_places, "leads to what stands elsewhere in the file"),
    (circle, "leads to what stands elsewhere in the file"),
    (virtual, "/a: is put together from other data sets"),
    (external_storage, "/a: keeps its values in another file"),
    (packed, "/a: is packed"),
    (huge_and_empty, "/a: declares 4398046511104 bytes and has 0"),
    (huge_in_chunks, "/a: declares 4398046511104 bytes and has 0"),
    (text, "/a: holds no numbers"),
    (pair_of_numbers, "/a: holds no numbers"),
    (reference, "/a: holds no numbers"),
    (no_shape, "/a: holds no numbers"),
    (committed_type, "/a: is no array"),
    (many_values, "/layers: the attribute 'a' has several values"),
]


@pytest.fixture
def network():
    return small_network()


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=[spoil.__name__ for spoil, _ in REFUSED])
def test_a_weight_file_holds_plain_arrays_and_nothing_else(tmp_path, network, spoil, message):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.zeros(4, "f4")
    path = sealed(tmp_path / "a.weights.h5", network, lambda file: spoil(file, tmp_path))
    for read in (lambda: read_weights(path, network), lambda: check_weights(path)):
        with pytest.raises(CheckpointError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_what_keras_writes_is_plain(tmp_path, network):
    path = sealed(tmp_path / "a.weights.h5", network, lambda file: None)
    with h5py.File(path) as file:
        require_plain_arrays(file, path.stat().st_size)
    read_weights(path, network)


def test_arrays_may_not_declare_more_than_the_file_has(tmp_path, network):
    path = sealed(tmp_path / "a.weights.h5", network, lambda file: None)
    with h5py.File(path) as file, pytest.raises(ValueError, match="its arrays declare 220 bytes, and the file has 50"):
        require_plain_arrays(file, 50)


def test_a_weight_of_another_shape_is_refused(tmp_path, network):
    def reshape(file):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.zeros((3, 8), "f4")

    path = sealed(tmp_path / "a.weights.h5", network, reshape)
    with pytest.raises(CheckpointError, match=r"a\.weights\.h5: no weights of this network"):
        read_weights(path, network)
