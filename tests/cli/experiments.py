"""A config that trains in a second, and the files a run of it leaves."""

from pathlib import Path

import numpy as np
import pytest

from ganlab.config.loading import load_config
from ganlab.experiment import run_experiment
from ganlab.flows.plan import plan_experiment
from ganlab.pictures.video import can_write_video

CONFIG = """\
name: tiny
family: DCGAN
seed: 3
data: {name: digits}
latent: {dim: 4}
generator:
  layers:
    - Dense: {units: 64, activation: tanh}
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {Adam: {learning_rate: 1.0e-3}}
discriminator:
  layers:
    - Flatten
    - Dense: {units: 8}
    - Dropout: {rate: 0.3}
    - Dense: {units: 1}
  optimizer: {Adam: {learning_rate: 1.0e-3}}
loss: non_saturating
train: {steps: 12, batch_size: 8}
output: {samples_every: 5, samples_at: [1], checkpoint_every: 4, grid: [2, 3]}
metrics: [is1k_classifier]
jit: false
"""
STEPS = 12
SECRET = "very-secret-value"  # in the environment of the finished run
# A line a file of the finished run: samples at 1 and every 5 steps, states of the newest two checkpoints and of the best step.
FILES = """\
checkpoints/generator-000004.weights.h5
checkpoints/generator-000008.weights.h5
checkpoints/generator-000012.weights.h5
checkpoints/state-000008/MANIFEST.json
checkpoints/state-000008/variables.npz
checkpoints/state-000012/MANIFEST.json
checkpoints/state-000012/variables.npz
config.yaml
environment.json
history.csv
losses.png
metrics.jsonl
models/discriminator.txt
models/gan.png
models/gan.txt
models/generator.txt
outputs.png
real_and_generated.png
samples.gif
samples/000001.png
samples/000005.png
samples/000010.png
samples/000012.png
status.json
summary.json
"""
if can_write_video():
    FILES = FILES.replace("samples.gif\n", "samples.gif\nsamples.mp4\n")


def train(folder: Path, config: str, cache: Path) -> Path:
    """Trains a config in this process, with results in this folder; gives the run's folder.

    For fixtures that several tests share: `ganlab` is a fixture of a single one.
    """
    path = folder / "config.yaml"
    path.write_text(config)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("GANLAB_CACHE", str(cache))
        plan = plan_experiment(load_config(path), folder / "results")
        run_experiment(plan, folder / "results", quiet=True)
    return plan.folder.path


def files_below(folder) -> dict[str, bytes]:
    """Every file below a folder, by its path there; {} where there is no such folder."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return dict(sorted(files.items()))


def the_run(folder):
    """The one run folder below a folder of results."""
    (run,) = (path.parent for path in folder.glob("*/*/config.yaml"))
    return run


def states(run, step):
    with np.load(run / "checkpoints" / f"state-{step:06d}" / "variables.npz") as file:
        return {name: file[name] for name in file.files}


def weights_of(arrays):
    return {name: array for name, array in arrays.items() if name.startswith("networks/")}
