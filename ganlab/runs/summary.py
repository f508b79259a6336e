"""summary.json: what tables need of a run, written last."""

import math
from typing import Any

from ganlab.config.schema import Config
from ganlab.metrics.names import better
from ganlab.runs.folder import RunFolder
from ganlab.runs.logs import read_metrics, training_seconds

FORMAT = 1


def hyperparameters(config: Config, image_size: int | None) -> dict[str, Any]:
    """The flat mapping that tables compare; keys that do not apply are None."""
    optimizers = {f"{name}_optimizer": _optimizer(network.optimizer) for name, network in config.networks.items()}
    return {
        "latent_dim": config.latent.dim,
        "batch_size": config.train.batch_size,
        **config.hyperparameters(),
        **optimizers,
        "ema": config.train.ema,
        "precision": config.precision,
        "image_size": image_size,
    }


def _optimizer(optimizer: dict) -> str:
    ((name, arguments),) = optimizer.items()
    written = ", ".join(f"{key}={_plain(value)}" for key, value in arguments.items())
    return f"{name}({written})"


def _plain(value: Any) -> str:
    if not isinstance(value, dict):
        return f"{value}"
    ((name, arguments),) = value.items()  # a schedule: its name and its first value say enough for a table
    return f"{name}({next(iter(arguments.values()), '')})"


def metric_table(folder: RunFolder, finished: int | None = None) -> dict[str, dict]:
    """name -> last, best, best_step, floor, fingerprint over the lines of metrics.jsonl.

    Args:
        folder: of the run.
        finished: the last step of a run that comes to its end now; what could not be measured there has no `last` value.
    """
    table: dict[str, dict] = {}
    for line in sorted(read_metrics(folder.metrics), key=lambda line: line["step"]):
        name, value = line["name"], line["value"]
        entry = table.setdefault(name, {"best": value, "best_step": line["step"]})
        choose = min if better(name) == "lower" else max
        if value != entry["best"] and choose(value, entry["best"]) == value:
            entry |= {"best": value, "best_step": line["step"]}
        entry |= {key: line.get(key) for key in ("floor", "floor_n", "fingerprint", "weight_hash")}
        entry["last"] = value if finished in (None, line["step"]) else None
    return table


def summarise(folder: RunFolder, config: Config, facts: dict[str, Any], seconds: float) -> dict:
    """The content of summary.json.

    Args:
        folder: of the run, whose history and metrics are complete.
        config: the experiment.
        facts: identity, cell, backend, device, status, verdict, reason, image_size, parameters, flops_a_step.
        seconds: wall time of the whole run, over all its sessions.
    """
    steps, training = training_seconds(folder.history)
    rate = steps / training if training else math.nan
    facts = dict(facts)
    return {
        "format": FORMAT,
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
