"""The form of status.json. The file may be someone else's: its values are checked before any of them is used."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganlab.config.document import shown
from ganlab.errors import GanlabError
from ganlab.storage.writing import read_json

STATES = ("created", "running", "finished", "failed", "diverged", "stopped")
_IDENTITY = re.compile("[0-9a-f]{64}")


def is_identity(value: Any) -> bool:
    """Whether a value is the sha256 of a run or of its cell, so that it may become part of a file's name."""
    return isinstance(value, str) and _IDENTITY.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value < 2**63


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 2**63


def _are_times(value: Any) -> bool:
    # In the year 4147, clocks still show them.
    return isinstance(value, dict) and all(_is_number(time) and 0 <= time < 2**36 for time in value.values())


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


_HASH = ("64 hex digits", is_identity)
_COUNT = ("a whole number >= 1", _is_count)
_MAPPING = ("a mapping", lambda value: isinstance(value, dict))
_TEXT = ("a text or null", _is_text_or_null)
_TEXTS = ("a list of texts", lambda value: isinstance(value, list) and all(isinstance(v, str) for v in value))
# key -> what is expected, and whether a value is that. Only `status` must be there; other keys than these may be.
_FORM: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "status": (f"one of {', '.join(STATES)}", lambda value: isinstance(value, str) and value in STATES),
    "identity": _HASH,
    "cell": _HASH,
    "data_fingerprint": ("a text", lambda value: isinstance(value, str)),
    "steps": _COUNT,
    "checkpoint": _COUNT,
    "seconds": ("a number", _is_number),
    "times": ("a mapping of states to seconds since 1970", _are_times),
    "owner": _MAPPING,
    "health": _MAPPING,
    "verdict": _TEXT,
    "reason": _TEXT,
    "set_aside": _TEXTS,
    "not_drawn": _TEXTS,
}


def read_status(path: Path) -> dict[str, Any]:
    """Reads a status.json.

    Raises: GanlabError, one line that names the file and the key, where a value is not of its form.
    """
    status = read_json(path)
    if not isinstance(status, dict):
        raise GanlabError(f"{path}: damaged: expected a mapping, received {type(status).__name__}")
    for key, (expected, is_right) in _FORM.items():
        value = status.get(key)
        if (key in status or key == "status") and not is_right(value):
            received = "a list" if isinstance(value, list) else shown(value)
            raise GanlabError(f"{path}: damaged: {key}: expected {expected}, received {received}")
    return status
