"""The part of a photo that becomes a training image: geometry in pixels, and the cut."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ganlab.data.decoding import ADVICE, DamagedPictureError, decode, in_parallel
from ganlab.data.picture_files import Pictures

Box = tuple[int, int, int, int]  # x, y, width, height, in pixels of the photo
Found = Box | str  # a part of a photo, or the reason why there is none

FACE_CROPS = ("box", "square")
PLAIN_CROPS = ("center", "none")
CROPS = FACE_CROPS + PLAIN_CROPS


def cut_photos(
    pictures: Pictures, names: Sequence[str], crop: str, size: int, faces: Sequence[Found] | None
) -> tuple[list[Found], np.ndarray]:
    """Makes the images of some photos.

    Args:
        pictures: the folder or zip.
        names: of photos in it.
        crop: one of CROPS; see `area_of`.
        size: pixels a side of an image.
        faces: as `faces.find_faces` gives them; None for crops that look for none.

    Returns:
        the part of each photo that became an image, and the images `(n, size, size, 3)`, uint8, of the n photos that gave one.
    """

    def make(name: str, face: Found | None) -> tuple[Found, np.ndarray | None]:
        photo = face if isinstance(face, str) else decode_or_reason(pictures, name)
        if isinstance(photo, str):
            return photo, None
        area = area_of(crop, photo.shape[1], photo.shape[0], face)
        return area, cut(photo, area, size)

    made = in_parallel(make, names, faces or [None] * len(names))
    images = [image for _, image in made if image is not None]
    return [found for found, _ in made], np.array(images, np.uint8).reshape(-1, size, size, 3)


def decode_or_reason(pictures: Pictures, name: str) -> np.ndarray | str:
    """The photo, uint8 `(H, W, 3)`, or the reason why it cannot be read."""
    try:
        return decode(pictures, name, None, channels=3)
    except DamagedPictureError as error:
        return str(error).removeprefix(f"{pictures.shown(name)}: ").removesuffix(ADVICE).rstrip(".")


def area_of(crop: str, width: int, height: int, face: Box | None = None) -> Box:
    """The part of a `width` x `height` photo that a crop keeps.

    Args:
        crop: `box` the detector's box of a face as it is, as in akel2022; `square` the smallest square around that box,
            moved into the photo; `center` the largest square in the middle; `none` the whole photo.
        width, height: of the photo.
        face: the detector's box, within the photo; only `box` and `square` read it.
    """
    if crop == "box":
        return face
    if crop == "square":
        return _square_around(face, width, height)
    whole = 0, 0, width, height
    return _square_around(whole, width, height) if crop == "center" else whole


def _square_around(box: Box, width: int, height: int) -> Box:
    x, y, box_width, box_height = box
    side = min(max(box_width, box_height), width, height)
    left = x + (box_width - side) // 2
    top = y + (box_height - side) // 2
    return max(0, min(left, width - side)), max(0, min(top, height - side)), side, side


def scaled(box: Box, factor: float, width: int, height: int) -> Box:
    """A box of a reduced photo in the pixels of the photo itself, at least one pixel and within it."""
    x, y = (min(int(start * factor), end - 1) for start, end in zip(box[:2], (width, height), strict=True))
    right, bottom = round((box[0] + box[2]) * factor), round((box[1] + box[3]) * factor)
    return x, y, max(1, min(right, width) - x), max(1, min(bottom, height) - y)


def cut(photo: np.ndarray, area: Box, size: int) -> np.ndarray:
    """The area as uint8 `(size, size, 3)`: Lanczos, antialiased, stretched to a square.

    Args:
        photo: uint8 `(H, W, 3)`.
        area: within the photo.
        size: pixels a side.
    """
    x, y, width, height = area
    part = Image.fromarray(np.ascontiguousarray(photo[y : y + height, x : x + width]))
    return np.asarray(part.resize((size, size), Image.Resampling.LANCZOS))


def fit(photo: np.ndarray, most: int) -> np.ndarray:
    """The photo with its longer side reduced to `most` pixels; a smaller one as it is."""
    height, width = photo.shape[:2]
    if max(height, width) <= most:
        return photo
    factor = most / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
