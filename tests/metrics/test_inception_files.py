"""The two kinds of published files: what is read, what a pickle must not be able to do, damage, and machines without torch."""

import gzip
import importlib.metadata
import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from ganlab.errors import GanlabError, MissingDataError
from ganlab.metrics import inception_files
from ganlab.metrics.inception_files import has_torch, read_frozen_graph, read_torch_weights

needs_torch = pytest.mark.skipif(not has_torch(), reason="only torch reads and writes its files")


@pytest.fixture(params=[True, False], ids=["archive", "before 1.6"])
def save(request, tmp_path):
    torch = pytest.importorskip("torch", reason="only torch writes its files")

    def write(value):
        path = tmp_path / "state.pth"
        torch.save(value, path, _use_new_zipfile_serialization=request.param)
        return path

    return write


def graph_of(shape: tuple[int, ...], kind: int = 1) -> bytes:
    """A frozen graph with one constant: as many ones of TensorFlow's type `kind` (1 is float32) as the shape says."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    node = graph.node.add(name="ones", op="Const")
    node.attr["dtype"].type = kind
    tensor = node.attr["value"].tensor
    tensor.dtype = kind
    tensor.float_val.extend([] if 0 in shape else [1.0])  # one value stands for all
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return graph.SerializeToString()


def archive_of(content: bytes, name: str = inception_files.GRAPH) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (0, 3)])
@pytest.mark.parametrize("wrap", [bytes, archive_of])
def test_a_frozen_graph_gives_its_constants(tmp_path, shape, wrap):
    path = tmp_path / ("graph.pb" if wrap is bytes else "graph.tgz")
    path.write_bytes(wrap(graph_of(shape)))
    read = read_frozen_graph(path)
    assert list(read) == ["ones"]
    np.testing.assert_array_equal(read["ones"], np.ones(shape, np.float32))


def test_constants_may_declare_as_much_as_a_published_file_could_hold(tmp_path, monkeypatch):
    assert inception_files._LARGEST == 512 * 2**20
    path = tmp_path / "graph.pb"
    path.write_bytes(graph_of((10, 10)))
    monkeypatch.setattr(inception_files, "_LARGEST", 800)  # bytes of a hundred numbers of the largest type
    assert read_frozen_graph(path)["ones"].shape == (10, 10)
    monkeypatch.setattr(inception_files, "_LARGEST", 799)
    with pytest.raises(GanlabError, match="its constants declare more than 799 bytes"):
        read_frozen_graph(path)


def damaged(content: bytes) -> bytes:
    """With other bytes in the middle of the compressed part."""
    middle = len(content) // 2
    return content[:middle] + bytes([byte ^ 0xFF for byte in content[middle : middle + 8]]) + content[middle + 8 :]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("graph.pb", lambda: b"\xff\xff\xff", "Error parsing message"),
        ("graph.pb", lambda: graph_of((-1, 3)), r"a constant of shape \[-1, 3\]"),
        ("graph.pb", lambda: graph_of((3, 3), kind=0), ""),
        ("graph.pb", lambda: graph_of((3, 3), kind=20), ""),
        ("graph.tgz", lambda: b"no archive", ""),
        ("graph.tgz", lambda: gzip.compress(b"no archive"), ""),
        ("graph.tgz", lambda: archive_of(graph_of((2,)), "other.pb"), "classify_image_graph_def.pb is not in the archive"),
        ("graph.tgz", lambda: archive_of(np.random.default_rng(0).bytes(5000))[:2000], ""),
        ("graph.tgz", lambda: damaged(archive_of(b"".join(b"%d" % n for n in range(9000)))), ""),
    ],
)  # fmt: skip
def test_damage_of_a_graph_is_one_line_that_names_the_file(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content())
    with pytest.raises(GanlabError, match=rf"{name}: broken data file: expected a frozen TensorFlow graph.*{message}"):
        read_frozen_graph(path)


@needs_torch
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
    read = read_torch_weights(save(state))
    assert list(read) == list(state)
    for name, tensor in state.items():
        assert np.array_equal(read[name], tensor.detach().numpy()), name
        assert read[name].dtype == tensor.detach().numpy().dtype


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harmed",)


def as_archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
    return file.getvalue()


@needs_torch
@pytest.mark.parametrize("wrap", [as_archive, bytes], ids=["archive", "before 1.6"])
def test_a_pickle_that_calls_a_function_is_refused_and_calls_nothing(wrap, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "state.pth"
    path.write_bytes(wrap(pickle.dumps({"weight": Harmful()}, protocol=2)))
    with pytest.raises(GanlabError, match="broken data file"):
        read_torch_weights(path)
    assert not (tmp_path / "harmed").exists()


@needs_torch
@pytest.mark.parametrize("value", ["inception", {"name": "inception"}, {"weight": [1.0]}, 7])
def test_what_is_no_tensor_is_refused(save, value):
    with pytest.raises(GanlabError, match=r"expected tensors written by torch\.save, received "):
        read_torch_weights(save(value))


@needs_torch
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"not a file of tensors", as_archive(b"\x80\x02"), pickle.dumps(7)]
)
def test_damage_is_one_line_that_names_the_file(content, tmp_path):
    path = tmp_path / "state.pth"
    path.write_bytes(content)
    with pytest.raises(
        GanlabError, match=r"state\.pth: broken data file: expected tensors written by torch.save"
    ) as error:
        read_torch_weights(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


@needs_torch
def test_damaged_and_truncated_files_are_read_or_refused(save):
    import torch

    path = save(torch.nn.Conv2d(2, 3, 3).state_dict())
    content, chance = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(content[: chance.choice([len(content), chance.integers(len(content))])])
        for place in chance.integers(0, len(damaged) + 1, chance.integers(1, 4)):
            damaged[place : place + 1] = bytes([chance.integers(0, 256)])
        path.write_bytes(damaged)
        try:
            read_torch_weights(path)
        except GanlabError as error:
            refused += "\n" not in str(error)
    assert refused > 100


@needs_torch
def test_a_file_that_is_too_large_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(inception_files, "_LARGEST", 100)
    (tmp_path / "state.pth").write_bytes(bytes(101))
    with pytest.raises(GanlabError, match="larger than 100 bytes"):
        read_torch_weights(tmp_path / "state.pth")


def not_installed(name):
    raise importlib.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("version", [not_installed, lambda name: "2.9.1", lambda name: "1.13.1+cu117"])
def test_without_a_safe_torch_the_line_says_what_to_install_and_what_needs_none(version, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert not has_torch()
    with pytest.raises(MissingDataError) as error:
        read_torch_weights(tmp_path / "state.pth")
    assert error.value.exit_code == 7
    assert str(error.value) == (
        f"{tmp_path / 'state.pth'}: a .pth file is read by torch 2.10 or later: pip install 'ganlab[torch]'. "
        "inception-2015-12-05.tgz and classify_image_graph_def.pb need no torch: docs/fid.md."
    )


@pytest.mark.parametrize("version", ["2.10.0", "2.13.0+cpu", "3.0.0a0"])
def test_a_newer_torch_is_taken(version, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version)
    assert has_torch()
