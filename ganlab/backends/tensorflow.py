"""Training steps on TensorFlow: gradients, compilation and the loop over a chunk of steps."""

import contextlib
from collections.abc import Callable, Collection

import keras
import numpy as np
import tensorflow as tf

from ganlab.backends import adam
from ganlab.errors import ConfigError
from ganlab.models.flops import has_convolutions, step_flops
from ganlab.training.stages import Objective, Pass, Update, Values, combine_logs

JIT = (False, True)  # what `jit` can be; which is faster depends on the networks and the machine
# From here on dense networks are compiled by XLA untried, which takes seconds: half a minute of training on two cores.
_MANY_OPERATIONS = 6e12
TUNINGS = ("dense", "adam")  # of steps on a CPU: `xla.tune_dense` where XLA compiles, `adam.in_one_pass`


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


class Steps:
    """Performs an objective's stages, a chunk of steps in one compiled call.

    Args:
        objective: what one step does.
        images: training data, uint8 (N, ...), kept on the device.
        value_range: (low, high) that 0 and 255 become.
        jit: whether XLA compiles the chunk.
        tunings: which of TUNINGS are used.
    """

    def __init__(
        self,
        objective: Objective,
        images: np.ndarray,
        value_range: tuple[float, float],
        jit: bool,
        tunings: Collection[str] = TUNINGS,
    ):
        tunings = () if tf.config.get_visible_devices("GPU") else tunings
        self.objective = objective
        self.adam_step = (adam.for_xla if jit else adam.by_operation) if "adam" in tunings else None
        self.images = tf.constant(images)
        self.low, self.scale = value_range[0], (value_range[1] - value_range[0]) / 255.0
        self.jit = jit
        kinds = {name: tf.int32 if draw.kind == "images" else tf.float32 for name, draw in objective.draws.items()}
        draws = {name: tf.TensorSpec((None, *draw.shape), kinds[name]) for name, draw in objective.draws.items()}
        number = tf.TensorSpec((), tf.int32)
        signature = (tf.TensorSpec(self.images.shape, self.images.dtype), draws, number, number)
        # autograph=False: loops and conditions are TensorFlow's already, and rewriting the sources takes longer than the rest.
        options = {"input_signature": signature, "jit_compile": jit, "autograph": False}
        self._chunk = tf.function(self._run_chunk, **options)

    def run(self, draws: dict[str, np.ndarray], first: int, room: int) -> np.ndarray:
        """Performs len(draws) steps from step `first`, counted from 0.

        Args:
            draws: name -> (steps, ...), see `training.draws`.
            first: index of the first step.
            room: most steps a chunk has. XLA compiles for one size, so shorter chunks are padded (and not performed).

        Returns: float64 (steps, columns), the objective's columns.
        """
        steps = len(next(iter(draws.values())))
        if self.jit:
            draws = {name: _pad(array, room) for name, array in draws.items()}
        rows = self._chunk(self.images, draws, tf.constant(first), tf.constant(steps))
        return rows.numpy()[:steps].astype(np.float64)

    def _run_chunk(self, images, draws, first, steps):
        room = tf.shape(next(iter(draws.values())))[0]
        rows = tf.TensorArray(tf.float32, size=room, element_shape=(len(self.objective.columns),))

        def body(k, rows):
            values = {name: self._value(images, name, numbers[k]) for name, numbers in draws.items()}
            row = tf.stack([tf.cast(log, tf.float32) for log in self._step(values, first + k)])
            return k + 1, rows.write(k, row)

        # parallel_iterations=1: steps follow each other, so nothing is gained by keeping several at hand.
        _, rows = tf.while_loop(lambda k, rows: k < steps, body, (0, rows), parallel_iterations=1)
        return rows.stack()

    def _value(self, images, name, numbers):
        if self.objective.draws[name].kind != "images":
            return numbers
        gathered = tf.gather(images, numbers)
        if gathered.dtype != tf.uint8:
            return gathered
        return tf.cast(gathered, tf.float32) * self.scale + self.low

    def _step(self, values: Values, step: tf.Tensor) -> list[tf.Tensor]:
        values, tapes, logs = dict(values), {}, {}
        for stage in self.objective.stages:
            if isinstance(stage, Pass):
                self._pass(stage, values, tapes)
            else:
                self._update(stage, values, tapes, step, logs)
        return combine_logs(self.objective, logs)

    def _pass(self, stage: Pass, values: Values, tapes: dict) -> None:
        network = self.objective.called(stage.network)
        with tf.GradientTape() as tape:
            output = tf.cast(network(stage.inputs(values), training=True), tf.float32)
            regularization = _regularization(network)
        values[stage.name], tapes[stage.name] = output, (tape, regularization)

    def _update(self, update: Update, values: Values, tapes: dict, step: tf.Tensor, logs: dict) -> None:
        network = self.objective.networks[update.network]
        variables = [variable.value for variable in network.trainable_variables]

        def gradients_of(with_lazy: bool):
            with tf.GradientTape() as tape:
                if update.through is not None:
                    tape.watch(values[update.through])
                loss, new_logs = update.loss(values, with_lazy)
                if update.through is None:
                    loss = loss + _regularization(network)
            if update.through is None:
                return tape.gradient(loss, variables), new_logs
            pulled, *own = tape.gradient(loss, [values[update.through], *variables])
            earlier, regularization = tapes[update.through]
            ends, slopes = [values[update.through], regularization], [pulled, tf.ones(())]
            pulled = earlier.gradient(ends, variables, output_gradients=slopes)
            return [a if b is None else a + b for a, b in zip(pulled, own, strict=True)], new_logs

        if update.lazy_every == 1:
            gradients, new_logs = gradients_of(True)
        else:
            due = tf.equal(step % update.lazy_every, 0)
            gradients, new_logs = tf.cond(due, lambda: gradients_of(True), lambda: gradients_of(False))
        optimizer = self.objective.optimizers[update.network]
        with adam.in_one_pass(optimizer, self.adam_step) if self.adam_step else contextlib.nullcontext():
            optimizer.apply(gradients, network.trainable_variables)
        for action in update.after:
            action(tf.cast(step, tf.float32))
        for name, value in new_logs.items():
            logs.setdefault(name, []).append(value)


def _regularization(network: keras.Model) -> tf.Tensor:
    """The sum of the regularizers written in layers, of weights and of the outputs of the network's last pass."""
    return tf.add_n([tf.zeros(()), *(tf.cast(loss, tf.float32) for loss in network.losses)])


def _pad(array: np.ndarray, room: int) -> np.ndarray:
    if len(array) == room:
        return array
    return np.concatenate([array, np.zeros((room - len(array), *array.shape[1:]), array.dtype)])
