"""What a plain (unquoted) YAML word means, by the core schema of YAML 1.2.

Source: https://yaml.org/spec/1.2.2/, section 10.3.2.

PyYAML follows YAML 1.1, where `1e-4` is a word, `no` is false and `12:30:00` is 45000.
"""

import re

from ganlab.config.document import Scalar, shown

_WORDS = {word: None for word in ("", "~", "null", "Null", "NULL")}
_WORDS |= {word: True for word in ("true", "True", "TRUE")}
_WORDS |= {word: False for word in ("false", "False", "FALSE")}

_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = re.compile(r"\.(nan|NaN|NAN)")

_MAX_DIGITS = 30  # more than 64 bits need; int() itself refuses beyond some thousand digits


def read_scalar(text: str) -> Scalar:
    """The value of a plain scalar.

    Raises:
        ValueError: an integer that does not fit in 64 bits; the message is for the user.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        return _integer(text, 10)
    if _OCTAL.fullmatch(text):
        return _integer(text, 8)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text, 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float("-inf" if text.startswith("-") else "inf")
    if _NOT_A_NUMBER.fullmatch(text):
        return float("nan")
    return text


def _integer(text: str, base: int) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")[0 if base == 10 else 2 :].lstrip("0") or "0"
    value = sign * int(digits, base) if len(digits) <= _MAX_DIGITS else None
    if value is None or not -(2**63) <= value < 2**63:
        raise ValueError(f"expected an integer of at most 64 bits, received {shown(text)}")
    return value
