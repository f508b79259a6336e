"""Counts floating-point operations of a step from layer shapes: a multiplication and its addition are two operations.

Only layers with a kernel are counted. Activations, normalization, up-sampling and optimizers are a few per cent in these networks.
A backward pass costs two forward passes: one for the gradients of the inputs and one for those of the weights.
"""

import math

import keras

from ganlab.models.network import Network
from ganlab.training.stages import Objective, Pass

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


def forward_flops(network: Network) -> int:
    """Operations of one sample through the network. A reference batch counts as if it had the size of the batch."""
    shapes = network.shapes
    return sum(_flops(node.layer, shapes[node.takes[0]], node.shape) for node in network.nodes)


def _flops(layer: keras.Layer, given: tuple[int, ...], made: tuple[int, ...]) -> int:
    """Operations of one call from the shape `given` to the shape `made`."""
    layer = getattr(layer, "layer", layer)  # of a wrapper, such as SpectralNormalization
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    # Each position of the output (for a transposed convolution: of the input) multiplies the whole kernel once.
    positions = given[:-1] if isinstance(layer, _TRANSPOSED) else made[:-1]
    if isinstance(layer, (*_CONVOLUTIONS, *_TRANSPOSED, keras.layers.Dense)):
        return 2 * math.prod(kernel.shape) * math.prod(positions)
    return 2 * math.prod(kernel.shape)


def has_convolutions(objective: Objective) -> bool:
    """Whether any trained weight has more than two axes."""
    return any(len(v.shape) > 2 for network in objective.networks.values() for v in network.trainable_variables)


def lane_memory(objective: Objective) -> int:
    """Bytes that one of several runs that train together takes on the device: an estimate on the safe side.

    Its state exists five times: before and after the steps, inside their loop, and twice for its callbacks. Each output of a
    layer exists twice, with its gradient.
    """
    state = sum(math.prod(v.shape) for owned in objective.variables().values() for v in owned)
    sample = {name: sum(map(math.prod, network.shapes.values())) for name, network in objective.networks.items()}
    outputs = sum(stage.samples * sample[stage.network] for stage in objective.stages if isinstance(stage, Pass))
    outputs += sum(update.samples * sum(sample.values()) for update in objective.gradients)
    return 4 * (5 * state + 2 * outputs)


def step_flops(objective: Objective) -> int:
    """Operations of one training step, without penalties (a second backward pass).

    The images that the generator's term of latent consistency needs are not counted, either.
    """
    forward = {name: forward_flops(model) for name, model in objective.networks.items()}
    total = 0
    for stage in objective.stages:
        if isinstance(stage, Pass):
            total += stage.samples * forward[stage.network]
    for update in objective.gradients:
        moved = sum(forward[name] for name in update.networks)
        if update.through is None:
            total += update.samples * 3 * moved
        else:
            # Forward and back to the images through the other networks, then back through the moved networks.
            others = sum(cost for name, cost in forward.items() if name not in update.networks)
            total += update.samples * (2 * others + 2 * moved)
    return total
