"""A folded network is the plain one: the same variables, outputs, gradients and training."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.models.folding import UpSampledConvolution, fold, fold_objective
from tests.training.tiny import BACKEND, build, tiny_config

UP = {"size": 2}
CONVOLUTION = {"filters": 3, "kernel_size": 3, "padding": "same"}


def network(up: dict, convolution: dict, **more) -> keras.Model:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5, 4, 2))
    up_sampled = keras.layers.UpSampling2D(**up)(inputs)
    outputs = keras.layers.Conv2D(**convolution, bias_initializer="normal", **more)(up_sampled)
    return keras.Model(inputs, outputs)


def outputs_and_gradients(model: keras.Model) -> list[np.ndarray]:
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


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, (2, 3), (4, 1)])
@pytest.mark.parametrize("options", [{}, {"activation": "tanh"}, {"use_bias": False}])
def test_outputs_and_gradients_are_those_of_the_plain_network(kernel, options):
    plain = network(UP, CONVOLUTION | {"kernel_size": kernel}, **options)
    folded = fold(plain)
    assert any(isinstance(layer, UpSampledConvolution) for layer in folded.layers)
    for ours, theirs in zip(outputs_and_gradients(folded), outputs_and_gradients(plain), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


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
        (UP, {"dtype": "mixed_bfloat16"}),
    ],
)
def test_what_is_another_function_is_left_alone(up, convolution):
    plain = network(up, CONVOLUTION | convolution)
    assert fold(plain) is plain


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
    assert [name for name in folded.objective.forms] == ["generator"]
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
