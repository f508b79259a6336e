"""Loads a config: reads its files, follows `extends`, applies overrides, validates. Writes a config as YAML."""

import glob
import os.path
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ganlab.config.document import Document, Node, Place, error_in, shown
from ganlab.config.fields import nearest, validate
from ganlab.config.merging import merge, override, put
from ganlab.config.reader import read_scalar, read_yaml
from ganlab.config.schema import Config, Data
from ganlab.config.shipped import config_path
from ganlab.errors import ConfigError
from ganlab.objectives import OBJECTIVES, name_of
from ganlab.paths import own_data_folder, user_path

MAX_EXTENDS = 10


def configs_at(path: Path) -> list[Path]:
    """The config at a path, or all *.yaml directly in a folder, by name, without hidden files and report.yaml.

    Of a pattern such as `configs/exp*.yaml`, the configs of all paths that fit it. A name may stand for what ships with ganlab.

    Raises: ConfigError if a folder has none, nothing fits a pattern, or nothing has the name.
    """
    path = config_path(path)
    if glob.has_magic(str(path)) and not path.exists():
        if not (fitting := sorted(map(Path, glob.glob(str(path))))):
            raise ConfigError(f"{path}: nothing fits this pattern")
        return [file for each in fitting if each.name != "report.yaml" for file in configs_at(each)]
    if not path.is_dir():
        return [path]
    # report.yaml of a study says how its paper's tables look; it stands beside the study's configs.
    found = sorted(file for file in path.glob("[!.]*.yaml") if file.name != "report.yaml")
    if not found:
        raise ConfigError(f"{path}: no *.yaml file in this folder")
    return found


def load_config(path: Path | str, overrides: Sequence[str] = (), seed: int | None = None) -> Config:
    """Loads and validates one experiment; `overrides` are `a.b=VALUE` each, a later one wins.

    A config without `name:` is named after its file; a name is not inherited through `extends`.

    Raises: ConfigError, the first mistake in the order of the document, as `file:line:column: dotted.key: ...` or
        `-o a.b=VALUE: dotted.key: ...`.
    """
    return resolve_config(read_config(path), overrides, seed)


def load_resolved(path: Path | str) -> Config:
    """Loads the config.yaml of a run folder. No other file is opened: `extends` is an error there."""
    document = read_yaml(Path(path))
    if isinstance(document.root.value, dict) and "extends" in document.root.value:
        raise error_in(document, ("extends",), "a run folder's config extends no other file")
    return build_config(document)


def read_config(path: Path | str) -> Node:
    """The mapping of a file on top of the file it extends, with a name, not validated yet."""
    path = Path(path)
    root = _read_extended(path, ())
    if "name" not in root.value:
        root = put(root, ["name"], Node(path.stem, Place(str(path), 1, 1)))
    return root


def resolve_config(root: Node, overrides: Sequence[str] = (), seed: int | None = None) -> Config:
    """The config of a mapping and the overrides of a command line; see `load_config`."""
    for option in overrides:
        root = override(root, option)
    if seed is not None:
        root = put(root, ["seed"], Node(seed, Place(f"--seed {seed}")))
    return build_config(Document(with_source(root)))


def with_source(root: Node) -> Node:
    """A relative `data.source` of a file starts at the file's folder, else at $GANLAB_DATA if it is only there."""
    data = root.child("data")
    source = data and data.child("source")
    if source is None or source.place.line is None or not (isinstance(source.value, str) and source.value):
        return root
    found, own = Path(source.place.name).parent / user_path(source.value), own_data_folder()
    if own and os.path.exists(own / source.value) and not os.path.exists(found):
        found = own / source.value
    return put(root, ["data", "source"], Node(str(found), source.place))


def read_data(origin: str, **options: Any) -> Data:
    """A `data` section that a command line gives; `origin` stands before a mistake. Raises: ConfigError."""
    place = Place(origin)
    entries = {key: Node(value, place) for key, value in options.items()}
    return validate(Data, Document(Node(entries, place)))


def build_config(document: Document) -> Config:
    """The config of a document without `extends`.

    Raises: ConfigError, the first mistake in the order of the document.
    """
    said = document.data.get("objective", "gan") if isinstance(document.data, dict) else "gan"
    name = name_of(said)
    if not isinstance(name, str) or name not in OBJECTIVES:
        words = f"expected one of {', '.join(OBJECTIVES)}, received {shown(said)}{nearest(name, OBJECTIVES)}"
        raise error_in(document, ("objective",), words)
    config = validate(OBJECTIVES[name].config, document, also=["extends"])
    config._document = document
    return config


def _read_extended(path: Path, trail: tuple[str, ...]) -> Node:
    """The mapping of a file on top of the file it extends; `trail` are the files that extend this one."""
    document = read_yaml(path)
    if not isinstance(document.root.value, dict):
        raise error_in(document, (), f"expected a mapping of keys, received {shown(document.data)}")
    entries = dict(document.root.value)
    extends = entries.pop("extends", None)
    root = Node(entries, document.root.place)
    if extends is None:
        return root
    trail = (*trail, os.path.realpath(path))
    base = _read_extended(_base_path(path, extends.plain(), document, trail), trail)
    inherited = {key: node for key, node in base.value.items() if key != "name"}
    return merge(Node(inherited, base.place), root)


def _base_path(path: Path, extends: object, document: Document, trail: tuple[str, ...]) -> Path:
    if not isinstance(extends, str):
        raise error_in(document, ("extends",), f"expected the path of a YAML file, received {shown(extends)}")
    base = path.parent / user_path(extends)
    if not os.path.isfile(base):
        raise error_in(document, ("extends",), f"no such file: {shown(str(base))}")
    real = os.path.realpath(base)
    if real in trail:
        circle = " -> ".join(os.path.basename(file) for file in (*trail[trail.index(real) :], real))
        raise error_in(document, ("extends",), f"goes in a circle: {circle}")
    if len(trail) > MAX_EXTENDS:
        raise error_in(document, ("extends",), f"more than {MAX_EXTENDS} files extend each other, the limit")
    return base


class _Dumper(yaml.SafeDumper):
    """PyYAML quotes by the rules of YAML 1.1. This dumper also quotes words that are numbers in YAML 1.2."""

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
    """The resolved config as YAML, every default written out; loading it gives an equal Config.

    The path of an existing `data.source` is written absolute, so that the YAML may lie anywhere.
    """
    content = config.model_dump()
    if (source := content["data"]["source"]) and os.path.exists(user_path(source)):
        content["data"]["source"] = os.path.abspath(user_path(source))
    first = ("name", "family", "seed", "objective", "data", "latent", *config.NETWORKS)
    ordered = {key: content[key] for key in dict.fromkeys([*first, *content]) if key in content}
    form = {"default_flow_style": None, "sort_keys": False, "allow_unicode": True, "width": 110}
    return yaml.dump(ordered, Dumper=_Dumper, **form)
