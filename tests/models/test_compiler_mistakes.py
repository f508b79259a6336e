"""Every mistake in a list of layers, with its exact text and place."""

import pytest

from ganlab.errors import ConfigError
from ganlab.models.compiler import check_output, compile_network
from ganlab.models.single_layers import layer_names
from tests.models.networks import compiled, config_of

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
    (
        "MinibatchDiscrimination: {kernels: 0}",
        f"{at(33)}.MinibatchDiscrimination.kernels: the layer MinibatchDiscrimination does not accept this:"
        " `kernels` is an integer >= 1, received 0",
    ),
    (
        "MinibatchDiscrimination",
        f"{HERE}.MinibatchDiscrimination: does not fit its input of shape (8, 8, 1): expected vectors; the input has 3 axes."
        " A Flatten before it makes vectors",
    ),
    (
        "PixelAttention: {heads: 1}",
        f"{HERE}.PixelAttention: does not fit its input of shape (8, 8, 1): queries, keys and values need a"
        " multiple of 3 * heads = 3 channels, received 1",
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
        " translation, cutout and flip, received 'colour'",
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
        f"{HERE}.RandomCrop: gives the shape (0, 3, 1) from its input of shape (8, 8, 1); nothing is left",
    ),
    (
        "MultiHeadAttention: {num_heads: 2, key_dim: 2}",
        f"{HERE}.MultiHeadAttention: does not fit its input of shape (8, 8, 1): missing a required argument: 'value'",
    ),
]


@pytest.mark.parametrize(("layer", "message"), MISTAKES, ids=[layer for layer, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(layer, message):
    with pytest.raises(ConfigError) as caught:
        compiled(layer)
    assert str(caught.value) == message


REFUSED = {
    "Lambda: {function: os.system}": "it runs code from the config",
    "TFSMLayer: {filepath: /x}": "it loads code from a file",
    "TorchModuleWrapper": "it wraps code of another framework",
    "JaxLayer": "it wraps code of another framework",
    "FlaxLayer": "it wraps code of another framework",
    "InputLayer": "the input comes from latent.dim or from the data",
    "RNN": "it needs a cell object",
}


@pytest.mark.parametrize(("layer", "reason"), REFUSED.items())
def test_layers_that_run_code_or_are_not_one_in_a_row_are_refused_with_the_reason(layer, reason):
    name = layer.split(":")[0]
    with pytest.raises(ConfigError) as caught:
        compiled(layer)
    assert str(caught.value) == f"{HERE}.{name}: the layer {name} cannot be used: {reason}"
    assert name not in layer_names()


@pytest.mark.parametrize("layer", ["Concatenate", "Attention: {use_scale: true}", "Fade"])
def test_a_merging_layer_in_the_list_is_refused_with_the_form_it_needs(layer):
    name = layer.split(":")[0]
    with pytest.raises(ConfigError) as caught:
        compiled(layer)
    form = f"{{merge: {name}, branches: {{NAME: [layers], NAME: [layers]}}}}"
    assert str(caught.value) == f"{HERE}.{name}: the layer {name} merges several inputs; expected {form}"
    assert name not in layer_names()


def test_a_refused_layer_is_refused_inside_a_wrapper_too():
    with pytest.raises(ConfigError, match=r"layer\.Lambda: the layer Lambda cannot be used: it runs code"):
        compiled("SpectralNormalization: {layer: {Lambda: {function: f}}}")


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
        compiled(f"Dense: {{units: 2, {argument}}}")


def test_a_mistake_after_a_repeat_points_into_it():
    with pytest.raises(ConfigError) as caught:
        compiled("repeat: 2\n      layers: [Conv2D: {filters: 2, kernel_size: 5}]")
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
        compiled("Dense: {units: 2, name: a}", second)
    name = "a" if "Dense" in second else "discriminator_input"
    assert str(caught.value) == f"{message}: another layer of this network is named '{name}'"


def test_a_layer_that_gives_several_outputs_is_refused():
    with pytest.raises(ConfigError) as caught:
        compiled("Reshape: {target_shape: [8, 8]}", "LSTM: {units: 4, return_state: true}")
    assert str(caught.value) == (
        "c.yaml:13:7: discriminator.layers[1].LSTM: gives 3 outputs; expected a layer that gives one"
    )


def test_a_wrong_end_names_the_last_shapes():
    config = config_of("Conv2D: {filters: 2, kernel_size: 3}", "Flatten", "Dense: {units: 3}")
    model = compile_network(config.discriminator, (8, 8, 1), config.error_at, "discriminator")
    with pytest.raises(ConfigError) as caught:
        check_output(model, config.discriminator, (1,), "one number an image", config.error_at)
    assert str(caught.value) == (
        "c.yaml:14:7: discriminator.layers[2].Dense: ends in the shape (3,), expected (1,): one number an image"
        " (last layers: discriminator_input (8, 8, 1), conv2d (6, 6, 2), flatten (72,), dense (3,))"
    )
    check_output(model, config.discriminator, (3,), "three numbers", config.error_at)


def test_a_layer_that_only_seems_to_make_something_of_its_input_is_a_located_error():
    with pytest.raises(ConfigError, match=r"discriminator\.layers: do not make a network: .*part of a cycle"):
        compiled("Equalization", inputs=(6, 2))
