"""Class losses: the term that a class head adds to the losses of both networks. A new class loss is one row of CLASS_LOSSES.

Each is a function of the head's outputs, float32 (batch, outputs), of labels (batch,) and of the config's options, and returns
a scalar, the mean over the batch.

The contrastive losses compare embeddings. The head's outputs are an embedding of each image, then the proxy of its class, with
equally many numbers. All similarities are cosines: s(a, b) = a.b / (|a| |b|).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganlab.training import ops

Tensor = Any
_NEVER = -1e9  # instead of a logit, for a pair that a sum leaves out


def class_cross_entropy(class_logits: Tensor, labels: Tensor, options: Any = None) -> Tensor:
    """Mean of -log softmax(class_logits)[label]; class logits (batch, classes), labels (batch,)."""
    chosen = ops.one_hot(labels, class_logits.shape[-1])
    return ops.mean(ops.logsumexp(class_logits, axis=1) - ops.sum(class_logits * chosen, axis=1))


def class_accuracy(class_logits: Tensor, labels: Tensor) -> Tensor:
    """Share of the batch whose label has the largest class logit."""
    found = ops.cast(ops.argmax(class_logits, axis=1), "int32")
    return ops.mean(ops.cast(ops.equal(found, ops.cast(labels, "int32")), "float32"))


def contrastive(outputs: Tensor, labels: Tensor, options: Any) -> Tensor:
    """The conditional contrastive (2C) loss, Kang and Park 2020, arXiv 2006.12681.

    The proxy of an image's class and the other images of its class attract it, all other images of the batch repel it.
    """
    of_proxy, of_others, same = _compared(outputs, labels)
    apart = 1.0 - ops.eye(outputs.shape[0])
    of_proxy, of_others = of_proxy / options.temperature, of_others / options.temperature
    attracting = _log_sum(of_proxy, of_others, same * apart)
    return ops.mean(_log_sum(of_proxy, of_others, apart) - attracting)


def data_to_data(outputs: Tensor, labels: Tensor, options: Any) -> Tensor:
    """The data-to-data cross-entropy (D2D-CE), Kang et al. 2021, arXiv 2111.01118, with its margins m_p and m_n = 1 - m_p.

    The proxy of an image's class attracts it up to the margin, images of other classes repel it.
    """
    of_proxy, of_others, same = _compared(outputs, labels)
    # min(s - m_p, 0) for the proxy and max(s - m_n, 0) for images of other classes
    easy = ops.minimum(of_proxy - options.margin, 0.0) / options.temperature
    hard = ops.relu(of_others - (1.0 - options.margin)) / options.temperature
    return ops.mean(_log_sum(easy, hard, 1.0 - same) - easy)


def proxy_similarity(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cosine between the embedding of an image and the proxy of its class."""
    return ops.mean(_compared(outputs, labels)[0])


def _compared(outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(cosines with the own proxy (batch,), cosines of all images (batch, batch), 1 where two images have one class)."""
    half = outputs.shape[1] // 2
    embeddings, proxies = _normalized(outputs[:, :half]), _normalized(outputs[:, half:])
    same = ops.cast(ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0)), "float32")
    return ops.sum(embeddings * proxies, axis=1), ops.matmul(embeddings, ops.transpose(embeddings)), same


def _normalized(vectors: Tensor) -> Tensor:
    # The tiny term keeps the gradient at a vector of zeros finite.
    return vectors / ops.sqrt(ops.sum(ops.square(vectors), axis=1, keepdims=True) + 1e-12)


def _log_sum(first: Tensor, others: Tensor, counted: Tensor) -> Tensor:
    """log(exp(first_i) + the sum over j of counted_ij exp(others_ij)), (batch,): no exponential overflows."""
    logits = ops.where(counted > 0.0, others, _NEVER)
    return ops.logsumexp(ops.concatenate([ops.expand_dims(first, 1), logits], axis=1), axis=1)


@dataclass(frozen=True)
class ClassLoss:
    """One class loss.

    Attributes:
        function: (outputs of the class head, labels, options) -> scalar.
        measure: (column of the history, function of outputs and labels), for real images with labels.
        options: its options in a config, besides `weight`.
        of_fake: whether the discriminator's loss has the term for generated images, too.
        outputs: number of classes -> number of the head's outputs, or None if the embedding has any number of them.
    """

    function: Callable[[Tensor, Tensor, Any], Tensor]
    measure: tuple[str, Callable[[Tensor, Tensor], Tensor]]
    options: tuple[str, ...]
    of_fake: bool = False
    outputs: Callable[[int], int | None] = lambda classes: None


CLASS_LOSSES = {
    # Odena et al. 2017, arXiv 1610.09585, equation 3.
    "cross_entropy": ClassLoss(
        class_cross_entropy,
        ("d_accuracy_class", class_accuracy),
        ("fake_weight",),
        of_fake=True,
        outputs=lambda classes: classes,
    ),
    "contrastive": ClassLoss(contrastive, ("d_similarity_class", proxy_similarity), ("temperature",)),
    "data_to_data": ClassLoss(data_to_data, ("d_similarity_class", proxy_similarity), ("temperature", "margin")),
}
