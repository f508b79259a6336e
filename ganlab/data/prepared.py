"""Data sets that `ganlab prepare` made: each has a folder in the cache, named by its options, with an array and a manifest."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganlab.config.schema import Data
from ganlab.data.crops import CROPS, Found
from ganlab.data.dataset import Dataset, Split, listed
from ganlab.data.options import ErrorAt, apply_options, plain_error_at
from ganlab.data.sources import cached_folder
from ganlab.errors import GanlabError, MissingDataError
from ganlab.storage.unpacking import sha256_of
from ganlab.storage.writing import read_json, write_text

FORMAT = 1
_MANIFEST, _ARRAY, _LEFT_OUT = "manifest.json", "images.npy", "left_out.txt"
_AGAIN = "Run ganlab prepare again, or remove this folder."
_FACTS = {"size": int, "crop": str, "recipe": str, "counts": dict, "array": dict}


@dataclass(frozen=True)
class PreparedSet:
    """A prepared data set, or the place of one."""

    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / _MANIFEST

    @property
    def array(self) -> Path:
        return self.folder / _ARRAY

    @property
    def left_out(self) -> Path:
        return self.folder / _LEFT_OUT

    def facts(self) -> dict:
        """The manifest. Raises: GanlabError, one line, for damage."""
        facts = read_json(self.manifest)
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise GanlabError(f"{self.manifest}: expected a manifest of format {FORMAT}. {_AGAIN}")
        for key, kind in _FACTS.items():
            if not isinstance(facts.get(key), kind):
                raise GanlabError(f"{self.manifest}: damaged: no '{key}'. {_AGAIN}")
        if facts["crop"] not in CROPS or type(facts["counts"].get("images")) is not int:
            raise GanlabError(f"{self.manifest}: damaged: unknown crop or count. {_AGAIN}")
        return facts

    def verify(self) -> None:
        """Raises: GanlabError if the array has another checksum than the manifest says."""
        if sha256_of(self.array) != self.facts()["array"].get("sha256"):
            raise GanlabError(f"{self.array}: broken data file: its checksum is not the manifest's. {_AGAIN}")

    def images(self, limit: int | None = None) -> np.ndarray:
        """uint8 `(N, size, size, 3)`, the first `limit`; raises as `verify` does."""
        self.verify()
        return np.array(np.load(self.array, mmap_mode="r", allow_pickle=False)[:limit])


def prepared_place(name: str, crop: str, size: int, limit: int | None) -> PreparedSet:
    """The place of the set that `ganlab prepare` makes with these options."""
    return PreparedSet(cached_folder(name) / "-".join(map(str, [crop, size] + [limit] * (limit is not None))))


def prepared_sets(name: str) -> list[tuple[PreparedSet, dict]]:
    """The complete sets of a name, each with its manifest: by crop, `box` first, then the largest first."""
    found = [PreparedSet(path.parent) for path in sorted(cached_folder(name).glob(f"*/{_MANIFEST}"))]
    sets = [(place, place.facts()) for place in found]
    return sorted(sets, key=lambda s: (CROPS.index(s[1]["crop"]), -s[1]["counts"]["images"], s[1]["size"]))


def prepared_names() -> list[str]:
    """The names of all prepared sets."""
    return sorted({path.parents[1].name for path in cached_folder("").glob(f"*/*/{_MANIFEST}")})


def load_prepared(options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
    """Loads a prepared set: the first of `prepared_sets` that has enough images.

    Args:
        options: the config's `data` section; `image_size` must be a size that was prepared, or null if there is only one.
        error_at: places a mistake in the config.

    Raises:
        MissingDataError: if no set has this size; the message names the command that makes one.
        ConfigError: if `limit` asks for more images than any prepared set has.
        GanlabError: if its files are damaged.
    """
    found = prepared_sets(options.name)
    sizes = sorted({facts["size"] for _, facts in found})
    if options.image_size is None and len(sizes) > 1:
        raise error_at(("data", "image_size"), f"expected one of the prepared sizes {sizes}, received null.")
    fitting = [(place, facts) for place, facts in found if options.image_size in (None, facts["size"])]
    if not fitting:
        raise MissingDataError(_how_to_prepare(options, sizes))
    enough = [(place, facts) for place, facts in fitting if facts["counts"]["images"] >= (options.limit or 0)]
    place, facts = (enough or fitting)[0]
    train = Split(place.images(options.limit))
    dataset = apply_options(options.name, train, None, None, str(place.folder), options, error_at)
    return replace(dataset, note=_note(facts))


def _note(facts: dict) -> str | None:
    """A line about files of the source that gave no image."""
    words = {"no_face": "photos without a face", "unreadable": "unreadable photos"}
    counts = facts["counts"]
    left_out = [f"{counts[key]} {word}" for key, word in words.items() if counts.get(key)]
    source = facts.get("source")
    if isinstance(source, dict) and source.get("note"):
        left_out.append(source["note"])
    return f"left out: {'; '.join(left_out)} ({_LEFT_OUT})" if left_out else None


def is_prepared(options: Data) -> bool:
    """Whether there is a prepared set of the size that a config's `data` section asks for."""
    return any(options.image_size in (None, facts["size"]) for _, facts in prepared_sets(options.name))


def _how_to_prepare(options: Data, sizes: list[int]) -> str:
    source = "--source img_align_celeba.zip" if options.name == "celeba" else "--source PHOTOS"
    limit = f" --limit {options.limit}" if options.limit else ""
    size = f" at {options.image_size} pixels" if options.image_size else ""
    others = f" (prepared: {', '.join(map(str, sizes))})" if sizes else ""
    return (
        f"{options.name}: not prepared{size}{others}. "
        f"Run: ganlab prepare {options.name} {source} --size {options.image_size or 64}{limit}"
    )


def describe_prepared(name: str) -> list[dict]:
    """Rows of `ganlab data`: a row for each set of a name, or one row with the command that makes a set."""
    rows = []
    for path in sorted(cached_folder(name).glob(f"*/{_MANIFEST}")):
        row = listed(name, str(path.parent))
        try:
            facts = PreparedSet(path.parent).facts()
            row |= {"train": facts["counts"]["images"], "shape": [facts["size"], facts["size"], 3]}
            row |= {"checksum": facts["array"]["sha256"], "note": _note(facts)}
        except (GanlabError, OSError, KeyError) as error:
            row["problem"] = str(error)
        rows.append(row)
    return rows or [listed(name, f"ganlab prepare {name}")]


def write_manifest(place: PreparedSet, facts: dict, files: list[tuple[str, Found]]) -> None:
    """Writes left_out.txt and then the manifest, which makes the set complete.

    Each file of the source has a line of its own: `["000001.jpg", x, y, width, height]` of the part that became the image,
    `["000002.jpg", "no face"]` of a file without an image.
    """
    kept = [json.dumps([name, *found]) for name, found in files if not isinstance(found, str)]
    left_out = [json.dumps([name, found]) for name, found in files if isinstance(found, str)]
    write_text(place.left_out, "".join(f"{line}\n" for line in left_out))
    head = json.dumps(facts, indent=2).removesuffix("\n}")
    lists = [
        f'  "{key}": [\n    ' + ",\n    ".join(lines) + "\n  ]"
        for key, lines in (("left_out", left_out), ("photos", kept))
    ]
    write_text(place.manifest, ",\n".join([head, *lists]) + "\n}\n")
