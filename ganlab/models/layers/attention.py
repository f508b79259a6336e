"""Self-attention of pixels."""

from typing import Any

import keras
from keras import ops

from ganlab.models.layers.tensors import Shape, Tensor


class PixelAttention(keras.layers.Layer):
    """Multi-head self-attention of pixels: (batch, height, width, 3 * channels) to (batch, height, width, channels).

    The input has the queries of all heads, then their keys, then their values. Each head has d = channels / heads of each. The
    layer has no weights: convolutions before it make queries, keys and values.

    Without a window, it is linear attention: a query's softmax over its d numbers, divided by sqrt(d), times the sum over all
    pixels of key and value, where a key's softmax is over the pixels. The cost grows with the number of pixels, not with its
    square. With a window, each pixel attends to the pixels around it by the softmax of query times key / sqrt(d). Beyond the
    edge, keys and values are 0.

    Source: Shen et al. 2018, arXiv 1812.01243, section 3.2 (linear attention); Ramachandran et al. 2019, arXiv 1906.05909,
    equation 2 (a window), without positions. The division by sqrt(d) is from lightweight-gan, which uses both.

    Args:
        heads: number of heads.
        window: side of the square of pixels around each pixel, odd. None for all pixels and linear attention.
    """

    def __init__(self, heads: int = 8, window: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if type(heads) is not int or heads < 1:
            raise ValueError(f"`heads` is an integer >= 1, received {heads!r}")
        if window is not None and (type(window) is not int or window < 3 or window % 2 == 0):
            raise ValueError(f"`window` is an odd integer >= 3 or null, received {window!r}")
        self.heads, self.window = heads, window

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) != 4:
            raise ValueError(f"expected images; the input has {len(input_shape) - 1} axes")
        if input_shape[-1] % (3 * self.heads):
            expected = f"queries, keys and values need a multiple of 3 * heads = {3 * self.heads} channels"
            raise ValueError(f"{expected}, received {input_shape[-1]}")

    def call(self, inputs: Tensor) -> Tensor:
        _, height, width, numbers = inputs.shape
        shape = (-1, height, width, self.heads, numbers // (3 * self.heads))
        queries, keys, values = (ops.reshape(part, shape) for part in ops.split(inputs, 3, axis=-1))
        attend = _attend_to_all if self.window is None else self._attend_nearby
        return ops.reshape(attend(queries, keys, values), (-1, height, width, numbers // 3))

    def _attend_nearby(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        shifted_keys, shifted_values = self._shifted(keys), self._shifted(values)
        products = [ops.sum(queries * key, axis=-1) for key in shifted_keys]
        shares = _softmax(ops.stack(products, axis=-1) * queries.shape[-1] ** -0.5, -1)
        return sum(shares[..., number, None] * value for number, value in enumerate(shifted_values))

    def _shifted(self, parts: Tensor) -> list[Tensor]:
        """One copy for each place of the window, in which each pixel has the numbers of its neighbour at that place."""
        _, height, width, _, _ = parts.shape
        margin = self.window // 2
        padded = ops.pad(parts, ((0, 0), (margin, margin), (margin, margin), (0, 0), (0, 0)))
        places = range(self.window)
        return [padded[:, top : top + height, left : left + width] for top in places for left in places]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], input_shape[-1] // 3)


def _attend_to_all(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Linear attention of (batch, height, width, heads, d)."""
    _, height, width, heads, size = queries.shape
    queries, keys, values = (ops.reshape(part, (-1, height * width, heads, size)) for part in (queries, keys, values))
    sums = ops.einsum("bphk,bphv->bhkv", _softmax(keys, 1), values)
    return ops.einsum("bphk,bhkv->bphv", _softmax(queries, -1) * size**-0.5, sums)


def _softmax(inputs: Tensor, axis: int) -> Tensor:
    """In float32: bfloat16 would round a sum over many pixels."""
    return ops.cast(ops.softmax(ops.cast(inputs, "float32"), axis=axis), inputs.dtype)
