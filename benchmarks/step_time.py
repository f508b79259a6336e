"""Milliseconds a training step takes, ours against a plain Keras custom train_step under fit(), interleaved in one run.

    GANLAB_DATA=... python benchmarks/step_time.py configs/exp01.yaml configs/exp02.yaml

Both do the same updates on the same networks. Blocks of steps alternate between the two, so that a busy moment of the machine
hits both; the medians over blocks are compared.
"""

import argparse
import statistics
import time
from pathlib import Path

from ganlab.backend import select_backend
from ganlab.config.loading import load_config
from ganlab.config.value_range import value_range
from ganlab.data.registry import load_dataset

select_backend("tensorflow")

from peers import FitPeer  # noqa: E402

from ganlab.models.gan import build_gan  # noqa: E402
from ganlab.training.draws import Draws  # noqa: E402
from ganlab.training.objectives import gan_objective  # noqa: E402
from ganlab.training.steps import tensorflow as backend  # noqa: E402
from ganlab.training.timing import choose_steps  # noqa: E402


class Ours:
    """Blocks of steps as `ganlab run` performs them, random numbers included."""

    def __init__(self, config, dataset):
        gan = build_gan(config, dataset.shape)
        objective = gan_objective(config, gan.networks, gan.optimizers, gan.average, backend.input_gradient)
        self.draws = Draws(objective.draws, config.seed, dataset.count)
        images, ends = dataset.train.images, value_range(config.data.range)

        def make(jit):
            return backend.Steps(objective, images, ends, jit)

        self.steps, self.choice = choose_steps(backend, make, objective, self.draws, config.jit, 10**6)
        self.done = 0

    def run(self, steps: int) -> None:
        end = self.done + steps
        while self.done < end:
            count = min(self.choice.room, end - self.done)
            self.steps.run(self.draws.take(self.done, count), self.done, self.choice.room)
            self.done += count


def compare(path: Path, blocks: int, seconds: float) -> str:
    config = load_config(path)
    dataset = load_dataset(config.data, config.error_at)
    gan = build_gan(config, dataset.shape)
    sides = {"ours": Ours(config, dataset), "fit": FitPeer(config, gan.networks, gan.optimizers, dataset.train.images)}
    sides["fit"].run(3)
    start = time.perf_counter()
    sides["fit"].run(5)
    steps = max(5, int(seconds * 5 / (time.perf_counter() - start)))
    times = {name: [] for name in sides}
    for _ in range(blocks):
        for name, side in sides.items():
            start = time.perf_counter()
            side.run(steps)
            times[name].append(1000 * (time.perf_counter() - start) / steps)
    ours, fit = (statistics.median(times[name]) for name in ("ours", "fit"))
    ratio = statistics.median(f / o for o, f in zip(times["ours"], times["fit"], strict=True))
    compiled = "XLA" if sides["ours"].choice.jit else "plain graph"
    return f"| {config.name} | {ours:.2f} ({compiled}) | {fit:.2f} | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+", type=Path)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=3.0, help="of fit() in a block")
    arguments = parser.parse_args()
    print("| config | ours, ms a step | fit(), ms a step | times faster |\n|---|---|---|---|", flush=True)
    for path in arguments.configs:
        print(compare(path, arguments.blocks, arguments.seconds), flush=True)


if __name__ == "__main__":
    main()
