"""Sources: layers that output another value of the network and ignore the output of the layer before.

`instead` names the value. The argument `of` of `Output` names an earlier layer.
"""

from typing import Any

import keras

from ganlab.models.layers.tensors import SameShape, Shape, Tensor


class Labels(SameShape):
    """The labels of the samples as one-hot vectors: (batch, classes). A `Dense` without bias after it is an embedding."""

    instead = "labels"

    def call(self, labels: Tensor) -> Tensor:
        return labels


class Step(SameShape):
    """The training step, counted from 0: (batch, 1), always float32, because bfloat16 rounds large steps."""

    instead = "step"

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs | {"dtype": "float32"})

    def call(self, step: Tensor) -> Tensor:
        return step


class Latents(keras.layers.Layer):
    """A part of the network's input, for networks whose input is a vector: (batch, count).

    Source: Brock et al. 2019, arXiv 1809.11096, section 3.1: each block of a generator gets its own part of the latents.

    Args:
        first: index of the first number, from 0.
        count: number of numbers.
    """

    instead = "input"

    def __init__(self, first: int, count: int, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value, least in (("first", first, 0), ("count", count, 1)):
            if type(value) is not int or value < least:
                raise ValueError(f"`{name}` is an integer >= {least}, received {value!r}")
        self.first, self.count = first, count

    def build(self, latents_shape: Shape) -> None:
        if len(latents_shape) != 2:
            raise ValueError(
                f"parts can be taken of a vector only; the network's input has {len(latents_shape) - 1} axes"
            )
        if self.first + self.count > latents_shape[1]:
            end = self.first + self.count
            raise ValueError(f"the part ends at {end}, but the network's input has {latents_shape[1]} numbers")

    def call(self, latents: Tensor) -> Tensor:
        return latents[:, self.first : self.first + self.count]

    def compute_output_shape(self, latents_shape: Shape) -> Shape:
        return (latents_shape[0], self.count)


class Output(SameShape):
    """The output of an earlier layer of the network: a skip connection, as in U-Net.

    Source: Ronneberger et al. 2015, arXiv 1505.04597, figure 1.

    Args:
        of: the `name:` of the earlier layer.
    """

    instead = None

    def __init__(self, of: str, **kwargs: Any):
        super().__init__(**kwargs)
        self.of = of

    def call(self, inputs: Tensor) -> Tensor:
        return inputs
