"""What happens beside the training: history, pictures, metrics, checkpoints, health, stopping. Each is one class.

They are called in the order health, history, verdict, samples, metrics, checkpoints, so that a checkpoint covers what was written
before it, and the rows that made a run stop are written before it does. Pictures and checkpoints are handed to one writer
(`background`), which keeps their order, as host-side copies.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ganlab.config.schema import Config
from ganlab.config.value_range import value_range
from ganlab.errors import DivergedError, GanlabError, StoppedError
from ganlab.metrics.evaluation import evaluate_all
from ganlab.metrics.extraction import BlankImagesError
from ganlab.metrics.protocols import Protocol, better
from ganlab.pictures.images import to_uint8, write_grid
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import append_bytes, append_text, naming, permit
from ganlab.training import health
from ganlab.training.background import BackgroundWriter
from ganlab.training.checkpoints import prune, require_finite, snapshot, write_generator, write_state
from ganlab.training.sampling import Sampler
from ganlab.training.trainer import Callback, Chunk, next_multiple


class History(Callback):
    """history.csv: a row a step; where the images were looked at, what was seen."""

    def __init__(self, folder: RunFolder, columns: tuple[str, ...], health: "Health"):
        self.path, self.health = folder.history, health
        new = not self.path.exists()
        self.file = self.path.open("ab", buffering=0)
        if new:
            self._write([",".join(["step", *columns, *Health.COLUMNS, "seconds"])])

    def on_chunk(self, chunk: Chunk) -> None:
        first = chunk.step - len(chunk.rows) + 1
        seconds = f"{chunk.seconds / len(chunk.rows):.6g}"
        lines = []
        for number, row in enumerate(chunk.rows.tolist(), first):
            values = [f"{value:.6g}" for value in row]
            if chunk.columns[-1] == "penalty" and values[-1] == "nan":
                values[-1] = ""  # a lazy penalty that was not measured in this step
            seen = self.health.seen if number == self.health.looked_at else {}
            values += [f"{seen[name]:.4g}" if name in seen else "" for name in Health.COLUMNS]
            lines.append(",".join([str(number), *values, seconds]))
        self._write(lines)

    def _write(self, lines: list[str]) -> None:
        permit(self.path)
        with naming(self.path):
            append_bytes(self.file, "".join(f"{line}\n" for line in lines).encode())


class Health(Callback):
    """Looks for the signs of a failing GAN: at losses and weights after each chunk, at the images every few steps."""

    COLUMNS = ("diversity", "recall")

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        sampler: Sampler,
        variables: Mapping[str, list],
        real: np.ndarray,
        total: int,
        every: int,
    ):
        """Args: variables: by owner; real: some uint8 training images; every: steps between two looks at the images."""
        self.folder, self.config, self.sampler, self.real = folder, config, sampler, real
        self.weights = [v for owner, owned in variables.items() if owner.startswith("networks/") for v in owned]
        self.total, self.every = total, every
        self.recent: list[np.ndarray] = []
        self.verdict = "ok"
        self.reason: str | None = None
        self.looked_at = 0
        self.confirmed = False  # whether the look before had the same verdict
        self.seen: dict[str, float] = {}

    def next_due(self, step: int) -> int:
        return min(self.total, next_multiple(step, self.every))

    def on_chunk(self, chunk: Chunk) -> None:
        if self.verdict == "diverged":
            return
        if lost := self._lost(chunk):
            self.verdict, self.reason = "diverged", lost
            return
        self.recent.append(chunk.rows)
        if chunk.step == self.total or chunk.step % self.every == 0:
            self._look(chunk)
            self.recent = []

    def _lost(self, chunk: Chunk) -> str | None:
        bad = health.not_finite(chunk.rows, chunk.columns)
        if bad is not None:
            return f"{bad[1]} is not finite at step {chunk.step - len(chunk.rows) + 1 + bad[0]}"
        for variable in self.weights:  # a loss need not see them: moving averages are not used in training
            if not np.isfinite(np.asarray(variable, np.float32)).all():
                return f"{variable.path} is not finite at step {chunk.step}"
        return None

    def _look(self, chunk: Chunk) -> None:
        self.looked_at, self.seen = chunk.step, self._see()
        stuck = health.not_converged(np.concatenate(self.recent), chunk.columns)
        collapsed = health.collapsed(**self.seen) if self.seen else None
        before = self.folder.status().get("health", {}).get("verdict")
        self.verdict = "collapsed" if collapsed else "not_converged" if stuck else "ok"
        self.confirmed = self.verdict == before
        self.reason = "; ".join(filter(None, (collapsed, stuck))) or None
        seen = {name: round(value, 4) for name, value in self.seen.items()}
        report = {"step": chunk.step, "verdict": self.verdict, "reason": self.reason, **seen}
        self.folder.set_status("running", health=report)

    def _see(self) -> dict[str, float]:
        if len(self.real) < health.FEWEST_IMAGES:
            return {}
        fake = np.clip(self.sampler.draw(len(self.real), "health"), *value_range(self.config.data.range))
        fake = to_uint8(fake, self.config.data.range)
        return {name: getattr(health, name)(fake, self.real) for name in self.COLUMNS}


class Verdict(Callback):
    """Ends a run whose verdict is one that the config stops on; what images and losses tell, only when two looks agree.

    In its first few hundred steps a generator may look collapsed that learns well later, above all its moving average.
    """

    def __init__(self, folder: RunFolder, config: Config, watch: Health):
        self.folder, self.config, self.watch = folder, config, watch

    def on_chunk(self, chunk: Chunk) -> None:
        verdict, reason = self.watch.verdict, self.watch.reason
        if verdict not in self.config.train.stop_on:
            return
        if verdict == "diverged":
            raise DivergedError(f"{self.folder.path}: diverged: {reason}")
        if not self.watch.confirmed:
            return
        raise GanlabError(f"{self.folder.path}: stopped at step {self.watch.looked_at}: {verdict}: {reason}")


class Samples(Callback):
    """samples/NNNNNN.png: a grid from the same latents every time."""

    def __init__(self, folder: RunFolder, config: Config, sampler: Sampler, total: int, writer: BackgroundWriter):
        self.folder, self.config, self.sampler, self.total = folder, config, sampler, total
        self.writer = writer
        folder.samples.mkdir(exist_ok=True)

    def next_due(self, step: int) -> int:
        output = self.config.output
        at = [wanted for wanted in output.samples_at if wanted > step]
        return min([self.total, *at, next_multiple(step, output.samples_every) or self.total])

    def on_chunk(self, chunk: Chunk) -> None:
        if chunk.step == self.next_due(chunk.step - 1):
            self.write(chunk.step)

    def write(self, step: int) -> None:
        rows, columns = self.config.output.grid
        images = np.clip(self.sampler.draw(rows * columns, "grid"), *value_range(self.config.data.range))
        images = to_uint8(images, self.config.data.range)
        self.writer.submit(partial(write_grid, self.folder.sample(step), images, rows, columns))


class Metrics(Callback):
    """metrics.jsonl: a line a value, every `metrics_every` steps and at the end.

    There is no value of images that show nothing. Whether a run stops on them is not for its metrics to say: see `Verdict`.
    """

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        protocols: Sequence[Protocol],
        dataset: Any,
        sampler: Sampler,
        total: int,
    ):
        self.folder, self.config, self.protocols, self.dataset = folder, config, protocols, dataset
        self.sampler, self.total = sampler, total

    def next_due(self, step: int) -> int:
        return min(self.total, next_multiple(step, self.config.output.metrics_every) or self.total)

    def on_chunk(self, chunk: Chunk) -> None:
        if self.protocols and chunk.step == self.next_due(chunk.step - 1):
            with contextlib.suppress(BlankImagesError):
                append_metrics(self.folder, chunk.step, self.protocols, self.dataset, self.sampler)


class Checkpoints(Callback):
    """The generator's weights and the whole training state, every `checkpoint_every` steps and at the end."""

    def __init__(
        self,
        folder: RunFolder,
        config: Config,
        generator: Any,
        copy: Any,
        variables: dict,
        facts: dict,
        total: int,
        writer: BackgroundWriter,
    ):
        """Args: generator: the Keras model to save; copy: one like it, which the writer fills, for training goes on."""
        self.folder, self.config, self.generator, self.copy = folder, config, generator, copy
        self.variables, self.facts, self.total, self.writer = variables, facts, total, writer
        folder.checkpoints.mkdir(exist_ok=True)

    def next_due(self, step: int) -> int:
        return min(self.total, next_multiple(step, self.config.output.checkpoint_every) or self.total)

    def on_chunk(self, chunk: Chunk) -> None:
        if chunk.step == self.next_due(chunk.step - 1):
            self.save(chunk.step)

    def save(self, step: int) -> None:
        """Takes a copy of everything now; it becomes files in the writer."""
        arrays = snapshot(self.variables)
        require_finite(self.folder, step, arrays)
        weights = self.generator.get_weights()
        # The best step of this moment: metrics that come while this waits belong to later checkpoints.
        self.writer.submit(partial(self._write, step, arrays, weights, best_step(self.folder)))

    def _write(self, step: int, arrays: dict, weights: list[np.ndarray], best: int | None) -> None:
        self.copy.set_weights(weights)
        write_generator(self.folder, step, self.copy)
        write_state(self.folder, step, arrays, self.facts)
        self.folder.set_status("running", checkpoint=step)
        prune(self.folder, best, self.config.output.keep_checkpoints)


