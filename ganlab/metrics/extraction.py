"""From uint8 images to features, in batches of one size, on any Keras backend."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlab.errors import GanlabError

# Runs that train together are measured in several threads; a Keras model serves one at a time.
_one_at_a_time = threading.Lock()
SMALLEST_DEVIATION = 1.0  # grey levels of 255; images squeezed twice into [-1, 1] have less than 0.5


class BlankImagesError(GanlabError):
    """Images of nearly one grey: their scale is another than declared, or their generator has collapsed."""


@dataclass(frozen=True)
class Sample:
    """The outputs of a network for N images, in their order.

    Attributes:
        features: float32, shape (N, d).
        probabilities: float32, shape (N, classes), or None if the network is no classifier.
        labels: the classes that the images should show, int, shape (N,), or None for images without labels.
    """

    features: np.ndarray
    probabilities: np.ndarray | None = None
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice) -> "Sample":
        return Sample(*(None if array is None else array[rows] for array in vars(self).values()))


def to_network_range(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 in [-1, 1]."""
    return images.astype(np.float32) / np.float32(127.5) - np.float32(1)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 images as float32 from 0 to 255, for models that scale them themselves."""
    return images.astype(np.float32)


@dataclass(frozen=True)
class Extractor:
    """A network that turns images into features.

    Attributes:
        recipe: how the network was made and its input, as plain data.
        model: a keras.Model whose outputs are named as the attributes of `Sample`.
        weight_hash: sha256 of the weights, as `hash_of_arrays` gives it.
        to_input: turns uint8 images into the model's input.
        batch_size: images at a time; None for as many as have a million pixels, at most 256.
    """

    recipe: dict[str, Any]
    model: Any
    weight_hash: str
    to_input: Callable[[np.ndarray], np.ndarray] = to_network_range
    batch_size: int | None = None

    def extract(self, images: np.ndarray) -> Sample:
        """Runs the network over images, uint8 of shape (N, H, W, C).

        Raises:
            GanlabError: if images are of another type or shape, or hardly differ from one grey.
        """
        check_images(images, self.model.input_shape[1:])
        batch_size = self.batch_size or max(1, min(256, 2**20 // (images.shape[1] * images.shape[2])))
        parts: dict[str, list[np.ndarray]] = {}
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            # Batches of one size: for another size the backend would compile the network again.
            whole = np.resize(batch, (batch_size, *batch.shape[1:]))
            with _one_at_a_time:
                outputs = self.model.predict_on_batch(self.to_input(whole))
            for name, output in outputs.items():
                parts.setdefault(name, []).append(np.asarray(output, np.float32)[: len(batch)])
        return Sample(**{name: np.concatenate(batches) for name, batches in parts.items()})


def check_images(images: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises a GanlabError unless images are uint8 of shape (N >= 1, *shape) that show something."""
    if images.dtype != np.uint8 or images.shape[1:] != tuple(shape) or not len(images):
        raise GanlabError(
            f"metrics: expected uint8 images of shape (N, {', '.join(map(str, shape))}), "
            f"received {images.dtype} of shape {images.shape}"
        )
    deviation = _standard_deviation(images)
    if deviation < SMALLEST_DEVIATION:
        raise BlankImagesError(
            f"metrics: {len(images)} images of nearly one grey, from {images.min()} to {images.max()} of 255 "
            f"with standard deviation {deviation:.2f}; expected at least {SMALLEST_DEVIATION:g}"
        )


def _standard_deviation(images: np.ndarray) -> float:
    """Exact over all values, from their histogram, without a wider copy of all images."""
    counts = np.zeros(256, np.int64)
    for image in images:
        counts += np.bincount(image.ravel(), minlength=256)
    levels = np.arange(256)
    mean = np.average(levels, weights=counts)
    return float(np.sqrt(np.average((levels - mean) ** 2, weights=counts)))


def compile_for_batches(model: Any, **arguments: Any) -> None:
    """`model.compile` with the faster choice of `jit_compile`; with no other argument, for inference."""
    import keras

    # JAX is fast only with XLA; XLA slows convolutions of the other backends on a CPU.
    model.compile(jit_compile=keras.backend.backend() == "jax", **arguments)
