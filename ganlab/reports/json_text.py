"""Plain data as JSON text."""

import json


def to_json(document: dict) -> str:
    """JSON that every reader accepts: NaN and infinity, for which JSON has no word, become null."""
    finite = json.loads(json.dumps(document), parse_constant=lambda word: None)
    return json.dumps(finite, indent=2) + "\n"
