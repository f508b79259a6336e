"""Networks with branches: what is built, what it computes, and every mistake with its text and place."""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.errors import ConfigError
from tests.models.networks import compiled

POINTS = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


def outputs(network, values=POINTS, **options) -> np.ndarray:
    return ops.convert_to_numpy(network(values, **options))


def merge(kind: str, *branches: str) -> str:
    lists = ", ".join(f"{name}: {branch}" for name, branch in zip("abc", branches, strict=False))
    return f"{{merge: {kind}, branches: {{{lists}}}}}"


TWICE, SQUARE = "[Rescaling: {scale: 2.0}]", "[Activation: {activation: square}]"
# A merging layer over x, 2 x and a constant shift of x, and what it should give.
ARITHMETIC = [
    ("Add", ["[]", TWICE, TWICE], lambda x: 5 * x),
    ("Average", ["[]", TWICE, TWICE], lambda x: 5 * x / 3),
    ("Multiply", ["[]", TWICE], lambda x: 2 * x * x),
    ("Maximum", ["[]", TWICE], lambda x: np.maximum(x, 2 * x)),
    ("Minimum", ["[]", TWICE], lambda x: np.minimum(x, 2 * x)),
    ("Subtract", [TWICE, "[]"], lambda x: x),
    ("Subtract", ["[]", TWICE], lambda x: -x),
    ("Concatenate", ["[]", TWICE], lambda x: np.concatenate([x, 2 * x], axis=1)),
    ("{Concatenate: {axis: 1}}", [TWICE, "[]"], lambda x: np.concatenate([2 * x, x], axis=1)),
    ("{Dot: {axes: 1}}", ["[]", TWICE], lambda x: 2 * (x * x).sum(axis=1, keepdims=True)),
    ("{Dot: {axes: 1, normalize: true}}", ["[]", TWICE], lambda x: np.ones((5, 1))),
]


@pytest.mark.parametrize(("kind", "branches", "expected"), ARITHMETIC, ids=[f"{k} {b}" for k, b, _ in ARITHMETIC])
def test_a_merging_layer_merges_its_branches_in_their_order(kind, branches, expected):
    network = compiled(merge(kind, *branches), inputs=(4,))
    np.testing.assert_allclose(outputs(network), expected(POINTS), rtol=1e-5, atol=1e-6)
    assert network.output_shape == network.model.output_shape[1:] == expected(POINTS).shape[1:]


def test_attention_takes_its_branches_by_name():
    rows = np.random.default_rng(0).standard_normal((2, 6, 3)).astype(np.float32)
    branches = "{value: [Rescaling: {scale: 2.0}], key: [Rescaling: {scale: 3.0}], query: []}"
    found = outputs(compiled(f"{{merge: Attention, branches: {branches}}}", inputs=(6, 3)), rows)
    scores = np.exp(rows @ (3 * rows).transpose(0, 2, 1))
    np.testing.assert_allclose(found, scores / scores.sum(-1, keepdims=True) @ (2 * rows), rtol=1e-4)


def test_groups_nest_and_every_layer_has_its_own_name():
    inner = merge("Multiply", "[]", "[Dense: {units: 4}]")
    network = compiled(
        f"repeat: 2\n      layers: [{merge('Add', f'[Dense: {{units: 4}}, {inner}]', '[]')}]", inputs=(4,)
    )
    names = ["dense", "dense_1", "multiply", "add", "dense_2", "dense_3", "multiply_1", "add_1"]
    assert [node.name for node in network.nodes] == [layer.name for layer in network.layers] == names
    assert [node.takes for node in network.nodes][:4] == [
        ("input",),
        ("dense",),
        ("dense", "dense_1"),
        ("multiply", "input"),
    ]
    assert {layer.name for layer in network.model.layers} == {"discriminator_input", *names}
    assert len(network.trainable_variables) == 8


