"""The purely supervised classifier beside a semi-supervised study: the discriminator alone, on the class term alone.

    python experiments/winkler2018_labels/supervised.py experiments/winkler2018_labels/mnist

For each number of labels and each seed of the study, the discriminator has the first weights, labelled images, batches, optimizer
and number of steps of the semi-supervised runs. The script prints the accuracy on the test split as CSV.
"""

import sys
from pathlib import Path

import numpy as np

from ganlab.backends import load_backend
from ganlab.backends.select import select_backend
from ganlab.config.schema import Config, value_range
from ganlab.config.steps import total_steps
from ganlab.data.dataset import Dataset
from ganlab.data.registry import load_dataset
from ganlab.flows.labelled import labelled_rows, readable_arrays
from ganlab.sweeps.configs import configs_of
from ganlab.training import ops
from ganlab.training.class_heads import HEADS
from ganlab.training.class_losses import class_cross_entropy
from ganlab.training.draws import Draws
from ganlab.training.stages import Column, Draw, Objective, Update
from ganlab.training.trainer import Trainer

_ROOM = 64  # steps in a chunk


def accuracy_of(config: Config, dataset: Dataset) -> float:
    """Trains the discriminator of a semi-supervised config on its labelled images; the accuracy on the test split."""
    select_backend(config.backend)
    from ganlab.metrics.discriminator import class_logits
    from ganlab.models.building import build_models

    backend = load_backend(config.backend)
    models = build_models(config, dataset.form)
    network, size = models.networks["discriminator"], config.train.batch_size

    def loss(values, with_lazy):
        outputs = ops.cast(network(values["labelled_0"], training=True), "float32")
        value = class_cross_entropy(HEADS[config.labels].split(outputs)[1], values["labelled_0.labels"])
        return value, {"loss": value}

    draws = {"labelled_0": Draw("rows", (size,), source="labelled", arrays=("images", "labels"))}
    optimizers = {"discriminator": models.optimizers["discriminator"]}
    update = Update(("discriminator",), loss, size)
    objective = Objective({"discriminator": network}, optimizers, (update,), draws, (Column("loss"),))
    rows = labelled_rows(config, dataset)
    arrays, steps = readable_arrays(dataset, rows), total_steps(config, dataset.count)
    stepper = backend.Steps(objective, arrays, value_range(config.data.range), backend.JIT[0])
    drawn = Draws(draws, config.seed, dataset.count, {"labelled": rows})
    Trainer(stepper, objective.column_names, drawn, [], _ROOM).train(0, steps)
    found = class_logits(network, config, steps, dataset.test.images).argmax(axis=1)
    return float(np.mean(found == dataset.test.labels))


def main(study: Path) -> None:
    configs, problems = configs_of(study, (), None)
    if problems:
        raise problems[0]
    print("labelled,seed,accuracy_discriminator_test")
    for (labelled, seed), config in {(config.data.labelled, config.seed): config for config in configs}.items():
        dataset = load_dataset(config.data, config.error_at)
        print(f"{labelled},{seed},{accuracy_of(config, dataset):.4f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
