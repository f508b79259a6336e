"""Class losses: the term that a class head adds to the losses of both networks. A new class loss is one row of CLASS_LOSSES.

Each is a function of the head's outputs, float32 (batch, outputs), of labels (batch,) and of the config's options, and returns
a scalar, the mean over the batch.

The contrastive losses compare embeddings. The head's outputs are an embedding of each image, then the proxy of its class, with
equally many numbers. All similarities are cosines: s(a, b) = a.b / (|a| |b|). Behind `twin_` the outputs are these two for real
images, then another embedding and proxy for generated ones. Behind `discriminative_` they are the embedding, its class's proxy
among real images, and its class's proxy among generated images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganlab.training import ops

Tensor = Any
_NEVER = -1e9  # instead of a logit, for a pair that a sum leaves out


def class_cross_entropy(class_logits: Tensor, labels: Tensor, options: Any = None) -> Tensor:
    """Mean of -log softmax(class_logits)[label]; class logits (batch, classes), labels (batch,)."""
    chosen = ops.one_hot(labels, class_logits.shape[1])
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


def _first_half(outputs: Tensor) -> Tensor:
    return outputs[:, : outputs.shape[1] // 2]


def _second_half(outputs: Tensor) -> Tensor:
    return outputs[:, outputs.shape[1] // 2 :]


def _first_and_second(outputs: Tensor) -> Tensor:
    return outputs[:, : 2 * (outputs.shape[1] // 3)]


def _first_and_third(outputs: Tensor) -> Tensor:
    third = outputs.shape[1] // 3
    return ops.concatenate([outputs[:, :third], outputs[:, 2 * third :]], axis=1)


Term = Callable[[Tensor, Tensor, Any], Tensor]


@dataclass(frozen=True)
class ClassLoss:
    """One class loss. Its terms are functions (outputs of the class head, labels, options) -> scalar.

    Attributes:
        real: the term of real images in the discriminator's loss.
        generator: the term of generated images in the generator's loss.
        fake: the term of generated images in the discriminator's loss, or None.
        measure: (column of the history, function of outputs and labels), for real images with labels.
        options: its options in a config, besides `weight`.
        outputs: number of classes -> number of the head's outputs, or None if they are embeddings and proxies of any length.
        parts: of how many embeddings and proxies the outputs consist, if they do.
        class_logits: the head's outputs -> the logits (batch, classes) by which it classifies real images.
    """

    real: Term
    generator: Term
    measure: tuple[str, Callable[[Tensor, Tensor], Tensor]]
    fake: Term | None = None
    options: tuple[str, ...] = ()
    outputs: Callable[[int], int | None] = lambda classes: None
    parts: int = 2
    class_logits: Callable[[Tensor], Tensor] = lambda outputs: outputs


_OF_FIRST_HALF = {
    "measure": ("d_accuracy_class", lambda outputs, labels: class_accuracy(_first_half(outputs), labels)),
    "outputs": lambda classes: 2 * classes,
    "class_logits": _first_half,
}
_OF_PROXIES = ("d_similarity_class", proxy_similarity)
Part = Callable[[Tensor], Tensor]


def _deceived(loss: Term, of_real: Part, of_fake: Part, parts: int, options: tuple[str, ...]) -> ClassLoss:
    """A contrastive loss of which a second one learns generated images, and the generator deceives that."""
    real: Term = lambda outputs, labels, options: loss(of_real(outputs), labels, options)  # noqa: E731
    fake: Term = lambda outputs, labels, options: loss(of_fake(outputs), labels, options)  # noqa: E731
    return ClassLoss(
        real=real,
        fake=fake,
        generator=lambda outputs, labels, options: real(outputs, labels, options) - fake(outputs, labels, options),
        measure=("d_similarity_class", lambda outputs, labels: proxy_similarity(of_real(outputs), labels)),
        options=options,
        parts=parts,
    )


CLASS_LOSSES = {
    # Odena et al. 2017, arXiv 1610.09585, equation 3.
    "cross_entropy": ClassLoss(
        real=class_cross_entropy,
        fake=lambda outputs, labels, options: options.fake_weight * class_cross_entropy(outputs, labels),
        generator=class_cross_entropy,
        measure=("d_accuracy_class", class_accuracy),
        options=("fake_weight",),
        outputs=lambda classes: classes,
    ),
    # Gong et al. 2019, arXiv 1907.02690, TAC-GAN: a twin classifier learns generated images, and the generator deceives it.
    "twin": ClassLoss(
        real=lambda outputs, labels, options: class_cross_entropy(_first_half(outputs), labels),
        fake=lambda outputs, labels, options: class_cross_entropy(_second_half(outputs), labels),
        generator=lambda outputs, labels, options: (
            class_cross_entropy(_first_half(outputs), labels) - class_cross_entropy(_second_half(outputs), labels)
        ),
        **_OF_FIRST_HALF,
    ),
    # Hou et al. 2022, arXiv 2107.10060, ADC-GAN: one softmax over the classes of real and the classes of generated images.
    "discriminative": ClassLoss(
        real=class_cross_entropy,
        fake=lambda outputs, labels, options: class_cross_entropy(outputs, labels + outputs.shape[1] // 2),
        generator=lambda outputs, labels, options: (
            class_cross_entropy(outputs, labels) - class_cross_entropy(outputs, labels + outputs.shape[1] // 2)
        ),
        **_OF_FIRST_HALF,
    ),
    "contrastive": ClassLoss(contrastive, contrastive, _OF_PROXIES, options=("temperature",)),
    "data_to_data": ClassLoss(data_to_data, data_to_data, _OF_PROXIES, options=("temperature", "margin")),
}
# TAC-GAN and ADC-GAN with a contrastive loss in the place of the cross-entropy, as in PyTorch-StudioGAN.
for _name, _loss in {"contrastive": contrastive, "data_to_data": data_to_data}.items():
    _options = CLASS_LOSSES[_name].options
    CLASS_LOSSES[f"twin_{_name}"] = _deceived(_loss, _first_half, _second_half, 4, _options)
    CLASS_LOSSES[f"discriminative_{_name}"] = _deceived(_loss, _first_and_second, _first_and_third, 3, _options)