def test_a_network_trains_as_its_keras_model_does():
    inner = "[Dense: {units: 4}, BatchNormalization, Dropout: {rate: 0.5, seed: 1}, Dense: {units: 4}]"
    network = compiled(merge("Add", inner, "[]"), "Dense: {units: 2}", inputs=(4,))
    np.testing.assert_allclose(outputs(network), network.predict(POINTS), rtol=1e-5, atol=1e-6)
    before = {variable.path: np.array(variable) for variable in network.variables}
    ours = outputs(network, training=True)
    after = {variable.path: np.array(variable) for variable in network.variables}
    for variable in network.variables:
        variable.assign(before[variable.path])
    np.testing.assert_allclose(ours, ops.convert_to_numpy(network.model(POINTS, training=True)), rtol=1e-5, atol=1e-6)
    for variable in network.variables:
        np.testing.assert_allclose(after[variable.path], np.array(variable), rtol=1e-5, atol=1e-6)
    moved = {path.split("/")[-1] for path in before if not np.array_equal(before[path], after[path])}
    assert moved == {"moving_mean", "moving_variance", "seed_generator_state"}


def test_losses_are_those_of_weights_and_of_the_last_run():
    dense = "Dense: {units: 3, kernel_regularizer: {L2: {l2: 0.5}}}"
    network = compiled(dense, "Activation: {activation: relu, activity_regularizer: {L2: {l2: 1.0}}}", inputs=(4,))
    outputs(network, POINTS, training=True)
    found = outputs(network, 3 * POINTS, training=True)
    expected = [(found**2).sum() / len(POINTS), 0.5 * (np.array(network.trainable_variables[0]) ** 2).sum()]
    np.testing.assert_allclose(
        sorted(float(ops.convert_to_numpy(loss)) for loss in network.losses), sorted(expected), rtol=1e-5
    )


def test_the_outputs_of_named_layers_can_be_asked_for():
    network = compiled("Dense: {units: 3, name: hidden}", "ReLU", "Dense: {units: 1}", inputs=(4,))
    found = network.run(POINTS, features=["hidden"])
    assert network.features == ("hidden",) and found.keys() == {"output", "hidden"}
    kernel, bias = (np.array(variable) for variable in network.trainable_variables[:2])
    np.testing.assert_allclose(ops.convert_to_numpy(found["hidden"]), POINTS @ kernel + bias, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(found["output"]), outputs(network))


def test_other_values_than_a_network_takes_are_left_alone():
    network = compiled("Dense: {units: 1}", inputs={"input": (4,), "labels": (3,)})
    assert network.inputs == ("input",)
    np.testing.assert_allclose(outputs(network, {"input": POINTS, "labels": None}), outputs(network))


def test_shapes_are_known_for_every_value():
    network = compiled("Flatten", merge("Concatenate", "[]", "[Dense: {units: 3}]"), inputs=(2, 2, 1))
    assert network.shapes == {"input": (2, 2, 1), "flatten": (4,), "dense": (3,), "concatenate": (7,)}


def test_mixed_precision_reaches_branches():
    network = compiled("Flatten", merge("Add", "[Dense: {units: 64}]", "[]"), precision="mixed_bfloat16")
    assert {layer.compute_dtype for layer in network.layers} == {"bfloat16"}
    assert {variable.dtype for variable in network.variables} == {"float32"}


