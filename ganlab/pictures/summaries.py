"""The models/ folder of a run: Keras summaries and a drawing of all layers."""

import keras

from ganlab.config.schema import Config
from ganlab.models.building import Models, chained
from ganlab.pictures.networks import LayerRow, NetworkDrawing, write_drawing
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import write_text


def write_models(folder: RunFolder, config: Config, models: Models) -> None:
    """Writes a summary of each network, of all in a row where they follow each other (gan.txt), and gan.png."""
    summarised = {name: network.model for name, network in models.networks.items()}
    if config.IS_CHAIN:
        summarised["gan"] = chained(models.networks)
    for name, model in summarised.items():
        write_text(folder.summary_of(name), summary_text(model))
    write_drawing(folder.drawing, [_rows(network.model) for network in models.networks.values()])


def summary_text(model: keras.Model) -> str:
    """Keras' summary, as text."""
    lines: list[str] = []
    model.summary(print_fn=lambda line: lines.append(line), line_length=100)
    return "\n".join(lines) + "\n"


def _rows(model: keras.Model) -> NetworkDrawing:
    rows = [
        LayerRow(layer.name, type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params())
        for layer in model.layers
    ]
    return NetworkDrawing(model.name, rows)
