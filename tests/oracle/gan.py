"""Steps of a GAN in float64, after docs/config.md: what a run's history and next state must be, from its files alone.

Nothing of ganlab is used, and no framework. Only dense networks are known.
"""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor
from tests.oracle.training import Training


def cross_entropy(logits: Tensor, target) -> Tensor:
    """E H(x, t) = E (-t log s(x) - (1 - t) log(1 - s(x))), where log(1 - s(x)) = log s(x) - x and log s(x) = -softplus(-x)."""
    return ad.mean(ad.softplus(-logits) * target + (ad.softplus(-logits) + logits) * (1.0 - target))


def squared_error(logits: Tensor, target) -> Tensor:
    return ad.mean((logits - target) ** 2.0)


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
        self.conditional = any(network.takes_labels() for network in self.networks.values())

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

    def real_batch(self, size: int) -> tuple[Tensor, np.ndarray | None]:
        rows = self.draws.rows(size)
        return Tensor(self.images[rows]), self.one_hot(self.labels[rows]) if self.conditional else None

    def one_hot(self, labels: np.ndarray) -> np.ndarray:
        return np.eye(int(self.labels.max()) + 1)[labels]

    def generated(self, name: str, size: int) -> tuple[Tensor, np.ndarray | None]:
        labels = None
        if self.conditional:
            labels = self.one_hot(self.draws.classes(f"classes_{name}", size, int(self.labels.max()) + 1))
        latents = Tensor(self.draws.latents(f"latents_{name}", size, self.config["latent"]))
        return self.networks["generator"].run(latents, labels)[0], labels

    def judged(self, batch: tuple) -> tuple[Tensor, dict[str, Tensor]]:
        return self.networks["discriminator"].run(*batch)

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
            of_real = self.one_side(0, self.judged(real)[0], targets[0])
            self.move_discriminator(self.gradients("discriminator", of_real))
            fake = self.generated(f"fake_{turn}", self.size)
            of_fake = self.one_side(1, self.judged(fake)[0], targets[1])
            self.move_discriminator(self.gradients("discriminator", of_fake))
            self.logs["d_loss"].append(of_real.value + of_fake.value)
            return real, fake, None
        fake = self.generated(f"fake_{turn}", self.size)
        loss = self.both_sides(*self.both_logits(real, fake), targets)
        self.logs["d_loss"].append(loss.value)
        loss = loss + self.penalties(turn, real, fake)
        gradients = self.gradients("discriminator", loss)
        if self.train["simultaneous"]:
            return real, fake, gradients
        self.move_discriminator(gradients)
        return real, fake, None

    def both_logits(self, real: tuple, fake: tuple) -> tuple[Tensor, Tensor]:
        if self.train["discriminator_batches"] == "separate":
            return self.judged(real)[0], self.judged(fake)[0]
        labels = np.concatenate([real[1], fake[1]]) if self.conditional else None
        logits = self.judged((ad.concatenate([real[0], fake[0]], 0), labels))[0]
        return logits[: self.size], logits[self.size :]

    def both_sides(self, real: Tensor, fake: Tensor, targets: list) -> Tensor:
        parts = [self.one_side(side, logits, targets[side]) for side, logits in enumerate((real, fake))]
        return ad.mean(ad.softplus(fake - real)) if self.loss == "relativistic" else parts[0] + parts[1]

    def one_side(self, side: int, logits: Tensor, targets) -> Tensor | None:
        """The discriminator's loss on real (0) or generated (1) logits, and what is logged of them."""
        name, threshold = ("real", "fake")[side], THRESHOLDS.get(self.loss, 0.0)
        mean_of = ad.sigmoid(logits) if LOSSES[self.loss][0] is cross_entropy else logits
        self.logs[f"d_{name}"].append(mean_of.value.mean())
        if threshold is not None:
            right = logits.value > threshold if side == 0 else logits.value <= threshold
            self.logs[f"d_accuracy_{name}"].append(right.mean())
        part = LOSSES[self.loss][side]
        return part(logits, targets) if part else None

    def targets(self, turn: int, side: int) -> np.ndarray | None:
        if self.loss not in WITH_TARGETS:
            return None
        ends = [self.options.get(key, usual) for key, usual in (("real_label", 1.0), ("fake_label", 0.0))]
        ends = [tuple(end) if isinstance(end, list) else (end, end) for end in ends]
        name = f"{('real', 'fake')[side]}_labels_{turn}"
        return self.draws.targets(name, self.size, ends[side], ends[1 - side], self.options.get("flip_labels", 0.0))

    def generator_loss(self, real: tuple | None, fake: tuple) -> Tensor:
        of_real = self.judged(real) if self.reads_real else None
        logits, features = self.judged(fake)
        if self.loss == "relativistic":
            loss = ad.mean(ad.softplus(of_real[0] - logits))
        elif self.loss == "feature_matching":
            layer = self.options["layer"]
            loss = ad.total((ad.mean(of_real[1][layer], 0) - ad.mean(features[layer], 0)) ** 2.0)
        else:
            loss = LOSSES[self.loss][2](logits)
        self.logs["g_loss"].append(loss.value)
        return loss

    def penalties(self, turn: int, real: tuple, fake: tuple) -> Tensor:
        """The penalties that are due, with their weights; a lazy one counts for all the steps that it stands for."""
        due, added, seen = Tensor(0.0), 0.0, False
        for name, options in self.config["penalty"].items():
            if self.number % options["every"] == 0:
                value = self.penalty(name, turn, real, fake) * options["weight"]
                due, added, seen = due + value * options["every"], added + value.value, True
        if self.config["penalty"]:
            self.logs["penalty"].append(added if seen else np.nan)
        return due

    def penalty(self, name: str, turn: int, real: tuple, fake: tuple) -> Tensor:
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
        logits = self.judged((points, fake[1] if name == "r2" else real[1]))[0]
        (slopes,) = ad.gradients(logits, [points])
        squares = ad.total(ad.reshape(slopes, (self.size, -1)) ** 2.0, 1)
        if name in ("r1", "r2"):
            return ad.mean(squares) * 0.5
        return ad.mean(((squares + 1e-12) ** 0.5 - 1.0) ** 2.0)
