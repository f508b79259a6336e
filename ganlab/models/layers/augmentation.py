"""Random changes of images, features and outputs, in training only."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ganlab.models.layers.tensors import SameShape, Shape, Tensor

# Kind of change -> the method of `DiffAugment`, in the order of the changes.
_KINDS = {"flip": "_mirror", "color": "_color", "translation": "_translate", "cutout": "_cut_out"}


class DiffAugment(SameShape):
    """Differentiable augmentation of the discriminator's images: the discriminator's first layer.

    Real and generated images get random changes of the same kinds, in the discriminator's and in the generator's updates, so
    the generator does not learn the augmentation. The layer is active in training only.

    Source: Zhao et al. 2020, Differentiable Augmentation for Data-Efficient GAN Training, arXiv 2006.10738.

    Args:
        policy: any of color (brightness, saturation, contrast), translation (by up to 1/8 of the side, filled with the
            value 0), cutout (a square of half the side set to 0) and flip (left and right exchanged for a random half of the
            images; not in the paper), one draw an image.
        seed: seed of the layer's random state, which checkpoints keep.

    Input and output: images of shape (batch, height, width, channels).
    """

    def __init__(
        self, policy: Sequence[str] = ("color", "translation", "cutout"), seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        unknown = [name for name in policy if name not in _KINDS]
        if unknown:
            raise ValueError(f"`policy` knows color, translation, cutout and flip, received {unknown[0]!r}")
        self.policy = tuple(policy)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False, probability: Tensor | None = None) -> Tensor:
        """Changes the images. With a probability (a scalar), each kind of change is left out for a random part of them."""
        if not training:
            return images
        for name, change in _KINDS.items():
            if name in self.policy:
                changed = getattr(self, change)(images)
                if probability is not None:
                    changed = ops.where(self._uniform(images, 0.0, 1.0) < probability, changed, images)
                images = changed
        return images

    def _uniform(self, images: Tensor, low: float, high: float) -> Tensor:
        shape = (ops.shape(images)[0], 1, 1, 1)
        return keras.random.uniform(shape, low, high, dtype="float32", seed=self.seed_generator)

    def _mirror(self, images: Tensor) -> Tensor:
        return ops.where(self._uniform(images, 0.0, 1.0) < 0.5, ops.flip(images, axis=2), images)

    def _color(self, images: Tensor) -> Tensor:
        shift, saturation, contrast = (
            ops.cast(self._uniform(images, *ends), images.dtype) for ends in ((-0.5, 0.5), (0.0, 2.0), (0.5, 1.5))
        )
        images = images + shift
        grey = ops.mean(images, axis=3, keepdims=True)
        images = grey + (images - grey) * saturation
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return mean + (images - mean) * contrast

    def _translate(self, images: Tensor) -> Tensor:
        _, height, width, _ = images.shape
        images = ops.einsum("bij,bjwc->biwc", self._shift(images, height), images)
        return ops.einsum("bij,bhjc->bhic", self._shift(images, width), images)

    def _shift(self, images: Tensor, side: int) -> Tensor:
        # One 0/1 matrix for each image moves its rows by a whole number. Unlike a gather, it has derivatives of every order
        # on every backend, which gradient penalties need. Rows that move over the edge meet no 1 and become 0.
        most = int(side / 8 + 0.5)
        offset = ops.floor(self._uniform(images, -most, most + 1))[:, :, :, 0]
        place = ops.arange(side, dtype=offset.dtype)
        return ops.cast(ops.equal(place[None, None, :], place[None, :, None] + offset), images.dtype)

    def _cut_out(self, images: Tensor) -> Tensor:
        _, height, width, _ = images.shape
        rows = self._outside(images, height)
        columns = ops.transpose(self._outside(images, width), (0, 2, 1, 3))
        return images * ops.maximum(rows, columns)

    def _outside(self, images: Tensor, side: int) -> Tensor:
        width = int(side / 2 + 0.5)
        first = ops.floor(self._uniform(images, 0, side + 1 - width % 2)) - width // 2
        place = ops.reshape(ops.arange(side, dtype=first.dtype), (1, side, 1, 1))
        inside = ops.logical_and(place >= first, place < first + width)
        return 1 - ops.cast(inside, images.dtype)


class OutputNoise(SameShape):
    """Normal noise on a random part of a network's outputs: the discriminator's last layer, active in training only.

    Source: the noise injection of the Imperial College report of 2019 (noise on 10 % of the discriminator's outputs).

    Args:
        fraction: share of the outputs that get noise, 0 to 1.
        stddev: standard deviation of the noise, in units of the output.
        seed: seed of the layer's random state, which checkpoints keep.
    """

    def __init__(self, fraction: float = 0.1, stddev: float = 1.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 <= fraction <= 1:
            raise ValueError(f"`fraction` is a share between 0 and 1, received {fraction!r}")
        self.fraction = fraction
        self.stddev = stddev
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, outputs: Tensor, training: bool = False) -> Tensor:
        if not training:
            return outputs
        shape = ops.shape(outputs)
        chosen = keras.random.uniform(shape, seed=self.seed_generator) < self.fraction
        noise = keras.random.normal(shape, stddev=self.stddev, seed=self.seed_generator)
        return outputs + ops.cast(ops.where(chosen, noise, 0.0), outputs.dtype)


class PixelNoise(SameShape):
    """Noise in a generator, active in training only: the shape (batch, height, width, channels) stays.

    Each pixel gets a normal number, the same one in all its channels, times one trained number.

    Source: Karras et al. 2019, arXiv 1812.04948, section 2, with a trained number for each channel. One number for all channels
    is from lightweight-gan.

    Args:
        initial: the trained number before training.
        seed: seed of the layer's random state, which checkpoints keep.
    """

    def __init__(self, initial: float = 0.0, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.initial = initial
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 4:
            raise ValueError(f"expected images; the input has {len(input_shape) - 1} axes")
        self.factor = self.add_weight(shape=(), initializer=keras.initializers.Constant(self.initial), name="factor")

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        if not training:
            return images
        noise = keras.random.normal((*ops.shape(images)[:-1], 1), seed=self.seed_generator)
        return images + self.factor * ops.cast(noise, images.dtype)
