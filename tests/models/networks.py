"""Networks written as a config writes them, and where in the file each line stands."""

from collections.abc import Mapping

from ganlab.config.loading import build_config
from ganlab.config.reader import parse_yaml
from ganlab.config.schema import Config
from ganlab.models.compiler import compile_network
from ganlab.models.network import Network

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


def compiled(
    *layers: str, inputs: tuple | Mapping = (8, 8, 1), precision: str = "float32", phase: int | None = None
) -> Network:
    """The discriminator of `config_of(*layers)`."""
    config = config_of(*layers)
    network = config.discriminator if phase is None else config.discriminator.in_phase(phase)
    return compile_network(network, inputs, config.error_at, "discriminator", precision)
