"""One stretch of a run in one process: builds the models, restores the newest state, trains, evaluates, summarises."""

import contextlib
from typing import Any

import numpy as np

from ganlab.backends import load_backend
from ganlab.config.steps import Stretch
from ganlab.config.value_range import value_range
from ganlab.errors import CheckpointError, GanlabError
from ganlab.flows.plan import Plan
from ganlab.metrics import evaluation, protocols
from ganlab.models.building import build_models, build_network
from ganlab.models.flops import step_flops
from ganlab.models.folding import fold_objective
from ganlab.objectives import build_objective
from ganlab.pictures import plots
from ganlab.pictures.images import from_uint8, write_film
from ganlab.pictures.networks import write_models
from ganlab.runs.logs import best_step, read_history
from ganlab.runs.summary import summarise
from ganlab.storage.writing import write_json
from ganlab.training.background import BackgroundWriter
from ganlab.training.callbacks import CALLBACKS
from ganlab.training.checkpoints import carry_over, mend_generator, newest_state, paths_of, prune, restore
from ganlab.training.choices import recall, remember, remembered_path
from ganlab.training.context import HealthReport, RunContext
from ganlab.training.draws import Draws, draw_latents, generator_of
from ganlab.training.progress import progress
from ganlab.training.sampling import Sampler
from ganlab.training.signals import Asked
from ganlab.training.stages import Objective
from ganlab.training.timing import Choice, choose_steps
from ganlab.training.trainer import Trainer


