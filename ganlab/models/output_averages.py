"""Moving averages of the discriminator's outputs, which the LeCam regularization compares outputs with."""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


class OutputAverages:
    """The moving averages of the mean logits of real and of generated images.

    Attributes:
        real, fake: the averages, scalars. They start at 0.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.real = keras.Variable(np.zeros((), np.float32), trainable=False, name="real")
        self.fake = keras.Variable(np.zeros((), np.float32), trainable=False, name="fake")

    @property
    def variables(self) -> list:
        return [self.real, self.fake]

    def move(self, real: Tensor, fake: Tensor, step: Tensor) -> None:
        """average <- decay average + (1 - decay) mean, without a gradient. `real` and `fake` are logits, (batch, 1).

        The decay is at most step / (10 + step), so that the first batch replaces the start, and early averages move fast.
        """
        decay = ops.minimum(self.decay, step / (10.0 + step))
        for average, logits in ((self.real, real), (self.fake, fake)):
            average.assign(decay * average + (1.0 - decay) * ops.stop_gradient(ops.mean(logits)))
