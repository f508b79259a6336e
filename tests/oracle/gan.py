"""Steps of a GAN in float64, after docs/config.md: what a run's history and next state must be, from its files alone.

Nothing of ganlab is used, and no framework. Only dense networks are known.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor
from tests.oracle.balancing import Balancing
from tests.oracle.training import Training


def cross_entropy(logits: Tensor, target) -> Tensor:
    """E H(x, t) = E (-t log s(x) - (1 - t) log(1 - s(x))), where log(1 - s(x)) = log s(x) - x and log s(x) = -softplus(-x)."""
    return ad.mean(ad.softplus(-logits) * target + (ad.softplus(-logits) + logits) * (1.0 - target))


def squared_error(logits: Tensor, target) -> Tensor:
    return ad.mean((logits - target) ** 2.0)


def class_cross_entropy(classes: Tensor, labels: np.ndarray) -> Tensor:
    """E -log softmax(classes)[label]."""
    chosen = np.eye(classes.shape[1])[labels]
    return ad.mean(ad.log_sum_exp(classes)) - ad.total(classes * chosen) / len(labels)


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


CLASS_LOSSES = {
    "cross_entropy": lambda outputs, labels, options: class_cross_entropy(outputs, labels),
    "contrastive": contrastive,
    "data_to_data": data_to_data,
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


class Judged(NamedTuple):
    """The discriminator's outputs for one batch."""

    logits: Tensor
    classes: Tensor | None  # further outputs, of a class head
    features: dict[str, Tensor]  # outputs of named layers


Batch = tuple[Tensor, np.ndarray | None]  # images and their labels


