"""The faces that `ganlab prepare` has found so far, in a file, so that an interrupted search goes on where it was."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from ganlab.data.crops import Box
from ganlab.storage.writing import append_text


class FoundFaces:
    """A line a block of photos: a checksum, then the photos' names and for each a box or the reason why there is none.

    Args:
        path: the file; a damaged line of it is as good as none, so that its photos are searched again.
    """

    def __init__(self, path: Path):
        self.path = path
        self._known: dict[str, Box | str] = {}
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        for checksum, _, text in (line.partition(" ") for line in lines):
            if checksum == _checksum(text):
                names, found = json.loads(text)
                self._known |= {
                    name: f if isinstance(f, str) else tuple(f) for name, f in zip(names, found, strict=True)
                }

    def get(self, names: Sequence[str]) -> list[Box | str] | None:
        """The faces of these photos, or None if not all of them were searched."""
        return [self._known[name] for name in names] if self._known.keys() >= set(names) else None

    def add(self, names: Sequence[str], found: Sequence[Box | str]) -> None:
        """Appends a block."""
        text = json.dumps([names, found])
        append_text(self.path, f"{_checksum(text)} {text}\n")


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
