"""Where the files of a data set lie: $GANLAB_DATA, then the cache, then a download with a known hash."""

import contextlib
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ganlab.backends.select import select_backend
from ganlab.errors import MissingDataError
from ganlab.paths import own_data_folder
from ganlab.storage.cache import cache_folder, compute_once


@dataclass(frozen=True)
class Download:
    """A published file.

    Attributes:
        file: its name on this machine.
        url: where it is published.
        sha256: of the whole file, in hex.
    """

    file: str
    url: str
    sha256: str


def cached_folder(name: str) -> Path:
    """The cache folder of a data set, with its downloads and prepared images."""
    return cache_folder() / "data" / name


def find_files(name: str, forms: Iterable[tuple[str, ...]]) -> list[Path] | None:
    """The files of the first form that is complete in one folder, or None.

    Args:
        name: the data set's name; `fashion_mnist` is also found in a folder `fashion-mnist`.
        forms: for each form that the data set is published in, regular expressions of its file names.
    """
    forms = list(forms)
    own = own_data_folder()
    folders = [own / name, own / name.replace("_", "-")] if own else []
    for folder in [*folders, cached_folder(name)]:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
        for form in forms:
            paths = [_first_file(folder, names, pattern) for pattern in form]
            if None not in paths:
                return paths
    return None


def _first_file(folder: Path, names: list[str], pattern: str) -> Path | None:
    return next((folder / name for name in names if re.fullmatch(pattern, name) and (folder / name).is_file()), None)


def fetch_files(name: str, downloads: Iterable[Download]) -> list[Path]:
    """Downloads the files that the cache lacks; each appears there only whole and with its hash.

    Raises:
        MissingDataError: if a download fails; the message says where to put the file by hand.
    """
    return [_fetch(name, download) for download in downloads]


def _fetch(name: str, download: Download) -> Path:
    def get(temporary: Path) -> None:
        # Loads Keras only for a real download. Keras' progress bar must not mix with a command's output.
        select_backend()
        import keras

        try:
            with contextlib.redirect_stdout(sys.stderr):
                keras.utils.get_file(
                    temporary.name,
                    download.url,
                    file_hash=download.sha256,
                    hash_algorithm="sha256",
                    cache_dir=str(temporary.parent),
                    cache_subdir=".",
                )
        except Exception as error:  # get_file raises bare Exception for a failed transfer
            reason = " ".join(str(error).split()).rstrip(".")
            raise MissingDataError(
                f"{name}: {download.file} is not on this machine and could not be downloaded ({reason}). "
                f"Put {download.file} into {cached_folder(name)}, "
                f"or set GANLAB_DATA to a folder that has {name}/{download.file}."
            ) from error

    return compute_once(cached_folder(name) / download.file, get)
