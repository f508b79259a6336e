"""The identity of a run: a hash over everything that changes training, and nothing else."""

import hashlib
import json
from typing import Any

from ganlab.config.schema import Config

SCHEMA_VERSION = 1

NO_MATTER = {"name", "family", "metrics", "output", "device", "devices", "seed", "track"}


def identity_of(config: Config, data_fingerprint: str, steps: int) -> tuple[str, str]:
    """The cell and the identity of a run.

    Keys at their defaults are left out, so that a new key of the language changes no identity.

    Args:
        config: the experiment.
        data_fingerprint: sha256 of the training images, and of labels of one's own if the training reads them.
        steps: of the whole training.

    Returns: two sha256 in hex: the cell, by which seeds are grouped, and the identity, which includes the seed.
    """
    content = config.model_dump(exclude_defaults=True, exclude=NO_MATTER)
    content["data"].pop("source", None)
    content["train"].pop("epochs", None)
    content["train"]["steps"] = steps
    for name, network in config.networks.items():
        content[name]["layers"] = network.structure()  # a repeat equals the layers written out
    cell = {
        "schema_version": SCHEMA_VERSION,
        "config": content,
        "backend": config.backend,
        "precision": config.precision,
        "data_fingerprint": data_fingerprint,
    }
    return _hash(cell), _hash(cell | {"seed": config.seed})


def _hash(content: dict[str, Any]) -> str:
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    """The value with 2.0 written as 2: they are one number, and YAML files have both."""
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
