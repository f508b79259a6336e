"""The work beside the training: health, history, pictures, metrics, checkpoints, stopping. Each is one class.

CALLBACKS is the order of the calls. A checkpoint comes after the history, pictures and metrics of its step, and a run stops
after its last rows are written. One writer (`background`) writes pictures and checkpoints in order, from copies on the host.
"""

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ganlab.errors import DivergedError, GanlabError, StoppedError
from ganlab.metrics.evaluation import evaluate_networks
from ganlab.metrics.extraction import BlankImagesError
from ganlab.pictures.images import from_uint8, to_uint8, write_beside
from ganlab.pictures.samples import write_samples
from ganlab.runs.logs import HistoryFile, best_step, read_history
from ganlab.training import health
from ganlab.training.checkpoints import prune, require_finite, snapshot, write_generator, write_state
from ganlab.training.context import RunContext
from ganlab.training.drawing import is_fatal, warn
from ganlab.training.draws import generator_of
from ganlab.training.histograms import Histograms
from ganlab.training.trainer import Callback, Chunk, next_multiple

_HEALTH_SAMPLES = 128


class Health(Callback):
    """Looks for signs of a failing GAN: at losses and weights after each chunk, at images every `checkpoint_every` steps."""

    COLUMNS = ("diversity", "recall")

    def __init__(self, context: RunContext):
        self.context, self.report = context, context.health
        self.every = context.config.output.checkpoint_every or context.total
        chosen = generator_of(0, "health").permutation(len(context.images))[:_HEALTH_SAMPLES]
        self.real = context.images[chosen]
        self.recent = self._rows_since_the_last_look()

    def _rows_since_the_last_look(self) -> list[np.ndarray]:
        """Rows after the last look of an earlier process: a signal stops a run at any step."""
        done, names = self.context.folder.history_steps(), [column.name for column in self.context.columns]
        if not done:
            return []
        history = read_history(self.context.folder.history)
        missing = np.full(done, np.nan)  # of a column that the version that began the run did not write
        return [np.stack([history.get(name, missing) for name in names], axis=1)[done - done % self.every :]]

    def next_due(self, step: int) -> int:
        return min(self.context.total, next_multiple(step, self.every))

    def on_chunk(self, chunk: Chunk) -> None:
        if self.report.verdict == "diverged":
            return
        lost, self.recent = self._lost(chunk), [*self.recent, chunk.rows]
        if lost is None and (chunk.step == self.context.total or chunk.step % self.every == 0):
            lost = self._look(chunk)
            self.recent = []
        if lost:
            self.report.verdict, self.report.reason = "diverged", lost

    def _lost(self, chunk: Chunk) -> str | None:
        bad = health.not_finite(chunk.rows, chunk.columns)
        if bad is not None:
            return f"{bad[1]} is not finite at step {chunk.step - len(chunk.rows) + 1 + bad[0]}"
        return f"{chunk.lost} is not finite at step {chunk.step}" if chunk.lost else None

    def _look(self, chunk: Chunk) -> str | None:
        """Writes the report of one look. Returns a sentence if the generator's images are not finite."""
        report, step = self.report, chunk.step
        fake = self._fake(step)
        if fake is not None and not np.isfinite(fake).all():
            return f"generated images are not finite at step {step}"
        report.step, report.seen = step, self._measured(fake)
        in_turn = getattr(self.context.config.train, "discriminator_batches", None) == "alternate"
        stuck = health.not_converged(np.concatenate(self.recent), chunk.columns, in_turn)
        collapsed = health.collapsed(**report.seen) if report.seen else None
        sign = "collapsed" if collapsed else "not_converged" if stuck else "ok"
        report.confirmed, report.sign, report.verdict = sign == report.sign, sign, sign
        report.reason = "; ".join(filter(None, (collapsed, stuck))) or None
        if step < health.ENOUGH_STEPS:
            report.verdict = "too_early"
            early = f"a verdict needs {health.ENOUGH_STEPS} steps; this is step {step}"
            report.reason = early + (f" ({report.reason})" if report.reason else "")
        elif sign == "ok" and fake is None:
            found = "have one image" if self.context.dataset.form.is_image else "are no images"
            report.verdict, report.reason = "not_judged", f"the training data {found}: nothing to compare"
        seen = {name: round(value, 4) for name, value in report.seen.items()}
        self.context.folder.set_status("running", health={"step": step, **report.facts(), **seen})
        return None

    def _fake(self, step: int) -> np.ndarray | None:
        """Samples to compare with the real images; None without two real images."""
        if len(self.real) < 2 or not self.context.dataset.form.is_image:
            return None
        # Recall compares samples of one size.
        count = len(self.real) if len(self.real) >= health.FEWEST_IMAGES else _HEALTH_SAMPLES
        return self.context.sampler_at(step).draw(count, "health")

    def _measured(self, fake: np.ndarray | None) -> dict[str, float]:
        if fake is None:
            return {}
        shown = to_uint8(fake, self.context.config.data.range)
        names = self.COLUMNS if len(self.real) >= health.FEWEST_IMAGES else self.COLUMNS[:1]
        return {name: getattr(health, name)(shown, self.real) for name in names}


