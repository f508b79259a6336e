"""Training steps on TensorFlow: gradients, compilation and the loop over a chunk of steps."""

import contextlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ganlab.backends import adam, steps
from ganlab.backends.steps import pad
from ganlab.errors import ConfigError
from ganlab.models.flops import has_convolutions, step_flops
from ganlab.training.stages import Objective, Pass, Update, Values

JIT = (False, True)  # what `jit` can be; which is faster depends on the networks and the machine
# From here on dense networks are compiled by XLA untried, which takes seconds: half a minute of training on two cores.
_MANY_OPERATIONS = 6e12


def input_gradient(function: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Gradient of the sum of function(points) with respect to points; itself differentiable."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        outputs = function(points)
    return tape.gradient(outputs, points)


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built; returns what will be used, such as "gpu: NVIDIA H200"."""
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise ConfigError("device: gpu was asked for, but TensorFlow sees none here; expected auto or cpu")
    if device == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return "cpu"
    return "gpu: " + tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)


def on_devices(count: int) -> contextlib.AbstractContextManager:
    """A scope whose variables live on each of `count` devices; Keras has that on JAX only."""
    if count > 1:
        raise ConfigError(
            f"devices: expected 1 with the backend tensorflow, received {count}; Keras distributes on jax only"
        )
    return contextlib.nullcontext()


def known_jit(objective: Objective, steps: int) -> bool | None:
    """What `jit: auto` is without a measurement; None: not known.

    On a CPU XLA makes dense networks half again as fast, which pays where there is enough to train, and convolutions slower.
    """
    if tf.config.get_visible_devices("GPU"):
        return None
    if has_convolutions(objective):
        return False
    return True if step_flops(objective) * steps > _MANY_OPERATIONS else None


class Steps(steps.Steps):
    """Performs an objective's stages, a chunk of steps in one compiled call.

    Args:
        objective, data, value_range: see `steps.Steps`.
        jit: whether XLA compiles the chunk.
        tune_adam: whether Adam's update is one operation on a CPU, see `adam`.
    """

    def __init__(
        self,
        objective: Objective,
        data: Mapping[str, np.ndarray],
        value_range: tuple[float, float],
        jit: bool,
        tune_adam: bool = True,
    ):
        super().__init__(objective, data, value_range)
        tune_adam = tune_adam and not tf.config.get_visible_devices("GPU")
        self.adam_step = (adam.for_xla if jit else adam.by_operation) if tune_adam else None
        self.data = {name: tf.constant(array) for name, array in self.arrays.items()}
        self.jit = jit
        kinds = {
            name: tf.int32 if draw.kind in ("rows", "integers") else tf.float32
            for name, draw in objective.draws.items()
        }
        draws = {name: tf.TensorSpec((None, *draw.shape), kinds[name]) for name, draw in objective.draws.items()}
        data = {name: tf.TensorSpec(array.shape, array.dtype) for name, array in self.data.items()}
        number = tf.TensorSpec((), tf.int32)
        # autograph=False: loops and conditions are TensorFlow's already, and rewriting the sources takes longer than the rest.
        options = {"input_signature": (data, draws, number, number), "jit_compile": jit, "autograph": False}
        self._chunk = tf.function(self._run_chunk, **options)

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        steps = len(next(iter(draws.values())))
        if self.jit:
            draws = {name: pad(array, room) for name, array in draws.items()}
        rows = self._chunk(self.data, draws, tf.constant(first), tf.constant(steps))
        return rows.numpy()[:steps].astype(np.float64)

    def _run_chunk(self, data, draws, first, steps):
        room = tf.shape(next(iter(draws.values())))[0]
        rows = tf.TensorArray(tf.float32, size=room, element_shape=(self.column_count,))

        def body(k, rows):
            values = self._values(data, {name: numbers[k] for name, numbers in draws.items()})
            row = tf.stack([tf.cast(log, tf.float32) for log in self._step(values, first + k)])
            return k + 1, rows.write(k, row)

        # parallel_iterations=1: steps follow each other, so nothing is gained by keeping several at hand.
        _, rows = tf.while_loop(lambda k, rows: k < steps, body, (0, rows), parallel_iterations=1)
        return rows.stack()

    def _float(self, step):
        return tf.cast(step, tf.float32)

    def _rows(self, array, rows):
        gathered = tf.gather(array, rows)
        return tf.cast(gathered, tf.float32) * self.scale + self.low if gathered.dtype == tf.uint8 else gathered

    def _pass(self, stage: Pass, values: Values):
        network = self.objective.networks[stage.network]
        with tf.GradientTape() as tape:
            output = tf.cast(network(stage.inputs(values), training=True), tf.float32)
            regularization = _regularization([network])
        return output, (tape, regularization)

    def _gradients(self, update: Update, values: Values, tapes: dict, step: tf.Tensor):
        variables = [variable.value for variable in self._variables(update)]

        def gradients_of(with_lazy: bool):
            with tf.GradientTape() as tape:
                if update.through is not None:
                    tape.watch(values[update.through])
                loss, logs = update.loss(values, with_lazy)
                loss = loss + _regularization(self._regularized(update))
            if update.through is None:
                return tape.gradient(loss, variables), logs
            pulled, *own = tape.gradient(loss, [values[update.through], *variables])
            earlier, regularization = tapes[update.through]
            network = self.objective.networks[self.objective.pass_named(update.through).network]
            ends, slopes = [values[update.through], regularization], [pulled, tf.ones(())]
            moved = [variable.value for variable in network.trainable_variables]
            return self._added(update, own, earlier.gradient(ends, moved, output_gradients=slopes)), logs

        if update.lazy_every == 1:
            return gradients_of(True)
        due = tf.equal(step % update.lazy_every, 0)
        return tf.cond(due, lambda: gradients_of(True), lambda: gradients_of(False))

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        optimizer = self.objective.optimizers[name]
        with adam.in_one_pass(optimizer, self.adam_step) if self.adam_step else contextlib.nullcontext():
            optimizer.apply(gradients, variables)


def _regularization(networks: list) -> tf.Tensor:
    """The sum of the regularizers written in layers, of weights and of the outputs of a network's last run."""
    losses = [tf.cast(loss, tf.float32) for network in networks for loss in network.losses]
    return tf.add_n([tf.zeros(()), *losses])
