"""What one training step is made of: random numbers, and stages over named networks.

A stage reads `values`: the step's random numbers and data under the names of `Objective.draws`, `step` (the step as a float), and
the results of earlier stages. A `Pass` runs a network forward once, a `Compute` computes anything, an `Update` moves the weights
of networks down one loss, and `Together` moves them by gradients that were all taken before. The steps under backends/ perform
stages and know no objective: a new kind of training is a new list of stages.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganlab.training import ops

if TYPE_CHECKING:
    import keras
    import numpy as np

    from ganlab.models.network import Network

Tensor = Any
Values = dict[str, Tensor]
Logs = dict[str, Tensor]


@dataclass(frozen=True)
class Draw:
    """Random numbers that one step needs.

    Attributes:
        kind: `rows`: indices of training samples. `normal`: standard normal numbers. `uniform`: in [low, high). `targets`:
            uniform in [low, high] or, with probability `flip`, in `flipped`. `integers`: 0 to high - 1.
        shape: of one step's numbers, the batch included.
        source: of rows: which part of the data they come from, see `draws.Draws`.
        arrays: of rows: the data's arrays that the step needs in these rows. `images` stands in the values under the draw's
            name, another array under NAME.ARRAY, such as `real_0.labels`.
    """

    kind: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    flip: float = 0.0
    flipped: tuple[float, float] = (0.0, 0.0)
    source: str = "all"
    arrays: tuple[str, ...] = ("images",)


@dataclass(frozen=True)
class Pass:
    """Runs `network` on `inputs(values)`, `samples` of them, in training mode and keeps the output in values under `name`."""

    name: str
    network: str
    inputs: Callable[[Values], Tensor | Values]
    samples: int


@dataclass(frozen=True)
class Compute:
    """Computes values between other stages: `function(values)` gives new ones by name.

    It may assign variables of `Objective.state`, such as counts; no gradient flows through it.
    """

    function: Callable[[Values], Values]


@dataclass(frozen=True)
class Update:
    """Moves the weights of one or several networks down the gradient of one loss.

    Attributes:
        networks: whose trainable weights move, each by the optimizer of the same name.
        loss: (values, with_lazy) -> (scalar, logs). A log is a scalar under a column's name, or under COLUMN/PART: see
            `combine_logs`.
        through: name of an earlier pass of one of these networks: the loss reads that pass' output, and the gradient flows
            back through it, so that one forward pass serves several updates.
        samples: how many go through the networks for the loss, for counting operations.
        lazy_every: loss gets with_lazy=True only every so many steps (at step 0, N, 2N, ...); 1 means always.
        after: called with the values when the weights have moved (clipping, averaging).
    """

    networks: tuple[str, ...]
    loss: Callable[[Values, bool], tuple[Tensor, Logs]]
    samples: int
    through: str | None = None
    lazy_every: int = 1
    after: tuple[Callable[[Values], None], ...] = ()


@dataclass(frozen=True)
class Together:
    """Several updates whose gradients are all taken before any weight moves."""

    updates: tuple[Update, ...]


Stage = Pass | Compute | Update | Together


@dataclass(frozen=True)
class Column:
    """A column of the history; an optional one is measured in some steps only, and is blank in the others."""

    name: str
    optional: bool = False


@dataclass(frozen=True)
class Objective:
    """One step of training.

    Attributes:
        networks, optimizers: by the same names.
        stages: in their order.
        draws: the random numbers of a step, by the names that stages read.
        columns: of the history.
        averages: moving averages of networks, kept by updates' `after`.
        state: further variables that training changes, by their owner's name.
        begin: called once with the arrays of the training data, before the first step; it sets what `state` knows of the data.
        rebuild: gives the same objective over other forms of the networks, which have the same variables and results.
    """

    networks: "dict[str, Network]"
    optimizers: "dict[str, keras.Optimizer]"
    stages: tuple[Stage, ...]
    draws: dict[str, Draw]
    columns: tuple[Column, ...]
    averages: "dict[str, Network]" = field(default_factory=dict)
    state: dict[str, list] = field(default_factory=dict)
    begin: "Callable[[Mapping[str, np.ndarray]], None] | None" = None
    rebuild: "Callable[[dict[str, Network]], Objective] | None" = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def updates(self) -> list[Update]:
        """All updates, those that move together as well."""
        found = []
        for stage in self.stages:
            found += stage.updates if isinstance(stage, Together) else [stage] if isinstance(stage, Update) else []
        return found

    def pass_named(self, name: str) -> Pass:
        return next(stage for stage in self.stages if isinstance(stage, Pass) and stage.name == name)

    def variables(self) -> dict[str, list]:
        """All variables training changes, by owner: weights, statistics, seed states, optimizer states, averages."""
        owners = {f"networks/{name}": network.variables for name, network in self.networks.items()}
        owners |= {f"averages/{name}": network.variables for name, network in self.averages.items()}
        owners |= {f"optimizers/{name}": optimizer.variables for name, optimizer in self.optimizers.items()}
        return owners | {f"state/{name}": variables for name, variables in self.state.items()}


def losses_first(names: Sequence[str], optional: Sequence[str] = ()) -> tuple[Column, ...]:
    """Columns of these names, losses before the others."""
    ordered = sorted(dict.fromkeys(names), key=lambda name: not name.endswith("loss"))
    return tuple(Column(name, name in optional) for name in ordered)


def combine_logs(objective: Objective, logs: dict[str, list[Tensor]]) -> list[Tensor]:
    """One step's row of the history: a scalar a column, from what the step's updates logged.

    Logs of one name are averaged over the updates; a column is the sum of its parts (`d_loss/real` and `d_loss/fake`), and NaN
    if nothing was logged. The mean is one operation: TensorFlow rewrites a chain of additions, and into another order in each
    process.
    """
    parts: dict[str, list[Tensor]] = {column.name: [] for column in objective.columns}
    for name, entries in logs.items():
        if name.partition("/")[0] not in parts:
            raise ValueError(f"an update logs '{name}'; the objective's columns are {', '.join(parts)}")
        parts[name.partition("/")[0]].append(ops.mean(ops.stack(entries)))
    for column in objective.columns:
        if not parts[column.name] and not column.optional:
            raise ValueError(f"no update logs the column '{column.name}'; log it in every step or declare it optional")
    return [sum(found) if found else ops.full((), float("nan")) for found in parts.values()]
