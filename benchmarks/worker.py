"""One side of a benchmark in a process of its own: frameworks' thread pools would disturb each other in one.

Started by `workers.Worker`. Reads one JSON request a line: {"run": steps} or {"check": path}; answers one JSON line to each.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from ganlab.config.loading import load_config
from ganlab.data.registry import load_dataset

CHECKED_STEPS = 5


def _ours(backend: str = "tensorflow", **switches):
    def build(config, dataset):
        from ganlab.backends.select import select_backend

        select_backend(backend)
        from ours import Ours

        return Ours(backend, config, dataset, **switches)

    return build


def _keras(style: str, **options):
    def build(config, dataset):
        from ganlab.backends.select import select_backend

        select_backend("tensorflow")
        import peers_keras

        from ganlab.models.building import build_models

        models = build_models(config, dataset.form)
        networks = {name: network.model for name, network in models.networks.items()}
        return getattr(peers_keras, style)(config, networks, models.optimizers, dataset.train.images, **options)

    return build


def _torch(**options):
    def build(config, dataset):
        from peers_torch import TorchPeer

        return TorchPeer(config, dataset.train.images, **options)

    return build


def _jax(**options):
    def build(config, dataset):
        from peers_jax import JaxPeer

        return JaxPeer(config, dataset.train.images, **options)

    return build


SIDES = {
    "ours": _ours(),
    "ours_jax": _ours("jax"),
    "ours_torch": _ours("torch"),
    "ours_plain": _ours(jit=False, fold=False),
    "ours_plain_keras_adam": _ours(jit=False, fold=False, tune_adam=False),
    "ours_single_steps": _ours(jit=False, fold=False, room=1),
    "ours_folded": _ours(jit=False, fold=True),
    "ours_xla": _ours(jit=True, fold=False),
    "ours_xla_two_pass_adam": _ours(jit=True, fold=False, tune_adam=False),
    "ours_float_images": _ours(jit=False, fold=False, float_images=True),
    "fit": _keras("FitPeer"),
    "fit_jit": _keras("FitPeer", jit_compile=True),
    "fit_jit_50": _keras("FitPeer", jit_compile=True, steps_per_execution=50),
    "train_on_batch": _keras("TrainOnBatchPeer"),
    "torch": _torch(),
    "torch_compile": _torch(compiled=True),
    "torch_exact": _torch(exact=True, dropout=False),
    "torch_amp": _torch(amp=True),
    "torch_graph": _torch(graph=True),
    "torch_graph_amp": _torch(graph=True, amp=True),
    "jax_scan": _jax(),
    "jax_scan_half": _jax(half=True),
    "jax_scan_one_pass": _jax(one_pass=True),
    "jax_scan_one_pass_half": _jax(one_pass=True, half=True),
    "jax_exact": _jax(dropout=False),
}


def check(side, path: Path) -> list:
    """Losses of the first steps from the weights and random numbers in `path`; ours writes that file."""
    if not path.exists():
        side.write_start(path, CHECKED_STEPS)
    with np.load(path, allow_pickle=False) as file:
        weights = {
            network: [file[name] for name in sorted(file.files) if name.startswith(network)]
            for network in ("generator", "discriminator")
        }
        indices, latents = file["indices"], file["latents"]
    side.load(weights)
    return side.losses(indices, latents)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("config", type=Path)
    parser.add_argument("-o", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what frameworks print is not an answer

    def answer(content: dict) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    config = load_config(arguments.config, arguments.overrides)
    side = SIDES[arguments.side](config, load_dataset(config.data, config.error_at))
    answer({"quantum": getattr(side, "quantum", 1), "form": getattr(side, "form", "")})
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            start = time.perf_counter()
            side.run(request["run"])
            answer({"seconds": time.perf_counter() - start})
        else:
            answer({"losses": check(side, Path(request["check"]))})


if __name__ == "__main__":
    main()
