"""Steps of an evolutionary GAN in float64, after docs/config.md; see `gan`."""

from collections import defaultdict

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.gan import Gan
from tests.oracle.losses import cross_entropy

MUTATIONS = {
    "minimax": lambda logits: -cross_entropy(logits, 0.0),
    "non_saturating": lambda logits: cross_entropy(logits, 1.0),
    "least_squares": lambda logits: ad.mean((ad.sigmoid(logits) - 1.0) ** 2.0),
}


class Evolutionary(Gan):
    """As `Gan`, for `objective: evolutionary`."""

    def __init__(self, config: dict, *arguments):
        super().__init__(config, *arguments)
        self.draws.rows_a_step += self.size
        self.evolution = config["objective"]["evolutionary"]

    def step(self, number: int) -> dict[str, float]:
        """Performs a step, counted from 0; returns its row of the history."""
        self.begin(number)
        self.logs = defaultdict(list)
        for turn in range(self.train["discriminator_steps"]):
            self.discriminator_turn(turn)
        real = self.real_batch(self.size)
        network, optimizer = self.networks["generator"], self.optimizers["generator"]
        parent, children = (network.values, optimizer.arrays), []
        for place, name in enumerate(self.evolution["mutations"]):
            network.values, optimizer.arrays = list(parent[0]), dict(parent[1])
            images = self.generated(f"child_{place}", self.generator_size)
            gradients = self.gradients("generator", MUTATIONS[name](self.judged(images).logits))
            network.assign(optimizer.moved([value.value for value in network.trainable], gradients))
            children.append((*self.scores(real), network.values, optimizer.arrays))
        best = int(np.argmax([child[0] for child in children]))
        fitness, quality, diversity, loss, network.values, optimizer.arrays = children[best]
        if self.average:
            self._move_average()
        row = {
            "g_loss": loss,
            "d_generator": quality,
            "mutation": best + 1,
            "fitness": fitness,
            "fitness_diversity": diversity,
        }
        return {name: float(np.mean(values)) for name, values in (self.logs | row).items()}

    def scores(self, real) -> tuple[float, float, float, float]:
        """Fitness, quality, diversity and -E log D of the generator as it is now."""
        of_real, of_fake = self.judged(real).logits, self.judged(self.generated("judged", self.size)).logits
        slopes = self.gradients("discriminator", cross_entropy(of_real, 1.0) + cross_entropy(of_fake, 0.0))
        diversity = -np.log(np.sqrt(sum((slope**2).sum() for slope in slopes)))
        quality = ad.sigmoid(of_fake).value.mean()
        fitness = quality + self.evolution["diversity_weight"] * diversity
        return fitness, quality, diversity, cross_entropy(of_fake, 1.0).value
