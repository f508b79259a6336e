"""What a plain (unquoted) YAML word means, by the core schema of YAML 1.2.

Source: https://yaml.org/spec/1.2.2/, section 10.3.2.

PyYAML follows YAML 1.1, where `1e-4` is a word, `no` is false and `12:30:00` is 45000.
"""

import re

from ganlab.config.document import Scalar, shown

_WORDS = {word: None for word in ("", "~", "null", "Null", "NULL")}
_WORDS |= {word: True for word in ("true", "True", "TRUE")}
_WORDS |= {word: False for word in ("false", "False", "FALSE")}

_MAX_DIGITS = 30  # more than 64 bits need; int() itself refuses beyond some thousand digits


def read_scalar(text: str) -> Scalar:
    """The value of a plain scalar. Raises ValueError, with a message for the user, for an integer of over 64 bits."""
    if text in _WORDS:
        return _WORDS[text]
    return next((read(text) for pattern, read in _NUMBERS.items() if pattern.fullmatch(text)), text)


def _integer(text: str, base: int = 10) -> int:
    digits = re.sub("[-+]?(0[ox])?0*", "", text, count=1) or "0"
    value = int(digits, base) * (-1 if text.startswith("-") else 1) if len(digits) <= _MAX_DIGITS else None
    if value is None or not -(2**63) <= value < 2**63:
        raise ValueError(f"expected an integer of at most 64 bits, received {shown(text)}")
    return value


_NUMBERS = {
    re.compile(r"[-+]?[0-9]+"): _integer,
    re.compile(r"0o[0-7]+"): lambda text: _integer(text, 8),
    re.compile(r"0x[0-9a-fA-F]+"): lambda text: _integer(text, 16),
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"): float,
    re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"): lambda text: float(text.replace(".", "")),
}
