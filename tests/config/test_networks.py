# ruff: noqa: E501 (tables with one case a line)
"""The groups of a list of layers: how they are read, what they stand for, and every mistake with its exact text."""

import pytest

from ganlab.config.identity import identity_of
from ganlab.config.loading import dump_config
from ganlab.config.network import LayerSpec, MergeSpec, Network
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError
from tests.config.examples import changed, config_of

HERE = "c.yaml:15:7: discriminator.layers[0]"
MERGES = "Add, Attention, Average, Concatenate, Dot, Fade, Maximum, Minimum, Multiply, Subtract"
BRANCHES = "a mapping of at least two lists of layers, each under a name of its own"

# What stands in place of the discriminator's Flatten, and the whole message.
WRONG = [
    ("{merge: Add}", f"{HERE}.branches: missing; expected {BRANCHES}"),
    ("{branches: {a: [], b: []}}", f"{HERE}.merge: missing; expected a merging layer as Name or {{Name: {{arguments}}}}"),
    ("{merge: Add, branchs: {a: [], b: []}}", "c.yaml:15:20: discriminator.layers[0].branchs: unknown key. Did you mean 'branches'?"),
    ("{merg: Add, branches: {a: [], b: []}}", "c.yaml:15:8: discriminator.layers[0].merg: unknown key. Did you mean 'merge'?"),
    ("{merge: Add, branches: {a: [], b: []}, layers: [ReLU]}", "c.yaml:15:46: discriminator.layers[0].layers: unknown key. Expected one of: branches, merge."),
    ("{repeat: 2, merge: Add, branches: {a: [], b: []}}", "c.yaml:15:8: discriminator.layers[0].repeat: unknown key. Expected one of: branches, merge."),
    ("{merge: Sum, branches: {a: [], b: []}}", "c.yaml:15:8: discriminator.layers[0].merge.Sum: unknown merging layer. Expected one of: " + MERGES + "."),
    ("{merge: Concat, branches: {a: [], b: []}}", "c.yaml:15:8: discriminator.layers[0].merge.Concat: unknown merging layer. Did you mean 'Concatenate'?"),
    ("{merge: {Dense: {units: 3}}, branches: {a: [], b: []}}", "c.yaml:15:16: discriminator.layers[0].merge.Dense: unknown merging layer. Expected one of: " + MERGES + "."),
    ("'': {units: 3}", f"{HERE}: expected a layer as Name, {{Name: {{arguments}}}}, {{repeat: N, layers: [...]}} or {{merge: Name, branches: {{...}}}}, received a mapping"),
    ("{merge: 3, branches: {a: [], b: []}}", "c.yaml:15:8: discriminator.layers[0].merge: expected a merging layer as Name or {Name: {arguments}}, received 3"),
    ("{merge: {Dot: 1}, branches: {a: [], b: []}}", "c.yaml:15:16: discriminator.layers[0].merge.Dot: expected a mapping of arguments, received 1. Write Dot: {axes: 1}."),
    ("{merge: Add, branches: {a: [ReLU]}}", f"c.yaml:15:20: discriminator.layers[0].branches: expected {BRANCHES}, received 1 of them"),
    ("{merge: Add, branches: [[], []]}", f"c.yaml:15:20: discriminator.layers[0].branches: expected {BRANCHES}, received [[], []]"),
    ("{merge: Add, branches: {a: ReLU, b: []}}", "c.yaml:15:31: discriminator.layers[0].branches.a: expected a list of layers, received 'ReLU'"),
    ("{merge: Add, branches: {a: , b: []}}", "c.yaml:15:31: discriminator.layers[0].branches.a: expected a list of layers, received null"),
    ("{merge: Add, branches: {a: [ReLU, 3], b: []}}", "c.yaml:15:41: discriminator.layers[0].branches.a[1]: expected a layer as Name, {Name: {arguments}}, {repeat: N, layers: [...]} or {merge: Name, branches: {...}}, received 3"),
    ("{merge: Attention, branches: {query: [], values: []}}", "c.yaml:15:26: discriminator.layers[0].branches: expected the branches query and value and optionally key with Attention, received 'query', 'values'"),
    ("{merge: Fade, branches: {old: [], new: [], newer: []}}", "c.yaml:15:21: discriminator.layers[0].branches: expected the branches old and new with Fade, received 'old', 'new', 'newer'"),
    ("{phases: 2, layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phases: expected a list of different integers >= 1, received 2"),
    ("{phases: [], layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phases: expected a list of different integers >= 1, received []"),
    ("{phases: [0, 1], layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phases: expected a list of different integers >= 1, received [0, 1]"),
    ("{phases: [1, true], layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phases: expected a list of different integers >= 1, received [1, true]"),
    ("{phases: [2, 2], layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phases: expected a list of different integers >= 1, received [2, 2]"),
    ("{phases: [2]}", f"{HERE}.layers: missing; expected a list of layers"),
    ("{phases: [2], layers: []}", "c.yaml:15:21: discriminator.layers[0].layers: expected a list of at least one layer, received an empty list"),
    ("{phase: [2], layers: [ReLU]}", "c.yaml:15:8: discriminator.layers[0].phase: unknown key. Did you mean 'phases'?"),
    ("{phases: [2], repeat: 2, layers: [ReLU]}", "c.yaml:15:21: discriminator.layers[0].repeat: unknown key. Expected one of: layers, phases."),
    ("{repeat: 1000, layers: [{merge: Add, branches: {a: [{repeat: 9, layers: [ReLU]}], b: []}}]}", "c.yaml:14:3: discriminator.layers: expected at most 10,000 layers after repeats, received 10,001"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "message"), WRONG, ids=[item for item, _ in WRONG])
