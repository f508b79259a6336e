"""The Inception network of 2015-12-05 in Keras layers; FID, KID and the Inception Score are computed from its outputs.

Szegedy et al. 2015 (arXiv 1512.00567), as frozen in TensorFlow's classify_image_graph_def.pb, which Heusel et al.
2017 (arXiv 1706.08500) use for the FID. The network differs from later Inception v3 models in its average pooling, which does
not count the padding, in the maximum pooled in the very last block, and in 1,008 outputs.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras

SIDE, FEATURES, CLASSES = 299, 2048, 1008


class Conv(NamedTuple):
    """A convolution, batch normalization (epsilon 0.001, folded into the convolution here) and ReLU."""

    filters: int
    kernel: tuple[int, int] = (1, 1)
    strides: int = 1
    padding: str = "same"


# "average" and "max" pool over 3x3 without a stride, "halve" is a max pooling of stride 2 without padding.
# Both convolutions of a pair take the same input, and their outputs are joined.
Step = Conv | tuple[Conv, Conv] | str


class Branch(NamedTuple):
    """Steps in a row. `tower` and `torch_name` are the names in the frozen graph and in pytorch-fid's file."""

    tower: str
    torch_name: str
    steps: tuple[Step, ...]

    def named_steps(self) -> Iterator[tuple[Step, list[tuple[str, str]]]]:
        """Each step with the (TensorFlow, torch) names of its convolutions: one, two of a pair, none of a pool."""
        alone = sum(not isinstance(step, str) for step in self.steps) == 1
        number = 0
        for step in self.steps:
            if isinstance(step, str):
                yield step, []
                continue
            torch_name = self.torch_name if alone else f"{self.torch_name}_{number + 1}"
            if isinstance(step, Conv):
                name = f"{self.tower}/conv_{number}" if number else f"{self.tower}/conv"
                yield step, [(name.lstrip("/"), torch_name)]
            else:
                pair = f"{self.tower}/mixed/conv"
                yield step, [(pair, f"{torch_name}a"), (f"{pair}_1", f"{torch_name}b")]
            number += 1


def _block_35(pooled: int) -> tuple[Branch, ...]:
    """35 x 35 positions: 1x1, 5x5, twice 3x3, pooled."""
    three = Conv(96, (3, 3))
    return (
        Branch("", "branch1x1", (Conv(64),)),
        Branch("tower", "branch5x5", (Conv(48), Conv(64, (5, 5)))),
        Branch("tower_1", "branch3x3dbl", (Conv(64), three, three)),
        Branch("tower_2", "branch_pool", ("average", Conv(pooled))),
    )


def _block_17(width: int) -> tuple[Branch, ...]:
    """17 x 17 positions: 1x1, 7x7 as 1x7 and 7x1, twice the same, pooled."""
    row, column = Conv(width, (1, 7)), Conv(width, (7, 1))
    return (
        Branch("", "branch1x1", (Conv(192),)),
        Branch("tower", "branch7x7", (Conv(width), row, Conv(192, (7, 1)))),
        Branch("tower_1", "branch7x7dbl", (Conv(width), column, row, column, Conv(192, (1, 7)))),
        Branch("tower_2", "branch_pool", ("average", Conv(192))),
    )


def _block_8(pool: str) -> tuple[Branch, ...]:
    """8 x 8 positions: 1x1, 3x3 as 1x3 beside 3x1, twice the same, pooled."""
    pair = Conv(384, (1, 3)), Conv(384, (3, 1))
    return (
        Branch("", "branch1x1", (Conv(320),)),
        Branch("tower", "branch3x3", (Conv(384), pair)),
        Branch("tower_1", "branch3x3dbl", (Conv(448), Conv(384, (3, 3)), pair)),
        Branch("tower_2", "branch_pool", (pool, Conv(192))),
    )


def _halving(filters: int) -> Conv:
    return Conv(filters, (3, 3), strides=2, padding="valid")


