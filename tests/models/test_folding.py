"""A folded network is the plain one: the same variables, outputs, gradients and training."""

import random

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.models.compiler import compile_network
from ganlab.models.flops import forward_flops
from ganlab.models.folding import UpSampledConvolution, fold, fold_objective
from ganlab.models.network import Network
from tests.training.tiny import BACKEND, build, tiny_config

UP = {"size": 2}
CONVOLUTION = {"filters": 3, "kernel_size": 3, "padding": "same"}


def network(up: dict, convolution: dict, precision: str = "float32", **more) -> Network:
    convolution = convolution | {"bias_initializer": "random_normal"} | more
    return compiled([{"UpSampling2D": up}, {"Conv2D": convolution}], precision)


def compiled(layers: list, precision: str = "float32") -> Network:
    config = tiny_config(generator=layers)
    random.seed(0)
    return compile_network(config.generator, (5, 4, 2), config.error_at, "generator", precision)


def outputs_and_gradients(model: Network) -> list[np.ndarray]:
    points = ops.convert_to_tensor(np.random.default_rng(0).standard_normal((3, 5, 4, 2)), "float32")

    def loss(points):
        outputs = ops.reshape(model(points), -1)
        return outputs**2 * ops.arange(len(outputs), dtype="float32")

    def by(variable):
        def loss_of(weight):
            with keras.StatelessScope([(variable, weight)]):
                return loss(points)

        return BACKEND.input_gradient(loss_of, ops.convert_to_tensor(np.array(variable)))

    gradients = [BACKEND.input_gradient(loss, points), *map(by, model.trainable_variables)]
    return [ops.convert_to_numpy(array) for array in (model(points), *gradients)]


def assert_same_function(folded: Network, plain: Network) -> None:
    for ours, theirs in zip(outputs_and_gradients(folded), outputs_and_gradients(plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, (2, 3), (4, 1)])
@pytest.mark.parametrize("options", [{}, {"activation": "tanh"}, {"use_bias": False}])
def test_outputs_and_gradients_are_those_of_the_plain_network(kernel, options):
    plain = network(UP, CONVOLUTION | {"kernel_size": kernel}, **options)
    folded = fold(plain)
    assert any(isinstance(layer, UpSampledConvolution) for layer in folded.layers)
    assert_same_function(folded, plain)


ONE = CONVOLUTION | {"kernel_size": 1}


@pytest.mark.parametrize(
    ("up", "convolution"),
    [
        (UP, ONE | {"activation": "relu"}),
        (UP | {"size": (3, 1)}, ONE | {"padding": "valid"}),
        (UP | {"interpolation": "bilinear"}, ONE),
    ],
)
def test_a_convolution_of_single_pixels_comes_before_the_up_sampling(up, convolution):
    plain = network(up, convolution)
    folded = fold(plain)
    assert [type(layer).__name__ for layer in folded.layers] == ["Conv2D", "UpSampling2D"]
    assert [node.shape for node in folded.nodes] == [(5, 4, 3), plain.output_shape]
    assert folded.nodes[-1].name == "conv2d" and forward_flops(folded) < forward_flops(plain)
    assert_same_function(folded, plain)


def test_variables_and_losses_of_weights_are_the_plain_network_s_own():
    plain = network(UP, CONVOLUTION, kernel_regularizer="l2")
    folded = fold(plain)
    assert [id(v) for v in folded.variables] == [id(v) for v in plain.variables]
    np.testing.assert_allclose(*(ops.convert_to_numpy(model.losses) for model in (folded, plain)))


@pytest.mark.parametrize(
    ("up", "convolution"),
    [
        (UP | {"size": 3}, {}),
        (UP | {"size": (2, 1)}, {}),
        (UP | {"interpolation": "bilinear"}, {}),
        (UP, {"padding": "valid"}),
        (UP, {"strides": 2}),
        (UP, {"dilation_rate": 2}),
        (UP, {"groups": 2, "filters": 4}),
        (UP, {"activity_regularizer": "l2"}),
        (UP | {"activity_regularizer": "l2"}, {}),
        (UP | {"interpolation": "bilinear"}, ONE | {"activation": "relu"}),
    ],
)
def test_what_is_another_function_is_left_alone(up, convolution):
    plain = network(up, CONVOLUTION | convolution)
    assert fold(plain) is plain


