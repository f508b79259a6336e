"""Counts the operations of a step on PyTorch: ganlab's, with and without its own computations of layers, and a hand-written loop's.

    GANLAB_DATA=... python benchmarks/torch_operations.py configs/exp01.yaml

Small networks wait for the start of operations, on a GPU most of all. Views of memory are not counted.
"""

import sys

from ganlab.backends.select import select_backend

select_backend("torch")

from ours import Ours  # noqa: E402
from peers_torch import TorchPeer  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from ganlab.config.loading import load_config  # noqa: E402
from ganlab.data.registry import load_dataset  # noqa: E402
from ganlab.models.network import COMPUTATIONS  # noqa: E402

_VIEWS = (
    "view",
    "t.default",
    "transpose",
    "detach",
    "alias",
    "expand",
    "squeeze",
    "permute",
    "select",
    "slice",
    "split",
)
_NO_WORK = (*_VIEWS, "unbind", "lift_fresh", "profiler", "empty", "_local_scalar")


class Operations(TorchDispatchMode):
    """Counts the operations that compute."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += not any(word in str(function) for word in _NO_WORK)
        return function(*args, **(kwargs or {}))


def count(side) -> int:
    side.run(2)
    with Operations() as operations:
        side.run(1)
    return operations.count


def main() -> None:
    config = load_config(sys.argv[1], ["data.limit=2000"])
    dataset = load_dataset(config.data, config.error_at)
    print(f"{config.name}: ganlab {count(Ours('torch', config, dataset))}")
    print(f"{config.name}: by hand {count(TorchPeer(config, dataset.train.images))}")
    COMPUTATIONS.clear()
    print(f"{config.name}: ganlab with Keras' own computations of layers {count(Ours('torch', config, dataset))}")


if __name__ == "__main__":
    main()
