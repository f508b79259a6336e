"""Steps of a GAN in float64, after docs/config.md: what a run's history and next state must be, from its files alone.

Nothing of ganlab is used, and no framework. Only dense networks are known.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.adaptive import Adaptive
from tests.oracle.autodiff import Tensor
from tests.oracle.balancing import Balancing
from tests.oracle.losses import (
    CLASS_LOSSES,
    LOSSES,
    THRESHOLDS,
    WITH_TARGETS,
    code_losses,
    cosines,
    cross_entropy,
    squared_error,
)
from tests.oracle.optimizers import learning_rate
from tests.oracle.training import Training

AVERAGES = ("state/lecam/0000/real", "state/lecam/0001/fake")  # of the outputs for real and for generated images


class Judged(NamedTuple):
    """The discriminator's outputs for one batch."""

    logits: Tensor
    classes: Tensor | None  # further outputs, of a class head
    features: dict[str, Tensor]  # outputs of named layers
    codes: Tensor | None = None  # outputs for InfoGAN's codes


class Batch(NamedTuple):
    """Images, and what is known of them."""

    images: Tensor
    labels: np.ndarray | None
    codes: np.ndarray | None = None  # of generated images, for InfoGAN
    near: Callable[[], Tensor] | None = None  # generates images of near latents


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
        self.count_of_codes = sum(config["latent"]["categorical"]) + config["latent"]["continuous"]
        ((self.class_loss, self.class_options),) = config["class_loss"].items()
        self.balancing, self.lecam = None, config["lecam"]["weight"]
        self.near = config["latent_consistency"]
        self.adaptive = Adaptive(config["adaptive"], self.other) if config["adaptive"]["method"] == "apa" else None
        self.averages = [float(self.other[name]) for name in AVERAGES] if self.lecam else []
        if config["labels"] == "balanced":
            self.balancing = Balancing(images / 255.0, labels, self.other["state/balancing/0002/counts"])

    def state(self) -> dict[str, np.ndarray]:
        counts = {"state/balancing/0002/counts": self.balancing.counts} if self.balancing else {}
        averages = dict(zip(AVERAGES, self.averages, strict=True)) if self.lecam else {}
        adaptive = self.adaptive.state() if self.adaptive else {}
        return super().state() | counts | averages | adaptive

    def step(self, number: int) -> dict[str, float]:
        """Performs a step, counted from 0; returns its row of the history, with NaN for a penalty that was not measured."""
        self.begin(number)
        if self.adaptive:
            self.adaptive.begin(number)
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
        images = self.draws.mirrored(self.images[rows]) if self.config["data"]["flip"] else self.images[rows]
        return Batch(Tensor(images), None if self.labels is None else self.labels[rows])

    def generated(self, name: str, size: int) -> Batch:
        drawn = labels = None
        if self.balancing:
            drawn = self.balancing.drawn(self.draws.uniform(f"classes_{name}", (size,)))
        elif self.conditional:
            drawn = labels = self.draws.classes(f"classes_{name}", size, self.classes)
        latent = self.config["latent"]
        latents, codes = self.draws.latents(f"latents_{name}", size, latent), None
        if self.count_of_codes:
            codes = self.draws.codes(f"codes_{name}", size, latent["categorical"], latent["continuous"])
            latents = np.concatenate([latents, codes], 1)
        near = latents.copy()
        run = lambda taken: self.networks["generator"].run(Tensor(taken), self.one_hot(drawn))[0]  # noqa: E731
        images = run(latents)
        if self.balancing:
            labels = self.balancing.nearest((images.value - self.low) / self.span)
        if any(self.near[key] for key in ("weight", "generator_weight")):
            moved = self.draws.latents(f"moved_{name}", size, {"dim": latent["dim"], "distribution": "normal"})
            near[:, : latent["dim"]] += self.near["deviation"] * moved
        return Batch(images, labels, codes, lambda: run(near))

    def one_hot(self, labels: np.ndarray | None) -> np.ndarray | None:
        return np.eye(self.classes)[labels] if self.conditional else None

    def judged(self, batch: Batch) -> Judged:
        outputs, features = self.networks["discriminator"].run(batch.images, self.one_hot(batch.labels))
        codes = None
        if self.count_of_codes:
            outputs, codes = outputs[:, : -self.count_of_codes], outputs[:, -self.count_of_codes :]
        if self.head == "auxiliary":
            return Judged(outputs[:, :1], outputs[:, 1:], features, codes)
        if self.head == "semi_supervised":
            # p = softmax of all outputs; the logit of 1 - p_last is log(1 - p_last) - log(p_last).
            classes = outputs[:, :-1]
            return Judged(ad.log_sum_exp(classes) - outputs[:, -1:], classes, features, codes)
        return Judged(outputs, None, features, codes)

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
            of_real = self.one_side(0, self.judged(real), real, targets[0])
            self.move_discriminator(self.gradients("discriminator", of_real))
            fake = self.generated(f"fake_{turn}", self.size)
            of_fake = self.one_side(1, self.judged(fake), fake, targets[1])
            self.move_discriminator(self.gradients("discriminator", of_fake))
            self.logs["d_loss"].append(of_real.value + of_fake.value)
            return real, fake, None
        fake = self.generated(f"fake_{turn}", self.size)
        unmixed = real  # for the generator
        if self.adaptive:
            chosen = self.draws.uniform(f"deceived_real_{turn}", (self.size, 1)) < self.adaptive.probability
            mixed = np.where(chosen, fake.images.value, real.images.value)
            has_labels = real.labels is not None and fake.labels is not None
            real = Batch(Tensor(mixed), np.where(chosen[:, 0], fake.labels, real.labels) if has_labels else real.labels)
        near = fake.near() if self.near["weight"] else None
        of_real, of_fake = self.both_judged(real, fake)
        loss = self.one_side(0, of_real, real, targets[0]) + self.one_side(1, of_fake, fake, targets[1])
        if self.loss == "relativistic":
            loss = loss + ad.mean(ad.softplus(of_fake.logits - of_real.logits))
        self.logs["d_loss"].append(loss.value)
        loss = loss + self.penalties(turn, real, fake)
        if self.adaptive:
            self.logs["adaptive_probability"].append(self.adaptive.probability)
            self.adaptive.note(of_real.logits.value)
        if self.lecam:
            loss = loss + self.lecam_term(of_real.logits, of_fake.logits)
        if near is not None:
            logits = self.judged(Batch(Tensor(near.value), fake.labels)).logits
            value = ad.mean((of_fake.logits - logits) ** 2.0) * self.near["weight"]
            self.logs["latent_consistency"].append(value.value)
            loss = loss + value
        gradients = self.gradients("discriminator", loss)
        if self.train["simultaneous"]:
            return unmixed, fake, gradients
        self.move_discriminator(gradients)
        return unmixed, fake, None

    def both_judged(self, real: Batch, fake: Batch) -> tuple[Judged, Judged]:
        if self.train["discriminator_batches"] == "separate":
            return self.judged(real), self.judged(fake)
        labels = np.concatenate([real.labels, fake.labels]) if self.conditional else None
        both = self.judged(Batch(ad.concatenate([real.images, fake.images], 0), labels))
        halves = (slice(None, self.size), slice(self.size, None))
        cut = lambda tensor, half: None if tensor is None else tensor[half]  # noqa: E731
        parts = (both.logits, both.classes, both.codes)
        return tuple(Judged(*(cut(part, half) for part in parts[:2]), {}, cut(parts[2], half)) for half in halves)

    def one_side(self, side: int, judged: Judged, batch: Batch, targets) -> Tensor:
        """The discriminator's loss of real (0) or generated (1) images; logs what the history has of them."""
        labels = batch.labels
        logits, name, threshold = judged.logits, ("real", "fake")[side], THRESHOLDS.get(self.loss, 0.0)
        self.log_output(name, logits)
        if threshold is not None:
            right = logits.value > threshold if side == 0 else logits.value <= threshold
            self.logs[f"d_accuracy_{name}"].append(right.mean())
        part = LOSSES[self.loss][side]
        loss = part(logits, targets) if part else Tensor(0.0)
        if self.head and side == 0:
            if self.class_loss in ("contrastive", "data_to_data"):
                self.logs["d_similarity_class"].append(cosines(judged.classes)[0].value.mean())
            else:
                logits = judged.classes.value[:, : self.classes]
                self.logs["d_accuracy_class"].append((logits.argmax(axis=1) == labels).mean())
        if self.head == "auxiliary" or (self.head and side == 0):
            loss = loss + self.class_term(side, judged.classes, labels)
        if self.count_of_codes and side == 1:
            loss = loss + self.code_term(judged.codes, batch.codes, log=True)
        return loss

    def log_output(self, name: str, logits: Tensor) -> None:
        mean_of = ad.sigmoid(logits) if LOSSES[self.loss][0] is cross_entropy else logits
        self.logs[f"d_{name}"].append(mean_of.value.mean())

    def class_term(self, number: int, outputs: Tensor, labels: np.ndarray) -> Tensor:
        term = CLASS_LOSSES[self.class_loss][number]
        return term(outputs, labels, self.class_options) * self.class_options["weight"] if term else Tensor(0.0)

    def code_term(self, outputs: Tensor, codes: np.ndarray, log: bool = False) -> Tensor:
        latent, factors = self.config["latent"], self.config["code_loss"]
        cross_entropy, squares = code_losses(outputs, codes, latent["categorical"])
        if log and latent["categorical"]:
            self.logs["mutual_information"].append(np.log(np.prod(latent["categorical"])) - cross_entropy.value)
        if log and latent["continuous"]:
            self.logs["code_error"].append(squares.value / latent["continuous"])
        return cross_entropy * factors["categorical"] + squares * (factors["continuous"] / 2.0)

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
        self.log_output("generator", of_fake.logits)
        if self.loss == "relativistic":
            loss = ad.mean(ad.softplus(of_real.logits - of_fake.logits))
        elif self.loss == "feature_matching":
            means = [ad.mean(judged.features[self.options["layer"]], 0) for judged in (of_real, of_fake)]
            loss = ad.total((means[0] - means[1]) ** 2.0)
        else:
            loss = LOSSES[self.loss][2](of_fake.logits)
        if self.head == "auxiliary":
            loss = loss + self.class_term(2, of_fake.classes, fake.labels)
        if self.count_of_codes:
            loss = loss + self.code_term(of_fake.codes, fake.codes)
        if weight := self.near["generator_weight"]:
            distance = ad.mean((fake.images - fake.near()) ** 2.0)
            self.logs["latent_distance"].append(distance.value)
            loss = loss - distance * weight
        self.logs["g_loss"].append(loss.value)
        return loss

    def lecam_term(self, real: Tensor, fake: Tensor) -> Tensor:
        """The squared distances of outputs from the moving average of the other side's outputs."""
        decay = min(self.config["lecam"]["decay"], self.number / (10.0 + self.number))
        self.averages = [
            decay * average + (1.0 - decay) * logits.value.mean()
            for average, logits in zip(self.averages, (real, fake), strict=True)
        ]
        value = (squared_error(real, self.averages[1]) + squared_error(fake, self.averages[0])) * self.lecam
        self.logs["lecam"].append(value.value)
        return value

    def penalties(self, turn: int, real: Batch, fake: Batch) -> Tensor:
        """The penalties that are due, with their weights; a lazy one counts for all the steps that it stands for."""
        due, added, seen = Tensor(0.0), 0.0, False
        for name, options in self.config["penalty"].items():
            if self.number % options["every"] == 0:
                value = self.penalty(name, turn, real, fake) * learning_rate(options["weight"], self.number)
                due, added, seen = due + value * options["every"], added + value.value, True
        if self.config["penalty"]:
            self.logs["penalty"].append(added if seen else np.nan)
        return due

    def penalty(self, name: str, turn: int, real: Batch, fake: Batch) -> Tensor:
        images, generated = real.images.value, fake.images.value
        if name == "wgan_gp":
            share = self.draws.uniform(f"mixing_sample_{turn}", (self.size, 1))
            share = share.reshape(-1, *[1] * (images.ndim - 1))
            points = share * images + (1.0 - share) * generated
        elif name == "dragan":
            points = images + images.std() / 2.0 * self.draws.uniform(f"mixing_value_{turn}", images.shape)
        else:
            points = {"r1": images, "r2": generated}[name]
        points = Tensor(points)
        logits = self.judged(Batch(points, fake.labels if name == "r2" else real.labels)).logits
        (slopes,) = ad.gradients(logits, [points])
        squares = ad.total(ad.reshape(slopes, (self.size, -1)) ** 2.0, 1)
        if name in ("r1", "r2"):
            return ad.mean(squares) * 0.5
        return ad.mean(((squares + 1e-12) ** 0.5 - 1.0) ** 2.0)