AT = "c.yaml:12:{}: discriminator.layers[0]"
SMALL, LARGE = "[Conv2D: {filters: 2, kernel_size: 3}]", "[Conv2D: {filters: 2, kernel_size: 1}]"
MISTAKES = [
    (
        merge("Add", SMALL, LARGE),
        f"{AT.format(8)}.merge.Add: expected branches of one shape, received a (6, 6, 2), b (8, 8, 2)",
    ),
    (
        merge("Multiply", "[Dense: {units: 3}]", "[]"),  # Keras would repeat the one channel
        f"{AT.format(8)}.merge.Multiply: expected branches of one shape, received a (8, 8, 3), b (8, 8, 1)",
    ),
    (
        "{merge: Fade, branches: {new: [Flatten], old: []}}",
        f"{AT.format(8)}.merge.Fade: expected branches of one shape, received old (8, 8, 1), new (64,)",
    ),
    (
        merge("Concatenate", SMALL, "[]"),
        f"{AT.format(8)}.merge.Concatenate: does not fit its branches a (6, 6, 2), b (8, 8, 1): A `Concatenate` layer"
        " requires inputs with matching shapes except for the concatenation axis. Received:"
        " input_shape=[(None, 6, 6, 2), (None, 8, 8, 1)]",
    ),
    (
        merge("Subtract", "[]", "[]", "[]"),
        f"{AT.format(8)}.merge.Subtract: does not fit its branches a (8, 8, 1), b (8, 8, 1), c (8, 8, 1): A `Subtract`"
        " layer should be called on exactly 2 inputs. Received: input_shape=[(None, 8, 8, 1), (None, 8, 8, 1),"
        " (None, 8, 8, 1)]",
    ),
    (
        merge("{Concatenate: {axes: 1}}", "[]", "[]"),
        f"{AT.format(30)}.merge.Concatenate.axes: unknown key. Did you mean 'axis'?",
    ),
    (
        merge("Add", "[Conv2D: {filter: 2, kernel_size: 3}]", "[]"),
        f"{AT.format(44)}.branches.a[0].Conv2D.filter: unknown key. Did you mean 'filters'?",
    ),
    (
        merge("Add", "[]", "[Reshape: {target_shape: [5]}]"),
        f"{AT.format(42)}.branches.b[0].Reshape: does not fit its input of shape (8, 8, 1): The total size of the tensor"
        " must be unchanged. Received: input_shape=(8, 8, 1), target_shape=(5,)",
    ),
    (
        merge("{Add: {name: sum}}", "[Conv2D: {filters: 1, kernel_size: 1, name: sum}]", "[]"),
        f"{AT.format(22)}.merge.Add.name: another layer of this network is named 'sum'",
    ),
    (
        "Dense: {units: 1, name: labels}",
        f"{AT.format(25)}.Dense.name: 'labels' is a word of ganlab; expected another name",
    ),
]


@pytest.mark.parametrize(("item", "message"), MISTAKES, ids=[item for item, _ in MISTAKES])
def test_a_mistake_is_one_line_with_its_place(item, message):
    with pytest.raises(ConfigError) as caught:
        compiled(item)
    assert str(caught.value) == message


def test_keras_itself_would_stretch_the_smaller_branch():
    """Why branches of other shapes are refused here."""
    tensors = keras.Input((8, 8, 3)), keras.Input((8, 8, 1))
    assert keras.layers.Multiply()(tensors).shape == (None, 8, 8, 3)


PHASES = ["{phases: [2], layers: [Dense: {units: 4}]}", "Dense: {units: 3}"]


def test_a_phase_has_its_own_layers_under_the_names_of_all_phases():
    first, second = (compiled(*PHASES, inputs=(4,), phase=phase) for phase in (1, 2))
    assert [[node.name for node in network.nodes] for network in (first, second)] == [["dense_1"], ["dense", "dense_1"]]
    assert {v.path for v in first.variables} < {v.path for v in second.variables}


def test_phases_belong_to_a_run_of_phases():
    with pytest.raises(ConfigError) as caught:
        compiled(*PHASES, inputs=(4,))
    assert str(caught.value) == (
        "c.yaml:12:30: discriminator.layers[0].layers[0].Dense: belongs to phases, but this run has none; expected it"
        " without their group"
    )
    with pytest.raises(
        ConfigError, match=r"discriminator.layers: expected at least one layer in phase 1, received none$"
    ):
        compiled(PHASES[0], inputs=(4,), phase=1)
