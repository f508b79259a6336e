"""A compiled network: single Keras layers, the inputs of each layer, and one way to run them."""

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from ganlab.models.layers.normalization import ReferenceBatch

Tensor = Any
INPUT, LABELS = "input", "labels"
INPUTS = (INPUT, LABELS, "step", "fade")  # in the order in which the Keras model takes them
# Type of layer -> a backend's faster computation of it, called with (layer, input, training). The backend's module adds its own.
COMPUTATIONS: dict[type, Callable[[keras.Layer, Tensor, bool], Tensor]] = {}


@dataclass(frozen=True)
class Node:
    """One call of one layer.

    Attributes:
        name: the name of the call's output; other nodes take the output by this name.
        layer: a Keras layer.
        takes: names of the values that the layer is called with, in order.
        more: argument of the layer's call -> name of its value, such as `{"labels": "labels"}`.
        shape: the shape of the output, without the batch.
        masked: whether some layer of the network makes a mask, which Keras hands from layer to layer.
    """

    name: str
    layer: keras.Layer
    takes: tuple[str, ...]
    more: Mapping[str, str] = field(default_factory=dict)
    shape: tuple[int | None, ...] = ()
    masked: bool = False

    def call(self, values: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        """The layer's output for these values."""
        arguments = [values[name] for name in self.takes]
        # A merging layer takes one list, any other layer one tensor.
        first = arguments[0] if len(arguments) == 1 else arguments
        return self.layer(first, training=training, **{key: values[name] for key, name in self.more.items()})

    def compute(self, values: Mapping[str, Tensor], training: bool) -> Tensor:
        """The same output as `call`, without Keras' checks and casts around the computation, where they change nothing.

        On PyTorch they take longer than the computation of a small layer.
        """
        if not self._is_plain:
            return self.call(values, training)
        arguments = [values[name] for name in self.takes]
        computation = COMPUTATIONS.get(type(self.layer))
        if computation is not None and keras.ops.is_tensor(arguments[0]):  # Keras' own takes arrays as well
            return computation(self.layer, arguments[0], training)
        return self.layer.call(arguments[0] if len(arguments) == 1 else arguments, **self._training[training])

    @functools.cached_property
    def _is_plain(self) -> bool:
        """Whether the layer's computation is all that a call does: no cast, no loss of its output, no layer inside, no mask."""
        layer = self.layer
        is_float32 = layer.compute_dtype == layer.variable_dtype == "float32"
        is_alone = not any(isinstance(value, keras.Layer) for value in vars(layer).values())
        return is_float32 and is_alone and layer.activity_regularizer is None and not self.more and not self.masked

    @functools.cached_property
    def _training(self) -> dict[bool, dict[str, bool]]:
        """The argument that tells the layer's `call` whether it trains; {} for a layer that has none."""
        takes = "training" in inspect.signature(self.layer.call).parameters
        return {training: {"training": training} if takes else {} for training in (True, False)}


@dataclass(frozen=True)
class Network:
    """A network of single layers.

    Attributes:
        name: such as `generator`.
        inputs: names of the inputs: `input` (latents or samples) first, then inputs that layers take, such as `labels`.
        nodes: the calls in the order in which they run. The last call gives the network's output.
        model: the same layers as a Keras model, which owns the weights. Summaries and weight files come from it.
        features: names of the layers that the config named. `run` can return their outputs.
    """

    name: str
    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    model: keras.Model
    features: tuple[str, ...] = ()

    def run(
        self,
        values: Tensor | Mapping[str, Tensor],
        training: bool = False,
        features: Collection[str] = (),
        moving: bool = False,
    ) -> dict[str, Tensor]:
        """Runs the layers.

        Args:
            values: name -> value for each of `inputs`; other names are ignored. A tensor stands for `input` alone.
            training: whether dropout drops and batch normalization uses the batch's statistics.
            features: names of layers whose outputs are returned too.
            moving: whether batch normalization uses its moving statistics, unchanged, in training as well.

        Returns: `output` and the outputs of `features`, in the layers' own precision.
        """
        known = dict(values) if isinstance(values, Mapping) else {INPUT: values}
        for node in self.nodes:
            is_frozen = moving and isinstance(node.layer, keras.layers.BatchNormalization)
            known[node.name] = node.compute(known, training and not is_frozen)
        return {"output": known[self.nodes[-1].name], **{name: known[name] for name in features}}

    def __call__(self, values: Tensor | Mapping[str, Tensor], training: bool = False) -> Tensor:
        """The output alone; see `run`."""
        return self.run(values, training)["output"]

    def predict(self, values: np.ndarray | Mapping[str, np.ndarray]) -> np.ndarray:
        """The output in inference for one batch of arrays, float32. Keras compiles once for each batch size."""
        values = values if isinstance(values, Mapping) else {INPUT: values}
        arrays = [values[name] for name in self.inputs]
        if keras.backend.backend() == "jax" and not self.model.jit_compile:
            self.model.jit_compile = True  # otherwise JAX would compile each operation by itself
        return np.asarray(self.model.predict_on_batch(arrays[0] if len(arrays) == 1 else arrays), np.float32)

    @property
    def layers(self) -> list[keras.Layer]:
        """The layers in the order in which they run first."""
        return list(dict.fromkeys(node.layer for node in self.nodes))

    @property
    def shapes(self) -> dict[str, tuple[int | None, ...]]:
        """The shape of every input and of every node's value, without the batch."""
        inputs = {name: tuple(tensor.shape[1:]) for name, tensor in zip(self.inputs, self.model.inputs, strict=True)}
        return inputs | {node.name: node.shape for node in self.nodes}

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of `input`, without the batch."""
        return tuple(self.model.inputs[0].shape[1:])

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output, without the batch."""
        return self.nodes[-1].shape

    @property
    def references(self) -> dict[str, ReferenceBatch]:
        """Input -> the layer that holds the reference batch of this input as its weight `batch`; {} if no layer takes one."""
        return {layer.of: layer for layer in self.layers if isinstance(layer, ReferenceBatch)}

    @property
    def variables(self) -> list:
        return self.model.variables

    @property
    def trainable_variables(self) -> list:
        return self.model.trainable_variables

    @property
    def losses(self) -> list:
        """The regularizers' values: of weights, and of the outputs of the last run."""
        return self.model.losses
