"""ganlab's own steps, random numbers included, as `ganlab run` performs them; switches turn single speed-ups on and off."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ganlab.backends import load_backend
from ganlab.config.schema import value_range
from ganlab.models.building import build_models
from ganlab.models.folding import fold_objective
from ganlab.objectives import build_objective
from ganlab.training.draws import Draws
from ganlab.training.forms import choose_form

_ROOM = 50


class Ours:
    """Without switches the form of the steps is chosen as for a long run."""

    def __init__(
        self,
        backend: str,
        config,
        dataset,
        jit=None,
        fold=None,
        room: int = _ROOM,
        float_images: bool = False,
        **switches,
    ):
        module = load_backend(backend)
        self.config = config
        objective = build_objective(config, build_models(config, dataset.form), module.input_gradient)
        self.objective, self.columns = objective, objective.column_names
        self.draws = Draws(objective.draws, config.seed, dataset.count)
        data, ends = dataset.arrays, value_range(config.data.range)
        if float_images:
            data["images"] = ends[0] + (ends[1] - ends[0]) / 255.0 * data["images"].astype(np.float32)

        if jit is None:
            form = choose_form(objective, backend, module.set_device(config.device), config.jit, 10**6)
            jit, fold, room = form.jit, form.fold, form.room if form.jit else room
        self.steps = module.Steps(fold_objective(objective) if fold else objective, data, ends, jit, **switches)
        self.room = room
        self.quantum = self.room if jit else 1  # XLA is compiled for whole chunks
        folded = fold and objective is not fold_objective(objective)
        self.form = f"{backend}, {'XLA' if jit else 'plain'}{', folded' if folded else ''}"
        self.done = 0
        self.ahead = ThreadPoolExecutor(1)

    def run(self, steps: int) -> None:
        end = self.done + steps
        following = self._sent(end)
        while self.done < end:
            count, sent = following
            finish = self.steps.start(sent.result(), self.done)
            self.done += count
            following = self._sent(end)
            finish()

    def _sent(self, end: int):
        """The number of steps of the next chunk, and its numbers, which a thread draws as in the Trainer."""
        count, first = min(self.room, end - self.done), self.done
        return count, count and self.ahead.submit(lambda: self.steps.send(self.draws.take(first, count), self.room))

    def write_start(self, path: Path, steps: int) -> None:
        """Writes the starting weights and the first steps' random numbers, for peers to start from the same."""
        arrays = {
            f"{name}/{index:03d}": np.array(variable)
            for name, network in self.objective.networks.items()
            for index, variable in enumerate(network.trainable_variables)
        }
        taken = self.draws.take(0, steps)
        turns = self.config.train.discriminator_steps
        last = f"fake_{turns - 1}" if self.config.train.share_latents else "generator_fake_0"
        names = [*(f"fake_{turn}" for turn in range(turns)), last]
        latents = np.stack([taken[f"latents_{name}"] for name in names], axis=1)
        indices = np.stack([taken[f"real_{turn}"] for turn in range(turns)], axis=1)
        np.savez(path, indices=indices, latents=latents, **arrays)

    def load(self, weights: dict) -> None:
        """Ours wrote them."""

    def losses(self, indices: np.ndarray, latents: np.ndarray) -> list[tuple[float, float]]:
        rows = self.steps.run(self.draws.take(0, len(indices)), 0, self.room)
        return [(row[self.columns.index("d_loss")], row[self.columns.index("g_loss")]) for row in rows]
