"""Steps of a variational autoencoder in float64, after docs/config.md; see `gan`."""

import math
from collections.abc import Mapping

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor
from tests.oracle.training import RANGES, Training


class Vae(Training):
    """As `Gan`, for `objective: vae`."""

    def __init__(self, config: dict, arrays: Mapping[str, np.ndarray], images: np.ndarray, labels=None):
        super().__init__(config, ("encoder", "generator"), arrays, images, config["train"]["batch_size"])
        self.options = config["objective"]["vae"]

    def step(self, number: int) -> dict[str, float]:
        """Performs a step, counted from 0; returns its row of the history."""
        self.begin(number)
        images = self.images[self.draws.rows(self.size)]
        real = Tensor(self.draws.mirrored(images) if self.config["data"]["flip"] else images)
        dim = self.config["latent"]["dim"]
        noise = self.draws.latents("noise", self.size, {"dim": dim, "distribution": "normal"})
        codes, _ = self.networks["encoder"].run(real)
        means, variances = codes[:, :dim], ad.exp(codes[:, dim:])
        made, _ = self.networks["generator"].run(means + variances**0.5 * noise)
        # Appendix B: half the sum of mean^2 + variance - 1 - log variance.
        kl = ad.total((means**2.0 + variances - 1.0 - codes[:, dim:]) * 0.5) / self.size
        reconstruction = self.reconstruction(real, made)
        loss = reconstruction + kl * self.options["beta"]
        moves = {name: self.gradients(name, loss) for name in self.networks}
        for name, gradients in moves.items():
            self.move(name, gradients)
        return {"loss": float(loss.value), "reconstruction": float(reconstruction.value), "kl": float(kl.value)}

    def reconstruction(self, real: Tensor, made: Tensor) -> Tensor:
        """The negative log-likelihood in nats a sample."""
        if self.options["likelihood"] == "gaussian":
            return ad.total((real - made) ** 2.0 * 0.5 + 0.5 * math.log(2.0 * math.pi)) / self.size
        low, high = RANGES[self.config["data"]["range"]]
        real, made = (real - low) / (high - low), (made - low) / (high - low)
        return -ad.total(real * ad.log(made) + (1.0 - real) * ad.log(1.0 - made)) / self.size
