"""Configs and studies for tests: networks so small that a run takes little more than the start of its process."""

from pathlib import Path

CONFIG = """\
name: tiny
data: {name: digits}
latent: {dim: 4}
generator:
  layers:
    - Dense: {units: 64, activation: tanh}
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {Adam: {learning_rate: 1e-3}}
discriminator:
  layers:
    - Flatten
    - Dense: {units: 8, activation: relu}
    - Dense: {units: 1}
  optimizer: {Adam: {learning_rate: 1e-3}}
loss: non_saturating
train: {steps: 60, batch_size: 16}
output: {samples_every: 20, checkpoint_every: 20, grid: [2, 2]}
metrics: []
jit: false
"""


def write_config(folder: Path, name: str = "tiny.yaml", old: str = "", new: str = "") -> Path:
    """Writes CONFIG, with one piece of it replaced."""
    assert old in CONFIG
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(CONFIG.replace(old, new, 1) if old else CONFIG, encoding="utf-8")
    return path


def write_study(folder: Path, text: str) -> Path:
    """Writes study.yaml on top of CONFIG, which goes into base/ so that a sweep of the folder does not take it."""
    write_config(folder / "base")
    path = folder / "study.yaml"
    path.write_text(f"base: base/tiny.yaml\n{text}", encoding="utf-8")
    return path
