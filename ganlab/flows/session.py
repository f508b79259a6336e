"""One stretch of a run in one process: builds the networks, restores the newest state, trains, draws and summarises."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ganlab.backends import load_backend
from ganlab.config.schema import value_range
from ganlab.config.steps import Stretch
from ganlab.errors import CheckpointError, GanlabError, StoppedError
from ganlab.flows.labelled import labelled_rows, readable_arrays
from ganlab.flows.plan import Plan
from ganlab.metrics import evaluation, protocols
from ganlab.models.building import build_models, build_network
from ganlab.models.flops import step_flops
from ganlab.models.folding import fold_objective
from ganlab.objectives import build_objective
from ganlab.pictures import plots
from ganlab.pictures.estimates import write_estimates
from ganlab.pictures.images import write_film
from ganlab.pictures.networks import write_models
from ganlab.pictures.ridges import write_ridges
from ganlab.pictures.video import can_write_video, write_video
from ganlab.runs.logs import best_step, read_history
from ganlab.runs.summary import summarise
from ganlab.storage.writing import write_json
from ganlab.training.background import BackgroundWriter
from ganlab.training.callbacks import CALLBACKS
from ganlab.training.checkpoints import carry_over, mend_generator, newest_state, paths_of, prune, restore
from ganlab.training.context import HealthReport, RunContext
from ganlab.training.drawing import Pictures
from ganlab.training.draws import Draws
from ganlab.training.fixed_batches import fixed_batch
from ganlab.training.forms import Form, choose_form
from ganlab.training.progress import progress
from ganlab.training.sampling import Sampler
from ganlab.training.signals import Asked
from ganlab.training.trainer import Callback, Trainer


class Session:
    """One stretch of a run in one process. The constructor changes no run folder, and raises if the config does not fit."""

    def __init__(self, plan: Plan, stretch: Stretch, start: dict | None = None, lanes: int = 1):
        """Builds the networks of a stretch.

        Args:
            plan, stretch: the run, and the steps that are trained.
            start: the weights of another run: variable name -> array.
            lanes: how many runs are trained together, this one included.
        """
        self.plan, self.config, self.folder, self.stretch = plan, plan.config, plan.folder, stretch
        self.lanes = lanes
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
        labelled = labelled_rows(config, self.dataset)
        self.arrays = readable_arrays(self.dataset, labelled)
        sources = {} if labelled is None else {"labelled": labelled}
        self.draws = Draws(self.objective.draws, config.seed, self.dataset.count, sources, stretch.start)
        if self.objective.begin:
            self.objective.begin(self.arrays)
        self.sampler = Sampler(self.models.sampled, config)
        self._draw_reference_batches()
        evaluation.require_networks(self.protocols, config, self.models.networks)
        evaluation.compute_real_statistics(self.protocols, self.dataset)
        if start is not None:
            owned = self.objective.variables().items()
            weights = {owner: v for owner, v in owned if not owner.startswith(("optimizers", "state"))}
            restore(weights, start, "--init-from")
        self.progress: Any = None
        self.steps: Any = None
        self.writer: BackgroundWriter | None = None
        self.verdict: dict = {}
        self.health = HealthReport()
        self.pictures = Pictures(self.folder)

    def _draw_reference_batches(self) -> None:
        """Gives a reference batch to each network whose layers take one: latents, or real samples, with their labels."""
        for network in (*self.models.networks.values(), *self.models.averages.values()):
            if references := network.references:
                count = references["input"].count
                batch = fixed_batch(self.config, self.dataset, network.name, count, "reference")
                for name, layer in references.items():
                    layer.batch.assign(np.resize(batch[name], layer.batch.shape))  # fewer samples are repeated

    def describe(self) -> None:
        """Writes the summaries and the drawing of the networks."""
        self.pictures.draw(self.folder.drawing, partial(write_models, self.folder, self.config, self.models))

    def train(self, asked: Asked, quiet: bool) -> None:
        """Trains to the end of the stretch, or until `asked` names a signal. Then draws the curves and the film."""
        done, form = self.resume()
        objective = fold_objective(self.objective) if form.fold else self.objective
        steps = self.steps = self.backend.Steps(objective, self.arrays, value_range(self.config.data.range), form.jit)
        callbacks = self.callbacks(asked, form)
        if not quiet:
            self.progress = progress(done, self.plan.steps)
            callbacks.append(self.progress)
        with self.ending():
            Trainer(steps, self.objective.column_names, self.draws, callbacks, form.room).train(done, self.stretch.end)

    def resume(self, at: int | None = None) -> tuple[int, Form]:
        """Restores the newest state, or the state of step `at`: (steps done, the form of the steps).

        Raises: StoppedError if there is no whole state of step `at`. Nothing is removed then.
        """
        if self.pictures.failed:  # the drawing of the networks failed before there was a status.json
            self.folder.set_status("running", not_drawn=self.pictures.failed)
        done, manifest = self._pick_up(at)
        if at not in (None, done):
            raise StoppedError(f"{self.folder.path}: no whole state of step {at}; this run goes on alone")
        self.folder.cut_back(done)
        # A killed process may have left checkpoints that the newest one replaces.
        prune(self.folder, best_step(self.folder), self.config.output.keep_checkpoints)
        return done, self._form(manifest)

    def callbacks(self, asked: Asked, form: Form) -> list[Callback]:
        """The callbacks of the run. They read the session's variables."""
        context = self._context(asked, form)
        return [callback(context) for callback in CALLBACKS]

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Waits for the writer after the training in the block, draws the curves and the film, and keeps the verdict."""
        try:
            yield
            self.writer.flush()
        except (
            GanlabError
        ):  # diverged or stopped: draw the curves up to here, and report this error if the disk is full
            with contextlib.suppress(OSError):
                self._finish()
            raise
        self._finish()
        self.verdict = {"verdict": self.health.verdict, "reason": self.health.reason}

    def _pick_up(self, last: int | None) -> tuple[int, dict | None]:
        """Restores the newest state up to step `last`: (steps done, its manifest if it is of this stretch)."""
        state = newest_state(self.folder, last)
        if state is None:
            return 0, None
        done, arrays, manifest = state
        # Earlier versions kept the verdict in status.json alone.
        self.health = self._checked(HealthReport.of, manifest.get("health") or self.folder.status().get("health") or {})
        if done == self.stretch.start:  # the phase before has ended: variables of both phases keep their values
            self._checked(partial(carry_over, self.objective.variables(), arrays), manifest.get("paths"))
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

    def _form(self, manifest: dict | None) -> Form:
        """The form of the steps; a resumed run keeps its form."""
        if manifest is None:
            length = self.stretch.end - self.stretch.start
            of_config = self.config.backend, self.device, self.config.jit
            return choose_form(self.objective, *of_config, length, self.lanes)
        return self._checked(Form.of, manifest.get("compiled"))

    def _checked(self, read: Callable[[Any], Any], facts: Any) -> Any:
        """A value of the newest state's manifest, which may come from another machine."""
        try:
            return read(facts)
        except ValueError as error:
            raise CheckpointError(f"{self.folder.path}: damaged: the manifest of its newest state: {error}") from error

    def _context(self, asked: Asked, form: Form) -> RunContext:
        self.writer = BackgroundWriter()
        variables = self.objective.variables()
        facts = {"compiled": form.facts()}
        if self.stretch.number is not None:
            facts |= {"phase": self.stretch.number, "paths": paths_of(variables)}
        return RunContext(
            self.folder,
            self.config,
            *(self.dataset, self.stretch, self.plan.steps),
            *(self.objective.columns, variables, self.models.sampled, self.copy, self.sampler, self.protocols),
            *(self.pictures, self.writer, lambda: facts | self._notes(), asked, self.health, self.models.networks),
        )

    def _notes(self) -> dict[str, str]:
        """What went otherwise than the form says."""
        return {"note": self.steps.note} if self.steps is not None and self.steps.note else {}

    def _finish(self) -> None:
        """Closes the session and draws the curves and the film."""
        self.close()
        folder, draw = self.folder, self.pictures.draw
        history = read_history(folder.history)
        draw(folder.losses, partial(plots.write_losses, folder.losses, history))
        if "d_real" in history:
            draw(folder.outputs, partial(plots.write_outputs, folder.outputs, history))
        if steps := folder.histogram_steps():
            arrays = {step: folder.histogram(step) for step in steps}
            draw(folder.ridges, partial(write_ridges, folder.ridges, arrays, self.config.watched()))
        pictures = [folder.sample(step) for step in folder.sample_steps()]
        if pictures:  # none are made with samples_every: null
            draw(folder.film, partial(write_film, folder.film, pictures))
        if pictures and can_write_video():
            draw(folder.video, partial(write_video, folder.video, pictures))
        if pictures and not self.dataset.form.is_image:
            arrays = [picture.with_suffix(".npy") for picture in pictures]
            limits = value_range(self.config.data.range)
            draw(
                folder.estimates, partial(write_estimates, folder.estimates, arrays, self.dataset.train.images, limits)
            )

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
