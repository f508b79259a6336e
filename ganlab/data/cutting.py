"""From photos to images: faces are searched for in batches, parts are cut out and resized; several photos at a time."""

from collections.abc import Sequence

import numpy as np

from ganlab.data.crops import Box, Photo, area_of, cut, fit, scaled
from ganlab.data.decoding import decode, in_parallel
from ganlab.data.faces import MOST_SIDE, face_detector
from ganlab.data.picture_files import Pictures
from ganlab.errors import GanlabError

NO_FACE = "no face"


def find_faces(pictures: Pictures, names: Sequence[str]) -> list[Box | str]:
    """The most certain face of each photo, in the photo's own pixels, or the reason why there is none."""

    def read(name: str) -> tuple[np.ndarray, tuple[int, int]] | str:
        photo = _decoded(pictures, name)
        return photo if isinstance(photo, str) else (fit(photo, MOST_SIDE), photo.shape[1::-1])

    photos = in_parallel(read, names)
    faces = iter(face_detector().detect([photo[0] for photo in photos if not isinstance(photo, str)]))
    found: list[Box | str] = []
    for photo in photos:
        face = photo if isinstance(photo, str) else next(faces) or NO_FACE
        if not isinstance(face, str):
            reduced, size = photo
            face = scaled(face, size[0] / reduced.shape[1], *size)
        found.append(face)
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

    def make(name: str, face: Box | str | None) -> tuple[Photo, np.ndarray | None]:
        photo = face if isinstance(face, str) else _decoded(pictures, name)
        if isinstance(photo, str):
            return Photo(name, reason=photo), None
        area = area_of(crop, photo.shape[1], photo.shape[0], face)
        return Photo(name, area), cut(photo, area, size)

    made = in_parallel(make, names, faces or [None] * len(names))
    images = [image for _, image in made if image is not None]
    return [photo for photo, _ in made], np.array(images, np.uint8).reshape(-1, size, size, 3)


def _decoded(pictures: Pictures, name: str) -> np.ndarray | str:
    """The photo, or the reason why it cannot be read."""
    try:
        return decode(pictures, name, None, channels=3)
    except GanlabError as error:
        return str(error).removeprefix(f"{pictures.shown(name)}: ").rstrip(".")
