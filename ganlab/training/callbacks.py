"""What happens beside the training: history, pictures, metrics, checkpoints, health, stopping. Each is one class.

They are called in the order of CALLBACKS, so that a checkpoint covers what was written before it, and the rows that made a run
stop are written before it does. Pictures and checkpoints are handed to one writer (`background`), which keeps their order, as
host-side copies.
"""

import contextlib
import time
from functools import partial

import numpy as np

from ganlab.errors import DivergedError, GanlabError, StoppedError
from ganlab.metrics.evaluation import evaluate_all
from ganlab.metrics.extraction import BlankImagesError
from ganlab.pictures.samples import write_samples
from ganlab.runs.logs import HistoryFile, append_metrics, best_step, read_history
from ganlab.training import health
from ganlab.training.checkpoints import prune, require_finite, snapshot, write_generator, write_state
from ganlab.training.context import RunContext
from ganlab.training.draws import generator_of
from ganlab.training.trainer import Callback, Chunk, next_multiple

_HEALTH_SAMPLES = 128


class Health(Callback):
    """Looks for the signs of a failing GAN: at losses and weights after each chunk, at the images every few steps."""

    COLUMNS = ("diversity", "recall")

    def __init__(self, context: RunContext):
        self.context, self.report = context, context.health
        self.every = context.config.output.checkpoint_every or context.total
        chosen = generator_of(0, "health").permutation(len(context.images))[:_HEALTH_SAMPLES]
        self.real = context.images[chosen]
        self.recent = self._rows_since_the_last_look()

    def _rows_since_the_last_look(self) -> list[np.ndarray]:
        """What a process before this one trained after its last look: a signal stops a run at any step."""
        done, names = self.context.folder.history_steps(), [column.name for column in self.context.columns]
        if not done % self.every:
            return []
        history = read_history(self.context.folder.history)
        return [np.stack([history[name] for name in names], axis=1)[done - done % self.every :]]

    def next_due(self, step: int) -> int:
        return min(self.context.total, next_multiple(step, self.every))

    def on_chunk(self, chunk: Chunk) -> None:
        if self.report.verdict == "diverged":
            return
        if lost := self._lost(chunk):
            self.report.verdict, self.report.reason = "diverged", lost
            return
        self.recent.append(chunk.rows)
        if chunk.step == self.context.total or chunk.step % self.every == 0:
            self._look(chunk)
            self.recent = []

    def _lost(self, chunk: Chunk) -> str | None:
        bad = health.not_finite(chunk.rows, chunk.columns)
        if bad is not None:
            return f"{bad[1]} is not finite at step {chunk.step - len(chunk.rows) + 1 + bad[0]}"
        # A loss need not see the weights: moving averages are not used in training.
        networks = [owned for owner, owned in self.context.variables.items() if owner.startswith("networks/")]
        for variable in (variable for owned in networks for variable in owned):
            if not np.isfinite(np.asarray(variable, np.float32)).all():
                return f"{variable.path} is not finite at step {chunk.step}"
        return None

    def _look(self, chunk: Chunk) -> None:
        report = self.report
        report.step, report.seen = chunk.step, self._see(chunk.step)
        stuck = health.not_converged(np.concatenate(self.recent), chunk.columns)
        collapsed = health.collapsed(**report.seen) if report.seen else None
        before = report.verdict
        report.verdict = "collapsed" if collapsed else "not_converged" if stuck else "ok"
        report.confirmed = report.verdict == before
        report.reason = "; ".join(filter(None, (collapsed, stuck))) or None
        seen = {name: round(value, 4) for name, value in report.seen.items()}
        said = {"step": chunk.step, "verdict": report.verdict, "reason": report.reason, **seen}
        self.context.folder.set_status("running", health=said)

    def _see(self, step: int) -> dict[str, float]:
        """Nothing for data that are no images, or too few to tell."""
        if len(self.real) < health.FEWEST_IMAGES or not self.context.dataset.form.is_image:
            return {}
        fake = self.context.sampler_at(step).shown(len(self.real), "health")
        return {name: getattr(health, name)(fake, self.real) for name in self.COLUMNS}


class History(Callback):
    """history.csv: a row a step; where the images were looked at, what was seen."""

    def __init__(self, context: RunContext):
        self.health = context.health
        self.file = HistoryFile(context.folder.history, context.columns, Health.COLUMNS)

    def on_chunk(self, chunk: Chunk) -> None:
        self.file.append(chunk.step, chunk.rows, {self.health.step: self.health.seen}, chunk.seconds)


