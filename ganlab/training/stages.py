"""What one training step is made of: random numbers, passes and updates over named networks.

A `Pass` runs a network forward once and keeps the result; an `Update` moves one network's weights down one loss. A stage reads
`values`: the step's random numbers and real images under the names of `Objective.draws`, and the results of earlier passes.
The steps under training/steps perform stages and know no GAN: a new kind of training is a new list of stages.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

Tensor = Any
Values = dict[str, Tensor]
Logs = dict[str, Tensor]


@dataclass(frozen=True)
class Draw:
    """Random numbers one step needs: `kind` is images (indices into the data, gathered by the step), normal, uniform or labels.

    Attributes:
        kind: see above. uniform is in [low, high); labels are uniform in [low, high] or, with probability `flip`, in `flipped`.
        shape: of one step's numbers, the batch included.
    """

    kind: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    flip: float = 0.0
    flipped: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Pass:
    """Runs `network` on `inputs(values)`, `samples` of them, in training mode and keeps the output in values under `name`."""

    name: str
    network: str
    inputs: Callable[[Values], Tensor]
    samples: int


@dataclass(frozen=True)
class Update:
    """Moves the weights of `network` down the gradient of `loss`.

    Attributes:
        network: whose trainable weights move, by the optimizer of the same name.
        loss: (values, with_lazy) -> (scalar, logs); logs are scalars, averaged over updates of one step that log the same name.
        through: name of an earlier pass of the same network: the loss reads that pass' output, and the gradient flows back
            through it, so that one forward pass serves several updates.
        samples: how many go through the network for the loss, for counting operations.
        lazy_every: loss gets with_lazy=True only every so many steps (at step 0, N, 2N, ...); 1 means always.
        after: called when the weights have moved, with the step as a float tensor (clipping, averaging).
    """

    network: str
    loss: Callable[[Values, bool], tuple[Tensor, Logs]]
    samples: int
    through: str | None = None
    lazy_every: int = 1
    after: tuple[Callable[[Tensor], None], ...] = ()


@dataclass(frozen=True)
class Objective:
    """One step of training.

    Attributes:
        networks, optimizers: by the same names.
        stages: in their order.
        draws: the random numbers of a step, by the names that stages read.
        columns: the history's columns, each the sum of the named logs' means over the step's updates.
        averages: moving averages of networks, kept by updates' `after`.
        forms: networks in a form of the same variables and results that passes run instead (models/folding.py,
            training/steps/xla.py).
    """

    networks: dict[str, "keras.Model"]
    optimizers: dict[str, "keras.Optimizer"]
    stages: tuple[Pass | Update, ...]
    draws: dict[str, Draw]
    columns: dict[str, tuple[str, ...]]
    averages: dict[str, "keras.Model"] = field(default_factory=dict)
    forms: dict[str, "keras.Model"] = field(default_factory=dict)

    def called(self, name: str) -> "keras.Model":
        """The model that a pass of this network runs; its variables are those of `networks`."""
        return self.forms.get(name, self.networks[name])

    def variables(self) -> dict[str, list]:
        """All variables training changes, by owner: weights, statistics, seed states, optimizer states, averages."""
        owners = {f"networks/{name}": model.variables for name, model in self.networks.items()}
        owners |= {f"averages/{name}": model.variables for name, model in self.averages.items()}
        return owners | {f"optimizers/{name}": optimizer.variables for name, optimizer in self.optimizers.items()}


def fold_objective(objective: Objective) -> Objective:
    """The objective whose passes run folded networks; itself if nothing folds."""
    from ganlab.models.folding import fold

    networks = {name: fold(network) for name, network in objective.networks.items()}
    folded = {name: network for name, network in networks.items() if network is not objective.networks[name]}
    return replace(objective, forms=folded) if folded else objective


def combine_logs(objective: Objective, logs: dict[str, list[Tensor]]) -> list[Tensor]:
    """One step's row of the history: a scalar a column, from what the step's updates logged.

    The mean is one operation: TensorFlow rewrites a chain of additions, and into another order in each process.
    """
    from keras import ops  # here, because commands that train nothing import this file

    means = {name: ops.mean(ops.stack(entries)) for name, entries in logs.items()}
    return [sum(means[name] for name in names) for names in objective.columns.values()]
