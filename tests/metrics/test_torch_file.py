"""Files of torch.save, read without torch: both formats, and what a pickle must not be able to do."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from ganlab.errors import GanlabError
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


def test_a_truncated_file_is_refused(save):
    import torch

    path = save({"weight": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(GanlabError, match="broken data file"):
        read_torch_file(path)
