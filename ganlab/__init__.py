"""ganlab: train, measure and compare GANs that are described by YAML files."""

__version__ = "0.1.0"
