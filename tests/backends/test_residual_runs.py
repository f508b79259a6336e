"""A published residual network with spectral normalization, as a whole run on the backend of the test run, and resumed."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from ganlab.cli.main import main
from ganlab.runs.folder import RunFolder
from ganlab.training.checkpoints import read_state

CONFIG = Path(__file__).parents[2] / "experiments" / "zoo" / "33-mimicry-sngan.yaml"
OVERRIDES = ["train.steps=2", "train.batch_size=2", "train.discriminator_steps=1", "data.limit=64", "metrics=[]"]
OVERRIDES += ["output.checkpoint_every=1", "output.samples_every=1", "output.grid=[1,2]"]

BACKEND = keras.backend.backend()


def train(results: Path, capfd) -> RunFolder:
    words = [word for override in OVERRIDES for word in ("-o", override)]
    with pytest.raises(SystemExit) as caught:
        main(["run", str(CONFIG), "--backend", BACKEND, "--results", str(results), "-q", *words])
    said = capfd.readouterr().err
    if caught.value.code == 7:
        pytest.skip(said)
    assert caught.value.code == 0, said
    (path,) = (results / "cifar10").iterdir()
    return RunFolder(path)


@pytest.mark.slow(longest=True)
@pytest.mark.data
def test_the_network_trains_and_resumes_to_the_same_bits(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))
    folder = train(tmp_path / "results", capfd)
    summary = json.loads(folder.summary.read_text())
    assert (summary["status"], summary["steps"], summary["verdict"]) == ("finished", 2, "too_early")
    assert summary["parameters"]["generator"] > 4.2e6 and summary["flops_a_step"] > 1e9
    assert [folder.summary_of(name).exists() for name in ("generator", "discriminator", "gan")] == [True] * 3
    for picture in (folder.drawing, folder.losses, folder.outputs, folder.sample(1), folder.sample(2)):
        Image.open(picture).verify()
    arrays, manifest = read_state(folder.state(2))
    assert manifest["compiled"]["fold"] is (BACKEND != "jax")  # the shortcuts' convolutions come before the up-sampling
    before, _ = read_state(folder.state(1))
    for network in ("generator", "discriminator"):
        kernels = [name for name in arrays if name.startswith(f"networks/{network}/") and name.endswith("kernel")]
        assert len(kernels) > 8 and not any(np.array_equal(arrays[name], before[name]) for name in kernels)
    # As if its process had been killed after its first checkpoint.
    for path in (folder.state(2) / "MANIFEST.json", folder.state(2) / "variables.npz", folder.summary):
        path.unlink()
    folder.state(2).rmdir()
    folder.set_status("running", checkpoint=1)
    resumed, _ = read_state(train(tmp_path / "results", capfd).state(2))
    assert [name for name, array in arrays.items() if not np.array_equal(array, resumed[name])] == []
