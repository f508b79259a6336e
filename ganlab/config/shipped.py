"""The configs and studies that ship with ganlab, found by name: `quickstart`, `exp18`, `winkler2018`."""

import os.path
from pathlib import Path

from ganlab.errors import ConfigError, did_you_mean

_PACKAGE = Path(__file__).parents[1]


def shipped(kind: str) -> Path:
    """The folder `configs` or `experiments`: inside an installed package, beside the package in a clone."""
    inside = _PACKAGE / kind
    return inside if inside.is_dir() else _PACKAGE.parent / kind


def config_path(written: Path) -> Path:
    """The path as it is written, or what ships under this name: a config, or a study's folder or study.yaml.

    A file or folder of this name that is there comes first. A word with a suffix or a folder is always a path.

    Raises: ConfigError, with the nearest name, if nothing has the name.
    """
    name = str(written)
    if os.path.exists(written) or written.suffix or written.name != name or not name.replace("_", "").isalnum():
        return written
    configs = {file.stem: file for file in shipped("configs").glob("*.yaml")}
    of_studies = [file for file in shipped("experiments").glob("*/*.yaml") if file.name != "report.yaml"]
    studies = {file.parent.name: file if file.name == "study.yaml" else file.parent for file in of_studies}
    known = studies | configs
    if name not in known:
        raise ConfigError(
            f"{name}: no such file, and no config of this name ships with ganlab.{did_you_mean(name, known)}"
        )
    return known[name]


def studies_folder() -> Path:
    """The folder `experiments` here, or the studies that ship with ganlab."""
    here = Path("experiments")
    return here if here.is_dir() else shipped("experiments")
