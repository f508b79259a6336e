"""A probability of augmentation that follows the discriminator: it rises while the discriminator is sure of real images."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ganlab.models.layers.augmentation import DiffAugment

Tensor = Any


class AdaptiveProbability:
    """Karras et al. 2020, arXiv 2006.06676, section 3.1: r = E sign(D(real)) is held near a target.

    Attributes:
        probability: from 0 to 1; it starts at 0.
        signs, seen: the sum of the signs of D(real) and the number of real images since the last change.
        augmentation: the random changes of ADA, or None for APA.
    """

    def __init__(self, target: float, images: int, interval: int, augmentation: DiffAugment | None):
        """The probability moves by 1 in `images` real images, in changes that are `interval` batches apart."""
        self.target, self.images, self.interval, self.augmentation = target, images, interval, augmentation
        self.probability, self.signs, self.seen = (
            keras.Variable(np.zeros((), np.float32), trainable=False, name=name)
            for name in ("probability", "signs", "seen")
        )

    @property
    def variables(self) -> list:
        return [self.probability, self.signs, self.seen, *(self.augmentation.variables if self.augmentation else [])]

    def note(self, logits: Tensor) -> None:
        """Counts the discriminator's logits (batch, 1) of real images, and moves the probability when enough are counted."""
        size = logits.shape[0]
        signs, seen = self.signs + ops.sum(ops.sign(ops.stop_gradient(logits))), self.seen + float(size)
        due = ops.cast(seen >= float(self.interval * size), "float32")
        change = due * ops.sign(signs / seen - self.target) * seen / self.images
        self.probability.assign(ops.clip(self.probability + change, 0.0, 1.0))
        self.signs.assign((1.0 - due) * signs)
        self.seen.assign((1.0 - due) * seen)

    def augmented(self, images: Tensor) -> Tensor:
        """Images with each kind of change at the probability."""
        return self.augmentation(images, training=True, probability=self.probability)

    def deceived(self, real: Tensor, fake: Tensor, numbers: Tensor) -> Tensor:
        """Real images or labels, of which generated ones take the place at the probability.

        `numbers` are uniform in [0, 1), (batch,): the same numbers choose the same places.
        """
        chosen = ops.reshape(numbers < self.probability, (-1, *[1] * (len(real.shape) - 1)))
        return ops.where(chosen, ops.cast(fake, real.dtype), real)
