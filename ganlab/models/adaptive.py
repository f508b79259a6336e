"""A probability of augmentation that follows the discriminator: it rises while the discriminator is sure of real images."""

from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from ganlab.models.layers.augmentation import DiffAugment

Tensor = Any


class AdaptiveProbability:
    """Karras et al. 2020, arXiv 2006.06676, section 3.1: r = E sign(D(real)) is held near a target.

    Attributes:
        probability: from 0 to 1; it starts at 0, or is the `fixed` one.
        signs, seen: the sum of the signs of D(real) and the number of real images since the last change.
        augmentation: the random changes of ADA, or None for APA.
    """

    def __init__(
        self,
        target: float,
        images: int,
        interval: int,
        augmentation: DiffAugment | None,
        fixed: float | LearningRateSchedule | None = None,
    ):
        """The probability moves by 1 in `images` real images, in changes that are `interval` batches apart.

        A `fixed` probability, or one by a schedule over the steps, does not follow the discriminator.
        """
        self.target, self.images, self.interval = target, images, interval
        self.augmentation, self.fixed = augmentation, fixed
        first = fixed(0) if callable(fixed) else fixed or 0.0
        self.probability, self.signs, self.seen = (
            keras.Variable(np.float32(value), trainable=False, name=name)
            for name, value in (("probability", first), ("signs", 0.0), ("seen", 0.0))
        )

    @property
    def variables(self) -> list:
        return [self.probability, self.signs, self.seen, *(self.augmentation.variables if self.augmentation else [])]

    def begin(self, step: Tensor) -> None:
        """At the start of a step: a probability by a schedule gets its value."""
        if callable(self.fixed):
            self.probability.assign(self.fixed(step))

    def note(self, logits: Tensor) -> None:
        """Counts the discriminator's logits (batch, 1) of real images, and moves the probability when enough are counted.

        A fixed probability stays.
        """
        if self.fixed is not None:
            return
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
