"""Keras' layers in PyTorch's own operations compute what Keras' `call` computes."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("PyTorch's layers", allow_module_level=True)

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganlab.backends.torch import _Scope
from ganlab.backends.torch_layers import COMPUTATIONS, MovingStatistics, batch_normalization
from ganlab.models.layers import BatchNormalization
from tests.training.tiny import build, tiny_config

RANDOM = np.random.default_rng(0)
CONVOLUTIONS = {
    "even sides, stride 2": ((6, 8), {"kernel_size": 3, "strides": 2, "padding": "same"}),
    "odd sides, stride 2": ((7, 9), {"kernel_size": 5, "strides": 2, "padding": "same"}),
    "even kernel": ((6, 6), {"kernel_size": (4, 2), "padding": "same"}),
    "stride above the kernel": ((9, 9), {"kernel_size": 2, "strides": 3, "padding": "same"}),
    "dilated": ((9, 9), {"kernel_size": 3, "dilation_rate": 2, "padding": "same"}),
    "valid, groups, no bias": ((6, 6), {"kernel_size": 3, "groups": 2, "use_bias": False, "activation": "relu"}),
}
LAYERS = {
    "Dense": (lambda: keras.layers.Dense(3, activation="tanh"), (5,)),
    "Dense without a bias": (lambda: keras.layers.Dense(3, use_bias=False), (5,)),
    "Dense of a sequence": (lambda: keras.layers.Dense(3), (4, 5)),
    "BatchNormalization": (lambda: BatchNormalization(momentum=0.8), (5,)),
    "BatchNormalization of images": (lambda: BatchNormalization(scale=False, epsilon=1e-5), (4, 6, 3)),
    "BatchNormalization over rows": (lambda: BatchNormalization(axis=1), (4, 6, 3)),
    "a frozen BatchNormalization": (lambda: BatchNormalization(trainable=False, center=False), (5,)),
} | {
    f"Conv2D, {name}": (lambda options=options: keras.layers.Conv2D(4, **options), (*sides, 2))
    for name, (sides, options) in CONVOLUTIONS.items()
}


def outcome(layer, inputs, compute, training):
    """The output, the gradients and the new weights."""
    inputs = torch.tensor(inputs, requires_grad=True)
    with _Scope() as scope:
        outputs = compute(inputs)
    wanted = [inputs, *(weight.value for weight in layer.trainable_weights)]
    gradients = torch.autograd.grad(torch.sum(outputs**3), wanted)
    scope.carry_out()
    return [array.detach().numpy() for array in (outputs, *gradients)] + [np.array(w) for w in layer.weights]


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize(("make", "shape"), LAYERS.values(), ids=LAYERS)
def test_a_layer_computes_what_keras_computes(make, shape, training):
    inputs = RANDOM.normal(1.0, 2.0, (6, *shape)).astype(np.float32)
    keras.utils.set_random_seed(1)
    own, other = make(), make()
    for layer in (own, other):
        layer.build((None, *shape))
    other.set_weights([RANDOM.normal(1.0, 0.2, weight.shape) ** 2 for weight in own.weights])
    own.set_weights(other.get_weights())
    computation = COMPUTATIONS[type(own)]
    takes = {"training": training} if isinstance(own, keras.layers.BatchNormalization) else {}
    found = outcome(own, inputs, lambda x: computation(own, x, training), training)
    expected = outcome(other, inputs, lambda x: other.call(x, **takes), training)
    for one, two in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, two, rtol=2e-4, atol=2e-4)


def test_dropout_keeps_the_mean_and_draws_anew():
    layer = keras.layers.Dropout(0.25, seed=3)
    layer.build((None, 1000))
    ones, computation = torch.ones(40, 1000), COMPUTATIONS[keras.layers.Dropout]
    first, second = computation(layer, ones, True), computation(layer, ones, True)
    values, counts = np.unique(first.numpy(), return_counts=True)
    np.testing.assert_allclose(values, [0.0, 4 / 3], rtol=1e-6)
    assert abs(counts[0] / 40_000 - 0.25) < 0.01 and not torch.equal(first, second)
    assert computation(layer, ones, False) is ones


def test_a_layer_that_runs_twice_in_a_pass_moves_its_statistics_twice():
    layer = BatchNormalization(momentum=0.5)
    layer.build((None, 2))
    with _Scope() as scope:
        for value in (2.0, 6.0):
            batch_normalization(layer, torch.full((4, 2), value), True)
    assert np.allclose(layer.moving_mean, 0)  # until the pass is done
    scope.carry_out()
    np.testing.assert_allclose(layer.moving_mean, [3.5, 3.5])
    np.testing.assert_allclose(layer.moving_variance, [0.25, 0.25], atol=1e-6)


def test_without_a_pass_statistics_move_at_once():
    layer = BatchNormalization(momentum=0.5)
    layer.build((None, 2))
    batch_normalization(layer, torch.full((4, 2), 2.0), True)
    np.testing.assert_allclose(layer.moving_mean, [1.0, 1.0])
    MovingStatistics().carry_out()  # nothing to do


class Operations(TorchDispatchMode):
    """Counts the operations in its block that compute; views of memory do not."""

    VIEWS = (
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

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += not any(view in str(function) for view in self.VIEWS)
        return function(*args, **(kwargs or {}))


def test_a_batch_normalization_adds_few_operations_to_a_step():
    counts = []
    for layers in ([], ["BatchNormalization"]):
        tiny = build(tiny_config(generator=[{"Dense": {"units": 5}}, *layers, {"Dense": {"units": 8}}]))
        tiny.train(1)
        with Operations() as operations:
            tiny.train(1)
        counts.append(operations.count)
    assert counts[1] - counts[0] <= 16
