"""The losses of a GAN in float64, after docs/config.md."""

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor


def cross_entropy(logits: Tensor, target) -> Tensor:
    """E H(x, t) = E (-t log s(x) - (1 - t) log(1 - s(x))), where log(1 - s(x)) = log s(x) - x and log s(x) = -softplus(-x)."""
    return ad.mean(ad.softplus(-logits) * target + (ad.softplus(-logits) + logits) * (1.0 - target))


def squared_error(logits: Tensor, target) -> Tensor:
    return ad.mean((logits - target) ** 2.0)


def class_cross_entropy(classes: Tensor, labels: np.ndarray) -> Tensor:
    """E -log softmax(classes)[label]."""
    chosen = np.eye(classes.shape[1])[labels]
    return ad.mean(ad.log_sum_exp(classes)) - ad.total(classes * chosen) / len(labels)


def code_losses(outputs: Tensor, codes: np.ndarray, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """(E sum (log sum exp o_k - o_c) over the categorical codes, E sum (c - o)^2 over the continuous ones)."""
    cross_entropy, first, batch = Tensor(0.0), 0, len(codes)
    for size in sizes:
        place = slice(first, first + size)
        chosen = ad.total(outputs[:, place] * codes[:, place]) / batch
        cross_entropy = cross_entropy + ad.mean(ad.log_sum_exp(outputs[:, place])) - chosen
        first += size
    return cross_entropy, ad.total((outputs[:, first:] - codes[:, first:]) ** 2.0) / batch


def cosines(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Of each embedding with the proxy beside it (n,), and of all pairs of embeddings (n, n)."""
    half = outputs.shape[1] // 2
    unit = lambda x: x * ad.reshape(ad.total(x * x, 1) ** -0.5, (-1, 1))  # noqa: E731
    embeddings, proxies = unit(outputs[:, :half]), unit(outputs[:, half:])
    return ad.total(embeddings * proxies, 1), embeddings @ embeddings.T


def contrastive(outputs: Tensor, labels: np.ndarray, options: dict) -> Tensor:
    """E -log (A + sum over the same class exp(s_ij / t)) / (A + sum over all others exp(s_ij / t)), A = exp(s_i / t)."""
    own, pairs = cosines(outputs)
    own, pairs = ad.exp(own / options["temperature"]), ad.exp(pairs / options["temperature"])
    others = 1.0 - np.eye(len(labels))
    same = others * (labels[:, None] == labels)
    return ad.mean(ad.log(own + ad.total(pairs * others, 1)) - ad.log(own + ad.total(pairs * same, 1)))


def data_to_data(outputs: Tensor, labels: np.ndarray, options: dict) -> Tensor:
    """E -log B / (B + sum over other classes exp(max(0, s_ij - (1 - m)) / t)), B = exp(min(0, s_i - m) / t)."""
    own, pairs = cosines(outputs)
    own = -ad.relu(options["margin"] - own) / options["temperature"]
    pairs = ad.relu(pairs - (1.0 - options["margin"])) / options["temperature"]
    return ad.mean(ad.log(ad.exp(own) + ad.total(ad.exp(pairs) * (labels[:, None] != labels), 1)) - own)


def plain(outputs: Tensor, labels: np.ndarray, options: dict) -> Tensor:
    return class_cross_entropy(outputs, labels)


def half(outputs: Tensor, second: bool) -> Tensor:
    count = outputs.shape[1] // 2
    return outputs[:, count:] if second else outputs[:, :count]


def twin(second: bool):
    return lambda outputs, labels, options: class_cross_entropy(half(outputs, second), labels)


def generated_class(outputs: Tensor, labels: np.ndarray, options: dict) -> Tensor:
    return class_cross_entropy(outputs, labels + outputs.shape[1] // 2)


# class loss: the terms of real images for the discriminator, of generated ones for the discriminator and for the generator
CLASS_LOSSES = {
    "cross_entropy": (plain, lambda o, y, options: class_cross_entropy(o, y) * options["fake_weight"], plain),
    "twin": (twin(False), twin(True), lambda *given: twin(False)(*given) - twin(True)(*given)),
    "discriminative": (plain, generated_class, lambda *given: plain(*given) - generated_class(*given)),
    "contrastive": (contrastive, None, contrastive),
    "data_to_data": (data_to_data, None, data_to_data),
}
# loss: the discriminator's part on real logits, that on generated ones, the generator's on generated ones
LOSSES = {
    "minimax": (cross_entropy, cross_entropy, lambda f: -cross_entropy(f, 0.0)),
    "non_saturating": (cross_entropy, cross_entropy, lambda f: cross_entropy(f, 1.0)),
    "feature_matching": (cross_entropy, cross_entropy, None),
    "least_squares": (squared_error, squared_error, lambda f: squared_error(f, 1.0)),
    "wasserstein": (lambda r, t: -ad.mean(r), lambda f, t: ad.mean(f), lambda f: -ad.mean(f)),
    "hinge": (lambda r, t: ad.mean(ad.relu(1.0 - r)), lambda f, t: ad.mean(ad.relu(1.0 + f)), lambda f: -ad.mean(f)),
    "relativistic": (None, None, None),
}
WITH_TARGETS = ("minimax", "non_saturating", "feature_matching", "least_squares")
THRESHOLDS = {"least_squares": 0.5, "wasserstein": None, "relativistic": None}  # of accuracies; 0 for the other losses
