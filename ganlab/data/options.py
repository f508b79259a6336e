"""The options that all data sets share: split, limit, image_size, grayscale."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ganlab.config.document import dotted
from ganlab.config.schema import Data
from ganlab.data.dataset import Dataset, Split, fingerprint_of
from ganlab.errors import ConfigError

# error_at(("data", "limit"), message) makes the located error of a mistake in a config.
ErrorAt = Callable[[tuple[str, ...], str], ConfigError]

_LUMINOSITY = np.array([0.2989, 0.5870, 0.1140], np.float32)  # ITU-R BT.601, as in Matlab's rgb2gray


def plain_error_at(keys: tuple[str, ...], message: str) -> ConfigError:
    """The error for a config without a file."""
    return ConfigError(f"{dotted(keys)}: {message}")


def apply_options(
    name: str,
    train: Split,
    test: Split | None,
    class_names: tuple[str, ...] | None,
    source: str,
    options: Data,
    error_at: ErrorAt,
) -> Dataset:
    """Makes a `Dataset` of samples.

    Args:
        train, test: uint8 images `(N, H, W, C)` of the published size.
        options: has `split` (`all` trains on both parts), `limit` (first N training images), `image_size` (pixels a side) and
            `grayscale`.
        error_at: see `ErrorAt`.

    Raises:
        ConfigError: if `limit` asks for more images than there are, or `split` for a test part that is not there.
    """
    if options.split == "all":
        if test is None:
            raise error_at(("data", "split"), f"expected train, because {name} has no test part, received all")
        train, test = _joined(train, test), None
    count = checked_limit(options.limit, train.count, source, error_at)
    train = Split(train.images[:count], None if train.labels is None else train.labels[:count])
    train = _reshape(train, options)
    test = _reshape(test, options) if test else None
    return Dataset(name, train, test, fingerprint_of(train.images), class_names, source)


def _joined(train: Split, test: Split) -> Split:
    labels = None if train.labels is None else np.concatenate([train.labels, test.labels])
    return Split(np.concatenate([train.images, test.images]), labels)


def checked_limit(limit: int | None, count: int, source: str, error_at: ErrorAt) -> int:
    """The number of training images to take. Raises: ConfigError if there are fewer than the limit."""
    if limit is not None and limit > count:
        message = f"expected at most {count} (the training images in {source}), received {limit}."
        raise error_at(("data", "limit"), message)
    return count if limit is None else limit


def _reshape(split: Split, options: Data) -> Split:
    images = split.images
    if options.image_size and images.shape[1:3] != (options.image_size, options.image_size):
        images = resize(images, options.image_size)
    if options.grayscale == "luminosity":
        images = to_luminosity(images)
    return Split(images, split.labels)


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resizes uint8 `(N, H, W, C)` to `(N, size, size, C)`: Lanczos, antialiased."""
    channels = images.shape[3]
    resized = np.empty((len(images), size, size, channels), np.uint8)
    for index, image in enumerate(images):
        picture = Image.fromarray(image[:, :, 0] if channels == 1 else image)
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
        resized[index] = np.asarray(picture).reshape(size, size, channels)
    return resized


def to_luminosity(images: np.ndarray) -> np.ndarray:
    """`(..., H, W, 1)` from colour `(..., H, W, 3)`: 0.2989 r + 0.5870 g + 0.1140 b; grey stays as it is."""
    if images.shape[-1] == 1:
        return images
    grey = np.empty((*images.shape[:-1], 1), np.uint8)
    for index in np.ndindex(images.shape[:-3]):  # image by image: floats of a whole data set would not fit
        grey[index] = np.rint(images[index] @ _LUMINOSITY)[..., None]
    return grey
