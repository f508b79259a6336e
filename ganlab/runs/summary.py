"""summary.json: the values of a run for tables, written last."""

import math
from typing import Any

from ganlab.config.fields import without_schedule
from ganlab.config.schema import Config
from ganlab.runs.folder import RunFolder
from ganlab.runs.forms import SUMMARY_FORMAT
from ganlab.runs.logs import metric_table, read_history

LATER = ("limit", "split", "labels", "labelled")  # hyperparameters that summaries of earlier versions lack


def hyperparameters(config: Config, image_size: int | None) -> dict[str, Any]:
    """The flat mapping that tables compare; None for a key that does not apply."""
    optimizers = {f"{name}_optimizer": _optimizer(network.optimizer) for name, network in config.networks.items()}
    return {
        "latent_dim": config.latent.dim,
        "batch_size": config.train.batch_size,
        **config.hyperparameters(),
        **optimizers,
        "ema": without_schedule(config.train.ema),
        "precision": config.precision,
        "image_size": image_size,
        "limit": config.data.limit,
        "split": None if config.data.split == "train" else config.data.split,
        "labels": None if config.labels == "none" else config.labels,
        "labelled": config.data.labelled,
    }


def _optimizer(optimizer: dict) -> str:
    ((name, arguments),) = optimizer.items()
    written = ", ".join(f"{key}={without_schedule(value)}" for key, value in arguments.items())
    return f"{name}({written})"


def summarise(folder: RunFolder, config: Config, facts: dict[str, Any], seconds: float) -> dict:
    """The content of summary.json.

    Args:
        folder: of the run, whose history and metrics are complete.
        config: the experiment.
        facts: identity, cell, backend, device, status, verdict, reason, image_size, parameters, flops_a_step.
        seconds: wall time of all sessions of the run, each from the moment its networks are built.
    """
    durations = read_history(folder.history)["seconds"]
    steps, training = len(durations), float(durations.sum())
    rate = steps / training if training else math.nan
    facts = dict(facts)
    return {
        "format": SUMMARY_FORMAT,
        "name": config.name,
        "family": config.family,
        "seed": config.seed,
        "dataset": config.data.name,
        "config": hyperparameters(config, facts.pop("image_size")),
        **facts,
        "steps": steps,
        "seconds": round(seconds, 2),
        "training_seconds": round(training, 2),
        "steps_per_second": round(rate, 3) if training else None,
        "images_per_second": round(rate * config.rows_a_step(), 1) if training else None,
        "metrics": metric_table(folder, steps if facts["status"] == "finished" else None),
    }
