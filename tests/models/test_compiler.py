import re

import keras
import numpy as np
import pytest

from ganlab.models.single_layers import layer_names
from tests.models.networks import compiled

IMAGES = (8, 8, 2)
ROWS = (8, 2)
# A layer as a config writes it, the shape of its input, and of its output.
LAYERS = [
    ("Activation: {activation: relu}", IMAGES, IMAGES),
    ("ActivityRegularization: {l2: 0.1}", IMAGES, IMAGES),
    ("AlphaDropout: {rate: 0.1}", IMAGES, IMAGES),
    ("AveragePooling2D: {pool_size: 2}", IMAGES, (4, 4, 2)),
    ("BatchNormalization: {momentum: 0.8}", IMAGES, IMAGES),
    ("Bidirectional: {layer: {GRU: {units: 3}}}", ROWS, (6,)),
    ("CenterCrop: {height: 4, width: 4}", IMAGES, (4, 4, 2)),
    ("Conv1D: {filters: 3, kernel_size: 2}", ROWS, (7, 3)),
    ("Conv1DTranspose: {filters: 3, kernel_size: 2, strides: 2}", ROWS, (16, 3)),
    ("Conv2D: {filters: 3, kernel_size: [3, 5], strides: 2, padding: same}", IMAGES, (4, 4, 3)),
    ("Conv2DTranspose: {filters: 3, kernel_size: 4, strides: 2, padding: same}", IMAGES, (16, 16, 3)),
    ("Conv3D: {filters: 3, kernel_size: 2}", (4, 4, 4, 1), (3, 3, 3, 3)),
    ("Cropping2D: {cropping: [[1, 2], [0, 3]]}", IMAGES, (5, 5, 2)),
    ("Dense: {units: 3}", (5,), (3,)),
    ("DepthwiseConv2D: {kernel_size: 3, depth_multiplier: 2}", IMAGES, (6, 6, 4)),
    ("DiffAugment: {policy: [translation]}", IMAGES, IMAGES),
    ("Dropout: {rate: 0.4, seed: 3}", IMAGES, IMAGES),
    ("EinsumDense: {equation: 'ab,bc->ac', output_shape: 3}", (5,), (3,)),
    ("ELU", IMAGES, IMAGES),
    ("Embedding: {input_dim: 4, output_dim: 3}", (5,), (5, 3)),
    ("Flatten", IMAGES, (128,)),
    ("GaussianDropout: {rate: 0.1}", IMAGES, IMAGES),
    ("GaussianNoise: {stddev: 0.1}", IMAGES, IMAGES),
    ("GlobalAveragePooling2D", IMAGES, (2,)),
    ("GlobalMaxPooling2D: {keepdims: true}", IMAGES, (1, 1, 2)),
    ("GroupNormalization: {groups: 2}", IMAGES, IMAGES),
    ("GRU: {units: 3, return_sequences: true}", ROWS, (8, 3)),
    ("Identity", IMAGES, IMAGES),
    ("LayerNormalization", IMAGES, IMAGES),
    ("LeakyReLU: {negative_slope: 0.2}", IMAGES, IMAGES),
    ("LSTM: {units: 3}", ROWS, (3,)),
    ("MaxPooling2D: {pool_size: 4}", IMAGES, (2, 2, 2)),
    ("OutputNoise: {fraction: 0.1}", (1,), (1,)),
    ("PixelAttention: {heads: 2, window: 3}", (8, 8, 12), (8, 8, 4)),
    ("PixelNoise", IMAGES, IMAGES),
    ("Permute: {dims: [3, 1, 2]}", IMAGES, (2, 8, 8)),
    ("PReLU: {shared_axes: [1, 2]}", IMAGES, IMAGES),
    ("ReLU: {max_value: 6}", IMAGES, IMAGES),
    ("RepeatVector: {n: 4}", (5,), (4, 5)),
    ("Rescaling: {scale: 0.5}", IMAGES, IMAGES),
    ("Reshape: {target_shape: [16, -1]}", IMAGES, (16, 8)),
    ("Resizing: {height: 4, width: 6}", IMAGES, (4, 6, 2)),
    ("RMSNormalization", (5,), (5,)),
    ("SeparableConv2D: {filters: 3, kernel_size: 3}", IMAGES, (6, 6, 3)),
    ("SimpleRNN: {units: 3}", ROWS, (3,)),
    ("Softmax", (5,), (5,)),
    ("SpatialDropout2D: {rate: 0.1}", IMAGES, IMAGES),
    ("SpectralNormalization: {layer: {Conv2D: {filters: 3, kernel_size: 3}}, power_iterations: 2}", IMAGES, (6, 6, 3)),
    ("TimeDistributed: {layer: {Dense: {units: 3}}}", ROWS, (8, 3)),
    ("UnitNormalization", (5,), (5,)),
    ("UpSampling2D: {size: 2, interpolation: bilinear}", IMAGES, (16, 16, 2)),
    ("ZeroPadding2D: {padding: 1}", IMAGES, (10, 10, 2)),
]


@pytest.mark.parametrize(("layer", "given", "expected"), LAYERS, ids=[row[0].split(":")[0] for row in LAYERS])
def test_any_layer_of_keras_is_built_by_its_name_and_arguments(layer, given, expected):
    network = compiled(layer, inputs=given)
    assert network.output_shape == expected == tuple(network.model.output_shape[1:])
    assert type(network.layers[-1]).__name__ == layer.split(":")[0]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("layer", "given"), [row[:2] for row in LAYERS], ids=[row[0].split(":")[0] for row in LAYERS])
