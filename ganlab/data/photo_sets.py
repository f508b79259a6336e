"""From a folder or zip of photos to a prepared data set, in blocks: memory stays the same whatever the count."""

import contextlib
import hashlib
import importlib.metadata
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ganlab.data.crops import FACE_CROPS
from ganlab.data.cutting import NO_FACE, Cutter
from ganlab.data.decoding import Pictures
from ganlab.data.pictures import open_pictures
from ganlab.data.prepared import FORMAT, PreparedSet, prepared_place, write_manifest
from ganlab.data.shards import Photo, Shard, read_shard, write_shard
from ganlab.data.sources import cached_folder
from ganlab.errors import GanlabError, LockedError, StoppedError
from ganlab.storage.writing import replacing

BLOCK = 128  # photos: a few seconds of work, which is what a kill loses


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
    """Makes the data set, or finds that it is made; goes on where an interrupted process stopped.

    Args:
        notify: told after each block.
        stopped: names the signal that asked to stop, or None; asked before each block.

    Returns:
        the set and the facts of its manifest.

    Raises:
        StoppedError: if it was asked to stop; finished blocks are kept.
        LockedError: if another process prepares this data set.
        GanlabError: if the source cannot be read, or none of the photos gives an image.
    """
    place = prepared_place(request.name, request.crop, request.size, request.limit)
    with contextlib.closing(open_pictures(request.source)) as pictures, _locked(request):
        facts = _facts(request, pictures)
        if found := _finished(place, facts["recipe"]):
            return place, found
        work = cached_folder(request.name) / f".work-{facts['recipe'][:16]}"
        photos = _work_through(request, pictures, work, notify, stopped)
        reasons = [photo.reason for photo in photos if photo.reason]
        count = len(photos) - len(reasons)
        if not count:
            raise GanlabError(f"{request.source}: none of {len(photos)} photos gives an image ({_summary(reasons)}).")
        facts["counts"] = {
            "photos": len(photos),
            "images": count,
            "no_face": reasons.count(NO_FACE),
            "unreadable": len(reasons) - reasons.count(NO_FACE),
        }
        place.manifest.unlink(missing_ok=True)  # of other photos, under the same options: not valid from here on
        facts["array"] = _join(request, pictures, work, place, count)
        write_manifest(place, facts, photos)
        shutil.rmtree(work, ignore_errors=True)
        return place, facts


def _facts(request: Request, pictures: Pictures) -> dict:
    """The manifest's beginning. `recipe` changes when the same command would make other images."""
    packages = ["pillow", *(["mtcnn", "tensorflow"] if request.crop in FACE_CROPS else [])]
    versions = {package: importlib.metadata.version(package) for package in packages}
    fingerprint = pictures.content_key(pictures.names)
    recipe = json.dumps([FORMAT, BLOCK, fingerprint, request.crop, request.size, versions])
    return {
        "format": FORMAT,
        "name": request.name,
        "crop": request.crop,
        "size": request.size,
        "limit": request.limit,
        "recipe": hashlib.sha256(recipe.encode()).hexdigest(),
        "source": {
            "path": str(request.source.resolve()),
            "fingerprint": fingerprint,
            "photos": len(pictures.names),
        },
        "versions": versions,
    }


def _finished(place: PreparedSet, recipe: str) -> dict | None:
    with contextlib.suppress(GanlabError, OSError):
        facts = place.facts()
        if facts["recipe"] == recipe:
            place.verify()
            return facts
    return None


def _blocks(pictures: Pictures) -> Iterator[tuple[int, list[str], list[str]]]:
    """(number, names, names of the next block)."""
    names = pictures.names
    for start in range(0, len(names), BLOCK):
        yield start // BLOCK, names[start : start + BLOCK], names[start + BLOCK : start + 2 * BLOCK]


def _shard_path(work: Path, number: int) -> Path:
    return work / f"{number:06d}.npz"


def _work_through(request: Request, pictures: Pictures, work: Path, notify: Callable, stopped: Callable) -> list[Photo]:
    """Has a shard of each block in the work folder, until there are images enough; what became of each photo."""
    photos: list[Photo] = []
    images = fresh = 0
    total = len(pictures.names)
    with Cutter(pictures, request.crop, request.size) as cutter:
        for number, names, upcoming in _blocks(pictures):
            if signal := stopped():
                raise StoppedError(
                    f"stopped by {signal} after {len(photos)} of {total} photos; the same command goes on"
                )
            shard = read_shard(_shard_path(work, number), names, request.size)
            if shard is None:
                shard = cutter.shard(names, upcoming)
                write_shard(_shard_path(work, number), shard)
                fresh += len(names)
            shard = _wanted(shard, request.limit, images)
            photos += shard.photos
            images += len(shard.images)
            notify(Progress(len(photos), total, images, fresh))
            if images == request.limit:
                break
    return photos


def _wanted(shard: Shard, limit: int | None, before: int) -> Shard:
    return shard if limit is None else shard.first(limit - before)


def _join(request: Request, pictures: Pictures, work: Path, place: PreparedSet, count: int) -> dict:
    """Writes the array shard by shard."""
    shape, written = (count, request.size, request.size, 3), 0
    with replacing(place.array) as temporary:
        with open(temporary, "wb") as file:
            header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            for number, names, _ in _blocks(pictures):
                if written == count:
                    break
                shard = read_shard(_shard_path(work, number), names, request.size)
                if shard is None:
                    raise GanlabError(
                        f"{_shard_path(work, number)}: was damaged after it was made. Run the command again."
                    )
                images = _wanted(shard, request.limit, written).images
                file.write(np.ascontiguousarray(images).data)
                written += len(images)
        with open(temporary, "rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": place.array.name, "sha256": checksum, "shape": list(shape), "dtype": "uint8"}


def _summary(reasons: list[str]) -> str:
    return f"{reasons.count(NO_FACE)} without a face, {len(reasons) - reasons.count(NO_FACE)} unreadable"


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
