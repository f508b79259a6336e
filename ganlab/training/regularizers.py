"""Regularizers of the discriminator's outputs: pure functions of logits (batch, 1), each the mean over the batch."""

from typing import Any

from ganlab.training import ops

Tensor = Any


def lecam(real: Tensor, fake: Tensor, average_real: Tensor, average_fake: Tensor) -> Tensor:
    """Tseng et al. 2021, arXiv 2104.03310: E (D(real) - average of D(fake))^2 + E (D(fake) - average of D(real))^2."""
    return ops.mean(ops.square(real - average_fake)) + ops.mean(ops.square(fake - average_real))


def consistency(logits: Tensor, augmented: Tensor) -> Tensor:
    """Zhang et al. 2020, arXiv 1910.12027: E (D(x) - D(T(x)))^2 for a random change T of the images."""
    return ops.mean(ops.square(logits - augmented))
