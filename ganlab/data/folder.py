"""A user's own pictures: `data: {name: folder, source: my/photos, image_size: 64}`, a folder or a zip."""

import hashlib
import json
import posixpath
from functools import partial
from pathlib import Path

import numpy as np
import PIL

from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset, Split, fingerprint_of, listed
from ganlab.data.decoding import are_all_grey, decode, decode_into, refusing_bombs
from ganlab.data.options import ErrorAt, checked_limit, plain_error_at
from ganlab.data.picture_files import Pictures, open_pictures
from ganlab.data.sources import cached_folder
from ganlab.errors import ConfigError, MissingDataError
from ganlab.paths import own_data_folder, user_path
from ganlab.storage.cache import compute_once

_FORMAT = 2  # raise it when the same pictures give other arrays


def load(options: Data, error_at: ErrorAt = plain_error_at) -> Dataset:
    """Reads, resizes and caches all pictures, in the order of their names.

    The images are grey if all pictures are grey, or with `grayscale: luminosity`. With `classes: folders`, each sub-folder is a
    class, and the order takes one picture of each class in turn, so that a `limit` takes as many of each.

    Args:
        options: the config's `data` section; a relative `source` is looked for in the working folder, then in $GANLAB_DATA.
        error_at: places a mistake in the config.

    Raises:
        ConfigError: if `source` is missing, `limit` asks for more pictures than there are, or `classes: folders` finds none.
        MissingDataError: if there is nothing at `source`.
        GanlabError: if a picture cannot be read, or pictures differ in size and there is no `image_size`.
    """
    if not options.source:
        raise error_at(("data", "source"), "expected a folder or a zip of pictures, received nothing.")
    path = _find(options.source)
    pictures = open_pictures(path)
    try:
        count = checked_limit(options.limit, len(pictures.names), str(path), error_at)
        names, labels, class_names = pictures.names, None, None
        if options.classes:
            names, labels, class_names = _classified(names, str(path), error_at)
            labels = labels[:count]
        images = _read(pictures, names[:count], options)
    finally:
        pictures.close()
    return Dataset("folder", Split(images, labels), None, fingerprint_of(images), class_names, str(path), pictures.note)


def possible_classes(options: Data) -> tuple[str, ...]:
    """The classes that `classes: folders` makes of a source; () if pictures lie beside its sub-folders."""
    pictures = open_pictures(path := _find(options.source))
    try:
        return _classified(pictures.names, str(path), plain_error_at)[2]
    except ConfigError:
        return ()
    finally:
        pictures.close()


def describe() -> dict:
    """A row of `ganlab data`."""
    return listed("folder", "data.source in the config")


def _classified(names: list[str], place: str, error_at: ErrorAt) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The pictures in turns of one from each class, their labels, and the names of the classes in order.

    A class is a folder below the deepest folder that holds all pictures.
    """
    shared = posixpath.commonpath([posixpath.dirname(name) for name in names])
    below = {name: name.removeprefix(shared).removeprefix("/").split("/") for name in names}
    if alone := [name for name, parts in below.items() if len(parts) == 1]:
        folder, others = f"{place}/{shared}".removesuffix("/"), len(alone) - 1
        message = (
            f"expected every picture in a sub-folder of {folder}, its class; found {alone[0]} and {others} more beside"
        )
        raise error_at(("data", "classes"), message)
    classes = tuple(sorted({parts[0] for parts in below.values()}))
    counts, turns = dict.fromkeys(classes, 0), {}
    for name in names:
        kind = below[name][0]
        turns[name] = (counts[kind], classes.index(kind))
        counts[kind] += 1
    ordered = sorted(names, key=turns.get)
    return ordered, np.array([turns[name][1] for name in ordered], np.int64), classes


def _find(source: str | Path) -> Path:
    own = own_data_folder()
    candidates = [user_path(source), *([own / source] if own else [])]
    for path in candidates:
        if path.exists():
            return path
    places = " or ".join(str(path) for path in candidates)
    raise MissingDataError(f"data.source: expected a folder or a zip of pictures at {places}, found nothing.")


def _read(pictures: Pictures, names: list[str], options: Data) -> np.ndarray:
    luminosity = options.grayscale == "luminosity"
    # The names in their order, too: with `classes: folders` the same pictures come in turns.
    recipe = [_FORMAT, PIL.__version__, pictures.content_key(names), names, options.image_size, luminosity]
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()
    make = partial(_write_array, pictures=pictures, names=names, size=options.image_size, luminosity=luminosity)
    return np.load(compute_once(cached_folder("folder") / f"{key[:32]}.npy", make, _is_whole), allow_pickle=False)


def _write_array(path: Path, pictures: Pictures, names: list[str], size: int | None, luminosity: bool) -> None:
    with refusing_bombs():
        channels = 1 if luminosity or are_all_grey(pictures, names) else 3
        height, width, _ = decode(pictures, names[0], size, channels).shape
        array = np.lib.format.open_memmap(path, "w+", np.uint8, (len(names), height, width, channels))
        decode_into(array, pictures, names, size, luminosity)
        array.flush()


def _is_whole(path: Path) -> bool:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).dtype == np.uint8
    except (OSError, ValueError, EOFError):
        return False
