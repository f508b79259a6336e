"""GAN losses: each a pair of pure functions of (real_logits, fake_logits), one a side.

The discriminator's loss is the sum of a real and a fake part, so that each part can also be an update of its own; the
relativistic loss compares the two and has no parts. Logits have shape (batch, 1); every function returns a scalar, the mean
over the batch. Cross-entropy works on logits: the sigmoid is in the loss. Adding a loss is one class and one line of LOSSES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keras import ops

Tensor = Any


def sigmoid_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean of -t log s(x) - (1-t) log(1-s(x)), written so that large logits neither overflow nor lose the gradient."""
    # max(x, 0) - x t + log(1 + exp(-|x|)); softplus(x) = max(x, 0) + log(1 + exp(-|x|))
    return ops.mean(ops.softplus(logits) - logits * targets)


def _squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    return ops.mean(ops.square(logits - targets))


@dataclass(frozen=True)
class Loss:
    """One GAN loss.

    Attributes:
        real: discriminator's part on real logits and their targets (1 unless labels are smoothed or flipped), or None.
        fake: the same on generated logits (targets 0), or None where the loss has no separate parts.
        pair: discriminator's loss on (real_logits, fake_logits) where it has no separate parts.
        generator: generator's loss on (real_logits, fake_logits).
        probability: whether sigmoid(logit) is the discriminator's output, as for the cross-entropies.
        threshold: the logit from which an output counts as "real" in the accuracy, or None where it has no such meaning.
        generator_needs_real: whether the generator's loss reads the real logits.
        takes_labels: whether targets mean anything, so that smoothing and flipping are allowed.
    """

    generator: Callable[[Tensor, Tensor], Tensor]
    real: Callable[[Tensor, Tensor], Tensor] | None = None
    fake: Callable[[Tensor, Tensor], Tensor] | None = None
    pair: Callable[[Tensor, Tensor], Tensor] | None = None
    probability: bool = False
    threshold: float | None = None
    generator_needs_real: bool = False
    takes_labels: bool = False

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor, real_targets=1.0, fake_targets=0.0) -> Tensor:
        """The discriminator's loss: the sum of its parts, or the loss of the pair."""
        if self.pair is not None:
            return self.pair(real_logits, fake_logits)
        return self.real(real_logits, real_targets) + self.fake(fake_logits, fake_targets)


LOSSES = {
    # Goodfellow et al. 2014, arXiv 1406.2661, equation 1: the generator minimises log(1 - D(G(z))) = -softplus(logit).
    "minimax": Loss(
        real=sigmoid_cross_entropy,
        fake=sigmoid_cross_entropy,
        generator=lambda real_logits, fake_logits: -ops.mean(ops.softplus(fake_logits)),
        probability=True,
        threshold=0.0,
        takes_labels=True,
    ),
    # The same paper, section 3: the generator maximises log D(G(z)) instead.
    "non_saturating": Loss(
        real=sigmoid_cross_entropy,
        fake=sigmoid_cross_entropy,
        generator=lambda real_logits, fake_logits: sigmoid_cross_entropy(fake_logits, 1.0),
        probability=True,
        threshold=0.0,
        takes_labels=True,
    ),
    # Mao et al. 2017, arXiv 1611.04076, equation 9 with a=0, b=c=1, without its factor 1/2 (as mse in Keras).
    "least_squares": Loss(
        real=_squared_error,
        fake=_squared_error,
        generator=lambda real_logits, fake_logits: _squared_error(fake_logits, 1.0),
        threshold=0.5,
        takes_labels=True,
    ),
    # Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1.
    "wasserstein": Loss(
        real=lambda logits, targets: -ops.mean(logits),
        fake=lambda logits, targets: ops.mean(logits),
        generator=lambda real_logits, fake_logits: -ops.mean(fake_logits),
    ),
    # Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equations 16 and 17.
    "hinge": Loss(
        real=lambda logits, targets: ops.mean(ops.relu(1.0 - logits)),
        fake=lambda logits, targets: ops.mean(ops.relu(1.0 + logits)),
        generator=lambda real_logits, fake_logits: -ops.mean(fake_logits),
        threshold=0.0,
    ),
    # Jolicoeur-Martineau 2018, arXiv 1807.00734, the relativistic standard GAN: softplus of the difference of paired logits.
    "relativistic": Loss(
        pair=lambda real_logits, fake_logits: ops.mean(ops.softplus(fake_logits - real_logits)),
        generator=lambda real_logits, fake_logits: ops.mean(ops.softplus(real_logits - fake_logits)),
        generator_needs_real=True,
    ),
}
