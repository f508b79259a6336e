"""Class heads: discriminators that classify images besides judging them, and the class term of the losses.

A discriminator with a head gives classes + 1 numbers for each image. The head splits them into the logit of "real", which every
GAN loss takes, and into class logits.
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
        split: outputs (batch, classes + 1) -> (logit of "real" (batch, 1), class logits (batch, classes)).
        of_fake: whether the losses of both networks have a class term of generated images.
    """

    split: Callable[[Tensor], tuple[Tensor, Tensor]]
    of_fake: bool


def _first_is_real(outputs: Tensor) -> tuple[Tensor, Tensor]:
    return outputs[:, :1], outputs[:, 1:]


def _last_is_generated(outputs: Tensor) -> tuple[Tensor, Tensor]:
    # p = softmax(l_1 .. l_K+1): 1 - p_K+1 = sigmoid(logsumexp(l_1 .. l_K) - l_K+1), the probability of "real".
    classes = outputs[:, :-1]
    return ops.logsumexp(classes, axis=1, keepdims=True) - outputs[:, -1:], classes


HEADS = {
    # Odena et al. 2017, arXiv 1610.09585, equations 2 and 3: a logit of "real", then a logit a class.
    "auxiliary": Head(_first_is_real, of_fake=True),
    # Salimans et al. 2016, arXiv 1606.03498, section 5: a softmax over K classes and "generated".
    "semi_supervised": Head(_last_is_generated, of_fake=False),
}


def class_cross_entropy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Mean of -log softmax(class_logits)[label]; class logits (batch, classes), labels (batch,)."""
    chosen = ops.one_hot(labels, class_logits.shape[-1])
    return ops.mean(ops.logsumexp(class_logits, axis=1) - ops.sum(class_logits * chosen, axis=1))


def class_accuracy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Share of the batch whose label has the largest class logit."""
    found = ops.cast(ops.argmax(class_logits, axis=1), "int32")
    return ops.mean(ops.cast(ops.equal(found, ops.cast(labels, "int32")), "float32"))
