"""Where `ganlab prepare` takes photos from: the path given, a known place in $GANLAB_DATA or the cache, or Kaggle."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ganlab.data.prepared import load_prepared
from ganlab.data.sources import cached_folder, own_data_folder
from ganlab.errors import ConfigError, GanlabError, MissingDataError, did_you_mean

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Kaggle(NamedTuple):
    """A Kaggle data set: its handle with a version, the folder in it that holds the photos, and their number."""

    handle: str
    folder: str
    count: int


@dataclass(frozen=True)
class KnownSource:
    """The usual source of a data set of photos, and the defaults of `ganlab prepare` for it.

    Attributes:
        files: zips or folders looked for in `$GANLAB_DATA/<name>/` and in the cache.
        crop: the default of --crop.
        size: the default of --size.
        kaggle: where Kaggle has it, or None.
    """

    files: tuple[str, ...] = ()
    crop: str = "center"
    size: int = 64
    kaggle: Kaggle | None = None
    load = staticmethod(load_prepared)


KNOWN = {
    # 202,599 photos of faces, aligned, 178x218 colour (Liu, Luo, Wang, Tang 2015, arXiv 1411.7766). For non-commercial
    # research only; no labels are read.
    "celeba": KnownSource(
        files=("img_align_celeba.zip", "img_align_celeba"),
        crop="box",
        size=40,
        kaggle=Kaggle("jessicali9530/celeba-dataset/versions/2", "img_align_celeba", 202_599),
    ),
    # Faces of cats, dogs and wild animals, centred, 512x512 colour (Choi, Uh, Yoo, Ha 2020, "StarGAN v2"). CC BY-NC 4.0.
    "afhq": KnownSource(files=("afhq.zip", "train")),
}


def known_source(name: str, datasets: Collection[str]) -> KnownSource:
    """How to prepare a data set; the defaults for a user's own, which may have any free name.

    Args:
        name: of the data set.
        datasets: the names of those that are registered.

    Raises: ConfigError if the name belongs to a data set that needs no preparing, or cannot be a name.
    """
    if name in datasets and name not in KNOWN:
        raise ConfigError(
            f"{name}: needs no preparing, 'data: {{name: {name}}}' reads it as it is. Choose another name."
        )
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r}: expected a name of at most 80 letters, digits, '.', '_' and '-' that begins with a letter or digit"
        )
    return KNOWN.get(name, KnownSource())


def find_photos(name: str, known: KnownSource, source: Path | None, download: bool) -> Path:
    """The folder or zip of photos.

    Raises:
        MissingDataError: if there is none; the message names the places and the command.
        ConfigError: if a download is asked for where none is known.
    """
    if source is not None:
        if not source.exists():
            raise MissingDataError(f"--source {source}: expected a folder or a zip of photos, found nothing.")
        return source
    own = own_data_folder()
    folders = [*([own / name] if own else []), cached_folder(name)]
    for path in (folder / file for folder in folders for file in known.files):
        if path.exists():
            return path
    if download:
        return _download(name, known)
    places = " or ".join(str(folder / known.files[0]) for folder in folders) if known.files else ""
    hint = did_you_mean(name, KNOWN, 0) if not known.files else ""
    raise MissingDataError(
        f"{name}: no photos given{' or found at ' if places else ''}{places}.{hint} "
        f"Run: ganlab prepare {name} --source {known.files[0] if known.files else 'FOLDER_OR_ZIP'}"
        + (f", or: ganlab prepare {name} --download" if known.kaggle else "")
    )


def _download(name: str, known: KnownSource) -> Path:
    if known.kaggle is None:
        raise ConfigError(f"--download: no download is known for {name}; give its photos with --source.")
    handle, folder, count = known.kaggle
    try:
        import kagglehub
    except ImportError as error:
        raise MissingDataError(
            f"--download: {name} is downloaded with kagglehub, which is not installed. Run: pip install 'ganlab[kaggle]'"
        ) from error
    try:
        path = Path(kagglehub.dataset_download(handle)) / folder
    except Exception as error:  # kagglehub raises errors of requests, and its own for accounts and quotas
        reason = " ".join(str(error).split()).rstrip(".")
        raise MissingDataError(
            f"--download: Kaggle's {handle} could not be downloaded ({reason}). Download it by hand and give it with --source."
        ) from error
    found = sum(file.suffix == ".jpg" for file in path.rglob("*"))
    if found != count:
        raise GanlabError(
            f"{path}: expected the {count:,} photos of Kaggle's {handle} here, found {found:,}. "
            "Remove this folder and try again, or give the photos with --source."
        )
    return path
