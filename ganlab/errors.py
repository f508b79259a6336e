"""The errors ganlab raises, and the exit code each one means.

GanlabError            1   input/output or internal failure
├── ConfigError        2   a config, an option or an argument is wrong
├── SweepFailedError   3   some runs of a sweep failed
├── DivergedError      4   a loss or a weight became NaN or infinite
├── LockedError        5   another process owns the run
├── CheckpointError    6   no valid checkpoint, or a check found damage
├── MissingDataError   7   a data set or weights are not on this machine
└── StoppedError      75   stopped by a signal after saving

The command line prints the message of any of them as one line and exits with the code.
"""

import difflib
from collections.abc import Iterable

from ganlab.config.foreign_words import foreign_hint


class GanlabError(Exception):
    """Base of all errors that a user can meet; the message is one complete line.

    Attributes:
        details: of a mistake in a file: its file, line, column, key and message.
        others: further mistakes in the same config, of which `ganlab check` tells.
    """

    exit_code = 1
    details: dict[str, str | int | None] | None = None
    others: tuple["GanlabError", ...] = ()

    @property
    def position(self) -> tuple[int, int]:
        """Line and column; (0, 0) without a file."""
        return (self.details["line"] or 0, self.details["column"] or 0) if self.details else (0, 0)


class ConfigError(GanlabError):
    exit_code = 2


class SweepFailedError(GanlabError):
    exit_code = 3


class DivergedError(GanlabError):
    exit_code = 4


class LockedError(GanlabError):
    exit_code = 5


class CheckpointError(GanlabError):
    exit_code = 6


class MissingDataError(GanlabError):
    exit_code = 7


class StoppedError(GanlabError):
    exit_code = 75


def raise_first(mistakes: Iterable[GanlabError]) -> None:
    """Raises the first mistake, if there is one; its `others` are the others, each message once."""
    found = {str(mistake): mistake for mistake in mistakes}
    if found:
        first, *others = found.values()
        first.others = tuple(others)
        raise first


def did_you_mean(word: str, choices: Iterable[str], list_all_up_to: int = 12) -> str:
    """A hint to append to a message: the word for a foreign one, the nearest choice, all choices if they are few, or ''."""
    choices = sorted(choices)
    if hint := foreign_hint(str(word), choices):
        return hint
    given, lowered = str(word).lower(), {choice.lower(): choice for choice in choices}
    # A slip of the finger, then a word that was cut short (`fd1k`), then any similar word.
    beginning = [name for name in lowered if len(given) > 2 and name.startswith(given)]
    slip, similar = (difflib.get_close_matches(given, lowered, n=1, cutoff=cutoff) for cutoff in (0.85, 0.6))
    if near := slip or (beginning if len(beginning) <= 3 else []) or similar:
        return " Did you mean " + " or ".join(f"'{lowered[name]}'" for name in near) + "?"
    if choices and len(choices) <= list_all_up_to:
        return f" Expected one of: {', '.join(choices)}."
    return ""
