"""Names the cells of a study after their values."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ganlab.reports.settings import short_keys

MAX_LENGTH = 80  # of a config's name
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


def name_cells(base: str, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names such as `quickstart-batch_size_64-loss_hinge`, different for different cells and safe in a file system.

    A name shows the last word of each key, or more words where keys share it. A name that is too long has the initials of
    these words (glr for generator_learning_rate), or values alone. Only if this is still too long, or equals another
    name, the name ends in a hash of the values.

    Args:
        base: the name of the config that the cells vary.
        cells: for each cell dotted key -> value, and label -> (key, value) pairs. A name shows each value of a label once.
    """
    keys = list(dict.fromkeys(key for cell in cells for key in cell))
    words = {key: text.replace("[", "_").replace("]", "") for key, text in short_keys(keys, "_").items()}
    initials = {key: "".join(word[0] for word in text.split("_") if word) for key, text in words.items()}
    forms = [words, *([initials] if len(set(initials.values())) == len(keys) else []), dict.fromkeys(keys, "")]
    names = [_name(base, cell, forms) for cell in cells]
    seen = Counter(name.lower() for name in names)  # some file systems ignore case
    return [
        name if len(name) <= MAX_LENGTH and seen[name.lower()] == 1 else _hashed(name, cell)
        for name, cell in zip(names, cells, strict=True)
    ]


def _name(base: str, cell: Mapping[str, Any], forms: Sequence[Mapping[str, str]]) -> str:
    """The name with the first form of the keys in which it is short enough, else with the first form."""
    parts = [[f"{form[key]}{'_' * bool(form[key])}{_word(value)}" for key, value in cell.items()] for form in forms]
    names = ["-".join([base, *each]) for each in parts]
    return next((name for name in names if len(name) <= MAX_LENGTH), names[0])


def _word(value: Any) -> str:
    """A value in a name: 0.001, true, hinge, wgan_gp_weight_10."""
    if isinstance(value, Mapping):
        return "_".join(f"{_word(key)}_{_word(item)}" if item != {} else _word(key) for key, item in value.items())
    if isinstance(value, tuple):
        return "_".join(dict.fromkeys(_word(item) for _, item in value))
    if isinstance(value, list):
        return "_".join(map(_word, value)) or "none"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return _UNSAFE.sub("_", str(value)).strip("_")


def _hashed(name: str, cell: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(cell, sort_keys=True).encode()).hexdigest()[:8]
    return f"{name[: MAX_LENGTH - len(digest) - 1]}-{digest}"