class Gan(Training):
    """One run between two steps.

    Args:
        config: as config.yaml has it.
        arrays: a state's variables: name -> array.
        images: uint8, (N, ...).
        labels: of the images, (N,), or None.
    """

    def __init__(self, config: dict, arrays: Mapping[str, np.ndarray], images: np.ndarray, labels=None):
        written, train = config["loss"], config["train"]
        self.loss, self.options = (written, {}) if isinstance(written, str) else next(iter(written.items()))
        self.shares = train["share_latents"] or train["simultaneous"]
        self.reads_real = self.loss in ("relativistic", "feature_matching")
        self.generator_size = train["generator_batch_size"] or train["batch_size"]
        rows = train["batch_size"] * train["discriminator_steps"]
        if self.reads_real and not self.shares:
            rows += self.generator_size * train["generator_steps"]
        super().__init__(config, ("generator", "discriminator"), arrays, images, rows)
        self.labels = labels
        self.classes = 0 if labels is None else int(labels.max()) + 1
        self.conditional = any(network.takes_labels() for network in self.networks.values())
        self.head = config["labels"] if config["labels"] in ("auxiliary", "semi_supervised") else None
        ((self.class_loss, self.class_options),) = config["class_loss"].items()
        self.balancing = None
        if config["labels"] == "balanced":
            self.balancing = Balancing(images / 255.0, labels, self.other["state/balancing/0002/counts"])

    def state(self) -> dict[str, np.ndarray]:
        counts = {"state/balancing/0002/counts": self.balancing.counts} if self.balancing else {}
        return super().state() | counts

    def step(self, number: int) -> dict[str, float]:
        """Performs a step, counted from 0; returns its row of the history, with NaN for a penalty that was not measured."""
        self.begin(number)
        self.logs = defaultdict(list)
        for turn in range(self.train["discriminator_steps"]):
            real, fake, waiting = self.discriminator_turn(turn)
        if self.shares:
            moved = self.gradients("generator", self.generator_loss(real, fake))
            if waiting is not None:
                self.move_discriminator(waiting)
            self.move("generator", moved)
        else:
            for turn in range(self.train["generator_steps"]):
                real = self.real_batch(self.generator_size) if self.reads_real else None
                fake = self.generated(f"generator_fake_{turn}", self.generator_size)
                self.move("generator", self.gradients("generator", self.generator_loss(real, fake)))
        return {name: float(np.mean(values)) for name, values in self.logs.items()}

    def real_batch(self, size: int) -> Batch:
        rows = self.draws.rows(size)
        return Tensor(self.images[rows]), None if self.labels is None else self.labels[rows]

    def generated(self, name: str, size: int) -> Batch:
        drawn = labels = None
        if self.balancing:
            drawn = self.balancing.drawn(self.draws.uniform(f"classes_{name}", (size,)))
        elif self.conditional:
            drawn = labels = self.draws.classes(f"classes_{name}", size, self.classes)
        latents = Tensor(self.draws.latents(f"latents_{name}", size, self.config["latent"]))
        images = self.networks["generator"].run(latents, self.one_hot(drawn))[0]
        if self.balancing:
            labels = self.balancing.nearest((images.value - self.low) / self.span)
        return images, labels

    def one_hot(self, labels: np.ndarray | None) -> np.ndarray | None:
        return np.eye(self.classes)[labels] if self.conditional else None

    def judged(self, batch: Batch) -> Judged:
        outputs, features = self.networks["discriminator"].run(batch[0], self.one_hot(batch[1]))
        if self.head == "auxiliary":
            return Judged(outputs[:, :1], outputs[:, 1:], features)
        if self.head == "semi_supervised":
            # p = softmax of all outputs; the logit of 1 - p_last is log(1 - p_last) - log(p_last).
            classes = outputs[:, :-1]
            return Judged(ad.log_sum_exp(classes) - outputs[:, -1:], classes, features)
        return Judged(outputs, None, features)

    def move_discriminator(self, gradients: list[np.ndarray]) -> None:
        self.move("discriminator", gradients)
        limit = self.config["clip_weights"]
        if limit is not None:
            network = self.networks["discriminator"]
            network.assign([np.clip(value.value, -limit, limit) for value in network.trainable])

    def discriminator_turn(self, turn: int):
        """Returns both batches, and the gradients of the discriminator if it has not moved by them yet."""
        targets = [self.targets(turn, side) for side in (0, 1)]
        real = self.real_batch(self.size)
        if self.train["discriminator_batches"] == "alternate":
            of_real = self.one_side(0, self.judged(real), real[1], targets[0])
            self.move_discriminator(self.gradients("discriminator", of_real))
            fake = self.generated(f"fake_{turn}", self.size)
            of_fake = self.one_side(1, self.judged(fake), fake[1], targets[1])
            self.move_discriminator(self.gradients("discriminator", of_fake))
            self.logs["d_loss"].append(of_real.value + of_fake.value)
            return real, fake, None
        fake = self.generated(f"fake_{turn}", self.size)
        of_real, of_fake = self.both_judged(real, fake)
        loss = self.one_side(0, of_real, real[1], targets[0]) + self.one_side(1, of_fake, fake[1], targets[1])
        if self.loss == "relativistic":
            loss = loss + ad.mean(ad.softplus(of_fake.logits - of_real.logits))
        self.logs["d_loss"].append(loss.value)
        loss = loss + self.penalties(turn, real, fake)
        gradients = self.gradients("discriminator", loss)
        if self.train["simultaneous"]:
            return real, fake, gradients
        self.move_discriminator(gradients)
        return real, fake, None

    def both_judged(self, real: Batch, fake: Batch) -> tuple[Judged, Judged]:
        if self.train["discriminator_batches"] == "separate":
            return self.judged(real), self.judged(fake)
        labels = np.concatenate([real[1], fake[1]]) if self.conditional else None
        both = self.judged((ad.concatenate([real[0], fake[0]], 0), labels))
        halves = (slice(None, self.size), slice(self.size, None))
        classes = both.classes
        return tuple(Judged(both.logits[half], None if classes is None else classes[half], {}) for half in halves)

    def one_side(self, side: int, judged: Judged, labels: np.ndarray | None, targets) -> Tensor:
        """The discriminator's loss of real (0) or generated (1) images; logs what the history has of them."""
        logits, name, threshold = judged.logits, ("real", "fake")[side], THRESHOLDS.get(self.loss, 0.0)
        mean_of = ad.sigmoid(logits) if LOSSES[self.loss][0] is cross_entropy else logits
        self.logs[f"d_{name}"].append(mean_of.value.mean())
        if threshold is not None:
            right = logits.value > threshold if side == 0 else logits.value <= threshold
            self.logs[f"d_accuracy_{name}"].append(right.mean())
        part = LOSSES[self.loss][side]
        loss = part(logits, targets) if part else Tensor(0.0)
        if self.head and side == 0:
            if self.class_loss == "cross_entropy":
                self.logs["d_accuracy_class"].append((judged.classes.value.argmax(axis=1) == labels).mean())
            else:
                self.logs["d_similarity_class"].append(cosines(judged.classes)[0].value.mean())
            loss = loss + self.class_term(judged.classes, labels)
        if self.head == "auxiliary" and side == 1 and self.class_loss == "cross_entropy":
            loss = loss + self.class_term(judged.classes, labels) * self.class_options["fake_weight"]
        return loss

    def class_term(self, outputs: Tensor, labels: np.ndarray) -> Tensor:
        return CLASS_LOSSES[self.class_loss](outputs, labels, self.class_options) * self.class_options["weight"]

    def targets(self, turn: int, side: int) -> np.ndarray | None:
        if self.loss not in WITH_TARGETS:
            return None
        ends = [self.options.get(key, usual) for key, usual in (("real_label", 1.0), ("fake_label", 0.0))]
        ends = [tuple(end) if isinstance(end, list) else (end, end) for end in ends]
        name = f"{('real', 'fake')[side]}_labels_{turn}"
        return self.draws.targets(name, self.size, ends[side], ends[1 - side], self.options.get("flip_labels", 0.0))

    def generator_loss(self, real: Batch | None, fake: Batch) -> Tensor:
        of_real = self.judged(real) if self.reads_real else None
        of_fake = self.judged(fake)
        if self.loss == "relativistic":
            loss = ad.mean(ad.softplus(of_real.logits - of_fake.logits))
        elif self.loss == "feature_matching":
            means = [ad.mean(judged.features[self.options["layer"]], 0) for judged in (of_real, of_fake)]
            loss = ad.total((means[0] - means[1]) ** 2.0)
        else:
            loss = LOSSES[self.loss][2](of_fake.logits)
        if self.head == "auxiliary":
            loss = loss + self.class_term(of_fake.classes, fake[1])
        self.logs["g_loss"].append(loss.value)
        return loss

    def penalties(self, turn: int, real: Batch, fake: Batch) -> Tensor:
        """The penalties that are due, with their weights; a lazy one counts for all the steps that it stands for."""
        due, added, seen = Tensor(0.0), 0.0, False
        for name, options in self.config["penalty"].items():
            if self.number % options["every"] == 0:
                value = self.penalty(name, turn, real, fake) * options["weight"]
                due, added, seen = due + value * options["every"], added + value.value, True
        if self.config["penalty"]:
            self.logs["penalty"].append(added if seen else np.nan)
        return due

    def penalty(self, name: str, turn: int, real: Batch, fake: Batch) -> Tensor:
        images, generated = real[0].value, fake[0].value
        if name == "wgan_gp":
            share = self.draws.uniform(f"mixing_sample_{turn}", (self.size, 1))
            share = share.reshape(-1, *[1] * (images.ndim - 1))
            points = share * images + (1.0 - share) * generated
        elif name == "dragan":
            points = images + images.std() / 2.0 * self.draws.uniform(f"mixing_value_{turn}", images.shape)
        else:
            points = {"r1": images, "r2": generated}[name]
        points = Tensor(points)
        logits = self.judged((points, fake[1] if name == "r2" else real[1])).logits
        (slopes,) = ad.gradients(logits, [points])
        squares = ad.total(ad.reshape(slopes, (self.size, -1)) ** 2.0, 1)
        if name in ("r1", "r2"):
            return ad.mean(squares) * 0.5
        return ad.mean(((squares + 1e-12) ** 0.5 - 1.0) ** 2.0)
