"""The resolved configs of runs as flat settings: which of them differ, and short names for their keys."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ganlab.config.identity import NO_MATTER
from ganlab.errors import ConfigError, GanlabError, did_you_mean
from ganlab.reports.table import exact
from ganlab.runs.records import RunRecord

# Keys that are no part of a cell, and steps, which a config may give as epochs.
_LEFT_OUT = (*NO_MATTER, "data.source", "train.steps", "train.epochs")
_MOST_LAYER_KEYS = 4  # columns for the layers of one network; networks that differ in more are numbered


def flatten(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested mappings and lists under its dotted key, as in `generator.layers[3].Conv2D.filters`.

    A mapping of names to their arguments is a choice. Its names are a value as well: `loss` is `hinge`, and
    `loss.hinge.real_label` is 1.0.
    """
    if isinstance(value, dict) and value:
        is_choice = bool(key) and all(isinstance(entry, dict) for entry in value.values())
        if is_choice:
            yield key, ", ".join(value)
        for name, entry in value.items():
            if not (is_choice and entry == {}):
                yield from flatten(entry, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list) and any(not isinstance(entry, int | float) for entry in value):
        for index, entry in enumerate(value):
            yield from flatten(entry, f"{key}[{index}]")
    else:
        yield key, None if value == {} else value


def settings_of(runs: Sequence[RunRecord]) -> tuple[list[dict[str, Any]], list[str]]:
    """The settings that change a training: steps, then the keys of the config, then the device.

    The config of one run of each cell is read, for all its runs have the same.

    Returns:
        the settings of each run, and a line for each config that could not be read.
    """
    configs: dict[tuple, dict[str, Any]] = {}
    problems = []
    for run in runs:
        if _cell_of(run) not in configs:
            try:
                configs[_cell_of(run)] = {key: value for key, value in flatten(run.config) if changes_training(key)}
            except GanlabError as error:
                problems.append(str(error))
    settings = []
    for run in runs:
        summary = run.summary or {}
        steps = run.status.get("steps", summary.get("steps"))  # a summary has the steps made, maybe fewer
        settings.append({"steps": steps} | configs.get(_cell_of(run), {}) | _device_of(run))
    return settings, problems


def _device_of(run: RunRecord) -> dict[str, str]:
    """The device of a run; a run that a verdict or an error ended has it in environment.json alone."""
    try:
        device = (run.summary or run.environment).get("device")
    except (GanlabError, OSError):  # the table of environments tells of it
        return {}
    return {"device": device} if isinstance(device, str) and device else {}


def _cell_of(run: RunRecord) -> tuple:
    return run.dataset, run.cell or run.folder


def changes_training(key: str) -> bool:
    """Whether a key of a config, such as `loss`, changes the training; `output.grid` does not. Steps are a setting of their own."""
    return not any(key == left or key.startswith((f"{left}.", f"{left}[")) for left in _LEFT_OUT)


def varied(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """For each of the settings the keys that differ among them all, with their values as text; '' for a missing key.

    If the layers of a network differ in many keys, the network is one setting: its number among the distinct networks.
    Of keys with one last word and the same values, such as the learning rates of both networks, the first one stays.
    """
    settings = [dict(each) for each in settings]
    keys = _differing(settings)
    for network in dict.fromkeys(key.partition(".layers[")[0] for key in keys if ".layers[" in key):
        of_layers = [key for key in keys if key.startswith(f"{network}.layers[")]
        if len(of_layers) > _MOST_LAYER_KEYS:
            numbers: dict[str, int] = {}
            for each in settings:
                layers = exact({key: value for key, value in each.items() if key.startswith(f"{network}.layers[")})
                each[network] = f"network {numbers.setdefault(layers, len(numbers) + 1)}"
            keys[keys.index(of_layers[0])] = network
            keys = [key for key in keys if key not in of_layers]
    distinct = _distinct(keys, settings)
    return [{key: exact(each.get(key)) for key in distinct} for each in settings]


def chosen(settings: Sequence[Mapping[str, Any]], words: Sequence[str]) -> list[dict[str, str]]:
    """For each of the settings the keys that a user names (see `keys_named`), with their values as text.

    Raises:
        ConfigError: no run has such a setting.
    """
    settings, keys = with_numbers(settings), []
    for word in words:
        found = keys_named(word, settings)
        if not found:
            known = dict.fromkeys(key for each in settings for key in each)
            raise ConfigError(f"{word}: no run here has this setting.{did_you_mean(word, known)}")
        keys += found
    return [{key: exact(each.get(key)) for key in keys} for each in settings]


def with_numbers(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The settings, and for each network that `varied` numbers its number."""
    numbers = [{key: text for key, text in each.items() if text} for each in varied(settings)]
    return [number | each for number, each in zip(numbers, settings, strict=True)]


def keys_named(word: str, settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that a word names: by the whole key, its end, or its first and last word, as headings are written.

    Of several keys those count that differ among the settings; of keys with the same values, the first.
    """
    known = dict.fromkeys(key for each in settings for key in each)
    if word in known:
        return [word]
    first, _, last = word.partition(".")
    ends = [key for key in known if key.endswith(f".{word}")]
    fitting = ends or [key for key in known if last and key.startswith(f"{first}.") and key.endswith(f".{last}")]
    differing = [key for key in fitting if len({exact(each.get(key)) for each in settings}) > 1]
    return _distinct(differing or fitting, settings)


def _distinct(keys: Sequence[str], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of keys with one last word and the same values the first."""
    found: dict[tuple, str] = {}
    for key in keys:
        found.setdefault((key.rpartition(".")[2], *(exact(each.get(key)) for each in settings)), key)
    return list(found.values())


def _differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Keys that have several values; also layers that some networks have and others lack, and items of longer lists.

    Runs of earlier versions lack whole lists that a later version has by default: they are no difference.
    """
    found = []
    for key in dict.fromkeys(key for each in settings for key in each):
        values = {exact(each[key]) for each in settings if key in each}
        first = f"{key.rpartition('[')[0]}[0]"
        is_missing = key.endswith("]") and any(
            key not in each and (".layers[" in key or first in each) for each in settings
        )
        if len(values) > 1 or is_missing:
            found.append(key)
    return found


def short_keys(keys: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """A short name for each key that no other key has: learning_rate, else generator.learning_rate, else all words.

    `taken` are names of other columns.

    A layer itself, `encoder.layers[0]`, keeps all words, for the last one does not say of which network it is.
    """
    words = {key: re.findall(r"[A-Za-z0-9_]+(?:\[[0-9]+\])?", key) for key in keys}  # `layers[1]` is one word
    forms = (lambda w: w[-1:], lambda w: [w[0], w[-1]], lambda w: w[-2:])
    short = {}
    for key in keys:
        alone = (form for form in forms if sum(form(words[other]) == form(words[key]) for other in keys) == 1)
        fitting = (form for form in alone if ".".join(form(words[key])) not in taken)
        fitting = iter(()) if words[key][-1].startswith("layers[") else fitting
        short[key] = ".".join(next(fitting, lambda w: w)(words[key]))
    return short
