"""Training steps on TensorFlow: gradients, compilation and the loop over a chunk of steps."""

import contextlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ganlab.backends import adam, steps, tensorflow_layers
from ganlab.backends.steps import Gradients, adam_replaced, pad, regularization
from ganlab.errors import ConfigError
from ganlab.models.network import COMPUTATIONS
from ganlab.training.draws import empty
from ganlab.training.stages import Logs, Objective, Pass, Update, Values

# Grappler's dependency optimization (TensorFlow 2.21) drops the order between the read of a weight and its update where the graph
# does not need the value otherwise. In some processes a gradient was then computed from weights that had moved already.
tf.config.optimizer.set_experimental_options({"dependency_optimization": False})

COMPUTATIONS.update(tensorflow_layers.COMPUTATIONS)

JIT = (False, True)  # values of the config's `jit`: XLA compiles a chunk of steps, or it does not
on_devices = contextlib.nullcontext  # a config gives it one device


def input_gradient(function: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tf.Tensor:
    """Gradient of the sum of function(points) with respect to points. It can be differentiated again."""
    with tf.GradientTape() as tape:
        tape.watch(points)
        outputs = function(points)
    return tape.gradient(outputs, points)


def set_device(device: str) -> str:
    """Chooses auto, cpu or gpu before anything is built. Returns "cpu" or the name of the device, "gpu: NVIDIA H200"."""
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise ConfigError("device: gpu was asked for, but TensorFlow sees none here; expected auto or cpu")
    if device == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return "cpu"
    return "gpu: " + tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)


def list_devices() -> dict[str, str]:
    """Name -> description, the CPU first: {"cpu:0": "CPU", "gpu:0": "NVIDIA H100"}. `keras.device` takes the names."""
    devices = {}
    for device in tf.config.list_physical_devices():
        kind, number = device.name.split(":")[-2:]  # /physical_device:GPU:0
        name = tf.config.experimental.get_device_details(device).get("device_name", kind)
        devices[f"{kind.lower()}:{number}"] = name
    return devices


class Steps(steps.Steps):
    """Performs an objective's stages, a chunk of steps in one compiled call.

    Args:
        objective, data, value_range, jit: see `steps.Steps`.
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
        super().__init__(objective, data, value_range, jit)
        tune_adam = tune_adam and not tf.config.get_visible_devices("GPU")
        self.adam_step = (adam.for_xla if jit else adam.by_operation) if tune_adam else None
        drawn = empty(objective.draws)
        draws = {name: tf.TensorSpec((None, *array.shape), array.dtype) for name, array in drawn.items()}
        data = {name: tf.TensorSpec(array.shape, array.dtype) for name, array in self.data.items()}
        number = tf.TensorSpec((), tf.int32)
        # autograph=False: loops and conditions are TensorFlow's own, and autograph would take most of the time of tracing.
        options = {"input_signature": (data, draws, number, number), "jit_compile": jit, "autograph": False}
        self._chunk = tf.function(self._run_chunk, **options)

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        steps = len(next(iter(draws.values())))
        if self.jit:
            draws = {name: pad(array, room) for name, array in draws.items()}
        rows = self._chunk(self.data, draws, tf.constant(first), tf.constant(steps))
        return rows.numpy()[:steps].astype(np.float64)

    def _run_chunk(
        self, data: dict[str, tf.Tensor], draws: dict[str, tf.Tensor], first: tf.Tensor, steps: tf.Tensor
    ) -> tf.Tensor:
        room = tf.shape(next(iter(draws.values())))[0]
        rows = tf.TensorArray(tf.float32, size=room, element_shape=(self.column_count,))

        def body(k: tf.Tensor, rows: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            values = self._values(data, {name: numbers[k] for name, numbers in draws.items()}, first + k)
            row = tf.stack([tf.cast(log, tf.float32) for log in self._step(values, first + k)])
            return k + 1, rows.write(k, row)

        # parallel_iterations=1: a step needs the step before, so steps cannot run beside each other.
        _, rows = tf.while_loop(lambda k, rows: k < steps, body, (0, rows), parallel_iterations=1)
        return rows.stack()

    def _gather(self, array: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        return tf.gather(array, rows)

    def _pass(self, stage: Pass, values: Values) -> tuple[tf.Tensor, tuple[tf.GradientTape, tf.Tensor]]:
        network = self.objective.networks[stage.network]
        with tf.GradientTape() as tape:
            output = tf.cast(network(stage.inputs(values), training=True), tf.float32)
            regularizers = regularization(network)
        return output, (tape, regularizers)

    def _gradients(self, update: Update, values: Values, tapes: dict, step: tf.Tensor) -> tuple[Gradients, Logs]:
        variables = [variable.value for variable in self._variables(update)]

        def gradients_of(with_lazy: bool) -> tuple[Gradients, Logs]:
            with tf.GradientTape() as tape:
                if update.through is not None:
                    tape.watch(values[update.through])
                loss, logs = update.loss(values, with_lazy)
                loss = loss + self._regularizers(update)
            if update.through is None:
                return tape.gradient(loss, variables), logs
            pulled, *own = tape.gradient(loss, [values[update.through], *variables])
            earlier, regularizers = tapes[update.through]
            ends, slopes = [values[update.through], regularizers], [pulled, tf.ones(())]
            passed = self.objective.pass_named(update.through).network
            moved = [variable.value for variable in self.trainable[passed]]
            return self._added(update, own, earlier.gradient(ends, moved, output_gradients=slopes)), logs

        if update.lazy_every == 1:
            return gradients_of(True)
        due = tf.equal(step % update.lazy_every, 0)
        return tf.cond(due, lambda: gradients_of(True), lambda: gradients_of(False))

    def _apply(self, name: str, gradients: list, variables: list) -> None:
        with adam_replaced(self.objective.optimizers[name], "update_step", self.adam_step):
            super()._apply(name, gradients, variables)
