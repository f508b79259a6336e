"""`output.histograms`: how the outputs of chosen layers are spread while a run trains, and how many units are saturated."""

from functools import partial
from pathlib import Path

import keras
import numpy as np
from keras import ops
from scipy.special import expit

from ganlab.models.network import Network
from ganlab.storage.writing import replacing
from ganlab.training.context import RunContext
from ganlab.training.fixed_batches import fixed_batch
from ganlab.training.sampling import scalar_inputs
from ganlab.training.trainer import Callback, Chunk

_SAMPLES = 128
_BINS = 60
_FLAT = 0.00665  # the slope of a sigmoid at -5 and 5
# Activation -> (the activation, its slope as a function of its output).
_ACTIVATIONS = {
    "sigmoid": (expit, lambda outputs: outputs * (1 - outputs)),
    "tanh": (np.tanh, lambda outputs: 1 - np.square(outputs)),
    "relu": (lambda values: np.maximum(values, 0), lambda outputs: (outputs > 0).astype(np.float32)),
}


class Histograms(Callback):
    """Writes histograms/NNNNNN.npz at each step with a sample grid, and hands the shares of saturated units to the history.

    The inputs are the same at each step: 128 latents for a generator, 128 real samples for another network.
    """

    def __init__(self, context: RunContext):
        self.context = context
        self.layers = [
            (network, layer)
            for network, layer in context.config.watched()
            if layer in context.networks[network].shapes  # a layer may belong to another phase
        ]
        self.inputs = {
            network: fixed_batch(context.config, context.dataset, network, _SAMPLES, "histograms")
            for network in dict(self.layers)
        }

    def next_due(self, step: int) -> int | None:
        return self.context.next_sample_step(step) if self.layers else None

    def on_chunk(self, chunk: Chunk) -> None:
        context, step = self.context, chunk.step
        if step != self.next_due(step - 1) or context.health.verdict == "diverged":
            return
        arrays, shares = {}, {}
        for network, values in self._outputs(step).items():
            for layer, outputs in values.items():
                counts, edges = np.histogram(outputs[np.isfinite(outputs)], _BINS)
                arrays |= {f"{network}.{layer}.counts": counts, f"{network}.{layer}.edges": edges}
                shares[context.config.saturation_column(network, layer)] = share_of_saturated(
                    outputs, *activation_of(context.networks[network], layer)
                )
        context.saturation[step] = {name: share for name, share in shares.items() if share is not None}
        context.writer.submit(partial(write_histograms, context.folder.histogram(step), arrays))

    def _outputs(self, step: int) -> dict[str, dict[str, np.ndarray]]:
        """network -> layer -> its outputs in inference, float32."""
        found = {}
        for name, inputs in self.inputs.items():
            network = self.context.networks[name]
            scalars = scalar_inputs(self.context.config, step, len(inputs["input"]))
            taken = {key: ops.convert_to_tensor(array) for key, array in (inputs | scalars).items()}
            layers = [layer for owner, layer in self.layers if owner == name]
            outputs = network.run(taken, features=layers)
            found[name] = {layer: ops.convert_to_numpy(ops.cast(outputs[layer], "float32")) for layer in layers}
        return found


def activation_of(network: Network, layer: str) -> tuple[str | None, bool]:
    """The activation that saturates the outputs of a layer, and whether the outputs are values before this activation.

    It is the layer's own activation, else the `Activation` or `ReLU` that takes the outputs. (None, False) if neither is a
    sigmoid, tanh or ReLU.
    """
    node = next(node for node in network.nodes if node.name == layer)
    if name := _activation(node.layer):
        return name, False
    alone = (keras.layers.Activation, keras.layers.ReLU)  # a Dense applies its activation to other values
    following = [other.layer for other in network.nodes if layer in other.takes and isinstance(other.layer, alone)]
    name = _activation(following[0]) if following else None
    return name, name is not None


def _activation(layer: keras.Layer) -> str | None:
    """The name of a layer's activation if the activation can saturate."""
    if isinstance(layer, keras.layers.ReLU):
        return None if layer.negative_slope else "relu"
    name = getattr(getattr(layer, "activation", None), "__name__", None)
    return name if name in _ACTIVATIONS else None


def share_of_saturated(values: np.ndarray, activation: str | None, before: bool = False) -> float | None:
    """Share of the values at which the activation is nearly flat: its slope is below 0.00665, a sigmoid's slope at 5.

    For a sigmoid these are inputs beyond -5 and 5, for tanh inputs beyond -3.2 and 3.2, for ReLU negative inputs.

    Args:
        values: of any shape.
        activation: `sigmoid`, `tanh` or `relu`; None gives None.
        before: whether the values are the activation's inputs, not its outputs.
    """
    if activation is None:
        return None
    function, slope = _ACTIVATIONS[activation]
    values = values.astype(np.float64)
    return float(np.mean(slope(function(values) if before else values) < _FLAT))


def write_histograms(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes NETWORK.LAYER.counts (60,) and NETWORK.LAYER.edges (61,) as .npz, completely or not at all."""
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)
