"""A config in the words of a published table: activation, alpha, momentum, kernel size, strides, dropout, ..."""

from collections.abc import Iterable
from typing import Any

from ganlab.config.loading import load_resolved
from ganlab.config.network import LayerSpec
from ganlab.config.schema import Config, Network
from ganlab.runs.folder import RunFolder
from ganlab.runs.records import RunRecord

# Cross-entropy works on logits here: the sigmoid that tables print as the last activation is in these losses.
CROSS_ENTROPY = ("minimax", "non_saturating")
LOSS_WORDS = {"least_squares": "mse", "wasserstein": "wasserstein_loss"} | dict.fromkeys(
    CROSS_ENTROPY, "binary_crossentropy"
)
ACTIVATION_WORDS = {"LeakyReLU": "leaky_relu", "ReLU": "relu", "ELU": "elu", "PReLU": "prelu", "Softmax": "softmax"}
WEIGHTED = ("Dense", "Conv2D", "Conv2DTranspose")


def facts_of(config: Config) -> dict[str, str]:
    """The columns that a published.csv may have, as text; '' where one does not apply.

    Several different values of one kind are parted by commas. `epochs` is what akel2022 calls so: generator updates.
    """
    loss = LOSS_WORDS.get(config.loss.name, config.loss.name)
    facts = {
        "derived_from": config.family,
        "dataset": config.data.name,
        "epochs": config.train.steps,
        "latent_dim": config.latent.dim,
        "batch_size": config.train.batch_size,
        "gan_loss": loss,
        "discriminator_loss": loss,
    }
    facts |= _optimizer("gan", config.generator.optimizer)
    facts |= _optimizer("discriminator", config.discriminator.optimizer)
    in_loss = "sigmoid" if config.loss.name in CROSS_ENTROPY else ""
    facts |= _structure("generator", config.generator, "")
    facts |= _structure("discriminator", config.discriminator, in_loss)
    return {name: _text(value) for name, value in facts.items()}


def facts_of_run(run: RunRecord) -> dict[str, str]:
    """The facts of a run folder's config; {} where it has not written one yet.

    Raises:
        ConfigError: the config is not one this ganlab reads.
    """
    path = RunFolder(run.folder).config
    return facts_of(load_resolved(path)) if path.is_file() else {}


def same(first: str, second: str) -> bool:
    """Whether two facts say the same: 5e-05 is 0.00005, MNIST is mnist."""
    try:
        return float(first) == float(second)
    except ValueError:
        return first.casefold() == second.casefold()


def _optimizer(prefix: str, optimizer: dict[str, dict[str, Any]]) -> dict[str, Any]:
    ((name, arguments),) = optimizer.items()
    return {
        f"{prefix}_optimizer": name,
        f"{prefix}_learning_rate": arguments.get("learning_rate"),
        f"{prefix}_beta_1": arguments.get("beta_1"),
    }


def _structure(prefix: str, network: Network, last_in_loss: str) -> dict[str, Any]:
    layers = network.expanded()
    last = max((index for index, layer in enumerate(layers) if layer.kind in WEIGHTED), default=len(layers))
    hidden, ending = layers[:last], layers[last:]
    convolutions = [layer for layer in layers if layer.kind == "Conv2D"]
    structure = {
        "activation": _distinct(_activations(hidden)),
        "alpha": _distinct(layer.arguments.get("negative_slope") for layer in hidden if layer.kind == "LeakyReLU"),
        "batch_norm_momentum": _arguments(layers, "BatchNormalization", "momentum"),
        "up_sampling_2d": any(layer.kind == "UpSampling2D" for layer in layers),
        "conv2d": bool(convolutions),
        # Of the convolutions that make an image smaller: a table gives one number, and some networks end in stride 1.
        "conv_strides": _distinct(s for c in convolutions if (s := c.arguments.get("strides", 1)) != 1),
        "conv_kernel_size": _arguments(layers, "Conv2D", "kernel_size"),
        "dropout": _arguments(layers, "Dropout", "rate"),
        "last_activation": _distinct(_activations(ending)) or last_in_loss,
    }
    return {f"{prefix}_{name}": value for name, value in structure.items()}


def _activations(layers: list[LayerSpec]) -> Iterable[str]:
    for layer in layers:
        if layer.kind in ACTIVATION_WORDS:
            yield ACTIVATION_WORDS[layer.kind]
        elif layer.arguments.get("activation") not in (None, "linear"):
            yield _text(layer.arguments["activation"])


def _arguments(layers: list[LayerSpec], kind: str, argument: str) -> str:
    return _distinct(layer.arguments.get(argument) for layer in layers if layer.kind == kind)


def _distinct(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(text for value in values if (text := _text(value))))


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):  # a schedule, a layer with arguments
        return ", ".join(f"{name}({_text(arguments)})" for name, arguments in value.items())
    if isinstance(value, list | tuple):
        return "x".join(_text(entry) for entry in value)
    return f"{value:.10f}".rstrip("0") if isinstance(value, float) and 0 < abs(value) < 1e-4 else str(value)
