"""How a damaged file is reported."""

from pathlib import Path

from ganlab.errors import GanlabError


def broken(path: Path, reason: object) -> GanlabError:
    """The error for a file that is there but cannot be what it claims to be; always one line."""
    reason = " ".join(str(reason).split()).rstrip(".") or "cannot be read"
    return GanlabError(f"{path}: broken data file: {reason}. Replace it by a whole copy, or remove it.")
