"""The configs that a sweep trains: the configs of a folder, a study or a file, once for each seed."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from ganlab.config.document import Node, Place, dotted
from ganlab.config.loading import configs_at, read_config, resolve_config
from ganlab.config.merging import keys_of, put
from ganlab.config.reader import read_yaml
from ganlab.config.schema import Config
from ganlab.errors import ConfigError
from ganlab.sweeps.cell_names import name_cells
from ganlab.sweeps.matrix import Cell, Study, read_grid, read_study
from ganlab.sweeps.study_file import StudyFile

_OF_A_CONFIG = ("extends", "generator", "discriminator")


def configs_of(
    path: Path, overrides: Sequence[str] = (), seeds: Sequence[int] | None = None
) -> tuple[list[Config], list[ConfigError]]:
    """Every config that a sweep trains, and all mistakes in the keys of configs and studies.

    Args:
        path: a study, a config, or a folder of them.
        overrides: `a.b=VALUE` each, applied to every config. One with several values, `a.b=VALUE,VALUE`, multiplies the configs.
        seeds: for every config; by default the study's seeds, else the config's own seed.
    """
    configs: list[Config] = []
    single, grid = read_grid(overrides)
    for cell in grid:
        check_overrides(cell, single)
    problems: dict[str, ConfigError] = {}  # each message once, though several seeds and cells have the mistake
    for file in configs_at(path):
        try:
            variants = list(_variants(file, overrides, grid))
        except ConfigError as error:
            problems |= {str(each): each for each in (error, *error.others)}
            continue
        for root, own_seeds in variants:
            for seed in seeds or own_seeds or [None]:
                try:
                    configs.append(resolve_config(root, single, seed))
                except ConfigError as error:
                    problems |= {str(each): each for each in (error, *error.others)}
    return configs, list(problems.values())


def _variants(path: Path, overrides: Sequence[str], grid: Sequence[Cell]) -> Iterator[tuple[Node, list[int] | None]]:
    """The mapping of each cell of a file and of the grid, before the overrides with one value, and its seeds."""
    document = read_yaml(path)
    study = read_study(document, path) if is_study(document.data) else Study(path, [Cell({}, {})], None)
    for cell in study.cells:
        check_overrides(cell, overrides)
    base = read_config(study.base)
    cells = [Cell(cell.values | more.values, cell.named | more.named) for cell in study.cells for more in grid]
    names = name_cells(str(base.value["name"].plain()), [cell.named for cell in cells])
    for name, cell in zip(names, cells, strict=True):
        root = put(base, ["name"], Node(name, document.root.place)) if cell.values else base
        for key, value in cell.values.items():
            root = put(root, keys_of(key), value)
        yield root, study.seeds


def is_study(data: object) -> bool:
    """Whether the content of a YAML file is a study, and not a config."""
    keys = data if isinstance(data, dict) else {}
    return any(key in keys for key in StudyFile.model_fields) and not any(key in keys for key in _OF_A_CONFIG)


def require_config(path: Path | str, data: object) -> None:
    """Refuses a study where one config is expected; `data` is the content of the file."""
    if is_study(data):
        message = (
            f"expected a config, received a study; 'ganlab sweep {shlex.quote(str(path))} --dry-run' checks its cells"
        )
        raise ConfigError(f"{path}: {message}")


def load_experiment(path: Path, overrides: Sequence[str] = (), seed: int | None = None) -> Config:
    """As `load_config`; a study is refused."""
    root = read_config(path)
    require_config(path, root.value)
    return resolve_config(root, overrides, seed)


def check_overrides(cell: Cell, overrides: Sequence[str]) -> None:
    """Refuses to override a key that a cell varies, because different cells would become equal."""
    for option in overrides:
        over = keys_of(option.partition("=")[0]) or []
        for key, value in cell.values.items():
            shared = min(len(over), len(keys_of(key)))
            if over and over[:shared] == keys_of(key)[:shared]:
                place = Place(f"-o {option}")
                raise ConfigError(f"{place}: {dotted(tuple(over))}: this key is varied at {value.place}")
