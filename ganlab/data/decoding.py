"""Pictures of any kind into uint8 arrays of one shape, few at a time in memory.

Call these functions within `refusing_bombs`.
"""

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganlab.data.options import to_luminosity
from ganlab.data.picture_files import FORMATS, Pictures
from ganlab.errors import GanlabError

Used = TypeVar("Used")
_GREY_MODES = ("1", "L", "LA", "I;16")
_THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes and resizes outside of Python's lock
ADVICE = " Mend it or remove it; 'ganlab prepare' leaves such files out."


class DamagedPictureError(GanlabError):
    """The bytes of a file are no picture, or not one that ganlab reads; they will be none the next time."""


def are_all_grey(pictures: Pictures, names: Sequence[str]) -> bool:
    """Whether all pictures are grey, read from their headers."""
    modes = in_parallel(lambda name: _open(pictures, name, lambda image: image.mode), names)
    return all(mode in _GREY_MODES for mode in modes)


def decode(pictures: Pictures, name: str, size: int | None, channels: int) -> np.ndarray:
    """One picture, upright as its EXIF orientation says, transparency on white.

    Args:
        pictures: the folder or zip.
        name: of the picture in it.
        size: side of the result, resized by Lanczos with antialiasing; None keeps the picture's size.
        channels: 1 or 3.

    Returns:
        uint8 `(H, W, channels)`.

    Raises:
        GanlabError: one line that names the picture.
    """

    def convert(image: Image.Image) -> np.ndarray:
        image.load()  # before the EXIF data: in a PNG they may stand after the pixels
        # Pillow raises nearly anything for damaged EXIF data; the pixels are whole.
        with contextlib.suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        image = _as_grey_or_colour(image, channels)
        if size:
            image = image.resize((size, size), Image.Resampling.LANCZOS)
        return np.asarray(image).reshape(image.height, image.width, channels)

    return _open(pictures, name, convert)


def decode_into(
    array: np.ndarray, pictures: Pictures, names: Sequence[str], size: int | None, luminosity: bool
) -> None:
    """Decodes all pictures, several at a time, into uint8 `(N, H, W, C)`.

    Args:
        array: filled in the order of the names.
        pictures: the folder or zip.
        names: of N pictures in it.
        size: as for `decode`.
        luminosity: reads in colour and writes grey by `to_luminosity`.

    Raises:
        GanlabError: if a picture cannot be read or has another size than the array's.
    """
    channels = 3 if luminosity else array.shape[3]

    def place(index: int) -> None:
        image = decode(pictures, names[index], size, channels)
        if image.shape[:2] != array.shape[1:3]:
            raise GanlabError(
                f"{pictures.shown(names[index])}: expected {array.shape[2]} x {array.shape[1]} pixels as in "
                f"{names[0]}, received {image.shape[1]} x {image.shape[0]}. "
                "data.image_size brings all pictures to one size."
            )
        array[index] = to_luminosity(image) if luminosity else image

    in_parallel(place, range(len(names)))


def in_parallel(work: Callable, *arguments: Iterable) -> list:
    """`map` for several pictures at a time; raises the error of the first picture that fails."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, *arguments))


@contextlib.contextmanager
def refusing_bombs() -> Iterator[None]:
    """Makes pictures beyond Pillow's limit of pixels an error; Pillow itself only warns up to twice the limit.

    Silences Pillow's other warnings: they name no file. The filters are shared by all threads, so one thread enters this.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _open(pictures: Pictures, name: str, use: Callable[[Image.Image], Used]) -> Used:
    """Raises: DamagedPictureError; GanlabError where another attempt may read the picture."""
    try:
        with Image.open(io.BytesIO(pictures.read(name)), formats=tuple(FORMATS)) as image:
            return use(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DamagedPictureError(
            f"{pictures.shown(name)}: refused: more than {Image.MAX_IMAGE_PIXELS} pixels."
        ) from error
    except MemoryError as error:
        raise GanlabError(f"{pictures.shown(name)}: cannot be read: not enough memory") from error
    except Exception as error:  # Pillow's decoders raise nearly anything for damaged pictures
        if isinstance(error, OSError) and error.errno is not None:  # of the disk or the network, not of the picture
            raise GanlabError(f"{pictures.shown(name)}: cannot be read: {error.strerror}") from error
        reason = f"not one of {', '.join(FORMATS)}" if isinstance(error, UnidentifiedImageError) else error
        reason = " ".join(str(reason).split()).rstrip(".")
        raise DamagedPictureError(f"{pictures.shown(name)}: cannot be read as a picture: {reason}.{ADVICE}") from error


def _as_grey_or_colour(image: Image.Image, channels: int) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips 16 bits instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):  # and clips these, whose range no header tells
        raise ValueError(f"its pixels have 32 bits (mode {image.mode}), expected 8 or 16")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")
