"""One process' part of a run: builds the models, picks the state up, trains, evaluates, summarises."""

import contextlib
from typing import Any

from ganlab.backends import load_backend
from ganlab.config.steps import images_a_step
from ganlab.config.value_range import value_range
from ganlab.errors import CheckpointError, GanlabError
from ganlab.flows.plan import Plan
from ganlab.metrics import evaluation, protocols
from ganlab.models.flops import step_flops
from ganlab.models.folding import fold_objective
from ganlab.models.gan import build_gan, build_generator
from ganlab.pictures import plots
from ganlab.pictures.images import write_film
from ganlab.pictures.summaries import write_models
from ganlab.runs.environment import environment
from ganlab.runs.logs import read_history
from ganlab.runs.summary import summarise
from ganlab.storage.writing import write_json
from ganlab.training import callbacks
from ganlab.training.background import BackgroundWriter
from ganlab.training.checkpoints import mend_generator, newest_state, prune, restore
from ganlab.training.choices import recall, remember, remembered_path
from ganlab.training.draws import Draws, generator_of
from ganlab.training.objectives import gan_objective
from ganlab.training.progress import progress
from ganlab.training.sampling import Sampler
from ganlab.training.signals import Asked
from ganlab.training.stages import Objective
from ganlab.training.timing import Choice, choose_steps
from ganlab.training.trainer import Trainer

_HEALTH_IMAGES = 128


class Session:
    """Everything a run needs while its process lives. Making one writes nothing and raises for a config that does not fit."""

    def __init__(self, plan: Plan, start: dict | None = None):
        """Args: plan: the experiment; start: weights of another run, variable name -> array, to start from."""
        self.plan, self.config, self.folder = plan, plan.config, plan.folder
        config, dataset = plan.config, plan.dataset
        self.protocols = protocols.resolve(config.metrics, dataset, config.error_at)
        self.backend = load_backend(config.backend)
        if config.jit not in ("auto", *self.backend.JIT):
            expected, received = ("false", "true") if config.jit else ("true", "false")
            message = f"expected auto or {expected} with the backend {config.backend}, received {received}"
            raise config.error_at(("jit",), message)
        self.device = self.backend.set_device(config.device)
        self.copy = build_generator(config, dataset.shape)  # before the GAN, whose making sets the seeds last
        with self.backend.on_devices(config.devices):
            self.gan = build_gan(config, dataset.shape)
        self.objective = gan_objective(
            config, self.gan.networks, self.gan.optimizers, self.gan.average, self.backend.input_gradient
        )
        self.draws = Draws(self.objective.draws, config.seed, dataset.count)
        self.sampler = Sampler(self.gan.sampled, config)
        evaluation.prepare(self.protocols, dataset)
        if start is not None:
            weights = {
                owner: v for owner, v in self.objective.variables().items() if not owner.startswith("optimizers")
            }
            restore(weights, start, "--init-from")
        self.progress: Any = None
        self.writer: BackgroundWriter | None = None

    def environment(self) -> dict:
        return environment(self.config.backend, self.device)

    def describe(self) -> None:
        write_models(self.folder, self.gan)

    def train(self, asked: Asked, quiet: bool) -> dict:
        """Trains what is left, until `asked` names a signal, and finishes the folder's pictures; returns the verdict."""
        state = newest_state(self.folder)
        done, arrays, manifest = state or (0, None, None)
        if arrays is not None:
            restore(self.objective.variables(), arrays, str(self.folder.state(done)))
            mend_generator(self.folder, done, self.gan.sampled)
        self.folder.cut_back(done)
        # Its process may have been killed before it removed what the newest checkpoint makes superfluous.
        prune(self.folder, callbacks.best_step(self.folder), self.config.output.keep_checkpoints)
        steps, choice = self._steps(manifest, done)
        observers = self._callbacks(asked, choice, done, quiet)
        trainer = Trainer(steps, tuple(self.objective.columns), self.draws, observers, choice.room)
        try:
            trainer.train(done, self.plan.steps)
            self.writer.flush()
        except GanlabError:  # diverged or stopped: the curves up to here are what one wants to look at
            self.close()
            self._plots()
            raise
        self.close()
        self._plots()
        health = next(callback for callback in observers if isinstance(callback, callbacks.Health))
        return {"verdict": health.verdict, "reason": health.reason}

    def close(self) -> None:
        """Lets what was handed to the writer become files, and takes the progress off the screen."""
        if self.writer is not None:
            self.writer.close()
        if self.progress is not None:
            with contextlib.suppress(OSError):  # the terminal is gone
                self.progress.close()
        self.writer = self.progress = None

    def _steps(self, manifest: dict | None, done: int) -> tuple[Any, Choice]:
        """The compiled steps: as the checkpoint says, for a resumed run must compute the same numbers; else as measured."""
        config, ends = self.config, value_range(self.config.data.range)

        def make(objective: Objective, jit: bool):
            return self.backend.Steps(objective, self.plan.dataset.train.images, ends, jit)

        path = remembered_path(self.plan.cell, config.jit, config.backend, self.device)
        choice = recall(path) if manifest is None else self._choice_of(manifest, done)
        if choice is not None:
            return make(fold_objective(self.objective) if choice.fold else self.objective, choice.jit), choice
        steps, choice = choose_steps(self.backend, make, self.objective, self.draws, config.jit, self.plan.steps)
        remember(path, choice)
        return steps, choice

    def _choice_of(self, manifest: dict, step: int) -> Choice:
        try:
            return Choice.of(manifest["compiled"])
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{self.folder.state(step)}: damaged: its manifest: {error}") from error

    def _callbacks(self, asked, choice: Choice, done: int, quiet: bool) -> list:
        folder, config, total = self.folder, self.config, self.plan.steps
        images = self.plan.dataset.train.images
        some = generator_of(0, "health").permutation(len(images))[:_HEALTH_IMAGES]
        facts = {"compiled": choice.facts()}
        self.writer = BackgroundWriter()
        variables = self.objective.variables()
        saving = callbacks.Checkpoints(
            folder, config, self.gan.sampled, self.copy, variables, facts, total, self.writer
        )
        every = config.output.checkpoint_every or total
        columns = tuple(self.objective.columns)
        health = callbacks.Health(folder, config, self.sampler, variables, images[some], total, every)
        observers = [
            health,
            callbacks.History(folder, columns, health),
            callbacks.Verdict(folder, config, health),
            callbacks.Samples(folder, config, self.sampler, total, self.writer),
            callbacks.Metrics(folder, config, self.protocols, self.plan.dataset, self.sampler, total),
            saving,
            self.writer,
            callbacks.Stop(asked, saving, total),
        ]
        if not quiet:
            self.progress = progress(done, total)
            observers.append(self.progress)
        return observers

    def _plots(self) -> None:
        history = read_history(self.folder.history)
        plots.write_losses(self.folder.losses, history)
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
            "image_size": self.plan.dataset.shape[0] if len(self.plan.dataset.shape) == 3 else None,
            "parameters": {name: model.count_params() for name, model in self.gan.networks.items()},
            "flops_a_step": step_flops(self.objective),
        }
        write_json(
            self.folder.summary,
            summarise(self.folder, self.config, facts, images_a_step(self.config), seconds),
        )
