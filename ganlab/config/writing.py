"""Writes a config as YAML that ganlab reads back to the same values."""

from typing import Any

import yaml

from ganlab.config.scalars import read_scalar
from ganlab.config.schema import Config


class _Dumper(yaml.SafeDumper):
    """PyYAML decides about quotes by YAML 1.1; this one also quotes what YAML 1.2 takes for a number."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_string(dumper: _Dumper, text: str) -> yaml.Node:
    try:
        is_word = isinstance(read_scalar(text), str)
    except ValueError:
        is_word = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_word else '"')


_Dumper.add_representer(str, _represent_string)


def dump_config(config: Config) -> str:
    """The resolved config as YAML, every default written out; loading it gives an equal Config."""
    content = config.model_dump()
    first = ("name", "family", "seed", "objective", "data", "latent", *config.NETWORKS)
    ordered = {key: content[key] for key in dict.fromkeys([*first, *content]) if key in content}
    form = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": 110}
    return yaml.dump(ordered, Dumper=_Dumper, **form)