class Session:
    """A stretch of a run while its process lives. Making one writes nothing, and raises if the config does not fit."""

    def __init__(self, plan: Plan, stretch: Stretch, start: dict | None = None):
        """Builds the networks of a stretch; `start` are weights of another run, variable name -> array."""
        self.plan, self.config, self.folder, self.stretch = plan, plan.config, plan.folder, stretch
        config, self.dataset = plan.config, plan.dataset_of(stretch)
        is_last = stretch.end == plan.steps
        self.protocols = protocols.resolve(config.metrics, self.dataset, config.error_at) if is_last else []
        self.backend = load_backend(config.backend)
        if config.jit not in ("auto", *self.backend.JIT):
            expected, received = ("false", "true") if config.jit else ("true", "false")
            message = f"expected auto or {expected} with the backend {config.backend}, received {received}"
            raise config.error_at(("jit",), message)
        self.device = self.backend.set_device(config.device)
        form = self.dataset.form
        # Build the copy first: building a network reseeds `random`.
        self.copy = build_network(config, "generator", form, stretch)
        with self.backend.on_devices(config.devices):
            self.models = build_models(config, form, stretch)
        self.objective = build_objective(config, self.models, self.backend.input_gradient)
        self.draws = Draws(self.objective.draws, config.seed, self.dataset.count, start=stretch.start)
        self.sampler = Sampler(self.models.sampled, config)
        self._draw_reference_batches()
        evaluation.compute_real_statistics(self.protocols, self.dataset)
        if start is not None:
            owned = self.objective.variables().items()
            restore({o: v for o, v in owned if not o.startswith("optimizers")}, start, "--init-from")
        self.progress: Any = None
        self.writer: BackgroundWriter | None = None
        self.verdict: dict = {}
        self.health = HealthReport()

    def _draw_reference_batches(self) -> None:
        """Gives each network whose layers take a reference batch one of its inputs: latents, or real samples."""
        config, images = self.config, self.dataset.train.images
        for network in (*self.models.networks.values(), *self.models.averages.values()):
            if (layer := network.reference) is None:
                continue
            generator, count = generator_of(config.seed, f"reference {network.name}"), layer.batch.shape[0]
            if network.name == "generator":
                latent = config.latent
                batch = draw_latents(config.seed, "reference", count, latent.dim, latent.distribution)
            else:
                chosen = images[generator.permutation(len(images))[:count]]
                batch = from_uint8(chosen, config.data.range) if chosen.dtype == np.uint8 else chosen
            layer.batch.assign(batch)

    def describe(self) -> None:
        write_models(self.folder, self.config, self.models)

    def train(self, asked: Asked, quiet: bool) -> None:
        """Trains what is left of the stretch, until `asked` names a signal, and finishes the folder's pictures."""
        done, manifest = self._pick_up()
        self.folder.cut_back(done)
        # A killed process may have left checkpoints that the newest one made superfluous.
        prune(self.folder, best_step(self.folder), self.config.output.keep_checkpoints)
        steps, choice = self._steps(manifest)
        context = self._context(asked, choice)
        callbacks = [callback(context) for callback in CALLBACKS]
        if not quiet:
            self.progress = progress(done, self.plan.steps)
            callbacks.append(self.progress)
        trainer = Trainer(steps, self.objective.column_names, self.draws, callbacks, choice.room)
        try:
            trainer.train(done, self.stretch.end)
            self.writer.flush()
        except GanlabError:  # diverged or stopped: users want to see the curves up to here
            self._finish()
            raise
        self._finish()
        self.verdict = {"verdict": context.health.verdict, "reason": context.health.reason}

    def _pick_up(self) -> tuple[int, dict | None]:
        """Restores the newest state: (steps done, its manifest if it is of this stretch)."""
        state = newest_state(self.folder)
        if state is None:
            return 0, None
        done, arrays, manifest = state
        # Earlier versions kept the verdict in status.json alone.
        last = manifest.get("health") or self.folder.status().get("health") or {}
        self.health = HealthReport(last.get("verdict", "ok"), last.get("reason"))
        if done == self.stretch.start:  # the phase before has ended: variables of both phases keep their values
            carry_over(self.objective.variables(), arrays, manifest["paths"])
            return done, None
        restore(self.objective.variables(), arrays, str(self.folder.state(done)))
        mend_generator(self.folder, done, self.models.sampled.model)
        return done, manifest

    def close(self) -> None:
        """Waits until the writer has written all files, and clears the progress from the screen."""
        if self.writer is not None:
            self.writer.close()
        if self.progress is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                self.progress.close()
        self.writer = self.progress = None

    def _steps(self, manifest: dict | None) -> tuple[Any, Choice]:
        """The compiled steps. A resumed run compiles them as before, for the same numbers; a new one measures."""
        config, ends = self.config, value_range(self.config.data.range)

        def make(objective: Objective, jit: bool):
            return self.backend.Steps(objective, self.dataset.arrays, ends, jit)

        cell = self.plan.cell if self.stretch.number is None else f"{self.plan.cell} {self.stretch.number}"
        path = remembered_path(cell, config.jit, config.backend, self.device)
        try:
            choice = recall(path) if manifest is None else Choice.of(manifest.get("compiled"))
        except ValueError as error:
            raise CheckpointError(f"{self.folder.path}: damaged: the manifest of its newest state: {error}") from error
        if choice is not None:
            return make(fold_objective(self.objective) if choice.fold else self.objective, choice.jit), choice
        length = self.stretch.end - self.stretch.start
        steps, choice = choose_steps(self.backend, make, self.objective, self.draws, config.jit, length)
        remember(path, choice)
        return steps, choice

    def _context(self, asked: Asked, choice: Choice) -> RunContext:
        self.writer = BackgroundWriter()
        variables = self.objective.variables()
        facts = {"compiled": choice.facts()}
        if self.stretch.number is not None:
            facts |= {"phase": self.stretch.number, "paths": paths_of(variables)}
        return RunContext(
            self.folder,
            self.config,
            *(self.dataset, self.stretch, self.plan.steps),
            *(self.objective.columns, variables, self.models.sampled, self.copy, self.sampler, self.protocols),
            *(self.writer, facts, asked, self.health),
        )

    def _finish(self) -> None:
        """Closes the session and draws the curves and the film."""
        self.close()
        history = read_history(self.folder.history)
        plots.write_losses(self.folder.losses, history)
        if "d_real" in history:
            plots.write_outputs(self.folder.outputs, history)
        pictures = [self.folder.sample(step) for step in self.folder.sample_steps()]
        if pictures:  # none are made with samples_every: null
            write_film(self.folder.film, pictures)

    def summarise(self, status: str, verdict: dict, seconds: float) -> None:
        """Writes summary.json."""
        facts = {
            "identity": self.plan.identity,
            "cell": self.plan.cell,
            "backend": self.config.backend,
            "device": self.device,
            "status": status,
            **verdict,
            "data_note": self.dataset.note,
            "image_size": self.dataset.shape[0] if self.dataset.form.is_image else None,
            "parameters": {name: network.model.count_params() for name, network in self.models.networks.items()},
            "flops_a_step": step_flops(self.objective),
        }
        write_json(self.folder.summary, summarise(self.folder, self.config, facts, seconds))
