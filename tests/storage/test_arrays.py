import io
import zipfile

import numpy as np
import pytest

from ganlab.errors import GanlabError
from ganlab.storage.arrays import read_npz, read_stored_npz
from tests.data.samples import noise, write_npz

SHAPES = {"x": (None, 4, 4), "y": (None,)}
GOOD = {"x": noise(3, 4, 4), "y": np.array([1, 2, 3], np.int64)}


def test_arrays_come_back_as_they_were_written(tmp_path):
    path = write_npz(tmp_path / "a.npz", GOOD | {"extra": noise(2)})
    arrays = read_npz(path, SHAPES)
    assert arrays.keys() == GOOD.keys()
    assert all(np.array_equal(arrays[key], GOOD[key]) for key in GOOD)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": GOOD["x"]}, "expected the array 'y', received x"),
        (GOOD | {"x": noise(3, 4, 5)}, "x: expected numbers (N, 4, 4), received uint8 (3, 4, 5)"),
        (GOOD | {"x": noise(3, 4)}, "x: expected numbers (N, 4, 4), received uint8 (3, 4)"),
        (GOOD | {"x": GOOD["x"].astype("S3")}, "x: expected numbers (N, 4, 4), received |S3 (3, 4, 4)"),
        (GOOD | {"y": np.array([1, None, 3], object)}, "Object arrays cannot be loaded: y.npy"),
    ],
)
def test_wrong_arrays_are_one_line(tmp_path, arrays, message):
    path = write_npz(tmp_path / "a.npz", arrays)
    with pytest.raises(GanlabError) as caught:
        read_npz(path, SHAPES)
    assert str(caught.value).startswith(f"{path}: broken data file: {message}.")


def test_a_pickle_is_never_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([Trap()], object), y=GOOD["y"])
    with pytest.raises(GanlabError, match=r"Object arrays cannot be loaded: x\.npy"):
        read_npz(path, SHAPES)
    assert not (tmp_path / "sprung").exists()


def test_a_header_cannot_make_us_reserve_memory(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 4, 4)})
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue() + b"few")
    with pytest.raises(GanlabError, match=r"x\.npy: its size does not match its shape"):
        read_npz(path, {"x": (None, 4, 4)})


def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros((2**18, 4, 4), np.uint8), y=GOOD["y"])
    with pytest.raises(GanlabError, match=r"x: unpacks to more than 200 times its size"):
        read_npz(path, SHAPES)


class TestStored:
    def test_what_savez_writes_comes_back(self, tmp_path):
        arrays = {"a/0/kernel": np.ones((2, 3), np.float32), "seed": np.array([7], np.uint32), "none": np.zeros((0, 4))}
        np.savez(tmp_path / "a.npz", **arrays)
        read = read_stored_npz(tmp_path / "a.npz")
        assert read.keys() == arrays.keys() and all(np.array_equal(read[key], arrays[key]) for key in arrays)

    def write(self, path, descr: str, shape: tuple, content: bytes, packed: bool = False, copies: int = 0):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
            archive.writestr("x.npy", header.getvalue() + content)
            archive.filelist += archive.filelist * copies
        return path

    @pytest.mark.parametrize(
        ("form", "message"),
        [
            (("<f4", (10**12,), b"few"), r"its size does not match its shape \(1000000000000,\) of float32"),
            (("<f4", (2**32, 2**32), b""), "its size does not match its shape"),
            (("<f4", (-1, -8), bytes(32)), "its size does not match its shape"),
            (("|O", (1,), b"cos\nsystem\n(S'true'\ntR."), r"Object arrays cannot be loaded: x\.npy"),
            (("<f4", (2,), bytes(8), True), "is packed"),
            (("|S0", (10**11,), b""), "holds values of no size"),
            (("<f4", (2,), bytes(8), False, 1000), "its arrays declare more bytes than the file has"),
        ],
        ids=["huge", "huge beyond 64 bits", "negative", "pickle", "packed", "of no size", "the same bytes many times"],
    )
    def test_what_it_does_not_write_is_refused(self, tmp_path, form, message):
        with pytest.raises(ValueError, match=message):
            read_stored_npz(self.write(tmp_path / "a.npz", *form))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_file_is_one_line_that_names_it(tmp_path, damage):
    path = write_npz(tmp_path / "a.npz", {"x": noise(500, 4, 4), "y": np.arange(500)})
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[3000] ^= 0xFF
    path.write_bytes({"truncated": content[:4000], "flipped": content, "empty": b""}[damage])
    with pytest.raises(GanlabError) as caught:
        read_npz(path, SHAPES)
    assert str(caught.value).startswith(f"{path}: broken data file: ") and "\n" not in str(caught.value)
