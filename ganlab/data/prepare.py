"""`ganlab prepare`: a folder or zip of photos becomes a data set, in blocks: memory does not grow with the count of photos."""

import contextlib
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout

from ganlab.data.crops import FACE_CROPS, Photo
from ganlab.data.cutting import NO_FACE, cut_photos, find_faces
from ganlab.data.decoding import refusing_bombs
from ganlab.data.found_faces import FoundFaces
from ganlab.data.picture_files import Pictures, open_pictures
from ganlab.data.prepared import FORMAT, PreparedSet, prepared_place, write_manifest
from ganlab.data.published import checksum_of
from ganlab.data.sources import cached_folder
from ganlab.errors import GanlabError, LockedError, StoppedError
from ganlab.storage.writing import half_written, replacing

BLOCK = 128  # photos: a few seconds of searching, which a kill loses


@dataclass(frozen=True)
class Request:
    """What to prepare.

    Attributes:
        name: under which configs will use it.
        source: a folder or zip of photos.
        crop: one of `crops.CROPS`.
        size: pixels a side.
        limit: how many images are wanted; photos are taken by name until there are as many. None for all.
    """

    name: str
    source: Path
    crop: str
    size: int
    limit: int | None = None


@dataclass(frozen=True)
class Progress:
    """Photos looked at so far (of `total`), images made of them, and photos looked at by this process."""

    photos: int
    total: int
    images: int
    fresh: int


def prepare_photos(
    request: Request, notify: Callable[[Progress], None], stopped: Callable[[], str | None]
) -> tuple[PreparedSet, dict]:
    """Makes the data set, or finds that it is made. Faces that an interrupted process found are not searched again.

    Args:
        notify: told after each block.
        stopped: names the signal that asked to stop, or None; asked before each block.

    Returns:
        the set and the facts of its manifest.

    Raises:
        StoppedError: if it was asked to stop.
        LockedError: if another process prepares this data set.
        GanlabError: if the source cannot be read, or none of the photos gives an image.
    """
    place = prepared_place(request.name, request.crop, request.size, request.limit)
    with contextlib.closing(open_pictures(request.source)) as pictures, _locked(request):
        facts = _facts(request, pictures)
        if found := _finished(place, facts["recipe"]):
            return place, found
        for left in half_written(place.array):  # by a process that was killed
            left.unlink()
        faces = FoundFaces(cached_folder(request.name) / f".faces-{facts['recipe'][:16]}")
        with replacing(place.array) as temporary:
            photos = _write_array(temporary, request, pictures, faces, notify, stopped)
            facts["counts"] = counts = _counts(request, photos)
            facts["array"] = {
                "file": place.array.name,
                "sha256": checksum_of([temporary]),
                "shape": [counts["images"], request.size, request.size, 3],
                "dtype": "uint8",
            }
            place.manifest.unlink(missing_ok=True)  # of other photos, under the same options: not valid from here on
        write_manifest(place, facts, photos)
        faces.path.unlink(missing_ok=True)
        return place, facts


def _facts(request: Request, pictures: Pictures) -> dict:
    """The manifest's beginning. `recipe` changes when the same command would make other images."""
    packages = ["pillow", *(["mtcnn", "tensorflow"] if request.crop in FACE_CROPS else [])]
    versions = {package: importlib.metadata.version(package) for package in packages}
    fingerprint = pictures.content_key(pictures.names)
    recipe = json.dumps([FORMAT, BLOCK, fingerprint, request.crop, request.size, versions])
    path = str(request.source.resolve())
    return {
        "format": FORMAT,
        **asdict(request),
        "recipe": hashlib.sha256(recipe.encode()).hexdigest(),
        "source": {"path": path, "fingerprint": fingerprint, "photos": len(pictures.names)},
        "versions": versions,
    }


def _finished(place: PreparedSet, recipe: str) -> dict | None:
    with contextlib.suppress(GanlabError, OSError):
        facts = place.facts()
        if facts["recipe"] == recipe:
            place.verify()
            return facts
    return None


def _write_array(
    path: Path,
    request: Request,
    pictures: Pictures,
    faces: FoundFaces,
    notify: Callable[[Progress], None],
    stopped: Callable[[], str | None],
) -> list[Photo]:
    """Writes the images as .npy, block by block, until there are enough; returns the fates of the photos looked at."""
    searches, total = request.crop in FACE_CROPS, len(pictures.names)
    photos: list[Photo] = []
    images = fresh = 0
    with open(path, "wb") as file, refusing_bombs():
        _write_header(file, total, request.size)
        for start in range(0, total, BLOCK):
            if images == request.limit:
                break
            if signal := stopped():
                again = "goes on" if searches else "begins again"
                raise StoppedError(
                    f"stopped by {signal} after {len(photos)} of {total} photos; the same command {again}"
                )
            names = pictures.names[start : start + BLOCK]
            found = faces.get(names) if searches else None
            fresh += len(names) if found is None else 0
            if found is None and searches:
                found = find_faces(pictures, names)
                faces.add(names, found)
            made, pixels = cut_photos(pictures, names, request.crop, request.size, found)
            if request.limit is not None and images + len(pixels) > request.limit:
                made, pixels = _first(made, pixels, request.limit - images)
            file.write(pixels.tobytes())
            photos += made
            images += len(pixels)
            notify(Progress(len(photos), total, images, fresh))
        file.seek(0)
        _write_header(file, images, request.size)
    return photos


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """As numpy.save writes it. NumPy leaves room for the digits of any count, so the header's length does not change."""
    shape = (count, size, size, 3)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _first(photos: list[Photo], images: np.ndarray, count: int) -> tuple[list[Photo], np.ndarray]:
    """The first `count` images, and the photos up to and with the one that gave the last of them."""
    numbers = np.cumsum([photo.box is not None for photo in photos])
    return photos[: int(np.searchsorted(numbers, count)) + 1], images[:count]


def _counts(request: Request, photos: list[Photo]) -> dict[str, int]:
    reasons = [photo.reason for photo in photos if photo.reason]
    no_face = reasons.count(NO_FACE)
    unreadable, images = len(reasons) - no_face, len(photos) - len(reasons)
    if not images:
        left_out = f"{no_face} without a face, {unreadable} unreadable"
        raise GanlabError(f"{request.source}: none of {len(photos)} photos gives an image ({left_out}).")
    return {"photos": len(photos), "images": images, "no_face": no_face, "unreadable": unreadable}


@contextlib.contextmanager
def _locked(request: Request) -> Iterator[None]:
    """One process for each name, crop and size; the system frees the lock when its process ends, however it ends."""
    folder = cached_folder(request.name)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{request.crop}-{request.size}.lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout as error:
        raise LockedError(f"{request.name} is being prepared by another process; wait for it or stop it") from error
