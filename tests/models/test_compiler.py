import keras
import numpy as np
import pytest

from ganlab.errors import ConfigError
from ganlab.models.compiler import _numbered, build_network, check_output, layer_names
from tests.models.networks import config_of


def build(*layers: str, shape=(8, 8, 1), precision="float32") -> keras.Model:
    config = config_of(*layers)
    return build_network(config.discriminator, shape, config.error_at, "discriminator", precision)


# Where the first layer stands, and the name of its keys.
HERE = "c.yaml:12:7: discriminator.layers[0]"


def at(column: int) -> str:
    return f"c.yaml:12:{column}: discriminator.layers[0]"


MISTAKES = [
    # names
    ("Conv2DD: {filters: 2}", f"{HERE}.Conv2DD: unknown layer. Did you mean 'Conv2D'?"),
    ("leakyrelu", f"{HERE}.leakyrelu: unknown layer. Did you mean 'LeakyReLU'?"),
    ("Model", f"{HERE}.Model: unknown layer."),
    ("Wrapper: {layer: {Dense: {units: 1}}}", f"{HERE}.Wrapper: unknown layer."),
    # arguments
    ("Conv2D: {filtres: 2, kernel_size: 3}", f"{at(16)}.Conv2D.filtres: unknown key. Did you mean 'filters'?"),
    ("Conv2D: {filters: 2}", f"{HERE}.Conv2D.kernel_size: missing; Conv2D needs it"),
    ("Dense: {units: 2, dtype: float64}", f"{at(25)}.Dense.dtype: unknown key."),
    ("Dense: {units: 2, self: 1}", f"{at(25)}.Dense.self: unknown key."),
    ("Dense: {units: {a: 1}}", f"{at(15)}.Dense.units: expected a plain value, received a mapping"),
    (
        "Reshape: {target_shape: [8, {a: 1}]}",
        f"{at(35)}.Reshape.target_shape[1]: expected a plain value, received a mapping",
    ),
    ("Dense: {units: 2, use_bias: no}", f"{at(25)}.Dense.use_bias: expected true or false, received 'no'"),
    (
        "BatchNormalization: {momentum: high}",
        f"{at(28)}.BatchNormalization.momentum: expected a number, received 'high'",
    ),
    ("SpectralNormalization", f"{HERE}.SpectralNormalization.layer: missing; SpectralNormalization needs it"),
    (
        "SpectralNormalization: {layer: {Dense: {unit: 2}}}",
        f"{at(47)}.SpectralNormalization.layer.Dense.unit: unknown key. Did you mean 'units'?",
    ),
    (
        "SpectralNormalization: {layer: {Dense: {units: 2}, Flatten: {}}}",
        f"{at(31)}.SpectralNormalization.layer: expected a layer as {{Name: {{arguments}}}} with one name,"
        " received 2 names",
    ),
    # values that Keras refuses
    (
        "Dense: {units: 0}",
        f"{at(15)}.Dense.units: the layer Dense does not accept this: Received an invalid value for `units`,"
        " expected a positive integer. Received: units=0",
    ),
    (
        "Dropout: {rate: 2}",
        f"{at(17)}.Dropout.rate: the layer Dropout does not accept this: Invalid value received for argument"
        " `rate`. Expected a float value between 0 and 1. Received: rate=2",
    ),
    (
        "DiffAugment: {policy: [colour]}",
        f"{at(21)}.DiffAugment.policy: the layer DiffAugment does not accept this: `policy` knows color,"
        " translation and cutout, received 'colour'",
    ),
    (
        "OutputNoise: {fraction: 2}",
        f"{at(21)}.OutputNoise.fraction: the layer OutputNoise does not accept this: `fraction` is a share"
        " between 0 and 1, received 2",
    ),
    # activations, initializers and the like
    (
        "Dense: {units: 2, activation: leakyy}",
        f"{at(25)}.Dense.activation: unknown activation 'leakyy'. Did you mean 'leaky_relu'?",
    ),
    (
        "Dense: {units: 2, kernel_initializer: he_normla}",
        f"{at(25)}.Dense.kernel_initializer: unknown name of an initializer 'he_normla'. Did you mean 'HeNormal'?",
    ),
    (
        "Dense: {units: 2, kernel_initializer: {RandomNormal: {stdev: 0.1}}}",
        f"{at(61)}.Dense.kernel_initializer.RandomNormal.stdev: unknown key. Did you mean 'stddev'?",
    ),
    (
        "Dense: {units: 2, kernel_initializer: [1, 2]}",
        f"{at(25)}.Dense.kernel_initializer: expected the name of an initializer or {{Name: {{arguments}}}},"
        " received [1, 2]",
    ),
    (
        "Dense: {units: 2, kernel_regularizer: L1-L2}",
        f"{at(25)}.Dense.kernel_regularizer: unknown name of a regularizer 'L1-L2'. Did you mean 'L1L2'?",
    ),
    (
        "Dense: {units: 2, bias_constraint: Max}",
        f"{at(25)}.Dense.bias_constraint: unknown name of a constraint 'Max'. Did you mean 'MaxNorm'?",
    ),
    # shapes
    (
        "Reshape: {target_shape: [5, 5]}",
        f"{HERE}.Reshape: does not fit its input of shape (8, 8, 1): The total size of the tensor must be"
        " unchanged. Received: input_shape=(8, 8, 1), target_shape=(5, 5)",
    ),
    (
        "Conv2D: {filters: 2, kernel_size: 9}",
        f"{HERE}.Conv2D: does not fit its input of shape (8, 8, 1): Computed output size would be zero or"
        " negative. Received `inputs shape=(None, 8, 8, 1)`, `kernel shape=(9, 9, 1, 2)`,"
        " `dilation_rate=[1 1]`, `strides=(1, 1)`, `padding=valid`.",
    ),
    (
        "RandomCrop: {height: 0, width: 3}",
        f"{HERE}.RandomCrop: gives the shape (0, 3, 1) from an input of shape (8, 8, 1); nothing is left",
    ),
    (
        "MultiHeadAttention: {num_heads: 2, key_dim: 2}",
        f"{HERE}.MultiHeadAttention: does not fit its input of shape (8, 8, 1): missing a required argument: 'value'",
    ),
]


