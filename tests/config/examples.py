"""A small config for the tests, and a way to change it."""

from pathlib import Path

from ganlab.config.loading import build_config, load_config
from ganlab.config.reader import parse_yaml
from ganlab.config.schema import Config

EXAMPLE = """\
name: example
data: {name: digits}
latent: {dim: 64}
generator:
  layers:
    - Dense: {units: 128, activation: relu}
    - repeat: 2
      layers:
        - Dense: {units: 64}
        - LeakyReLU
    - Reshape: {target_shape: [8, 8, 1]}
  optimizer: {Adam: {learning_rate: 1e-4}}
discriminator:
  layers:
    - Flatten
    - Dense: {units: 1}
  optimizer: {Adam: {learning_rate: 1e-4}}
loss: non_saturating
train: {steps: 100, batch_size: 32}
"""


def changed(old: str, new: str) -> str:
    """The example with one piece of text replaced, or with `new` appended where `old` is empty."""
    if not old:
        return EXAMPLE + new
    assert EXAMPLE.count(old) >= 1, f"the example does not have {old!r}"
    return EXAMPLE.replace(old, new, 1)


def config_of(text: str = EXAMPLE) -> Config:
    return build_config(parse_yaml(text, "c.yaml"))


def load(folder: Path, text: str = EXAMPLE, *overrides: str, seed: int | None = None) -> Config:
    """Loads the text from a file `c.yaml` in the folder."""
    path = folder / "c.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, overrides, seed)
