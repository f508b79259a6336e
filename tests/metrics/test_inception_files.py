"""Files of torch.save: both formats, what a pickle in them must not be able to do, and machines without torch."""

import importlib.metadata
import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from ganlab.errors import GanlabError, MissingDataError
from ganlab.metrics import inception_files
from ganlab.metrics.inception_files import has_torch, read_torch_weights

needs_torch = pytest.mark.skipif(not has_torch(), reason="only torch reads and writes its files")


@pytest.fixture(params=[True, False], ids=["archive", "before 1.6"])
def save(request, tmp_path):
    torch = pytest.importorskip("torch", reason="only torch writes its files")

    def write(value):
        path = tmp_path / "state.pth"
        torch.save(value, path, _use_new_zipfile_serialization=request.param)
        return path

    return write


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
