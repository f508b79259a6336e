"""Networks written as a config writes them, and where in the file each line stands."""

from ganlab.config.loading import build_config
from ganlab.config.reader import parse_yaml
from ganlab.config.schema import Config

_CONFIG = """\
name: net
data: {{name: digits}}
latent: {{dim: 100}}
generator:
  layers: [Dense: {{units: 64}}, Reshape: {{target_shape: [8, 8, 1]}}]
  optimizer: SGD
loss: hinge
train: {{steps: 10, batch_size: 4}}
discriminator:
  optimizer: {optimizer}
  layers:
{layers}"""
FIRST_LINE = 12  # of the discriminator's layers


def config_of(*layers: str, optimizer: str = "SGD") -> Config:
    """A config whose discriminator has these layers, one a line from FIRST_LINE of `c.yaml` on."""
    lines = "".join(f"    - {layer}\n" for layer in layers or ("Flatten", "Dense: {units: 1}"))
    return build_config(parse_yaml(_CONFIG.format(layers=lines, optimizer=optimizer), "c.yaml"))