# (TensorFlow's name, torch's name, step): 299 x 299 x 3 becomes 35 x 35 x 192.
STEM: tuple[tuple[str, str, Step], ...] = (
    ("conv", "Conv2d_1a_3x3", _halving(32)),
    ("conv_1", "Conv2d_2a_3x3", Conv(32, (3, 3), padding="valid")),
    ("conv_2", "Conv2d_2b_3x3", Conv(64, (3, 3))),
    ("pool", "", "halve"),
    ("conv_3", "Conv2d_3b_1x1", Conv(80, padding="valid")),
    ("conv_4", "Conv2d_4a_3x3", Conv(192, (3, 3), padding="valid")),
    ("pool_1", "", "halve"),
)
# (TensorFlow's name, torch's name, branches of one input, joined in this order).
BLOCKS: tuple[tuple[str, str, tuple[Branch, ...]], ...] = (
    ("mixed", "Mixed_5b", _block_35(32)),
    ("mixed_1", "Mixed_5c", _block_35(64)),
    ("mixed_2", "Mixed_5d", _block_35(64)),
    ("mixed_3", "Mixed_6a", (
        Branch("", "branch3x3", (_halving(384),)),
        Branch("tower", "branch3x3dbl", (Conv(64), Conv(96, (3, 3)), _halving(96))),
        Branch("", "", ("halve",)),
    )),
    ("mixed_4", "Mixed_6b", _block_17(128)),
    ("mixed_5", "Mixed_6c", _block_17(160)),
    ("mixed_6", "Mixed_6d", _block_17(160)),
    ("mixed_7", "Mixed_6e", _block_17(192)),
    ("mixed_8", "Mixed_7a", (
        Branch("tower", "branch3x3", (Conv(192), _halving(320))),
        Branch("tower_1", "branch7x7x3", (Conv(192), Conv(192, (1, 7)), Conv(192, (7, 1)), _halving(192))),
        Branch("", "", ("halve",)),
    )),
    ("mixed_9", "Mixed_7b", _block_8("average")),
    ("mixed_10", "Mixed_7c", _block_8("max")),  # an error of 2015 that every published FID contains
)  # fmt: skip


def convolution_names() -> Iterator[tuple[str, str]]:
    """(TensorFlow, torch) names of all 94 convolutions, in the order in which the network is built."""
    yield from ((name, torch_name) for name, torch_name, step in STEM if isinstance(step, Conv))
    for block, torch_block, branches in BLOCKS:
        for _, names in (named for branch in branches for named in branch.named_steps()):
            yield from ((f"{block}/{name}", f"{torch_block}.{torch_name}") for name, torch_name in names)


def build_inception() -> "keras.Model":
    """The network without its batch normalizations, which are folded into the convolutions before them.

    Returns:
        A model of images (N, 299, 299, 3) in [-1, 1] with outputs features (N, 2048) and probabilities (N, 1008).
        Its convolutions are named as in the frozen graph, with _ for /.
    """
    import keras
    from keras import layers

    images = keras.Input((SIDE, SIDE, 3), dtype="float32")
    outputs = images
    for name, _, step in STEM:
        outputs = _apply(step, [name], outputs)
    for block, _, branches in BLOCKS:
        joined = []
        for branch in branches:
            inner = outputs
            for step, names in branch.named_steps():
                inner = _apply(step, [f"{block}/{name}" for name, _ in names], inner)
            joined.append(inner)
        outputs = layers.Concatenate(dtype="float32", name=f"{block}_join")(joined)
    features = layers.GlobalAveragePooling2D(dtype="float32", name="pool_3")(outputs)
    logits = layers.Dense(CLASSES, use_bias=False, dtype="float32", name="logits")(features)
    probabilities = layers.Softmax(dtype="float32", name="probabilities")(logits)
    return keras.Model(images, {"features": features, "probabilities": probabilities}, name="inception")


def _apply(step: Step, names: list[str], inputs: Any) -> Any:
    from keras import layers

    if isinstance(step, str):
        pooling = layers.AveragePooling2D if step == "average" else layers.MaxPooling2D
        sizes = {"strides": 2, "padding": "valid"} if step == "halve" else {"strides": 1, "padding": "same"}
        return pooling(3, **sizes, dtype="float32")(inputs)
    outputs = []
    for each, name in zip([step] if isinstance(step, Conv) else step, names, strict=True):
        # float32 for any precision of the networks under test; zeros, because a file has the weights.
        options = {"activation": "relu", "kernel_initializer": "zeros", "dtype": "float32", "padding": each.padding}
        layer = layers.Conv2D(each.filters, each.kernel, each.strides, name=name.replace("/", "_"), **options)
        outputs.append(layer(inputs))
    return outputs[0] if len(outputs) == 1 else layers.Concatenate(dtype="float32")(outputs)
