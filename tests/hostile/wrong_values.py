"""Values that no one would write, for the JSON files and the lines of a run folder."""

import json
import random

ESCAPES = ["\x1b]0;owned\x07", "\x1b[2J\x1b[31m", "\x9b31m", "\u202egnp.exe", "a\r\nb\x08", "\x00", "\ud800"]
MARKUP = [
    "<script>alert(1)</script>",
    "[red]x[/red]",
    "\\input{/etc/passwd}",
    "=cmd|' /C calc'!A0",
    "a|b",
    "%\\write18{id}",
    "{{7*7}}",
]
PATHS = ["../../../x", "../../outside/a", "/etc/passwd", "."]
OTHERS = [None, True, -1, 0, 3, 1e308, 10**400, 2**63, float("nan"), float("-inf"), "", [], {}, [[]], {"a": {"b": [1]}}]
VALUES = [*OTHERS, "9" * 5000, *PATHS, *ESCAPES, *MARKUP]
TEXTS = [*PATHS, *ESCAPES[:-1], *MARKUP]  # of these, UTF-8 has all


def change(tree, chance: random.Random) -> None:
    """Replaces, renames or removes one value in nested mappings."""
    place = tree
    while isinstance(place, dict) and place:
        key = chance.choice(list(place))
        if chance.random() < 0.5 or not isinstance(place[key], dict):
            break
        place = place[key]
    if not isinstance(place, dict) or not place:
        return
    if chance.random() < 0.2:
        del place[key]
    elif chance.random() < 0.2:
        place[chance.choice([*ESCAPES, *MARKUP])] = place.pop(key)
    else:
        alike = [value for value in VALUES if type(value) is type(place[key])]  # these come further than others
        place[key] = chance.choice(alike if alike and chance.random() < 0.7 else VALUES)


def changed_json(text: str, chance: random.Random) -> str:
    """The text of a JSON value with one value in it changed, or another value altogether; unchanged if it is none."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if chance.random() < 0.1:
        tree = chance.choice(VALUES)
    change(tree, chance)
    return json.dumps(tree)


def changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """A few bytes replaced, put in or cut out."""
    wrong = bytearray(content)
    start = chance.randrange(len(wrong) + 1)
    new = chance.choice([bytes([chance.randrange(256)]), chance.choice(TEXTS).encode(), b"[" * 5000, b""])
    wrong[start : start + chance.choice([0, 1, 5, 500])] = new
    return bytes(wrong)
