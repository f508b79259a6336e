"""Run folders for tests, written as a run leaves them."""

import hashlib
import json
from pathlib import Path

CONFIG = """\
name: {name}
family: {family}
seed: {seed}
latent: {{dim: 64, distribution: normal}}
generator:
  layers:
    - Dense: {{units: {units}}}
    - Reshape: {{target_shape: [8, 8, 1]}}
  optimizer: {{Adam: {{learning_rate: 1e-3}}}}
train: {{steps: 1500, batch_size: 32}}
"""
HYPERPARAMETERS = {
    "latent_dim": 64,
    "batch_size": 32,
    "discriminator_steps": 1,
    "loss": "non_saturating",
    "generator_optimizer": "Adam(learning_rate=0.001)",
    "clip_weights": None,
}


def metric(last, best=None, best_step=1500, floor=0.5, fingerprint="f00d", **more) -> dict:
    """One entry of a summary's metrics."""
    best = last if best is None else best
    return {
        "last": last,
        "best": best,
        "best_step": best_step,
        "floor": floor,
        "fingerprint": fingerprint,
        **more,
    }


def write_run(
    results: Path,
    name: str = "quickstart",
    *,
    dataset: str = "digits",
    seed: int = 0,
    family: str = "DCGAN",
    status: str = "finished",
    verdict: str = "ok",
    metrics: dict | None = None,
    config: dict | None = None,
    units: int = 64,
    written: str = "",
    data: str | None = None,
    again: str = "",
    with_summary: bool = True,
    **summary,
) -> Path:
    """Writes one run folder; its cell comes from name and hyperparameters, its identity from cell and seed.

    Args:
        metrics: entries as `metric` makes them; by default one.
        config: hyperparameters that differ from `HYPERPARAMETERS`.
        units: of the generator's layer, in config.yaml.
        written: further lines of config.yaml.
        data: fingerprint of the training images.
        again: what `--fresh` appends to the folder's name.
        summary: further entries of summary.json.
    """
    hyperparameters = {**HYPERPARAMETERS, **(config or {})}
    cell = _hash(dataset, name, json.dumps(hyperparameters))
    identity = _hash(cell, str(seed))
    folder = results / dataset / f"{name}-seed{seed}-{identity[:8]}{again}"
    folder.mkdir(parents=True)
    times = {"created": 1714557600.0, status: 1714561200.0, "updated": 1714561200.0}
    known = {"identity": identity, "cell": cell, "steps": summary.get("steps", 1500), "reason": None}
    known |= {"data_fingerprint": data} if data else {}
    write_json(folder / "status.json", {**known, "status": status, "times": times})
    (folder / "config.yaml").write_text(CONFIG.format(name=name, family=family, seed=seed, units=units) + written)
    write_json(folder / "environment.json", {"versions": {"keras": "3.15.1"}, "device": "cpu"})
    if with_summary:
        content = {
            "format": 1,
            "identity": identity,
            "cell": cell,
            "name": name,
            "family": family,
            "dataset": dataset,
            "seed": seed,
            "backend": "tensorflow",
            "device": "cpu",
            "config": hyperparameters,
            "parameters": {"generator": 4224, "discriminator": 1025},
            "status": status,
            "verdict": verdict,
            "steps": 1500,
            "seconds": 61.5,
            "steps_per_second": 24.39,
            "images_per_second": 780.5,
            "metrics": {"fd1k_classifier": metric(12.5)} if metrics is None else metrics,
        }
        write_json(folder / "summary.json", {**content, **summary})
    return folder


def write_json(path: Path, content) -> None:
    path.write_text(json.dumps(content))


def _hash(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
