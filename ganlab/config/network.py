"""A network in a config: its list of layers, resolved into single layers, and its optimizer."""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PrivateAttr

from ganlab.config.document import Keys
from ganlab.config.fields import Described, Section
from ganlab.config.layers import NAMED_BRANCHES, group_of, normalise_choice, read_layers

_OPTIMIZER = "an optimizer as Name or {Name: {arguments}}"
# They wrap other optimizers. LossScaleOptimizer serves float16, which ganlab does not offer.
REFUSED_OPTIMIZERS = ("LossScaleOptimizer", "MultiOptimizer")
# Names of values that are no layer's output. No layer may have one of these names.
RESERVED = ("input", "labels", "step", "fade", "output", "reference_batch")


class Network(Section):
    """One network: layers and groups, each in its shortest form, and the optimizer as `{Name: {arguments}}`."""

    layers: Annotated[list[Any], Described("a list of layers"), BeforeValidator(read_layers)]
    optimizer: Annotated[
        dict[str, dict[str, Any]], Described(_OPTIMIZER), BeforeValidator(lambda v: normalise_choice(v, _OPTIMIZER))
    ]

    _key: str = PrivateAttr("network")
    _phase: int | None = PrivateAttr(None)

    @property
    def phase(self) -> int | None:
        """The phase, from 1; None for the layers of every phase."""
        return self._phase

    def in_phase(self, phase: int) -> "Network":
        """The network of one phase of a run. A layer has the same name in each phase."""
        network = self.model_copy()
        network._phase = phase
        return network

    def nested(self) -> "list[LayerSpec | MergeSpec]":
        """The layers in order, with every `repeat` unrolled and branches as they are nested."""
        return expand(self.layers, (self._key, "layers"), self._phase, {})

    def expanded(self) -> "list[LayerSpec]":
        """Every layer in the order in which layers run. The layers of branches stand before their merging layer."""
        return list(in_order(self.nested()))

    def structure(self) -> list[Any]:
        """The layers of all phases in one canonical form, for the identity."""
        return structure(self.layers)


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a network."""

    kind: str  # the layer's class, e.g. `Conv2D`; the compiler checks whether it exists
    arguments: dict[str, Any]  # as the config has them
    path: Keys  # of its item in the config, e.g. `("generator", "layers", 3)`
    name: str = ""  # unique in the network: its `name:`, or as Keras names layers, e.g. `conv2d_1`
    phases: tuple[int, ...] = ()  # the phases it belongs to; () for all of them


@dataclass(frozen=True)
class MergeSpec:
    """A merging layer, and the layers of each of its branches; a branch without layers hands the input on."""

    layer: LayerSpec
    branches: dict[str, list["LayerSpec | MergeSpec"]]


def expand(
    layers: list[Any], keys: Keys, phase: int | None, counts: dict[str, int], phases: tuple[int, ...] = ()
) -> list[LayerSpec | MergeSpec]:
    """The layers and merges of a list that `read_layers` gave, with repeats unrolled.

    Args:
        layers, keys: the list, and its path in the config.
        phase: only layers of this phase; None for all layers.
        counts: name -> its number so far. Layers of other phases count, so that a layer keeps its name.
        phases: the phases of the group that the list belongs to.
    """
    items: list[LayerSpec | MergeSpec] = []
    for index, item in enumerate(layers):
        path, kind = (*keys, index), group_of(item)
        if kind == "repeat":
            for _ in range(item["repeat"]):
                items += expand(item["layers"], (*path, "layers"), phase, counts, phases)
        elif kind == "phases":
            own = tuple(sorted(item["phases"]))
            inner = expand(item["layers"], (*path, "layers"), phase, counts, own)
            items += inner if phase is None or phase in own else []
        elif kind == "merge":
            branches = {
                name: expand(branch, (*path, "branches", name), phase, counts, phases)
                for name, branch in item["branches"].items()
            }
            items.append(MergeSpec(_layer(item["merge"], (*path, "merge"), counts, phases), branches))
        else:
            items.append(_layer(item, path, counts, phases))
    return items


def _layer(item: str | dict[str, Any], path: Keys, counts: dict[str, int], phases: tuple[int, ...]) -> LayerSpec:
    kind, arguments = (item, {}) if isinstance(item, str) else next(iter(item.items()))
    counted, name = counted_name(kind, counts), arguments.get("name")
    return LayerSpec(kind, copy.deepcopy(arguments), path, name if isinstance(name, str) else counted, phases)


def counted_name(kind: str, counts: dict[str, int]) -> str:
    """Keras' name for a layer (dense, dense_1), counted within one network, so that names do not depend on earlier networks."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", kind).lower()
    number = counts.get(snake, int(snake in RESERVED))
    counts[snake] = number + 1
    return f"{snake}_{number}" if number else snake


def in_order(items: Iterable[LayerSpec | MergeSpec]) -> Iterator[LayerSpec]:
    """Every layer in the order in which layers run, with the layers of branches and merging layers."""
    for item in items:
        if isinstance(item, MergeSpec):
            for branch in item.branches.values():
                yield from in_order(branch)
            yield item.layer
        else:
            yield item


def structure(layers: list[Any]) -> list[Any]:
    """The list in one canonical form: equal networks have equal structures.

    Repeats are unrolled. A branch has its name only where the merging layer knows branches by name.
    """
    written: list[Any] = []
    for item in layers:
        kind = group_of(item)
        if kind == "repeat":
            written += structure(item["layers"]) * item["repeat"]
        elif kind == "phases":
            written.append({"phases": sorted(item["phases"]), "layers": structure(item["layers"])})
        elif kind == "merge":
            branches = {name: structure(branch) for name, branch in item["branches"].items()}
            merge = _long(item["merge"])
            named = next(iter(merge)) in NAMED_BRANCHES
            written.append({"merge": merge, "branches": branches if named else list(branches.values())})
        else:
            written.append(_long(item))
    return written


def _long(item: str | dict[str, Any]) -> dict[str, Any]:
    return {item: {}} if isinstance(item, str) else item
