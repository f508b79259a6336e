"""All mistakes of a config at once: each layer, optimizer, network and metric is looked at by itself."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError

from ganlab.backends.select import select_any_backend
from ganlab.config.document import Document, Keys, Node, error_in
from ganlab.config.loading import resolve_config, with_source
from ganlab.config.network import Network
from ganlab.config.schema import Config, Data, Form
from ganlab.config.steps import final_data, last_stretch
from ganlab.data.dataset import Dataset
from ganlab.data.options import ErrorAt
from ganlab.data.registry import is_here, load_dataset, published_form, require_known
from ganlab.errors import ConfigError, GanlabError, did_you_mean
from ganlab.metrics.names import NAMES
from ganlab.objectives import OBJECTIVES, name_of


def mistakes_in(root: Node) -> Iterator[ConfigError]:
    """The mistakes in a config's layers, optimizers, data and metrics, then in the shapes of networks whose layers are right.

    Args:
        root: the mapping of a config, which may have any mistake.
    """
    document = Document(with_source(root))
    config = _tried(lambda: resolve_config(root))
    backend = _tried(lambda: select_any_backend(config.backend if isinstance(config, Config) else "tensorflow"))
    if isinstance(backend, ConfigError):  # it is not installed
        return

    def error_at(keys: Keys, message: str) -> ConfigError:
        return error_in(document, keys, message)

    in_layers = list(_in_layers(_networks_of(document), error_at))
    yield from in_layers
    data = document.data.get("data")
    options = final_data(config) if isinstance(config, Config) else _read(Data, data)
    # With a mistake among its keys, the data cannot be loaded as they are meant: only their name is looked at.
    name = None if options else _read(Data, {"name": data.get("name")} if isinstance(data, dict) else None)
    dataset = _tried(lambda: load_dataset(options, error_at)) if options and is_here(options) else None
    yield from _mistakes([dataset, name and _tried(lambda: require_known(name.name, error_at))])
    yield from _in_metrics(document.data.get("metrics"), dataset, error_at)
    if isinstance(config, Config) and not in_layers:
        form = dataset.form if isinstance(dataset, Dataset) else _tried(lambda: published_form(options))
        yield from _in_shapes(config, form) if isinstance(form, Form) else ()


def _tried(make: Callable[[], Any]) -> Any:
    """What a function gives, or the error that it raises."""
    try:
        return make()
    except GanlabError as error:
        return error


def _mistakes(found: list[Any]) -> Iterator[ConfigError]:
    return (each for each in found if isinstance(each, ConfigError))


def _read(section: type, value: Any) -> Any:
    """A section of a config; None if it has a mistake."""
    try:
        return section.model_validate(value)
    except ValidationError:
        return None


def _networks_of(document: Document) -> dict[str, Network]:
    """The networks of a config. A right layer or optimizer stands for each one that cannot be read."""
    name = name_of(document.data.get("objective", "gan"))
    keys = OBJECTIVES[name].config.NETWORKS if isinstance(name, str) and name in OBJECTIVES else ()
    networks = {}
    for key in keys:
        written = document.data.get(key)
        written = written if isinstance(written, dict) else {}
        layers = written.get("layers")
        layers = [item if _network([item]) else "Flatten" for item in layers] if isinstance(layers, list) else []
        # No list may be empty or have too many layers.
        networks[key] = _network(layers, written.get("optimizer")) or _network(layers) or _network(["Flatten"])
        networks[key]._key = key
    return networks


def _network(layers: list[Any], optimizer: Any = "SGD") -> Network | None:
    return _read(Network, {"layers": layers, "optimizer": optimizer})


def _in_layers(networks: dict[str, Network], error_at: ErrorAt) -> Iterator[ConfigError]:
    from ganlab.models.building import build_optimizer
    from ganlab.models.single_layers import build_layer

    for name, network in networks.items():
        for spec in network.expanded():
            made = _tried(lambda s=spec: build_layer(s.kind, s.arguments, s.path, error_at, s.name, "float32"))
            yield from _mistakes([made])
        yield from _mistakes([_tried(lambda n=name, w=network: build_optimizer(w, n, error_at))])


def _in_metrics(metrics: Any, dataset: Any, error_at: ErrorAt) -> Iterator[ConfigError]:
    from ganlab.metrics import protocols

    named = isinstance(metrics, list) and all(isinstance(name, str) for name in metrics)
    if named and isinstance(dataset, Dataset):
        yield from _mistakes([_tried(lambda: protocols.resolve(metrics, dataset, error_at))])
    elif named:
        for index, name in enumerate(metrics):
            if name not in NAMES:
                yield error_at(("metrics", index), f"unknown metric '{name}'.{did_you_mean(name, NAMES)}")


def _in_shapes(config: Config, form: Form) -> Iterator[ConfigError]:
    from ganlab.models.building import build_network

    last = last_stretch(config)
    if form.shape is not None:
        yield from _mistakes([_tried(lambda n=name: build_network(config, n, form, last)) for name in config.networks])
