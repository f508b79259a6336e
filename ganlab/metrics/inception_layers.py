"""The layers of the Inception network of 2015-12-05 as data: one table for building it and for naming its weights.

Szegedy et al. 2015 (arXiv 1512.00567), as frozen in TensorFlow's classify_image_graph_def.pb, which Heusel et al.
2017 (arXiv 1706.08500) measure with. It differs from later Inception v3 models in its average pooling, which does
not count the padding, in the maximum pooled in the very last block, and in 1,008 outputs.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Convolution:
    """A convolution, batch normalization (epsilon 0.001, folded into it here) and ReLU."""

    filters: int
    kernel: tuple[int, int]
    strides: int = 1
    padding: str = "same"


@dataclass(frozen=True)
class Pool:
    """Pooling over 3x3, by "average" or "max"."""

    kind: str
    strides: int = 1
    padding: str = "same"


Step = Convolution | tuple[Convolution, Convolution] | Pool  # a pair takes one input, and its outputs are joined


@dataclass(frozen=True)
class Branch:
    """Steps in a row. `tower` and `torch_name` are what the frozen graph and pytorch-fid's file call them."""

    tower: str
    torch_name: str
    steps: tuple[Step, ...]

    def named_steps(self) -> Iterator[tuple[Step, list[tuple[str, str]]]]:
        """Each step with the (TensorFlow, torch) names of its convolutions: one, two of a pair, none of a pool."""
        alone = sum(not isinstance(step, Pool) for step in self.steps) == 1
        number = 0
        for step in self.steps:
            if isinstance(step, Pool):
                yield step, []
                continue
            torch_name = self.torch_name if alone else f"{self.torch_name}_{number + 1}"
            if isinstance(step, tuple):
                tower = f"{self.tower}/mixed"
                yield step, [(f"{tower}/conv", f"{torch_name}a"), (f"{tower}/conv_1", f"{torch_name}b")]
            else:
                name = f"conv_{number}" if number else "conv"
                yield step, [(f"{self.tower}/{name}".lstrip("/"), torch_name)]
            number += 1


@dataclass(frozen=True)
class Block:
    """Branches of one input, joined in this order."""

    name: str
    torch_name: str
    branches: tuple[Branch, ...]


def _one(filters: int) -> Convolution:
    return Convolution(filters, (1, 1))


def _halving(filters: int) -> Convolution:
    return Convolution(filters, (3, 3), strides=2, padding="valid")


def _block_35(name: str, torch_name: str, pooled: int) -> Block:
    """35 x 35 positions: 1x1, 5x5, twice 3x3, pooled."""
    three = Convolution(96, (3, 3))
    return Block(name, torch_name, (
        Branch("", "branch1x1", (_one(64),)),
        Branch("tower", "branch5x5", (_one(48), Convolution(64, (5, 5)))),
        Branch("tower_1", "branch3x3dbl", (_one(64), three, three)),
        Branch("tower_2", "branch_pool", (Pool("average"), _one(pooled))),
    ))  # fmt: skip


def _block_17(name: str, torch_name: str, width: int) -> Block:
    """17 x 17 positions: 1x1, 7x7 as 1x7 and 7x1, twice the same, pooled."""
    row, column = Convolution(width, (1, 7)), Convolution(width, (7, 1))
    last_row, last_column = Convolution(192, (1, 7)), Convolution(192, (7, 1))
    return Block(name, torch_name, (
        Branch("", "branch1x1", (_one(192),)),
        Branch("tower", "branch7x7", (_one(width), row, last_column)),
        Branch("tower_1", "branch7x7dbl", (_one(width), column, row, column, last_row)),
        Branch("tower_2", "branch_pool", (Pool("average"), _one(192))),
    ))  # fmt: skip


def _block_8(name: str, torch_name: str, pool: str) -> Block:
    """8 x 8 positions: 1x1, 3x3 as 1x3 beside 3x1, twice the same, pooled."""
    pair = Convolution(384, (1, 3)), Convolution(384, (3, 1))
    return Block(name, torch_name, (
        Branch("", "branch1x1", (_one(320),)),
        Branch("tower", "branch3x3", (_one(384), pair)),
        Branch("tower_1", "branch3x3dbl", (_one(448), Convolution(384, (3, 3)), pair)),
        Branch("tower_2", "branch_pool", (Pool(pool), _one(192))),
    ))  # fmt: skip


_SHRINK = Pool("max", strides=2, padding="valid")
# (TensorFlow name, torch name, step): 299 x 299 x 3 becomes 35 x 35 x 192.
STEM: tuple[tuple[str, str, Step], ...] = (
    ("conv", "Conv2d_1a_3x3", _halving(32)),
    ("conv_1", "Conv2d_2a_3x3", Convolution(32, (3, 3), padding="valid")),
    ("conv_2", "Conv2d_2b_3x3", Convolution(64, (3, 3))),
    ("pool", "", _SHRINK),
    ("conv_3", "Conv2d_3b_1x1", Convolution(80, (1, 1), padding="valid")),
    ("conv_4", "Conv2d_4a_3x3", Convolution(192, (3, 3), padding="valid")),
    ("pool_1", "", _SHRINK),
)
BLOCKS: tuple[Block, ...] = (
    _block_35("mixed", "Mixed_5b", 32),
    _block_35("mixed_1", "Mixed_5c", 64),
    _block_35("mixed_2", "Mixed_5d", 64),
    Block("mixed_3", "Mixed_6a", (
        Branch("", "branch3x3", (_halving(384),)),
        Branch("tower", "branch3x3dbl", (_one(64), Convolution(96, (3, 3)), _halving(96))),
        Branch("", "", (_SHRINK,)),
    )),
    _block_17("mixed_4", "Mixed_6b", 128),
    _block_17("mixed_5", "Mixed_6c", 160),
    _block_17("mixed_6", "Mixed_6d", 160),
    _block_17("mixed_7", "Mixed_6e", 192),
    Block("mixed_8", "Mixed_7a", (
        Branch("tower", "branch3x3", (_one(192), _halving(320))),
        Branch("tower_1", "branch7x7x3", (
            _one(192), Convolution(192, (1, 7)), Convolution(192, (7, 1)), _halving(192),
        )),
        Branch("", "", (_SHRINK,)),
    )),
    _block_8("mixed_9", "Mixed_7b", "average"),
    _block_8("mixed_10", "Mixed_7c", "max"),  # an error of 2015 that every published FID contains
)  # fmt: skip
SIDE, FEATURES, CLASSES = 299, 2048, 1008


def convolution_names() -> Iterator[tuple[str, str]]:
    """(TensorFlow, torch) names of all 94 convolutions, in the order in which the network is built."""
    yield from ((name, torch_name) for name, torch_name, step in STEM if isinstance(step, Convolution))
    for block in BLOCKS:
        for branch in block.branches:
            for _, names in branch.named_steps():
                yield from ((f"{block.name}/{name}", f"{block.torch_name}.{torch_name}") for name, torch_name in names)
