"""A finished run folder of two steps, as `ganlab run` leaves one: made without a framework, the same in every byte, and sound."""

import hashlib
import io
import json
from pathlib import Path

import h5py
import numpy as np

from ganlab.config.loading import dump_config, load_config
from ganlab.pictures.images import write_film, write_grid
from ganlab.runs.folder import RunFolder
from ganlab.runs.summary import hyperparameters
from tests.cli.experiments import CONFIG
from tests.hostile.weights import seal
from tests.run_folders import metric, write_json, write_run

STEPS = 2
_ARRAYS = np.random.default_rng(0).normal(size=(STEPS + 1, 4, 6)).astype(np.float32)


def write_whole_run(results: Path, name: str) -> Path:
    """Writes `results/digits/NAME-seed0-.../` and returns it."""
    results.mkdir(parents=True, exist_ok=True)
    source = results / f"{name}.yaml"
    source.write_text(CONFIG.replace("name: tiny", f"name: {name}"))
    config = load_config(source, seed=0)
    source.unlink()
    metrics = {"is1k_classifier": metric(3.0, best_step=STEPS)}
    path = write_run(results, name, metrics=metrics, config=hyperparameters(config, 8), steps=STEPS)
    folder = RunFolder(path)
    folder.config.write_text(dump_config(config))
    more = {"steps": STEPS, "checkpoint": STEPS, "verdict": "ok", "health": {"verdict": "ok", "step": STEPS}}
    write_json(folder.status_file, json.loads(folder.status_file.read_text()) | more)
    folder.history.write_text("step,d_loss,g_loss,diversity,seconds\n1,1,1,,0.1\n2,1,1,0.5,0.1\n")
    line = {"step": STEPS, "name": "is1k_classifier", "value": 3.0, "floor": 0.5, "fingerprint": "f00d"}
    folder.metrics.write_text(json.dumps(line) + "\n")
    for network in ("generator", "discriminator", "gan"):
        folder.summary_of(network).parent.mkdir(exist_ok=True)
        folder.summary_of(network).write_text("a table\n")
    pictures = np.arange(6 * 64, dtype=np.uint8).reshape(6, 8, 8, 1)
    for picture in (folder.drawing, folder.losses, folder.outputs, *map(folder.sample, range(1, STEPS + 1))):
        write_grid(picture, pictures, 2, 3)
    write_film(folder.film, [folder.sample(step) for step in range(1, STEPS + 1)])
    for step in range(1, STEPS + 1):
        write_state(folder.state(step), step)
        folder.generator_weights(step).write_bytes(seal(weight_file(step)))
    return path


def arrays_of(step: int) -> dict[str, np.ndarray]:
    """What training changes, by name."""
    weights = _ARRAYS[step]
    return {
        "networks/generator/0000/kernel": weights,
        "networks/generator/0001/bias": weights[0],
        "networks/discriminator/0000/kernel": weights.T.copy(),
        "optimizers/generator/0000/iteration": np.array(step, np.int64),
    }


def write_state(path: Path, step: int) -> None:
    path.mkdir(parents=True)
    np.savez(path / "variables.npz", **arrays_of(step))
    write_manifest(path, {"format": 1, "step": step, "compiled": {"jit": False, "fold": False, "room": 8}})


def write_manifest(path: Path, facts: dict) -> None:
    """Writes a state's manifest with the checksum that its arrays have now."""
    digest = hashlib.sha256((path / "variables.npz").read_bytes()).hexdigest()
    write_json(path / "MANIFEST.json", facts | {"sha256": {"variables.npz": digest}})


def weight_file(step: int, spoil=lambda file: None) -> bytes:
    """The generator's weights of a step as an HDF5 file, without checksums; `spoil` may change what is in it."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, weights in enumerate((_ARRAYS[step], _ARRAYS[step][0])):
            file.create_dataset(f"layers/dense/vars/{number}", data=weights)
        spoil(file)
    return content.getvalue()