class Stop(Callback):
    """Saves and stops at the end of a chunk once `asked()` names a signal."""

    def __init__(self, asked: Callable[[], str | None], checkpoints: Checkpoints, total: int):
        self.asked, self.checkpoints, self.total = asked, checkpoints, total

    def on_chunk(self, chunk: Chunk) -> None:
        signal = self.asked()
        if signal is None or chunk.step == self.total:
            return
        self.checkpoints.save(chunk.step)
        self.checkpoints.writer.flush()
        raise StoppedError(f"stopped by {signal} after saving step {chunk.step}; the same command goes on from there")


def append_metrics(folder: RunFolder, step: int, protocols: Sequence[Protocol], dataset: Any, sampler: Sampler) -> list:
    """Evaluates and appends one line a value to metrics.jsonl; returns the values."""
    start = time.perf_counter()
    purpose = "metrics"
    values = evaluate_all(protocols, lambda count: sampler.draw(count, purpose), dataset, sampler.config.data.range)
    seconds = round(time.perf_counter() - start, 3)
    lines = [{"step": step, **dataclasses.asdict(value), "seconds": seconds} for value in values]
    append_text(folder.metrics, "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
    return values


def read_metrics(folder: RunFolder) -> list[dict]:
    """The lines of metrics.jsonl, the last one of a step and name counting.

    Raises: GanlabError for a line that is no metric value; a torn one is passed over.
    """
    if not folder.metrics.exists():
        return []
    values = {}
    for number, line in enumerate(folder.metrics.read_text(encoding="utf-8").splitlines(), 1):
        if not line.endswith("}"):
            continue
        try:
            read = json.loads(line)
            step, name, value = (read[key] for key in ("step", "name", "value"))
        except (ValueError, LookupError, TypeError, RecursionError):
            step = name = value = None
        if type(step) is not int or type(name) is not str or type(value) not in (int, float):
            raise GanlabError(f"{folder.metrics}: damaged: line {number} is no metric value")
        values[step, name] = read
    return list(values.values())


def best_step(folder: RunFolder) -> int | None:
    """The step at which the first metric of the config was best, or None."""
    lines = read_metrics(folder)
    if not lines:
        return None
    first = [line for line in lines if line["name"] == lines[0]["name"]]
    choose = min if better(first[0]["name"]) == "lower" else max
    return choose(first, key=lambda line: line["value"])["step"]
