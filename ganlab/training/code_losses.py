"""InfoGAN's losses: how well a discriminator tells the codes that a generator was given (Chen et al. 2016, arXiv 1606.03657).

Codes are float32 (batch, n): a one-hot vector for each categorical code, then the continuous codes, which are uniform in [-1, 1).
The discriminator's outputs for them have the same places: class logits, then a mean for each continuous code. Each function
returns a scalar, the sum over the codes and the mean over the batch.
"""

import math
from collections.abc import Sequence
from typing import Any

from ganlab.training import ops

Tensor = Any


def categorical_loss(outputs: Tensor, codes: Tensor, sizes: Sequence[int]) -> Tensor:
    """-log Q(c|x) of categorical codes with these numbers of values, in nats. Q is a softmax for each code."""
    terms, start = [], 0
    for size in sizes:
        place = slice(start, start + size)
        logits = outputs[:, place]
        terms.append(ops.logsumexp(logits, axis=1) - ops.sum(logits * codes[:, place], axis=1))
        start += size
    return ops.mean(sum(terms))


def continuous_loss(means: Tensor, codes: Tensor) -> Tensor:
    """-log Q(c|x) of continuous codes without its constant, in nats. Q is normal with variance 1 around the outputs."""
    return 0.5 * ops.mean(ops.sum(ops.square(codes - means), axis=1))


def mutual_information(loss: Tensor, sizes: Sequence[int]) -> Tensor:
    """The lower bound on the mutual information of images and categorical codes, in nats: H(c) - loss (equation 5)."""
    return sum(math.log(size) for size in sizes) - loss
