"""What steps of all objectives share: the variables of a run's state, and how they move."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor
from tests.oracle.draws import Draws
from tests.oracle.networks import Network
from tests.oracle.optimizers import Optimizer, learning_rate

RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


class Training:
    """One run between two steps, in float64.

    Args:
        config: as config.yaml has it.
        names: of its networks.
        arrays: a state's variables: name -> array.
        images: uint8, (N, ...).
        rows_a_step: real samples that a step reads.
    """

    def __init__(
        self,
        config: dict,
        names: tuple[str, ...],
        arrays: Mapping[str, np.ndarray],
        images: np.ndarray,
        rows_a_step: int,
    ):
        self.config, self.train, self.size = config, config["train"], config["train"]["batch_size"]
        self.low, high = RANGES[config["data"]["range"]]
        self.span = high - self.low
        self.images = images / 255.0 * self.span + self.low
        self.draws = Draws(config["seed"], len(images), rows_a_step)
        owned = defaultdict(dict)
        for name, array in arrays.items():
            owned["/".join(name.split("/")[:2])][name] = array
        self.networks = {name: Network(config[name]["layers"], owned[f"networks/{name}"]) for name in names}
        self.optimizers = {name: Optimizer(config[name]["optimizer"], owned[f"optimizers/{name}"]) for name in names}
        self.average = {name: np.array(a, np.float64) for name, a in owned.get("averages/generator", {}).items()}
        self.other = {name: array for name, array in arrays.items() if name.startswith("state/")}
        self.number = 0

    def state(self) -> dict[str, np.ndarray]:
        """All variables, by the names of the state that the run began with."""
        found = {}
        for network in self.networks.values():
            found |= {name: value.value for name, value in zip(network.names, network.values, strict=True)}
        for optimizer in self.optimizers.values():
            found |= optimizer.arrays
        return found | self.average | self.other

    def begin(self, number: int) -> None:
        """Goes to a step, counted from 0."""
        self.number = number
        self.draws.begin(number)

    def gradients(self, name: str, loss: Tensor) -> list[np.ndarray]:
        """Of a loss and the regularizers of a network, with respect to what the network trains."""
        loss = loss + self.networks[name].regularization()
        return [gradient.value for gradient in ad.gradients(loss, self.networks[name].trainable)]

    def move(self, name: str, gradients: list[np.ndarray]) -> None:
        network = self.networks[name]
        network.assign(self.optimizers[name].moved([value.value for value in network.trainable], gradients))
        if name == "generator" and self.average:
            self._move_average()

    def _move_average(self) -> None:
        network = self.networks["generator"]
        decay = min(learning_rate(self.train["ema"], self.number), (1 + self.number) / (10 + self.number))
        for name, value, moves in zip(self.average, network.values, network.moves, strict=True):
            self.average[name] = decay * self.average[name] + (1 - decay) * value.value if moves else value.value