@pytest.mark.parametrize(("layer", "message"), MISTAKES, ids=[layer for layer, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(layer, message):
    with pytest.raises(ConfigError) as caught:
        build(layer)
    assert str(caught.value) == message


REFUSED = {
    "Lambda: {function: os.system}": "it runs code from the config",
    "TFSMLayer: {filepath: /x}": "it loads code from a file",
    "TorchModuleWrapper": "it wraps code of another framework",
    "JaxLayer": "it wraps code of another framework",
    "FlaxLayer": "it wraps code of another framework",
    "InputLayer": "the input comes from latent.dim or from the data",
    "RNN": "it needs a cell object",
    "Concatenate": "it needs several inputs, and a network is a list of layers",
}


@pytest.mark.parametrize(("layer", "reason"), REFUSED.items())
def test_layers_that_run_code_or_are_not_one_in_a_row_are_refused_with_the_reason(layer, reason):
    name = layer.split(":")[0]
    with pytest.raises(ConfigError) as caught:
        build(layer)
    assert str(caught.value) == f"{HERE}.{name}: the layer {name} cannot be used: {reason}"
    assert name not in layer_names()


def test_a_refused_layer_is_refused_inside_a_wrapper_too():
    with pytest.raises(ConfigError, match=r"layer\.Lambda: the layer Lambda cannot be used: it runs code"):
        build("SpectralNormalization: {layer: {Lambda: {function: f}}}")


CLASS_PATHS = [
    "activation: {module: os, class_name: system, config: {}}",
    "activation: {class_name: function, config: os.system}",
    "activation: os.system",
    "kernel_initializer: {module: os, class_name: system, config: {}}",
    "kernel_initializer: {class_name: HeNormal, config: {}}",
    "kernel_initializer: {os.system: {}}",
    "kernel_initializer: os.system",
    "kernel_initializer: builtins.eval",
    "kernel_regularizer: {module: builtins, class_name: eval, config: {}, registered_name: eval}",
    "kernel_constraint: {builtins.eval: {}}",
    "lora_rank: {module: os, class_name: system}",
]


@pytest.mark.parametrize("argument", CLASS_PATHS)
def test_no_class_path_is_ever_imported(argument):
    with pytest.raises(ConfigError, match=r"^c\.yaml:12:\d+: discriminator\.layers\[0\]\.Dense\."):
        build(f"Dense: {{units: 2, {argument}}}")


def test_a_mistake_after_a_repeat_points_into_it():
    with pytest.raises(ConfigError) as caught:
        build("repeat: 2\n      layers: [Conv2D: {filters: 2, kernel_size: 5}]")
    assert str(caught.value).startswith(
        "c.yaml:13:16: discriminator.layers[0].layers[0].Conv2D: does not fit its input of shape (4, 4, 2): Computed"
    )


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("Dense: {units: 1, name: a}", "c.yaml:13:25: discriminator.layers[1].Dense.name"),
        ("Flatten: {name: discriminator_input}", "c.yaml:13:17: discriminator.layers[1].Flatten.name"),
    ],
)
def test_a_name_stands_for_one_layer(second, message):
    with pytest.raises(ConfigError) as caught:
        build("Dense: {units: 2, name: a}", second)
    name = "a" if "Dense" in second else "discriminator_input"
    assert str(caught.value) == f"{message}: another layer of this network is named '{name}'"


def test_a_layer_that_gives_several_outputs_is_refused():
    with pytest.raises(ConfigError) as caught:
        build("Reshape: {target_shape: [8, 8]}", "LSTM: {units: 4, return_state: true}")
    assert str(caught.value) == (
        "c.yaml:13:7: discriminator.layers[1].LSTM: gives 3 outputs; expected a layer that gives one"
    )