def test_sums_of_weights_in_bfloat16_would_be_rounded_otherwise_so_it_is_left_alone():
    plain = network(UP, CONVOLUTION, precision="mixed_bfloat16")
    assert fold(plain) is plain


def branches(*before: dict | str, left: list, right: list) -> Network:
    return compiled([*before, {"merge": "Add", "branches": {"left": left, "right": right}}])


CONV = {"Conv2D": CONVOLUTION | {"bias_initializer": "random_normal"}}


def test_a_pair_folds_inside_a_branch():
    plain = branches("LeakyReLU", left=["UpSampling2D", CONV], right=["ReLU", "UpSampling2D", CONV, "ReLU"])
    folded = fold(plain)
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert kinds.count("UpSampledConvolution") == 2 and "UpSampling2D" not in kinds
    assert [node.shape for node in folded.nodes if node.name == "add"] == [(10, 8, 3)]
    assert_same_function(folded, plain)


READ_TWICE = {
    "by two branches": lambda: branches("UpSampling2D", left=[CONV], right=[CONV]),
    "by a merging layer": lambda: compiled(
        ["UpSampling2D", {"merge": "Concatenate", "branches": {"images": [], "changed": [CONV]}}]
    ),
    "by its name": lambda: compiled([{"UpSampling2D": {"name": "large"}}, CONV]),
    "by an Output": lambda: compiled(
        [
            {"UpSampling2D": {"name": "large"}},
            CONV,
            {"merge": "Concatenate", "branches": {"new": [], "skip": [{"Output": {"of": "large"}}]}},
        ]
    ),
}


@pytest.mark.parametrize("layers", READ_TWICE.values(), ids=READ_TWICE)
def test_an_up_sampled_value_that_something_else_reads_is_left_alone(layers):
    plain = layers()
    assert fold(plain) is plain


def test_a_named_convolution_folds_and_stays_a_feature():
    plain = compiled(["UpSampling2D", {"Conv2D": CONVOLUTION | {"name": "large"}}, "ReLU"])
    points = np.ones((2, 5, 4, 2), np.float32)
    ours, theirs = (network.run(points, features=["large"])["large"] for network in (fold(plain), plain))
    assert fold(plain) is not plain and ours.shape == (2, 10, 8, 3)
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (ours, theirs)), rtol=1e-4, atol=1e-5)


LAYERS = [
    {"Dense": {"units": 8}},
    {"Reshape": {"target_shape": [2, 2, 2]}},
    "UpSampling2D",
    {"Conv2D": {"filters": 3, "kernel_size": 4, "padding": "same"}},
    "BatchNormalization",
    "LeakyReLU",
    "UpSampling2D",
    {"Conv2D": {"filters": 1, "kernel_size": 3, "padding": "same", "activation": "tanh"}},
]


@pytest.mark.parametrize("shared", [False, True])
def test_training_folded_ends_where_training_plain_ends(shared):
    pictures = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), dtype=np.uint8)
    config = tiny_config(
        generator=LAYERS,
        discriminator=["Flatten", {"Dense": {"units": 1}}],
        optimizer={"SGD": {"learning_rate": 0.1}},
        train={"share_latents": shared},
    )
    plain, folded = build(config, images=pictures), build(config, images=pictures, change=fold_objective)
    trained, made = folded.objective.networks, folded.models.networks
    assert [name for name in made if trained[name] is not made[name]] == ["generator"]
    rows = plain.train(3), folded.train(3)
    np.testing.assert_allclose(*rows, rtol=1e-4, atol=1e-5)
    ours, theirs = folded.snapshot(), plain.snapshot()
    assert ours.keys() == theirs.keys()
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-5, err_msg=name)
    assert any(not np.array_equal(ours[name], theirs[name]) for name in theirs)  # another form did run


def test_an_objective_without_up_sampling_is_left_alone():
    objective = build(tiny_config()).objective
    assert fold_objective(objective) is objective
