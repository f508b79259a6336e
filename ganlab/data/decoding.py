"""Pictures of any kind into uint8 arrays of one shape, few at a time in memory."""

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganlab.data.options import to_luminosity
from ganlab.data.picture_files import Pictures
from ganlab.errors import GanlabError

_FORMATS = ("JPEG", "PNG", "WEBP")
_GREY_MODES = ("1", "L", "LA", "I;16")
_THREADS = min(8, os.cpu_count() or 1)  # Pillow decodes and resizes outside of Python's lock


def are_all_grey(pictures: Pictures, names: Sequence[str]) -> bool:
    """Tells from the pictures' headers."""
    with refusing_bombs():
        modes = in_parallel(lambda name: _open(pictures, name, lambda image: image.mode), names)
    return all(mode in _GREY_MODES for mode in modes)


def decode(pictures: Pictures, name: str, size: int | None, channels: int) -> np.ndarray:
    """One picture, upright as its EXIF orientation says, transparency on white.

    Args:
        size: resized to `size x size` (Lanczos, antialiased); None leaves its size.
        channels: 1 or 3.

    Returns:
        uint8 `(H, W, channels)`.

    Raises:
        GanlabError: one line that names the picture.
    """

    def convert(image: Image.Image) -> np.ndarray:
        image = _as_grey_or_colour(ImageOps.exif_transpose(image), channels)
        if size:
            image = image.resize((size, size), Image.Resampling.LANCZOS)
        return np.asarray(image).reshape(image.height, image.width, channels)

    return _open(pictures, name, convert)


def decode_into(
    array: np.ndarray, pictures: Pictures, names: Sequence[str], size: int | None, luminosity: bool
) -> None:
    """Decodes all pictures, several at a time, into uint8 `(N, H, W, C)`.

    Args:
        luminosity: reads in colour and writes grey by `to_luminosity`.

    Raises:
        GanlabError: if one cannot be read or has another size than the array's.
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

    with refusing_bombs():
        in_parallel(place, range(len(names)))


def in_parallel(work: Callable, *arguments: Iterable) -> list:
    """As `map`, for several pictures at a time; the error of the first that fails is raised."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, *arguments))


@contextlib.contextmanager
def refusing_bombs() -> Iterator[None]:
    """Pillow only warns of pictures up to twice its limit; here the limit is one. Threads share it: enter it in one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _open(pictures: Pictures, name: str, use: Callable[[Image.Image], object]):
    try:
        with Image.open(io.BytesIO(pictures.read(name)), formats=_FORMATS) as image:
            return use(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise GanlabError(f"{pictures.shown(name)}: refused: more than {Image.MAX_IMAGE_PIXELS} pixels.") from error
    except Exception as error:  # damaged pictures raise nearly anything from inside of Pillow's decoders
        reason = "not a JPEG, PNG or WEBP" if isinstance(error, UnidentifiedImageError) else error
        reason = " ".join(str(reason).split()).rstrip(".")
        raise GanlabError(f"{pictures.shown(name)}: cannot be read as a picture: {reason}.") from error


def _as_grey_or_colour(image: Image.Image, channels: int) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips 16 bits instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")
