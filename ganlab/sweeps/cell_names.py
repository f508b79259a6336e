"""Names the cells of a study after their values."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ganlab.config.fields import MAX_NAME
from ganlab.reports.settings import short_keys

_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")
_SHORT = {
    "batch_size": "batch",
    "discriminator": "d",
    "distribution": "dist",
    "generator": "g",
    "learning_rate": "lr",
}


def name_cells(base: str, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names such as `quickstart-lr=1e-3,dist=uniform`, different for different cells and safe in every file system.

    A name shows the last word of each key, or more words where keys share it. A name that is too long has the initials of
    these words, or values alone. Only if this is still too long, or equals another name, it ends in the cell's number.

    Args:
        base: the name of the config that the cells vary.
        cells: for each cell dotted key -> value, and label -> (key, value) pairs. A name shows each value of a label once.
    """
    keys = short_keys(list(dict.fromkeys(key for cell in cells for key in cell)))
    words = {k: [_UNSAFE.sub("_", part) for part in re.split(r"[.\[\]]+", text) if part] for k, text in keys.items()}
    short = {key: "_".join(_SHORT.get(part, part) for part in parts) for key, parts in words.items()}
    initials = {
        key: "".join(word[0] for part in parts for word in part.split("_") if word) for key, parts in words.items()
    }
    forms = [short, {key: "_".join(parts) for key, parts in words.items()}, initials]
    forms = [form for form in forms if len(set(form.values())) == len(keys)]
    names = [_name(base, cell, [*forms, dict.fromkeys(keys, "")]) for cell in cells]
    seen = Counter(name.lower() for name in names)  # some file systems ignore case
    return [
        name if len(name) <= MAX_NAME and seen[name.lower()] == 1 else _numbered(name, number, seen)
        for number, name in enumerate(names, 1)
    ]


def _name(base: str, cell: Mapping[str, Any], forms: Sequence[Mapping[str, str]]) -> str:
    """The name with the first form of the keys in which it is short enough, else with the first form."""
    parts = [[f"{form[key]}{'=' * bool(form[key])}{_word(value)}" for key, value in cell.items()] for form in forms]
    names = ["-".join([base, *([",".join(each)] if each else [])]) for each in parts]
    return next((name for name in names if len(name) <= MAX_NAME), names[0])


def _word(value: Any) -> str:
    """A value in a name: 1e-3, true, hinge, wgan_gp_weight_10."""
    if isinstance(value, Mapping):
        named = {_SHORT.get(key, _word(key)): item for key, item in value.items()}
        return "_".join(f"{key}_{_word(item)}" if item != {} else key for key, item in named.items())
    if isinstance(value, tuple):
        return "_".join(dict.fromkeys(_word(item) for _, item in value))
    if isinstance(value, list):
        return "_".join(map(_word, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _number(value)
    return _UNSAFE.sub("_", str(value)).strip("_.")


def _number(value: float) -> str:
    """The shorter one of 0.05 and 5e-2."""
    if not math.isfinite(value):  # the config refuses it, with its place
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    first, *rest = map(str, digits)
    power = f"{'-' * sign}{first}{'.' * bool(rest)}{''.join(rest)}e{exponent + len(rest)}"
    return min(repr(value).removesuffix(".0"), power, key=len)


def _numbered(name: str, number: int, taken: Mapping[str, int]) -> str:
    end = f"-{number}"
    while (numbered := f"{name[: MAX_NAME - len(end)]}{end}").lower() in taken:
        end += f"-{number}"
    return numbered
