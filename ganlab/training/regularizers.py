"""Regularizers: pure functions of the discriminator's logits (batch, 1), and one of images; each is a mean over the batch."""

from typing import Any

from ganlab.training import ops

Tensor = Any


def lecam(real: Tensor, fake: Tensor, average_real: Tensor, average_fake: Tensor) -> Tensor:
    """Tseng et al. 2021, arXiv 2104.03310: E (D(real) - average of D(fake))^2 + E (D(fake) - average of D(real))^2."""
    return ops.mean(ops.square(real - average_fake)) + ops.mean(ops.square(fake - average_real))


def consistency(logits: Tensor, augmented: Tensor) -> Tensor:
    """Zhang et al. 2020, arXiv 1910.12027: E (D(x) - D(T(x)))^2 for a random change T of the images.

    With images of latents z and z + Δz: the discriminator's term of Zhao et al. 2020, arXiv 2002.04724, algorithm 3.
    """
    return ops.mean(ops.square(logits - augmented))


def latent_distance(images: Tensor, others: Tensor) -> Tensor:
    """Zhao et al. 2020, arXiv 2002.04724, algorithm 3: E (G(z) - G(z + Δz))^2, which the generator makes large.

    Images are (batch, ...). The mean is over all values, as in PyTorch-StudioGAN; the paper writes a norm.
    """
    return ops.mean(ops.square(images - others))