def test_a_wrong_group_gives_this_line(item, message):
    with pytest.raises(ConfigError) as caught:
        config_of(changed("- Flatten", f"- {item}"))
    assert str(caught.value) == message


def network_of(layers: str) -> Network:
    return Network.model_validate({"layers": parse_yaml(layers, "n.yaml").data, "optimizer": "SGD"})


BLOCK = """
- Dense: {units: 3}
- merge: Add
  branches:
    residual:
      - repeat: 2
        layers: [ReLU, Dense: {units: 3}]
    shortcut: []
- merge: {Dot: {axes: 1}}
  branches:
    left: [ReLU]
    right: [{merge: Concatenate, branches: {a: [], b: [Dense: {units: 1, name: b}]}}]
"""


def test_every_layer_stands_in_running_order_with_its_path_and_name():
    found = [(spec.kind, spec.name, spec.path[1:]) for spec in network_of(BLOCK).expanded()]
    residual, right = (1, "branches", "residual", 0, "layers"), (2, "branches", "right", 0)
    assert [spec[0] for spec in found] == [
        "Dense",
        "ReLU",
        "Dense",
        "ReLU",
        "Dense",
        "Add",
        "ReLU",
        "Dense",
        "Concatenate",
        "Dot",
    ]
    assert [spec[1] for spec in found] == [
        "dense",
        "re_lu",
        "dense_1",
        "re_lu_1",
        "dense_2",
        "add",
        "re_lu_2",
        "b",
        "concatenate",
        "dot",
    ]
    expected = [(0,), *[(*residual, 0), (*residual, 1)] * 2, (1, "merge"), (2, "branches", "left", 0)]
    expected += [(*right, "branches", "b", 0), (*right, "merge"), (2, "merge")]
    assert [spec[2] for spec in found] == [("layers", *path) for path in expected]


def test_branches_stay_nested_for_who_builds_them():
    first, add, dot = network_of(BLOCK).nested()
    assert isinstance(first, LayerSpec) and isinstance(add, MergeSpec)
    assert {name: len(branch) for name, branch in add.branches.items()} == {"residual": 4, "shortcut": 0}
    assert (dot.layer.kind, dot.layer.arguments) == ("Dot", {"axes": 1})
    assert isinstance(dot.branches["right"][0], MergeSpec)


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
    assert [spec.name for spec in network_of(f"[{kind}, {kind}]").expanded()] == [name, f"{name}_1"]


def test_no_layer_is_named_like_an_input_of_the_network():
    assert [spec.name for spec in network_of("[Labels, Labels, Output: {of: x}]").expanded()] == [
        "labels_1",
        "labels_2",
        "output_1",
    ]