def test_a_network_computes_what_keras_calls_of_its_layers_compute(layer, given, training):
    if training and re.match(".*(Dropout|Noise|Random|DiffAugment|Pool.*Fractional)", layer):
        pytest.skip("draws new random numbers in each call")
    values = keras.ops.convert_to_tensor(np.random.default_rng(0).uniform(0, 3, (4, *given)).astype(np.float32))
    networks = [compiled(layer, inputs=given) for _ in range(2)]
    networks[1].model.set_weights(networks[0].model.get_weights())
    found = networks[0].run(values, training)["output"]
    called = networks[1].model(values, training=training)
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (found, called)), rtol=1e-5, atol=1e-6)
    for one, other in zip(*(network.model.get_weights() for network in networks), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)  # statistics that the call moves


def test_a_mask_reaches_the_layers_behind_it():
    network = compiled("Masking: {mask_value: 0.0}", "Dense: {units: 2}", "GRU: {units: 3}", inputs=ROWS)
    values = np.ones((2, *ROWS), np.float32)
    values[0, 3:] = 0.0
    values = keras.ops.convert_to_tensor(values)
    found = keras.ops.convert_to_numpy(network(values))
    np.testing.assert_allclose(found, keras.ops.convert_to_numpy(network.model(values)), rtol=1e-5)
    shorter = keras.ops.convert_to_numpy(network(values[:1, :3]))
    np.testing.assert_allclose(found[:1], shorter, rtol=1e-5)


def test_arguments_reach_the_layer():
    layer = compiled(
        "Conv2D: {filters: 3, kernel_size: 3, strides: 2, padding: same, activation: tanh, use_bias: false,"
        " kernel_initializer: {RandomNormal: {stddev: 0.02, seed: 1}}, kernel_regularizer: {L2: {l2: 0.25}},"
        " kernel_constraint: {MaxNorm: {max_value: 3}}, name: first}"
    ).model.get_layer("first")
    assert (layer.filters, layer.strides, layer.padding, layer.use_bias) == (3, (2, 2), "same", False)
    assert layer.activation is keras.activations.tanh
    assert (layer.kernel_initializer.stddev, layer.kernel_initializer.seed) == (0.02, 1)
    assert float(layer.kernel_regularizer.l2) == 0.25
    assert layer.kernel_constraint.max_value == 3


@pytest.mark.parametrize(
    ("name", "kind"), [("he_normal", "HeNormal"), ("zeros", "Zeros"), ("Orthogonal", "Orthogonal"), ("ones", "Ones")]
)
def test_initializers_answer_to_both_of_their_keras_names(name, kind):
    layer = compiled(f"Dense: {{units: 2, kernel_initializer: {name}}}").layers[-1]
    assert type(layer.kernel_initializer) is getattr(keras.initializers, kind)


def test_a_repeat_is_written_out_and_layers_are_numbered_within_their_network():
    model = compiled("repeat: 2\n      layers: [Conv2D: {filters: 2, kernel_size: 3}, LeakyReLU]", "Flatten")
    expected = ["conv2d", "leaky_re_lu", "conv2d_1", "leaky_re_lu_1", "flatten"]
    assert [layer.name for layer in model.layers] == expected
    assert [layer.name for layer in compiled("Flatten", "Dense: {units: 1}").layers] == ["flatten", "dense"]


def test_spectral_normalization_gives_its_layer_a_largest_singular_value_of_one():
    model = compiled("SpectralNormalization: {layer: {Dense: {units: 4, use_bias: false}}}", inputs=(6,))
    wrapper = model.layers[-1]
    wrapper.layer.kernel.assign(np.random.default_rng(0).normal(size=(6, 4)) * 5)
    for _ in range(30):
        model(np.ones((2, 6), np.float32), training=True)
    assert np.linalg.svd(np.array(wrapper.layer.kernel))[1][0] == pytest.approx(1, rel=1e-3)
    assert "discriminator_layer" not in wrapper.layer.name and wrapper.layer.name == f"{wrapper.name}_layer"


def test_spectral_normalization_leaves_a_zero_kernel_zero():
    model = compiled("SpectralNormalization: {layer: {Dense: {units: 4, kernel_initializer: zeros}}}", inputs=(6,))
    wrapper = model.layers[-1]
    before = np.array(wrapper.vector_u)
    assert np.all(keras.ops.convert_to_numpy(model(np.ones((2, 6), np.float32), training=True)) == 0)
    assert np.all(np.array(wrapper.layer.kernel) == 0)
    np.testing.assert_array_equal(np.array(wrapper.vector_u), before)


def test_mixed_precision_reaches_every_layer_and_wrapped_ones():
    model = compiled(
        "SpectralNormalization: {layer: {Conv2D: {filters: 2, kernel_size: 3}}}",
        "Flatten",
        "Dense: {units: 1}",
        precision="mixed_bfloat16",
    )
    layers = [*model.layers, model.layers[0].layer]
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    assert {weight.dtype for weight in model.variables} == {"float32"}


def test_every_name_that_is_offered_is_a_layer():
    names = layer_names()
    assert names == sorted(set(names)) and len(names) > 100
    assert {"Conv2D", "DiffAugment", "OutputNoise", "SpectralNormalization"} <= set(names)
