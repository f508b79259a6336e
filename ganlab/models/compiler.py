"""Compiles a config's layers into a network. Error messages name the layer and the shapes that do not fit."""

import dataclasses
import re
from collections.abc import Mapping, Sequence

import keras

from ganlab.config.document import shown
from ganlab.config.network import RESERVED, LayerSpec, MergeSpec
from ganlab.config.network import Network as Written
from ganlab.errors import did_you_mean
from ganlab.models.arguments import ErrorAt, Keys, first_sentence
from ganlab.models.layers import Output
from ganlab.models.layers.normalization import ReferenceBatch
from ganlab.models.layers.tensors import Shape
from ganlab.models.network import INPUT, INPUTS, LABELS, Network, Node
from ganlab.models.single_layers import build_layer

# Keras would broadcast the smaller branch without an error.
_OF_ONE_SHAPE = ("Add", "Average", "Fade", "Maximum", "Minimum", "Multiply", "Subtract")
_ON_REFERENCE = "/on_reference"  # suffix of nodes that run on the reference batch; names of layers have no slash
_NEEDED = {
    "labels": "this config has none; expected `labels: conditional` and labelled data",
    "step": "this network is built without one",
    "fade": "this run has no phases",
}


def compile_network(
    network: Written,
    inputs: Shape | Mapping[str, Shape],
    error_at: ErrorAt,
    name: str,
    precision: str = "float32",
) -> Network:
    """Compiles one network.

    Args:
        network: the config's layers, of one phase if it has phases.
        inputs: name -> shape without the batch of each value that layers may take: `input` (the latents or the data), and if
            known `labels` (classes,), `step` (1,) and `fade` (1,). Values that no layer takes do not become inputs of the
            network. A shape alone means `input`.
        error_at: makes a located error from keys and a message.
        name: the network's name, such as generator. The summary shows it.
        precision: a Keras dtype policy. Weights are always float32.

    Raises:
        ConfigError: for an unknown layer and for a layer that does not fit its input, with the shapes.
    """
    shapes = inputs if isinstance(inputs, Mapping) else {INPUT: tuple(inputs)}
    compiler = _Compiler(network, shapes, error_at, name, precision)
    last = compiler.add_all(network.nested(), INPUT)
    if not compiler.nodes:
        raise error_at((name, "layers"), f"expected at least one layer in phase {network.phase}, received none")
    taken = tuple(given for given in INPUTS if given in compiler.inputs)
    tensors = [compiler.inputs[given] for given in taken]
    try:
        model = keras.Model(tensors if len(tensors) > 1 else tensors[0], compiler.values[last], name=name)
    except ValueError as error:  # the output does not depend on the input
        raise error_at((name, "layers"), f"do not make a network: {first_sentence(error)}") from error
    model.jit_compile = False  # for `predict`: on a CPU XLA makes convolutions several times slower
    # Nodes on the reference batch come first: regularizers read a layer's last run, which must be the run on the batch.
    nodes = (*compiler.on_reference, *compiler.nodes)
    if any(isinstance(node.layer, keras.layers.Masking) or getattr(node.layer, "mask_zero", False) for node in nodes):
        nodes = tuple(dataclasses.replace(node, masked=True) for node in nodes)
    return Network(name, taken, nodes, model, tuple(compiler.features))