GROWING = """
- Dense: {units: 1}
- phases: [2, 3]
  layers:
    - Dense: {units: 2}
    - {phases: [3], layers: [Dense: {units: 3}]}
- phases: [1]
  layers: [{merge: Add, branches: {a: [Dense: {units: 4}], b: [{phases: [2], layers: [ReLU]}]}}]
- Dense: {units: 5}
"""


def test_a_layer_has_the_same_name_in_each_phase():
    network = network_of(GROWING)
    found = [[(spec.name, spec.arguments.get("units")) for spec in network.in_phase(n).expanded()] for n in (1, 2, 3)]
    first, last = ("dense", 1), ("dense_4", 5)
    assert found[0] == [first, ("dense_3", 4), ("add", None), last]
    assert found[1] == [first, ("dense_1", 2), last]
    assert found[2] == [first, ("dense_1", 2), ("dense_2", 3), last]
    assert (network.phase, network.in_phase(2).phase) == (None, 2)
    assert [spec.phases for spec in network.expanded()] == [(), (2, 3), (3,), (1,), (2,), (1,), ()]


def test_a_chain_s_structure_is_the_list_that_identities_were_made_of_before_there_were_groups():
    network = config_of().generator
    assert network.structure() == [{layer.kind: layer.arguments} for layer in network.expanded()]


def test_a_group_s_structure_is_nested_and_has_its_repeats_unrolled():
    dense = {"Dense": {"units": 3}}
    assert network_of(BLOCK).structure()[1] == {
        "merge": {"Add": {}},
        "branches": [[{"ReLU": {}}, dense, {"ReLU": {}}, dense], []],
    }
    assert network_of(GROWING).structure()[1] == {
        "phases": [2, 3],
        "layers": [{"Dense": {"units": 2}}, {"phases": [3], "layers": [dense]}],
    }


ADD = "{merge: Add, branches: {a: [Dense: {units: 3}], b: []}}"
SAME = [
    "{merge: {Add: {}}, branches: {x: [Dense: {units: 3}], y: []}}",
    "{merge: Add, branches: {a: [{repeat: 1, layers: [Dense: {units: 3}]}], b: []}}",
]
OTHER = [
    "{merge: Add, branches: {b: [], a: [Dense: {units: 3}]}}",
    "{merge: Multiply, branches: {a: [Dense: {units: 3}], b: []}}",
    "{merge: Add, branches: {a: [Dense: {units: 3}], b: [ReLU]}}",
    "{merge: Add, branches: {a: [Dense: {units: 3}], b: [], c: []}}",
    "{merge: Attention, branches: {query: [Dense: {units: 3}], value: []}}",
    "{merge: Attention, branches: {query: [], value: [Dense: {units: 3}]}}",
    "{phases: [1, 2], layers: [Dense: {units: 3}]}",
    "{phases: [2], layers: [Dense: {units: 3}]}",
    "Dense: {units: 3}",
    "Add",
]


def identity(item: str) -> str:
    return identity_of(config_of(changed("- Flatten", f"- {item}")), "f" * 64, 100)[1]


def test_branches_are_a_part_of_the_identity_and_their_names_are_not():
    assert {identity(item) for item in SAME} == {identity(ADD)}
    assert len({identity(item) for item in (ADD, *OTHER)}) == 1 + len(OTHER)
    attention = ["{query: [], value: [ReLU]}", "{value: [ReLU], query: []}"]
    assert len({identity(f"{{merge: Attention, branches: {branches}}}") for branches in attention}) == 1


def test_groups_are_written_out_as_they_were_read():
    for layers in (BLOCK, GROWING):
        text = changed("- Flatten", layers.strip().removeprefix("- ").replace("\n", "\n    ").join(["- ", ""]))
        config = config_of(text)
        assert config_of(dump_config(config)) == config


def test_a_single_argument_in_a_branch_can_be_overridden(tmp_path):
    from tests.config.examples import load

    text = changed("- Flatten", f"- {ADD}")
    options = ["discriminator.layers[0].branches.a[0].Dense.units=5", "discriminator.layers[0].merge=Multiply"]
    dense, multiply, _ = load(tmp_path, text, *options).discriminator.expanded()
    assert (dense.arguments, multiply.kind) == ({"units": 5}, "Multiply")