class History(Callback):
    """Writes history.csv: one row for each step, with the numbers of health checks and histograms in the row of their step."""

    def __init__(self, context: RunContext):
        self.context, config = context, context.config
        saturation = [config.saturation_column(*pair) for pair in config.watched()]
        self.file = HistoryFile(context.folder.history, context.columns, (*Health.COLUMNS, *saturation))

    def on_chunk(self, chunk: Chunk) -> None:
        health, step = self.context.health, chunk.step
        seen = (health.seen if health.step == step else {}) | self.context.saturation.pop(step, {})
        self.file.append(step, chunk.rows, {step: seen}, chunk.seconds)


class Verdict(Callback):
    """Ends a run with a verdict of `train.stop_on`. For other verdicts than `diverged`, two looks in a row must agree."""

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
    """Writes samples/NNNNNN.png, always from the same latents. The last grid also stands beside real images.

    A VAE's step also leaves reconstructions beside their originals, which are the same real images at every step.
    """

    def __init__(self, context: RunContext):
        self.context = context
        context.folder.samples.mkdir(exist_ok=True)
        self.rows, self.columns = context.config.output.grid
        chosen = generator_of(0, "sheet").permutation(len(context.images))[: self.rows * self.columns]
        self.real = context.images[np.sort(chosen)]

    def next_due(self, step: int) -> int:
        return self.context.next_sample_step(step)

    def on_chunk(self, chunk: Chunk) -> None:
        if chunk.step != self.next_due(chunk.step - 1):
            return
        context, step, grid = self.context, chunk.step, (self.rows, self.columns)
        is_image, value_range, folder = context.dataset.form.is_image, context.config.data.range, context.folder
        samples = context.sampler_at(step).grid(*grid)
        self._write(
            folder.sample(step), write_samples, samples, grid, value_range, None if is_image else context.images[:1000]
        )
        if is_image and step == context.total:
            self._write(folder.beside, write_beside, self.real, samples, value_range, grid)
        if is_image and "encoder" in context.networks:
            originals = from_uint8(self.real, value_range)
            made = context.sampler.reconstruct(context.networks["encoder"], originals)
            self._write(folder.reconstructions(step), write_beside, self.real, made, value_range, grid)

    def _write(self, path: Path, write: Callable, *arguments: Any) -> None:
        self.context.writer.submit(partial(self.context.pictures.draw, path, partial(write, path, *arguments)))


class Metrics(Callback):
    """Writes metrics.jsonl: one line for each value, every `metrics_every` steps and at the end, in the last phase.

    Blank images get no metric value. A metric that fails is one line on standard error: the training goes on, and the
    checkpoint and the summary are written.
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
            try:
                sampler, discriminator = context.sampler_at(chunk.step), context.networks.get("discriminator")
                evaluate_networks(
                    context.folder, chunk.step, context.protocols, context.dataset, sampler, discriminator
                )
            except BlankImagesError:
                pass
            except Exception as error:
                if is_fatal(error, context.folder):
                    raise
                advice = f"`ganlab evaluate {shlex.quote(str(context.folder.path))}` tries again"
                warn(f"{context.folder.path}: no metrics at step {chunk.step}", error, advice)


class Checkpoints(Callback):
    """Saves the generator's weights and the whole state every `checkpoint_every` steps and at the end of each stretch."""

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
        """Copies the state. The writer makes files of the copy."""
        context = self.context
        arrays = snapshot(context.variables)
        require_finite(context.folder, step, arrays)
        weights = context.generator.model.get_weights()
        facts = {**context.facts(), "health": context.health.facts()}
        # Read the best step now: metrics that are added while the write waits belong to later checkpoints.
        context.writer.submit(partial(self._write, step, arrays, facts, weights, best_step(context.folder)))

    def _write(self, step: int, arrays: dict, facts: dict, weights: list[np.ndarray], best: int | None) -> None:
        context = self.context
        context.copy.model.set_weights(weights)
        write_generator(context.folder, step, context.copy.model)
        write_state(context.folder, step, arrays, facts)
        context.folder.set_status("running", checkpoint=step)
        prune(context.folder, best, context.config.output.keep_checkpoints)


class Stop(Callback):
    """Ends the training: after a write that failed, and, with a checkpoint, after a signal."""

    def __init__(self, context: RunContext):
        self.context = context

    def on_chunk(self, chunk: Chunk) -> None:
        self.context.writer.raise_error()
        signal = self.context.asked()
        if signal is None or chunk.step == self.context.total:
            return
        Checkpoints(self.context).save(chunk.step)
        self.context.writer.flush()
        raise StoppedError(f"stopped by {signal} after saving step {chunk.step}; the same command goes on from there")


CALLBACKS: tuple[type[Callback], ...] = (Health, Histograms, History, Verdict, Samples, Metrics, Checkpoints, Stop)
