"""From photos to images: faces are searched for in batches, parts are cut out and resized; several photos at a time."""

from collections.abc import Sequence

import numpy as np

from ganlab.data.crops import Box, Photo, area_of, cut, fit, scaled
from ganlab.data.decoding import decode, for_each
from ganlab.data.faces import MOST_SIDE, face_detector
from ganlab.data.picture_files import Pictures
from ganlab.errors import GanlabError

NO_FACE = "no face"


def find_faces(pictures: Pictures, names: Sequence[str]) -> list[Box | str]:
    """The most certain face of each photo, in the photo's own pixels, or the reason why there is none."""
    found: list[Box | str] = [NO_FACE] * len(names)
    sizes: dict[int, tuple[int, int]] = {}
    reduced: dict[int, np.ndarray] = {}

    def read(index: int) -> None:
        photo = _decoded(pictures, names[index])
        if isinstance(photo, str):
            found[index] = photo
        else:
            sizes[index] = photo.shape[1], photo.shape[0]
            reduced[index] = fit(photo, MOST_SIDE)

    for_each(read, range(len(names)))
    readable = sorted(reduced)  # threads end in any order, and the detector's batches must not depend on it
    for index, face in zip(readable, face_detector().detect([reduced[i] for i in readable]), strict=True):
        if face is not None:
            found[index] = scaled(face, sizes[index][0] / reduced[index].shape[1], *sizes[index])
    return found


def cut_photos(
    pictures: Pictures, names: Sequence[str], crop: str, size: int, faces: Sequence[Box | str] | None
) -> tuple[list[Photo], np.ndarray]:
    """Makes the images of some photos.

    Args:
        pictures: the folder or zip.
        names: of photos in it.
        crop: see `crops.area_of`.
        size: pixels a side of an image.
        faces: as `find_faces` gives them; None for crops that do not look for any.

    Returns:
        the fate of each photo, and the images `(n, size, size, 3)`, uint8, of the n photos that gave one.
    """
    photos = [Photo(name) for name in names]
    images = np.empty((len(names), size, size, 3), np.uint8)

    def make(index: int) -> None:
        face = faces[index] if faces else None
        photo = face if isinstance(face, str) else _decoded(pictures, names[index])
        if isinstance(photo, str):
            photos[index] = Photo(names[index], reason=photo)
            return
        height, width = photo.shape[:2]
        area = area_of(crop, width, height, face)
        images[index] = cut(photo, area, size)
        photos[index] = Photo(names[index], area)

    for_each(make, range(len(names)))
    return photos, images[[photo.box is not None for photo in photos]]


def _decoded(pictures: Pictures, name: str) -> np.ndarray | str:
    """The photo, or the reason why it cannot be read."""
    try:
        return decode(pictures, name, None, channels=3)
    except GanlabError as error:
        return str(error).removeprefix(f"{pictures.shown(name)}: ").rstrip(".")