class _Compiler:
    """A network while it grows: its nodes, and a symbolic tensor for each value."""

    def __init__(self, network: Written, shapes: Mapping[str, Shape], error_at: ErrorAt, name: str, precision: str):
        self.network, self.shapes, self.error_at, self.name, self.precision = network, shapes, error_at, name, precision
        self.inputs: dict[str, keras.KerasTensor] = {}
        self.values: dict[str, keras.KerasTensor] = {}
        self.nodes: list[Node] = []
        self.on_reference: list[Node] = []
        self.features: list[str] = []
        self.add_input(INPUT)

    def add_input(self, name: str) -> str:
        if name not in self.inputs:
            self.inputs[name] = self.values[name] = keras.Input(self.shapes[name], name=f"{self.name}_{name}")
        return name

    def add_all(self, items: Sequence[LayerSpec | MergeSpec], before: str) -> str:
        """Adds a list of layers after the value `before`; returns the name of their output."""
        for item in items:
            if isinstance(item, LayerSpec):
                before = self.add(item, {"": before})
            else:
                ends = {branch: self.add_all(inner, before) for branch, inner in item.branches.items()}
                before = self.add(item.layer, ends)
        return before

    def add(self, spec: LayerSpec, takes: dict[str, str]) -> str:
        """Adds one layer; `takes` is branch -> name of a value. A layer without branches has the branch ""."""
        keys = (*spec.path, spec.kind)
        if spec.phases and self.network.phase is None:
            raise self.error_at(keys, "belongs to phases, but this run has none; expected it without their group")
        layer = build_layer(spec.kind, spec.arguments, spec.path, self.error_at, spec.name, self.precision)
        self._require_new_name(layer.name, keys)
        if isinstance(layer, Output):
            takes = {"": self._named(layer.of, (*keys, "of"))}
        elif getattr(layer, "instead", None):
            takes = {"": self._input(layer.instead, keys)}
        if spec.kind in _OF_ONE_SHAPE and len({self.values[name].shape for name in takes.values()}) > 1:
            raise self.error_at(keys, f"expected branches of one shape, received {self._shapes_of(takes)}")
        wanted = getattr(layer, "takes", ())
        if unknown := set(wanted) - {*INPUTS, "reference"}:
            known = ", ".join(sorted({*INPUTS[1:], "reference"}))
            raise self.error_at(keys, f"the class {spec.kind} takes '{unknown.pop()}'; expected one of {known}")
        more = {value: self._input(value, keys) for value in wanted if value != "reference"}
        if "reference" in wanted:
            more["reference"] = self._on_reference(takes[""], layer.reference_size, keys)
        self._call(Node(layer.name, layer, tuple(takes.values()), more), self.nodes, takes, keys)
        if "name" in spec.arguments:
            self.features.append(layer.name)
        return layer.name

    def _call(self, node: Node, nodes: list[Node], takes: dict[str, str], keys: Keys) -> None:
        """Calls a node's layer, which builds a new layer, and adds the node to `nodes`."""
        given = f"its {'branches' if len(takes) > 1 else 'input of shape'} {self._shapes_of(takes)}"
        try:
            output = node.call(self.values)
        except Exception as error:  # Keras and its backends raise many kinds of errors for wrong shapes
            hint = ""
            if len(takes) == 1 and re.search("Conv|Pool|UpSampling", node.layer.__class__.__name__):
                rank = len(self.values[next(iter(takes.values()))].shape)
                hint = ". A Reshape before it makes an image of a vector" if rank == 2 else ""
            raise self.error_at(keys, f"does not fit {given}: {first_sentence(error)}{hint}") from error
        if not isinstance(output, keras.KerasTensor):
            raise self.error_at(keys, f"gives {len(output)} outputs; expected a layer that gives one")
        shape = tuple(output.shape[1:])
        if any(size is not None and size < 1 for size in shape):
            raise self.error_at(keys, f"gives the shape {shape} from {given}; nothing is left")
        self.values[node.name] = output
        nodes.append(dataclasses.replace(node, shape=shape))

    def _shapes_of(self, takes: dict[str, str]) -> str:
        shapes = {branch: tuple(self.values[name].shape[1:]) for branch, name in takes.items()}
        return ", ".join(f"{branch} {shape}".strip() for branch, shape in shapes.items())

    def _require_new_name(self, name: str, keys: Keys) -> None:
        if name in RESERVED:
            raise self.error_at((*keys, "name"), f"'{name}' is a word of ganlab; expected another name")
        if name in self.values or name in [f"{self.name}_{given}" for given in INPUTS]:
            raise self.error_at((*keys, "name"), f"another layer of this network is named '{name}'")

    def _input(self, name: str, keys: Keys) -> str:
        """Makes a value an input of the network; returns its name."""
        if name not in self.shapes:
            raise self.error_at(keys, f"needs the {name}, but {_NEEDED[name]}")
        return self.add_input(name)

    def _named(self, name: str, keys: Keys) -> str:
        """Checks that `name` is an earlier layer that the config named; returns it."""
        if name not in self.features:
            later = [spec.name for spec in self.network.expanded() if "name" in spec.arguments]
            reason = "stands later" if name in later else f"is no layer's `name:`.{did_you_mean(name, self.features)}"
            raise self.error_at(keys, f"expected the name of an earlier layer; {shown(name)} {reason}")
        return name

    def _on_reference(self, name: str, size: int, keys: Keys) -> str:
        """Adds the nodes that compute the value `name` on the reference batch; returns the name of the result."""
        made = {node.name: node for node in self.nodes}
        self._require_reference_batch(INPUT, size, keys)
        waiting = [name]
        while waiting:
            value = waiting[-1]
            node = made.get(value)
            if value + _ON_REFERENCE in self.values:
                waiting.pop()
            elif value == LABELS:
                self._require_reference_batch(LABELS, size, keys)
            elif node is None:
                message = f"needs a run of the network on a reference batch, but a layer before it takes the {value}"
                raise self.error_at(keys, message)
            elif missing := [
                taken for taken in (*node.takes, *_more(node)) if taken + _ON_REFERENCE not in self.values
            ]:
                waiting += missing
            else:
                takes = {taken: taken + _ON_REFERENCE for taken in node.takes}
                more = {argument: taken + _ON_REFERENCE for argument, taken in _more(node).items()}
                again = Node(value + _ON_REFERENCE, node.layer, tuple(takes.values()), more)
                self._call(again, self.on_reference, takes, keys)
        return name + _ON_REFERENCE

    def _require_reference_batch(self, name: str, size: int, keys: Keys) -> None:
        """Adds the layer that holds the reference batch of one input of the network."""
        if name + _ON_REFERENCE not in self.values:
            layer = ReferenceBatch(size, name, dtype=keras.DTypePolicy(self.precision))
            self._call(Node(name + _ON_REFERENCE, layer, (self.add_input(name),)), self.on_reference, {"": name}, keys)
        count = self.on_reference[0].layer.count
        if size != count:
            message = f"expected {count}, as in the layer before (a network has one reference batch), received {size}"
            raise self.error_at((*keys, "reference_size"), message)


def _more(node: Node) -> dict[str, str]:
    """The inputs of the network that a node takes beside other nodes' values: argument -> name."""
    return {argument: name for argument, name in node.more.items() if argument != "reference"}


def check_output(network: Network, spec: Written, expected: Shape, what: str, error_at: ErrorAt) -> None:
    """Raises a located error unless the network ends in the `expected` shape (without the batch); None fits any number."""
    found = network.output_shape
    if len(found) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(found, expected, strict=True)
    ):
        return
    last = spec.expanded()[-1]
    ends = list(network.shapes.items())[-4:]
    shapes = ", ".join(
        f"{network.name}_{name} {shape}" if name in INPUTS else f"{name} {shape}" for name, shape in ends
    )
    message = f"ends in the shape {network.output_shape}, expected {expected}: {what} (last layers: {shapes})"
    raise error_at((*last.path, last.kind), message)
