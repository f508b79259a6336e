"""Plain data as JSON text."""

import json
import math


def to_json(document: dict) -> str:
    """JSON that every reader accepts: what JSON has no word for, NaN and infinity, becomes null."""
    return json.dumps(_finite(document), indent=2) + "\n"


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
