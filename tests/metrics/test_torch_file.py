"""Files of torch.save, read without torch: both formats, and what a pickle must not be able to do."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from ganlab.errors import GanlabError
from ganlab.metrics import torch_file
from ganlab.metrics.torch_file import read_torch_file


@pytest.fixture(params=[True, False], ids=["archive", "before 1.6"])
def save(request, tmp_path):
    torch = pytest.importorskip("torch", reason="only torch writes its files")

    def write(value):
        path = tmp_path / "state.pth"
        torch.save(value, path, _use_new_zipfile_serialization=request.param)
        return path

    return write


def test_tensors_come_back_as_arrays(save):
    import torch

    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {
        "whole": whole,
        "transposed": whole.t(),
        "part": whole[1:, 2:4],
        "count": torch.tensor(7),
        "half": torch.ones(3, dtype=torch.float16),
        "parameter": torch.nn.Parameter(torch.full((2, 2), 0.5)),
        "empty": torch.zeros(0, 3),
    }
    read = read_torch_file(save(state))
    assert list(read) == list(state)
    for name, tensor in state.items():
        assert np.array_equal(read[name], tensor.detach().numpy()), name
        assert read[name].dtype == tensor.detach().numpy().dtype


def test_a_module_s_state_comes_back(save):
    import torch

    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    read = read_torch_file(save(module.state_dict()))
    assert set(read) == {name for name, _ in module.state_dict().items()}


def test_what_is_no_tensor_is_refused(save):
    with pytest.raises(GanlabError, match="expected a tensor, received str"):
        read_torch_file(save({"name": "inception"}))


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


def as_archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return file.getvalue()


@pytest.mark.parametrize("wrap", [as_archive, bytes], ids=["archive", "before 1.6"])
def test_a_pickle_that_calls_a_function_is_refused_and_calls_nothing(wrap, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "state.pth"
    path.write_bytes(wrap(pickle.dumps({"weight": Harmful()}, protocol=2)))
    with pytest.raises(GanlabError, match=r"(posix|nt|os)\.mkdir is not part of a tensor"):
        read_torch_file(path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"not a file of tensors", as_archive(b"\x80\x02"), pickle.dumps(7)]
)
def test_damage_is_one_line_that_names_the_file(content, tmp_path):
    path = tmp_path / "state.pth"
    path.write_bytes(content)
    with pytest.raises(
        GanlabError, match=r"state\.pth: broken data file: expected tensors written by torch.save"
    ) as error:
        read_torch_file(path)
    assert "\n" not in str(error.value)


def pickled(*instructions: bytes) -> bytes:
    return b"\x80\x02" + b"".join(instructions) + b"."


def stored(count: int = 4, key: str = "0") -> bytes:
    """The instructions for a reference to a storage of floats."""
    words = (b"X" + struct.pack("<I", len(word)) + word.encode() for word in ("storage", key, "cpu"))
    kind, name, place = words
    return b"(" + kind + b"ctorch\nFloatStorage\n" + name + place + b"J" + struct.pack("<i", count) + b"tQ"


NAME = b"X\x01\x00\x00\x00a"
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n("


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ((b"}", NAME, b"i__main__\nX\n", b"s"), "INST is not part of a tensor"),
        ((b"}", NAME, b"\x8c\x02os\x8c\x06system\x93", b"s"), "STACK_GLOBAL is not part of a tensor"),
        (
            (b"}", NAME, TENSOR, stored(), b"K\x00(J", struct.pack("<i", 2**30), b"t(K\x00ttR", b"s"),
            "beyond its storage",
        ),
        ((b"}", NAME, TENSOR, stored(), b"K\x05(K\x01t(K\x01ttR", b"s"), "beyond its storage"),
        ((b"}", NAME, TENSOR, stored(), b"K\x00(K\x02t(J\xff\xff\xff\xffttR", b"s"), "beyond its storage"),
        ((b"}", NAME, TENSOR, stored(2**30), b"K\x00(K\x01t(K\x01ttR", b"s"), "buffer is smaller than requested size"),
        ((b"}", NAME, TENSOR, stored(key="../../a"), b"K\x00(K\x01t(K\x01ttR", b"s"), "KeyError"),
        ((b"}", NAME, b"ctorch\nFloatStorage\n", b"s"), "expected a tensor, received Float32DType"),
        ((b"ccollections\nOrderedDict\n", NAME, b"R"), "calls what makes no tensor"),
        ((b"}", b")", b"\x85" * 100_000, NAME, b"s"), "expected names of tensors, received tuple"),
        ((b"r\xff\xff\xff\x7f",), "IndexError"),
        ((b"u",), "IndexError"),
        ((b"0",), "POP is not part of a tensor"),
    ],
)
def test_instructions_that_make_no_tensor_of_the_file_are_refused(tmp_path, instructions, reason):
    path = tmp_path / "state.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(*instructions))
        archive.writestr("archive/data/0", bytes(16))
    with pytest.raises(GanlabError, match=reason) as caught:
        read_torch_file(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


def test_a_packed_archive_is_refused(tmp_path):
    path = tmp_path / "state.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**24))
    with pytest.raises(GanlabError, match=r"archive/data\.pkl is packed, which torch\.save does not do"):
        read_torch_file(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_file, "MOST_BYTES", 100)
    (tmp_path / "state.pth").write_bytes(bytes(101))
    with pytest.raises(GanlabError, match="larger than 100 bytes"):
        read_torch_file(tmp_path / "state.pth")


def test_tensors_that_share_a_storage_take_it_once(save):
    import torch

    whole = torch.zeros(1000)
    read = read_torch_file(save({str(index): whole for index in range(50)}))
    assert len({array.__array_interface__["data"][0] for array in read.values()}) == 1


def test_damaged_files_are_read_or_refused(save):
    import torch

    path = save(torch.nn.Conv2d(2, 3, 3).state_dict())
    content, chance = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in chance.integers(0, len(damaged), chance.integers(1, 4)):
            damaged[place] = chance.integers(0, 256)
        path.write_bytes(damaged)
        try:
            read_torch_file(path)
        except GanlabError as error:
            refused += "\n" not in str(error)
    assert refused > 50


def test_a_truncated_file_is_refused(save):
    import torch

    path = save({"weight": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(GanlabError, match="broken data file"):
        read_torch_file(path)
