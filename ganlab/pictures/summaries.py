"""The models/ folder of a run: Keras summaries and a drawing of all layers."""

import keras

from ganlab.models.gan import Gan
from ganlab.models.network import Network
from ganlab.pictures.networks import LayerRow, NetworkDrawing, write_drawing
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import write_text


def write_models(folder: RunFolder, gan: Gan) -> None:
    """Writes generator.txt, discriminator.txt, gan.txt and gan.png."""
    for name, model in {
        **{name: network.model for name, network in gan.networks.items()},
        "gan": gan.stacked(),
    }.items():
        write_text(folder.summary_of(name), summary_text(model))
    write_drawing(folder.drawing, [_rows(model) for model in gan.networks.values()])


def summary_text(model: keras.Model) -> str:
    """Keras' summary, as text."""
    lines: list[str] = []
    model.summary(print_fn=lambda line: lines.append(line), line_length=100)
    return "\n".join(lines) + "\n"


def _rows(network: Network) -> NetworkDrawing:
    rows = [LayerRow(f"{network.name}_input", "InputLayer", network.shapes["input"], 0)]
    rows += [
        LayerRow(node.name, type(node.layer).__name__, node.shape, node.layer.count_params()) for node in network.nodes
    ]
    return NetworkDrawing(network.name, rows)
