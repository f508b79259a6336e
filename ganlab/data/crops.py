"""Which part of a photo becomes the training image: plain geometry in pixels, and the cut itself."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

Box = tuple[int, int, int, int]  # x, y, width, height, in pixels of the photo

FACE_CROPS = ("box", "square")
PLAIN_CROPS = ("center", "none")
CROPS = FACE_CROPS + PLAIN_CROPS


@dataclass(frozen=True)
class Photo:
    """The fate of one photo of a folder or zip: the part that became an image, or the reason why there is none."""

    name: str
    box: Box | None = None
    reason: str | None = None


def area_of(crop: str, width: int, height: int, face: Box | None = None) -> Box:
    """The part of a `width` x `height` photo that a crop keeps.

    Args:
        crop: `box` the detector's box of a face as it is, as in akel2022; `square` the smallest square around that box,
            moved into the photo; `center` the largest square in the middle; `none` the whole photo.
        face: the detector's box, within the photo; only `box` and `square` look at it.
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
    """The area as uint8 `(size, size, 3)`: Lanczos, antialiased, its proportions changed if it is no square.

    Args:
        photo: uint8 `(H, W, 3)`.
        area: within the photo.
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
