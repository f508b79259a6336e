"""Converts images between the networks' floats and bytes, and writes them as PNG grids and GIF films.

Pillow writes no timestamps: the same pixels give the same bytes.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganlab.data.decoding import refusing_bombs
from ganlab.errors import GanlabError
from ganlab.storage.writing import replacing

# value range -> (its lowest value, bytes per unit)
_RANGES = {"tanh": (-1.0, 127.5), "sigmoid": (0.0, 255.0)}
_PADDING = 2
_BACKGROUND = 48
_LEAST_CELL = 56  # pixels
_BETWEEN = 24  # pixels between two grids
_SHEET_PIXELS = 80_000_000  # Pillow reads no picture of more than 89 million
MOST_FRAMES = 2000  # of a film
_SURE_FRAMES, _FILM_PIXELS = 200, 150_000_000  # a film of large pictures has fewer frames, but at least 200
_FRAME_SECONDS, _LEAST_SECONDS = 0.15, 0.02  # browsers show a GIF's frames no faster
_FILM_SECONDS = 30


def to_uint8(images: np.ndarray, value_range: str) -> np.ndarray:
    """Bytes from a network's floats: `rint((x + 1) * 127.5)` for tanh, `rint(x * 255)` for sigmoid, clipped.

    Args:
        images: floats of any shape.
        value_range: `tanh` for [-1, 1] or `sigmoid` for [0, 1]; values outside the range are clipped.

    Raises:
        GanlabError: if a value is NaN, or the images are no floats.
    """
    images = np.asarray(images)
    if images.dtype.kind in "biu":
        raise GanlabError(f"images: expected floats in the {value_range} range, received {images.dtype} values.")
    images = images.astype(np.float32)  # from bfloat16, too
    if np.isnan(images).any():
        raise GanlabError("images: expected finite values, received NaN.")
    low, scale = _RANGES[value_range]
    return np.clip(np.rint((images - low) * scale), 0, 255).astype(np.uint8)


def from_uint8(images: np.ndarray, value_range: str) -> np.ndarray:
    """Float32 images in the value range; the inverse of `to_uint8`."""
    low, scale = _RANGES[value_range]
    return np.asarray(images, np.float32) / np.float32(scale) + np.float32(low)


def arrange_grid(images: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Lays images out row by row, with a thin frame around each. Each pixel of a small image becomes a square of pixels.

    Args:
        images: uint8 `(N, H, W, C)`, at most `rows * columns` of them; missing images leave empty cells.

    Returns:
        uint8 `(rows * (h + 2) + 2, columns * (w + 2) + 2, C)`, with h and w the enlarged height and width: at least 56.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) > rows * columns:
        raise GanlabError(
            f"image grid: expected at most {rows} x {columns} uint8 images (N, H, W, C), "
            f"received {images.dtype} {images.shape}."
        )
    scale = -(-_LEAST_CELL // min(_LEAST_CELL, max(images.shape[1:3])))
    images = images.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width, channels = images.shape[1:]
    cells = np.full((rows, columns, height + _PADDING, width + _PADDING, channels), _BACKGROUND, np.uint8)
    cells.reshape(-1, *cells.shape[2:])[: len(images), _PADDING:, _PADDING:] = images
    sheet = cells.swapaxes(1, 2).reshape(rows * cells.shape[2], columns * cells.shape[3], channels)
    return np.pad(sheet, [(0, _PADDING), (0, _PADDING), (0, 0)], constant_values=_BACKGROUND)


def write_image(path: Path, image: np.ndarray) -> Path:
    """Writes uint8 `(H, W)`, `(H, W, 1)` or `(H, W, 3)` in the format of the path's suffix, completely or not at all.

    Raises: GanlabError if the format has no such colours or sizes.
    """
    picture = _picture(image)
    with replacing(path) as temporary:
        try:
            picture.save(temporary, optimize=False)
        except (ValueError, OSError) as error:
            if getattr(error, "errno", None):  # the disk, and not the format
                raise
            size = f"{picture.width} x {picture.height} pixels"
            raise GanlabError(
                f"{path}: {path.suffix} takes no picture of {size}, mode {picture.mode}: {error}"
            ) from error
    return path


def write_grid(path: Path, images: np.ndarray, rows: int, columns: int) -> Path:
    """Writes images as one grid; see `arrange_grid`."""
    return write_image(path, arrange_grid(images, rows, columns))


def write_beside(path: Path, left: np.ndarray, right: np.ndarray, value_range: str, grid: tuple[int, int]) -> Path:
    """Writes two batches of images as grids of one size beside each other; see `arrange_grid`. Very large grids lose rows.

    Args:
        left: uint8 `(N, H, W, C)`.
        right: floats in the value range, `(M, H, W, C)`.

    Raises: GanlabError if `right` has a NaN.
    """
    rows, columns = grid
    row = arrange_grid(left[:1], 1, columns)
    rows = min(rows, max(1, _SHEET_PIXELS // (2 * row.shape[0] * row.shape[1])))
    grids = [arrange_grid(images[: rows * columns], rows, columns) for images in (left, to_uint8(right, value_range))]
    between = np.full((len(grids[0]), _BETWEEN, grids[0].shape[2]), 255, np.uint8)
    return write_image(path, np.concatenate([grids[0], between, grids[1]], axis=1))


def write_film(path: Path, frames: Sequence[Path | np.ndarray]) -> Path:
    """Writes an endless GIF, completely or not at all.

    Args:
        frames: pictures, as paths or uint8 arrays. A smaller frame is enlarged by a whole factor and centred. A film has at
            most 2,000 frames, or as many as have 150 million pixels, but 200 in any case. Others are left out at even
            distances. Each is shown for `frame_seconds`, the last one ten times as long.

    Raises:
        GanlabError: if there are no frames, or one cannot be read.
    """
    count, pictures = film_frames(path, frames)
    duration = frame_seconds(count)
    with replacing(path) as temporary:
        # Pillow draws the following frames from the generator one at a time.
        next(pictures).save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures,
            duration=[*[round(duration * 1000)] * (count - 1), round(duration * 10_000)],
            loop=0,
        )
    return path


def frame_seconds(count: int) -> float:
    """How long each frame of a film is shown: 0.15 seconds; of more than 200 frames shorter, but at least 0.02."""
    return max(_LEAST_SECONDS, min(_FRAME_SECONDS, _FILM_SECONDS / count))


def film_frames(path: Path, frames: Sequence[Path | np.ndarray]) -> tuple[int, Iterator[Image.Image]]:
    """The number of pictures in a film, and the pictures, all of one size; see `write_film`."""
    if not len(frames):
        raise GanlabError(f"{path}: expected at least one frame, received none.")
    width, height = _size(frames[-1])
    most = min(MOST_FRAMES, max(_SURE_FRAMES, _FILM_PIXELS // (width * height)))
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), most)).round().astype(int))
    widths, heights = zip(*(_size(frames[index]) for index in chosen), strict=True)
    size = max(widths), max(heights)
    return len(chosen), (_fitted(frames[index], size) for index in chosen)


def _size(image: Path | np.ndarray) -> tuple[int, int]:
    """Width and height."""
    return image.shape[1::-1] if isinstance(image, np.ndarray) else read_png(image, lambda picture: picture.size)


def _fitted(image: Path | np.ndarray, size: tuple[int, int]) -> Image.Image:
    picture = _picture(image)
    if picture.size == size:
        return picture
    factor = min(size[0] // picture.width, size[1] // picture.height)
    picture = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    sheet = Image.new(picture.mode, size, f"rgb({_BACKGROUND}, {_BACKGROUND}, {_BACKGROUND})")
    sheet.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2))
    return sheet


def _picture(image: Path | np.ndarray) -> Image.Image:
    if isinstance(image, np.ndarray):
        return Image.fromarray(image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image)
    return read_png(image, lambda picture: picture.copy())


def read_png(path: Path, use: Callable[[Image.Image], Any]) -> Any:
    """Gives `use(picture)` for a PNG of unknown origin. Pillow starts programs for some other formats, so these are refused.

    Raises:
        GanlabError: one line that names the file, for damage or more than 89 million pixels.
    """
    try:
        with refusing_bombs(), Image.open(path, formats=["PNG"]) as picture:
            return use(picture)
    except Exception as error:  # Pillow's decoders raise errors of any kind for damaged pictures
        raise GanlabError(f"{path}: cannot be read as a picture: {' '.join(str(error).split())}") from error
