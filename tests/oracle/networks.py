"""Dense networks of a config: forward passes in training mode, after the Keras pages of their layers."""

from collections.abc import Iterator, Mapping

import numpy as np

from tests.oracle import autodiff as ad
from tests.oracle.autodiff import Tensor

ACTIVATIONS = {None: lambda x: x, "linear": lambda x: x, "tanh": ad.tanh, "sigmoid": ad.sigmoid, "relu": ad.relu}


class Network:
    """A list of layers and their variables.

    Args:
        layers: as a config has them.
        arrays: variables in the order of the layers: name -> array, as a state has them.
    """

    def __init__(self, layers: list, arrays: Mapping[str, np.ndarray]):
        self.layers = [_parsed(layer) for layer in layers]
        self.names = list(arrays)
        self.values = [Tensor(array) for array in arrays.values()]
        self.moves = [not name.endswith(("moving_mean", "moving_variance")) for name in self.names]

    @property
    def trainable(self) -> list[Tensor]:
        return [value for value, moves in zip(self.values, self.moves, strict=True) if moves]

    def assign(self, arrays: list[np.ndarray]) -> None:
        """Replaces what is trained."""
        new = iter(arrays)
        self.values = [Tensor(next(new)) if moves else old for old, moves in zip(self.values, self.moves, strict=True)]

    def takes_labels(self) -> bool:
        return "Labels" in str(self.layers)

    def regularization(self) -> Tensor:
        """The penalties that layers ask for on their kernels."""
        factors = [
            arguments.get("kernel_regularizer")
            for _, arguments in _flat(self.layers)
            if {"units", "kernels"} & arguments.keys()
        ]
        kernels = [value for name, value in zip(self.names, self.values, strict=True) if name.endswith("/kernel")]
        pairs = zip(factors, kernels, strict=True)
        return sum((ad.total(kernel**2.0) * factor["L2"]["l2"] for factor, kernel in pairs if factor), Tensor(0.0))

    def run(self, x: Tensor, labels: np.ndarray | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The output for a batch, and the outputs of named layers; moves the statistics of batch normalization.

        Args:
            x: samples, (batch, ...).
            labels: one-hot, (batch, classes).
        """
        features: dict[str, Tensor] = {}
        places = iter(range(len(self.values)))
        return self._chain(self.layers, x, labels, places, features), features

    def _chain(self, layers: list, x: Tensor, labels, places: Iterator[int], features: dict) -> Tensor:
        for kind, arguments in layers:
            if kind == "merge":
                parts = [self._chain(branch, x, labels, places, features) for branch in arguments["branches"]]
                x = ad.concatenate(parts, 1)
            elif kind == "Labels":
                x = Tensor(labels)
            elif kind == "Dense":
                kernel = self._next(places, "kernel")
                x = x @ self.values[kernel]
                if arguments.get("use_bias", True):
                    x = x + self.values[self._next(places, "bias")]
                x = ACTIVATIONS[arguments.get("activation")](x)
            elif kind == "MinibatchDiscrimination":
                kernel = self.values[self._next(places, "kernel")]
                x = ad.concatenate([x, _nearness(x @ kernel, arguments["kernels"], arguments["dimensions"])], 1)
            elif kind == "BatchNormalization":
                x = self._normalized(x, places, arguments)
            else:
                x = _WITHOUT_VARIABLES[kind](x, arguments)
            if "name" in arguments:
                features[arguments["name"]] = x
        return x

    def _next(self, places: Iterator[int], name: str) -> int:
        place = next(places)
        assert self.names[place].endswith(f"/{name}"), f"{self.names[place]} stands where {name} should"
        return place

    def _normalized(self, x: Tensor, places: Iterator[int], arguments: dict) -> Tensor:
        gamma, beta, *moving = (
            self._next(places, name) for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        mean = ad.mean(x, 0)
        variance = ad.mean((x - mean) ** 2.0, 0)
        momentum = arguments.get("momentum", 0.99)
        for place, seen in zip(moving, (mean, variance), strict=True):
            self.values[place] = Tensor(momentum * self.values[place].value + (1.0 - momentum) * seen.value)
        scale = (variance + arguments.get("epsilon", 1e-3)) ** -0.5
        return (x - mean) * scale * self.values[gamma] + self.values[beta]


def _nearness(projected: Tensor, kernels: int, dimensions: int) -> Tensor:
    """The sum over j of exp(-|M_i - M_j|) for each sample i and kernel."""
    batch = projected.shape[0]
    rows = ad.reshape(projected, (batch, 1, kernels, dimensions))
    differences = rows - ad.reshape(projected, (1, batch, kernels, dimensions))
    return ad.total(ad.exp(-ad.total(ad.relu(differences) + ad.relu(-differences), 3)), 1)


_WITHOUT_VARIABLES = {
    "LeakyReLU": lambda x, arguments: ad.relu(x, arguments.get("negative_slope", 0.3)),
    "ReLU": lambda x, arguments: ad.relu(x),
    "Activation": lambda x, arguments: ACTIVATIONS[arguments["activation"]](x),
    "Flatten": lambda x, arguments: ad.reshape(x, (x.shape[0], -1)),
    "Reshape": lambda x, arguments: ad.reshape(x, (x.shape[0], *arguments["target_shape"])),
}


def _parsed(layer) -> tuple[str, dict]:
    if isinstance(layer, str):
        return layer, {}
    if "merge" in layer:
        assert layer["merge"] == "Concatenate", layer
        return "merge", {"branches": [list(map(_parsed, branch)) for branch in layer["branches"].values()]}
    ((kind, arguments),) = layer.items()
    return kind, arguments or {}


def _flat(layers: list) -> Iterator[tuple[str, dict]]:
    for kind, arguments in layers:
        if kind == "merge":
            for branch in arguments["branches"]:
                yield from _flat(branch)
        else:
            yield kind, arguments