class Verdict(Callback):
    """Ends a run whose verdict is one that the config stops on; what images and losses tell, only when two looks agree.

    In its first few hundred steps a generator may look collapsed that learns well later, above all its moving average.
    """

    def __init__(self, context: RunContext):
        self.path, self.stop_on, self.health = context.folder.path, context.config.train.stop_on, context.health

    def on_chunk(self, chunk: Chunk) -> None:
        found = self.health
        if found.verdict not in self.stop_on:
            return
        if found.verdict == "diverged":
            raise DivergedError(f"{self.path}: diverged: {found.reason}")
        if found.confirmed:
            raise GanlabError(f"{self.path}: stopped at step {found.step}: {found.verdict}: {found.reason}")


class Samples(Callback):
    """samples/NNNNNN.png: samples from the same latents every time."""

    def __init__(self, context: RunContext):
        self.context, self.output = context, context.config.output
        context.folder.samples.mkdir(exist_ok=True)

    def next_due(self, step: int) -> int:
        at = [wanted for wanted in self.output.samples_at if wanted > step]
        return min([self.context.total, *at, next_multiple(step, self.output.samples_every) or self.context.total])

    def on_chunk(self, chunk: Chunk) -> None:
        if chunk.step == self.next_due(chunk.step - 1):
            rows, columns = self.output.grid
            context = self.context
            samples = context.sampler_at(chunk.step).grid(rows, columns)
            real = None if context.dataset.form.is_image else context.images[:1000]
            value_range = context.config.data.range
            write = partial(
                write_samples, context.folder.sample(chunk.step), samples, (rows, columns), value_range, real
            )
            context.writer.submit(write)


class Metrics(Callback):
    """metrics.jsonl: a line a value, every `metrics_every` steps and at the end, in the last phase.

    Blank images get no metric value. `Verdict` decides whether the run stops.
    """

    def __init__(self, context: RunContext):
        self.context = context

    def next_due(self, step: int) -> int:
        every = self.context.config.output.metrics_every
        return min(self.context.total, next_multiple(step, every) or self.context.total)

    def on_chunk(self, chunk: Chunk) -> None:
        context = self.context
        if not context.protocols or context.stretch.end < context.total:
            return
        if chunk.step == self.next_due(chunk.step - 1):
            sampler = context.sampler_at(chunk.step)
            with contextlib.suppress(BlankImagesError):
                evaluate_run(context.folder, chunk.step, context.protocols, context.dataset, sampler)


class Checkpoints(Callback):
    """The generator's weights and the whole state, every `checkpoint_every` steps and at the end of each stretch."""

    def __init__(self, context: RunContext):
        self.context = context
        context.folder.checkpoints.mkdir(exist_ok=True)

    def next_due(self, step: int) -> int:
        end = self.context.stretch.end
        return min(end, next_multiple(step, self.context.config.output.checkpoint_every) or end)

    def on_chunk(self, chunk: Chunk) -> None:
        if chunk.step == self.next_due(chunk.step - 1):
            self.save(chunk.step)

    def save(self, step: int) -> None:
        """Takes a copy of everything now; it becomes files in the writer."""
        context = self.context
        arrays = snapshot(context.variables)
        require_finite(context.folder, step, arrays)
        weights = context.generator.model.get_weights()
        facts = {**context.facts, "health": {"verdict": context.health.verdict, "reason": context.health.reason}}
        # The best step of this moment: metrics that come while this waits belong to later checkpoints.
        context.writer.submit(partial(self._write, step, arrays, facts, weights, best_step(context.folder)))

    def _write(self, step: int, arrays: dict, facts: dict, weights: list[np.ndarray], best: int | None) -> None:
        context = self.context
        context.copy.model.set_weights(weights)
        write_generator(context.folder, step, context.copy.model)
        write_state(context.folder, step, arrays, facts)
        context.folder.set_status("running", checkpoint=step)
        prune(context.folder, best, context.config.output.keep_checkpoints)


class Writing(Callback):
    """Raises what a write beside the training ran into."""

    def __init__(self, context: RunContext):
        self.writer = context.writer

    def on_chunk(self, chunk: Chunk) -> None:
        self.writer.raise_error()


class Stop(Callback):
    """Saves and stops at the end of a chunk once a signal asked for it."""

    def __init__(self, context: RunContext):
        self.context = context

    def on_chunk(self, chunk: Chunk) -> None:
        signal = self.context.asked()
        if signal is None or chunk.step == self.context.total:
            return
        Checkpoints(self.context).save(chunk.step)
        self.context.writer.flush()
        raise StoppedError(f"stopped by {signal} after saving step {chunk.step}; the same command goes on from there")


CALLBACKS: tuple[type[Callback], ...] = (Health, History, Verdict, Samples, Metrics, Checkpoints, Writing, Stop)


def evaluate_run(folder, step: int, protocols, dataset, sampler) -> list:
    """Evaluates what the sampler draws and adds the values to metrics.jsonl; returns them."""
    start = time.perf_counter()
    value_range = sampler.config.data.range
    values = evaluate_all(protocols, lambda count: sampler.draw(count, "metrics"), dataset, value_range)
    append_metrics(folder.metrics, step, values, time.perf_counter() - start)
    return values
