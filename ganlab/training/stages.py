"""The parts of a training step: random numbers, and stages over named networks.

A stage reads `values`: the step's random numbers and data under the names of `Objective.draws`, `step` (a float), and the
results of earlier stages. A `Pass` runs a network forward, a `Compute` computes new values, an `Update` moves weights down
the gradient of one loss, `Together` takes the gradients of several updates before any weight moves, and a `Gradient` takes a
gradient and moves nothing. The steps under backends/ perform stages and know no objective: a new kind of training is a new list
of stages.
"""

import functools
import operator
from collections.abc import Callable, Mapping
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
        kind: `rows`: indices of training samples. `normal`: standard normal numbers. `uniform`: numbers in [low, high).
            `targets`: uniform in [low, high] or, with probability `flip`, in `flipped`. `integers`: 0 to high - 1.
            `codes`: InfoGAN's codes, see `draws.draw_codes`.
        shape: the shape of one step's numbers, the batch included.
        source: for rows: the part of the data they come from, see `draws.Draws`.
        arrays: for rows: the arrays of the data that the step reads at these rows. `images` stands in the values under the
            draw's name, another array under NAME.ARRAY, such as `real_0.labels`.
        mirror: for rows: whether a random half of the images is mirrored. The number of such a row is -1 - row.
        categorical: for codes: the number of values of each categorical code.
    """

    kind: str
    shape: tuple[int, ...]
    low: float = 0.0
    high: float = 1.0
    flip: float = 0.0
    flipped: tuple[float, float] = (0.0, 0.0)
    source: str = "all"
    arrays: tuple[str, ...] = ("images",)
    mirror: bool = False
    categorical: tuple[int, ...] = ()


@dataclass(frozen=True)
class Pass:
    """Runs `network` in training mode on `inputs(values)`, a batch of `samples`; the output becomes the value `name`."""

    name: str
    network: str
    inputs: Callable[[Values], Tensor | Values]
    samples: int


@dataclass(frozen=True)
class Compute:
    """Computes values between other stages: `function(values)` gives name -> new value.

    The function may assign variables that training changes, such as counts in `Objective.state`. No gradient flows through it.
    `logs` are names of its values that are columns of the history.
    """

    function: Callable[[Values], Values]
    logs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Update:
    """Moves the weights of one or several networks down the gradient of one loss.

    Attributes:
        networks: the networks whose trainable weights move, each by the optimizer of the same name.
        loss: (values, with_lazy) -> (scalar, logs). A log is a scalar under a column's name, or under COLUMN/PART: see
            `combine_logs`.
        through: name of an earlier pass of one of these networks. The loss reads the pass's output, and the gradient flows
            back through the pass. One update goes through a pass.
        samples: size of the batch that goes through the networks for the loss, for counting operations.
        lazy_every: the loss gets with_lazy=True at step 0, N, 2N, ... only; 1 means at every step.
        after: functions of the values, called when the weights have moved (clipping, averaging).
        counts: whether the optimizer counts the update. False if a later stage takes it back, with the optimizer's state.
    """

    networks: tuple[str, ...]
    loss: Callable[[Values, bool], tuple[Tensor, Logs]]
    samples: int
    through: str | None = None
    lazy_every: int = 1
    after: tuple[Callable[[Values], None], ...] = ()
    counts: bool = True


@dataclass(frozen=True)
class Together:
    """Several updates. All gradients are taken before any weight moves."""

    updates: tuple[Update, ...]


@dataclass(frozen=True)
class Gradient:
    """Takes the gradient of an update and moves nothing.

    The value `name` is the list of its parts, one for each trainable weight of the update's networks. The update's logs become
    values under their own names, not columns of the history.
    """

    name: str
    update: Update


Stage = Pass | Compute | Update | Together | Gradient


@dataclass(frozen=True)
class Column:
    """A column of the history. An optional column is blank in steps that do not measure it."""

    name: str
    optional: bool = False


@dataclass(frozen=True)
class Objective:
    """One step of training.

    Attributes:
        networks, optimizers: name -> network, and name -> its optimizer.
        stages: the stages in their order.
        draws: name -> random numbers of a step; stages read them under this name.
        columns: the columns of the history.
        averages: name -> moving average of a network; updates' `after` moves it.
        state: owner -> further variables that training changes.
        begin: called once before the first step, with the arrays of the training data; it sets what `state` keeps of the data.
        rebuild: gives the same objective over faster equivalents of the networks, which share the networks' variables.

    Raises:
        ValueError: if two updates go through one pass. Their gradients would belong to different weights.
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

    def __post_init__(self) -> None:
        passes = [update.through for update in self.updates if update.through is not None]
        if twice := {name for name in passes if passes.count(name) > 1}:
            raise ValueError(
                f"two updates go through the pass '{twice.pop()}'; expected one update, with the sum of both losses"
            )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def updates(self) -> list[Update]:
        """All updates, including the updates of `Together`."""
        found = []
        for stage in self.stages:
            found += stage.updates if isinstance(stage, Together) else [stage] if isinstance(stage, Update) else []
        return found

    @property
    def gradients(self) -> list[Update]:
        """All updates whose gradients a step takes: `updates`, and the updates of `Gradient`."""
        return self.updates + [stage.update for stage in self.stages if isinstance(stage, Gradient)]

    def pass_named(self, name: str) -> Pass:
        return next(stage for stage in self.stages if isinstance(stage, Pass) and stage.name == name)

    def variables(self) -> dict[str, list]:
        """owner -> the variables that training changes: weights, statistics, seed states, optimizer states, averages."""
        owners = {f"networks/{name}": network.variables for name, network in self.networks.items()}
        owners |= {f"averages/{name}": network.variables for name, network in self.averages.items()}
        owners |= {f"optimizers/{name}": optimizer.variables for name, optimizer in self.optimizers.items()}
        return owners | {f"state/{name}": variables for name, variables in self.state.items()}


def combine_logs(objective: Objective, logs: dict[str, list[Tensor]]) -> list[Tensor]:
    """One step's row of the history: one scalar for each column, from the logs of the step's updates.

    Logs of one name are averaged over the updates. A column is the sum of its parts (`d_loss/real` and `d_loss/fake`), and NaN
    without a log. The mean is one operation: TensorFlow rewrites a chain of additions, into another order in each process.

    Raises:
        ValueError: for a log that belongs to no column, and for a column without a log that is not optional.
    """
    parts: dict[str, list[Tensor]] = {column.name: [] for column in objective.columns}
    for name, entries in logs.items():
        if name.partition("/")[0] not in parts:
            raise ValueError(f"an update logs '{name}'; the objective's columns are {', '.join(parts)}")
        parts[name.partition("/")[0]].append(entries[0] if len(entries) == 1 else ops.mean(ops.stack(entries)))
    for column in objective.columns:
        if not parts[column.name] and not column.optional:
            raise ValueError(f"no update logs the column '{column.name}'; log it in every step or declare it optional")
    return [functools.reduce(operator.add, found) if found else ops.not_a_number() for found in parts.values()]
