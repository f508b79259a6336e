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
from filelock import Timeout

from ganlab.data.crops import FACE_CROPS, Found, cut_photos
from ganlab.data.decoding import refusing_bombs
from ganlab.data.faces import NO_FACE, FoundFaces, find_faces
from ganlab.data.picture_files import Pictures, open_pictures
from ganlab.data.prepared import FORMAT, PreparedSet, prepared_place, write_manifest
from ganlab.data.sources import cached_folder
from ganlab.errors import GanlabError, LockedError, StoppedError
from ganlab.storage.cache import ADVICE, acquired
from ganlab.storage.unpacking import sha256_of
from ganlab.storage.writing import half_written, replacing

BLOCK = 128  # photos: a few seconds of searching, which a kill loses
NO_PICTURE = "no picture that can be read"

# Told after each block: photos looked at, all photos, images, photos looked at by this process.
Notify = Callable[[int, int, int, int], None]
# Names the signal that asked to stop, or None.
Stopped = Callable[[], str | None]


@dataclass(frozen=True)
class Request:
    """The words of one `ganlab prepare`.

    Attributes:
        name: the data set's name in configs.
        source: a folder or zip of photos.
        crop: one of `crops.CROPS`.
        size: pixels a side.
        limit: number of images; photos are taken by name until there are as many. None for all.
    """

    name: str
    source: Path
    crop: str
    size: int
    limit: int | None = None


def prepare_photos(request: Request, notify: Notify, stopped: Stopped) -> tuple[PreparedSet, dict]:
    """Makes the data set, or returns the one that an earlier call made. Reuses the faces that an earlier call found.

    Args:
        request: the source, the crop, the size and the number of images.
        notify: see `Notify`.
        stopped: asked before each block.

    Returns:
        the set and the facts of its manifest.

    Raises:
        StoppedError: if a signal asked to stop.
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
        faces = FoundFaces(cached_folder(request.name) / f".faces-{_faces_key(facts)}")
        with replacing(place.array) as temporary:
            photos = _write_array(temporary, request, pictures, faces, notify, stopped)
            facts["counts"] = counts = _counts(request, photos) | {"no_picture": len(pictures.left_out)}
            facts["array"] = {
                "file": place.array.name,
                "sha256": sha256_of(temporary),
                "shape": [counts["images"], request.size, request.size, 3],
                "dtype": "uint8",
            }
            place.manifest.unlink(missing_ok=True)  # of other photos, under the same options: not valid from here on
        write_manifest(place, facts, photos + [(name, NO_PICTURE) for name in pictures.left_out])
        return place, facts


def _facts(request: Request, pictures: Pictures) -> dict:
    """The manifest's beginning. `recipe` changes when the same command would make other images."""
    packages = ["pillow", *(["mtcnn", "tensorflow"] if request.crop in FACE_CROPS else [])]
    versions = {package: importlib.metadata.version(package) for package in packages}
    fingerprint = pictures.content_key(pictures.names)
    recipe = json.dumps([FORMAT, BLOCK, fingerprint, pictures.left_out, request.crop, request.size, versions])
    path = str(request.source.resolve())
    return {
        "format": FORMAT,
        **asdict(request),
        "recipe": hashlib.sha256(recipe.encode()).hexdigest(),
        "source": {"path": path, "fingerprint": fingerprint, "photos": len(pictures.names), "note": pictures.note},
        "versions": versions,
    }


def _faces_key(facts: dict) -> str:
    """Faces are those of the photos, whichever size and crop they are cut to."""
    text = json.dumps([FORMAT, facts["source"]["fingerprint"], facts["versions"]])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _finished(place: PreparedSet, recipe: str) -> dict | None:
    with contextlib.suppress(GanlabError, OSError):
        facts = place.facts()
        if facts["recipe"] == recipe:
            place.verify()
            return facts
    return None


def _write_array(
    path: Path, request: Request, pictures: Pictures, faces: FoundFaces, notify: Notify, stopped: Stopped
) -> list[tuple[str, Found]]:
    """Writes the images as .npy, block by block, until there are enough; returns the photos looked at and their parts."""
    searches, total = request.crop in FACE_CROPS, len(pictures.names)
    photos: list[tuple[str, Found]] = []
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
            parts, pixels = cut_photos(pictures, names, request.crop, request.size, found)
            if request.limit is not None and images + len(pixels) > request.limit:
                parts, pixels = _first(parts, pixels, request.limit - images)
            file.write(pixels.tobytes())
            photos += zip(names, parts, strict=False)
            images += len(pixels)
            notify(len(photos), total, images, fresh)
        file.seek(0)
        _write_header(file, images, request.size)
    return photos


def _write_header(file: BinaryIO, count: int, size: int) -> None:
    """Writes the header of numpy.save. NumPy leaves room for the digits of any count, so its length does not change."""
    shape = (count, size, size, 3)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _first(parts: list[Found], images: np.ndarray, count: int) -> tuple[list[Found], np.ndarray]:
    """The first `count` images, and the parts of photos up to the one that gave the last of them."""
    numbers = np.cumsum([not isinstance(part, str) for part in parts])
    return parts[: int(np.searchsorted(numbers, count)) + 1], images[:count]


def _counts(request: Request, photos: list[tuple[str, Found]]) -> dict[str, int]:
    reasons = [part for _, part in photos if isinstance(part, str)]
    no_face = reasons.count(NO_FACE)
    unreadable, images = len(reasons) - no_face, len(photos) - len(reasons)
    if not images:
        left_out = f"{no_face} without a face, {unreadable} unreadable"
        raise GanlabError(f"{request.source}: none of {len(photos)} photos gives an image ({left_out}).")
    return {"photos": len(photos), "images": images, "no_face": no_face, "unreadable": unreadable}


@contextlib.contextmanager
def _locked(request: Request) -> Iterator[None]:
    """One process for each name, crop and size."""
    folder = cached_folder(request.name)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with acquired(folder / f".{request.crop}-{request.size}.lock", ADVICE, timeout=0):
            yield
    except Timeout as error:
        raise LockedError(f"{request.name} is being prepared by another process; wait for it or stop it") from error
