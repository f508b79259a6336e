"""Runs that use everything a resumed run could get wrong, and what must come out of them whatever happens on the way."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from ganlab.flows.verify import run_folders_at, verify_run
from ganlab.training.checkpoints import read_state

STEPS = 24
CONFIG = f"""\
name: tiny
family: DCGAN
data: {{name: digits}}
latent: {{dim: 4}}
generator:
  layers:
    - Dense: {{units: 8}}
    - BatchNormalization
    - Dropout: {{rate: 0.2}}
    - Dense: {{units: 64, activation: tanh}}
    - Reshape: {{target_shape: [8, 8, 1]}}
  optimizer: {{Adam: {{learning_rate: {{ExponentialDecay: {{initial_learning_rate: 1e-3, decay_steps: 5, decay_rate: 0.9}}}}}}}}
discriminator:
  layers:
    - GaussianNoise: {{stddev: 0.1}}
    - Flatten
    - Dense: {{units: 8}}
    - LeakyReLU
    - Dropout: {{rate: 0.3}}
    - Dense: {{units: 1}}
  optimizer: {{Adam: {{learning_rate: 1e-3}}}}
loss: {{non_saturating: {{real_label: [0.8, 1.0], flip_labels: 0.1}}}}
penalty: {{r1: {{weight: 1, every: 2}}}}
train: {{steps: {STEPS}, batch_size: 8, ema: 0.9}}
output: {{samples_every: 6, checkpoint_every: 3, metrics_every: 12, grid: [2, 3]}}
metrics: [is1k_classifier]
jit: false
"""

_GENERATOR = """\
generator:
  layers:
    - Dense: {units: 8}
    - BatchNormalization
    - Dropout: {rate: 0.2}
    - Dense: {units: 64, activation: tanh}
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {Adam: {learning_rate: 1e-3}}
"""
_ENCODER = """\
  layers: [Flatten, Dense: {units: 8}, LeakyReLU, Dropout: {rate: 0.3}, Dense: {units: OUTPUTS}]
  optimizer: {Adam: {learning_rate: 1e-3}}
"""
_TRAIN = f"""\
train: {{steps: {STEPS}, batch_size: 8, ema: 0.9}}
output: {{samples_every: 6, checkpoint_every: 3, metrics_every: 12, grid: [2, 3]}}
metrics: [is1k_classifier]
jit: false
"""
_DIGITS = "name: tiny\ndata: {name: digits}\nlatent: {dim: 4}\n"
_CRITIC = "discriminator:\n" + _ENCODER.replace("OUTPUTS", "1")
_PHASES = f"phases: [{{image_size: 4, steps: {STEPS // 3}}}, {{image_size: 8, steps: {STEPS - STEPS // 3}, fade: 6}}]\n"
GROWING = """\
generator:
  layers:
    - Dense: {units: 16, activation: relu}
    - Reshape: {target_shape: [4, 4, 1]}
    - phases: [1]
      layers: [Conv2D: {filters: 1, kernel_size: 1, activation: tanh}]
    - phases: [2]
      layers:
        - merge: Fade
          branches:
            old: [Conv2D: {filters: 1, kernel_size: 1, activation: tanh}, UpSampling2D]
            new: [UpSampling2D, Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: tanh}]
  optimizer: {Adam: {learning_rate: 1e-3}}
"""
_ADA = "adaptive: {method: ada, target: -1.0, images: 100}\nconsistency: {weight: 1}\nlecam: {weight: 0.3}\n"
CONFIGS = {
    "gan": CONFIG,
    "vae": f"{_DIGITS}objective: vae\nencoder:\n{_ENCODER.replace('OUTPUTS', '8')}{_GENERATOR}{_TRAIN}",
    "evolutionary": f"{_DIGITS}objective: evolutionary\nloss: minimax\n{_GENERATOR}{_CRITIC}{_TRAIN}",
    "growing": f"{_DIGITS}loss: hinge\n{_PHASES}{GROWING}{_CRITIC}{_TRAIN.replace(f'steps: {STEPS}, ', '')}",
    "adaptive": f"{_DIGITS}loss: hinge\n{_ADA}{_GENERATOR}{_CRITIC}{_TRAIN}",
}


def start(folder: Path, *words: str, **options) -> subprocess.Popen:
    """`ganlab WORDS` as a process of its own, with the folder as the current one; what it prints is kept for `communicate`."""
    command = [sys.executable, "-m", "ganlab", *words]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} | options
    return subprocess.Popen(command, cwd=folder, start_new_session=True, **options)


def finish(folder: Path, *words: str) -> None:
    """`ganlab WORDS` from its start to its end, which must be a good one."""
    process = start(folder, *words)
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == 0, f"ganlab {' '.join(words)}: exit code {process.returncode}: {printed}"


def require_sound(results: Path) -> None:
    """Whether `ganlab verify` finds nothing; nothing at all may be there yet."""
    # .sweep and .locks hold no runs, and a hidden file is the half of a first one.
    if any(results.glob("[!.]*/*/[!.]*")):
        damage = {str(found.folder): found.damage for found in map(verify_run, run_folders_at(results)) if found.damage}
        assert damage == {}, damage


def outcome(results: Path) -> dict:
    """What a killed and resumed run must have in common with one that was not, bit for bit: everything but times.

    Run folder -> weights, optimizers, seed states, history, metrics, pictures, names of all files.
    """
    found = {}
    for run in sorted(path.parent for path in results.glob("*/*/summary.json")):
        arrays, _ = read_state(max((run / "checkpoints").glob("state-*")))
        with (run / "history.csv").open() as file:
            rows = [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        found[run.name] = {
            "state": {name: (array.dtype.str, array.tobytes()) for name, array in arrays.items()},
            "history": rows,
            "metrics": [{key: value for key, value in line.items() if key != "seconds"} for line in lines],
            "samples": {path.name: path.read_bytes() for path in (run / "samples").iterdir()},
            "sheet": (run / "real_and_generated.png").read_bytes(),
            "files": sorted(path.relative_to(run).as_posix() for path in run.rglob("*")),
        }
    return found


def require_same(found: dict, expected: dict) -> None:
    """Says in which part two outcomes differ, instead of printing their bytes."""
    assert found.keys() == expected.keys(), (sorted(found), sorted(expected))
    assert expected
    for run, parts in expected.items():
        odd = set(found[run]["files"]) ^ set(parts["files"])
        assert not odd, f"{run}: {sorted(odd)} are in one of them only"
        differing = [name for name, part in parts.items() if found[run][name] != part]
        assert differing == [], f"{run}: {differing} differ from the run that was never stopped"


def environment(cache: Path) -> dict[str, str]:
    return os.environ | {"GANLAB_CACHE": str(cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
