"""Class heads: discriminators that classify images besides judging them.

A discriminator with a head gives more numbers than one for each image. The head splits them into the logit of "real", which
every GAN loss takes, and into the outputs that a class loss takes: see `class_losses`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganlab.training import ops

Tensor = Any


@dataclass(frozen=True)
class Head:
    """One class head.

    Attributes:
        split: outputs (batch, n + 1) -> (logit of "real" (batch, 1), outputs for the class loss (batch, n)).
        of_fake: whether generated images have a class, which both networks can learn.
    """

    split: Callable[[Tensor], tuple[Tensor, Tensor]]
    of_fake: bool


def _last_is_generated(outputs: Tensor) -> tuple[Tensor, Tensor]:
    # p = softmax(l_1 .. l_K+1): 1 - p_K+1 = sigmoid(logsumexp(l_1 .. l_K) - l_K+1), the probability of "real".
    classes = outputs[:, :-1]
    return ops.logsumexp(classes, axis=1, keepdims=True) - outputs[:, -1:], classes


HEADS = {
    # Odena et al. 2017, arXiv 1610.09585, section 3: a logit of "real", then the outputs for the class.
    "auxiliary": Head(lambda outputs: (outputs[:, :1], outputs[:, 1:]), of_fake=True),
    # Salimans et al. 2016, arXiv 1606.03498, section 5: a softmax over K classes and "generated".
    "semi_supervised": Head(_last_is_generated, of_fake=False),
}


def split_outputs(outputs: Tensor, labels: str, codes: int) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(logits (batch, n), outputs for the class loss or None, outputs for InfoGAN's codes or None).

    Args:
        outputs: the discriminator's, (batch, outputs): those of the head or a loss first, then those for the codes.
        labels: the config's `labels`, which names the head if there is one.
        codes: number of outputs for codes.
    """
    outputs, of_codes = (outputs[:, :-codes], outputs[:, -codes:]) if codes else (outputs, None)
    return (*HEADS[labels].split(outputs), of_codes) if labels in HEADS else (outputs, None, of_codes)