def test_a_wrong_end_names_the_last_shapes():
    config = config_of("Conv2D: {filters: 2, kernel_size: 3}", "Flatten", "Dense: {units: 3}")
    model = build_network(config.discriminator, (8, 8, 1), config.error_at, "discriminator")
    with pytest.raises(ConfigError) as caught:
        check_output(model, config.discriminator, (1,), "one number an image", config.error_at)
    assert str(caught.value) == (
        "c.yaml:14:7: discriminator.layers[2].Dense: ends in the shape (3,), expected (1,): one number an image"
        " (last layers: discriminator_input (8, 8, 1), conv2d (6, 6, 2), flatten (72,), dense (3,))"
    )
    check_output(model, config.discriminator, (3,), "three numbers", config.error_at)


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
    model = build(layer, shape=given)
    assert model.output_shape[1:] == expected
    assert type(model.layers[-1]).__name__ == layer.split(":")[0]


def test_arguments_reach_the_layer():
    layer = build(
        "Conv2D: {filters: 3, kernel_size: 3, strides: 2, padding: same, activation: tanh, use_bias: false,"
        " kernel_initializer: {RandomNormal: {stddev: 0.02, seed: 1}}, kernel_regularizer: {L2: {l2: 0.25}},"
        " kernel_constraint: {MaxNorm: {max_value: 3}}, name: first}"
    ).get_layer("first")
    assert (layer.filters, layer.strides, layer.padding, layer.use_bias) == (3, (2, 2), "same", False)
    assert layer.activation is keras.activations.tanh
    assert (layer.kernel_initializer.stddev, layer.kernel_initializer.seed) == (0.02, 1)
    assert float(layer.kernel_regularizer.l2) == 0.25
    assert layer.kernel_constraint.max_value == 3


@pytest.mark.parametrize(
    ("name", "kind"), [("he_normal", "HeNormal"), ("zeros", "Zeros"), ("Orthogonal", "Orthogonal"), ("ones", "Ones")]
)
def test_initializers_answer_to_both_of_their_keras_names(name, kind):
    layer = build(f"Dense: {{units: 2, kernel_initializer: {name}}}").layers[-1]
    assert type(layer.kernel_initializer) is getattr(keras.initializers, kind)


def test_a_repeat_is_written_out_and_layers_are_numbered_within_their_network():
    model = build("repeat: 2\n      layers: [Conv2D: {filters: 2, kernel_size: 3}, LeakyReLU]", "Flatten")
    expected = ["discriminator_input", "conv2d", "leaky_re_lu", "conv2d_1", "leaky_re_lu_1", "flatten"]
    assert [layer.name for layer in model.layers] == expected
    assert [layer.name for layer in build("Flatten", "Dense: {units: 1}").layers][1:] == ["flatten", "dense"]


def test_spectral_normalization_gives_its_layer_a_largest_singular_value_of_one():
    model = build("SpectralNormalization: {layer: {Dense: {units: 4, use_bias: false}}}", shape=(6,))
    wrapper = model.layers[-1]
    wrapper.layer.kernel.assign(np.random.default_rng(0).normal(size=(6, 4)) * 5)
    for _ in range(30):
        model(np.ones((2, 6), np.float32), training=True)
    assert np.linalg.svd(np.array(wrapper.layer.kernel))[1][0] == pytest.approx(1, rel=1e-3)
    assert "discriminator_layer" not in wrapper.layer.name and wrapper.layer.name == f"{wrapper.name}_layer"


def test_mixed_precision_reaches_every_layer_and_wrapped_ones():
    model = build(
        "SpectralNormalization: {layer: {Conv2D: {filters: 2, kernel_size: 3}}}",
        "Flatten",
        "Dense: {units: 1}",
        precision="mixed_bfloat16",
    )
    layers = [*model.layers[1:], model.layers[1].layer]
    assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_every_name_that_is_offered_is_a_layer():
    names = layer_names()
    assert names == sorted(set(names)) and len(names) > 100
    assert {"Conv2D", "DiffAugment", "OutputNoise", "SpectralNormalization"} <= set(names)


KERAS_NAMES = {
    "Dense": "dense",
    "LSTM": "lstm",
    "Conv2D": "conv2d",
    "Conv2DTranspose": "conv2d_transpose",
    "UpSampling2D": "up_sampling2d",
    "BatchNormalization": "batch_normalization",
    "LeakyReLU": "leaky_re_lu",
    "PReLU": "p_re_lu",
}


@pytest.mark.parametrize(("kind", "name"), KERAS_NAMES.items())
def test_layers_are_named_as_keras_names_them(kind, name):
    assert (_numbered(kind, {}), _numbered(kind, {name: 2})) == (name, f"{name}_2")
