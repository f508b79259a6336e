"""A network in a config: a list of layers under their Keras names, and an optimizer."""

from typing import Annotated, Any

from pydantic import BeforeValidator, PrivateAttr

from ganlab.config.fields import Described, Section
from ganlab.config.layer_specs import LayerSpec, MergeSpec, expand, in_order, structure
from ganlab.config.layers import normalise_choice, read_layers

_OPTIMIZER = "an optimizer as Name or {Name: {arguments}}"


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
        """The phase whose layers are meant, from 1; None for the layers of every phase."""
        return self._phase

    def in_phase(self, phase: int) -> "Network":
        """The network as it is in one phase of a run; its layers have the same names in each phase."""
        network = self.model_copy()
        network._phase = phase
        return network

    def nested(self) -> list[LayerSpec | MergeSpec]:
        """The layers in order, with every `repeat` unrolled and branches as they are nested."""
        return expand(self.layers, (self._key, "layers"), self._phase, {})

    def expanded(self) -> list[LayerSpec]:
        """Every layer in the order in which layers run; those of branches stand before their merging layer."""
        return list(in_order(self.nested()))

    def structure(self) -> list[Any]:
        """The layers of all phases in one canonical form, for the identity; equal for networks that are built alike."""
        return structure(self.layers)
