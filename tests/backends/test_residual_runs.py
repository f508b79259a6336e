"""A published residual network with spectral normalization, as a whole run on each backend; on TensorFlow it is resumed, too."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from ganlab.runs.folder import RunFolder
from ganlab.training.checkpoints import read_state

CONFIG = Path(__file__).parents[2] / "experiments" / "zoo" / "33-mimicry-sngan.yaml"
OVERRIDES = ["train.steps=2", "train.batch_size=2", "train.discriminator_steps=1", "data.limit=64", "metrics=[]"]
OVERRIDES += ["output.checkpoint_every=1", "output.samples_every=1", "output.grid=[1,2]"]

if keras.backend.backend() != "tensorflow":
    pytest.skip("starts processes of every backend itself", allow_module_level=True)


def train(results: Path, backend: str) -> RunFolder:
    words = [word for override in OVERRIDES for word in ("-o", override)]
    command = [sys.executable, "-m", "ganlab", "run", CONFIG, "--backend", backend, "--results", results, "-q", *words]
    environment = os.environ | {"GANLAB_CACHE": str(results.parent / "cache")}
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True)
    if done.returncode == 7:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    (path,) = (results / "cifar10").iterdir()
    return RunFolder(path)


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_the_network_trains_and_resumes_to_the_same_bits_on_tensorflow(backend, tmp_path):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    folder = train(tmp_path / "results", backend)
    summary = json.loads(folder.summary.read_text())
    assert (summary["status"], summary["steps"], summary["verdict"]) == ("finished", 2, "too_early")
    assert summary["parameters"]["generator"] > 4.2e6 and summary["flops_a_step"] > 1e9
    assert [folder.summary_of(name).exists() for name in ("generator", "discriminator", "gan")] == [True] * 3
    for picture in (folder.drawing, folder.losses, folder.outputs, folder.sample(1), folder.sample(2)):
        Image.open(picture).verify()
    arrays, manifest = read_state(folder.state(2))
    assert manifest["compiled"]["fold"] is (backend != "jax")  # the shortcuts' convolutions come before the up-sampling
    before, _ = read_state(folder.state(1))
    for network in ("generator", "discriminator"):
        kernels = [name for name in arrays if name.startswith(f"networks/{network}/") and name.endswith("kernel")]
        assert len(kernels) > 8 and not any(np.array_equal(arrays[name], before[name]) for name in kernels)
    if backend != "tensorflow":
        return  # tests/reliability/test_backends.py kills and resumes runs of the other backends
    # The process is killed after its first checkpoint.
    for path in (folder.state(2) / "MANIFEST.json", folder.state(2) / "variables.npz", folder.summary):
        path.unlink()
    folder.state(2).rmdir()
    folder.set_status("running", checkpoint=1)
    resumed, _ = read_state(train(tmp_path / "results", backend).state(2))
    assert [name for name, array in arrays.items() if not np.array_equal(array, resumed[name])] == []
