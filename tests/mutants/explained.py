"""Changes that no test needs to notice, by reason. A file is named below `ganlab/`, a line by a part of its text."""

import re
from typing import NamedTuple

from tests.mutants.changes import Change


class Explained(NamedTuple):
    """Changes of one line; each of `ends` is the end of a change's key, without a number."""

    file: str
    line: str
    ends: tuple[str, ...]

    def has(self, change: Change, end: str) -> bool:
        """Whether a change is the one of this end."""
        key = re.sub(r" #\d+$", "", change.key)
        return change.file == self.file and self.line in key and key.endswith(end)


def _of(file: str, line: str, *ends: str) -> Explained:
    return Explained(f"ganlab/{file}.py", line, ends)


EXPLAINED: dict[str, tuple[Explained, ...]] = {
    "speed and memory alone": (
        _of("metrics/distances", "rows = max(1, _BLOCK_ELEMENTS", "max -> min", "1 -> 2", "FloorDiv -> Mult"),
        _of("metrics/scores", "block = max(1, _BLOCK_ELEMENTS", "max -> min", "1 -> 2", "FloorDiv -> Mult"),
        _of(
            "metrics/extraction",
            "batch_size = self.batch_size or max(1, min(256, 2**20",
            *("max -> min", "min -> max", "1 -> 2", "256 -> 257", "256 -> 512", "2 -> 3", "2 -> 4", "FloorDiv -> Mult"),
            *("Pow -> Mult", "Mult -> Div", "20 -> 21", "20 -> 40"),
        ),
        _of("training/checkpoints", "array.astype(_kept_type(array.dtype), copy=False)", "False -> True"),
        _of(
            "metrics/distances",
            "_BLOCK_ELEMENTS = 2**22",
            *("Pow -> Mult", "2 -> 3", "2 -> 4", "22 -> 23", "22 -> 44"),
        ),
        _of(
            "metrics/scores",
            "_BLOCK_ELEMENTS = 2**22",
            *("Pow -> Mult", "2 -> 3", "2 -> 4", "22 -> 23", "22 -> 44"),
        ),
        _of("metrics/statistics", "_CHUNK = 8192", "8192 -> 8193", "8192 -> 16384"),
        _of("metrics/classifier", "compile_for_batches(model)", "without compile_for_batches(model)"),
        _of("metrics/classifier", "build_classifier(shape, classes, drawn=False)", "False -> True"),  # read afterwards
        _of("training/draws", "lru_cache(2)", "2 -> 3", "2 -> 4"),  # steps ask for two epochs in turn at most
        _of(
            "metrics/extraction",
            "model.compile(jit_compile=",
            "without model.compile(jit_compile=keras.backend.backend() == 'jax', **arguments)",
            "Eq -> NotEq",
        ),
        _of("metrics/inception_extractor", "BATCH = 32", "32 -> 33", "32 -> 64"),
        _of("metrics/random_network", "compile_for_batches(model)", "without compile_for_batches(model)"),
        _of("metrics/resizing", "compile_for_batches(model)", "without compile_for_batches(model)"),
        _of("training/background", "_ROOM = 2", "2 -> 3", "2 -> 4"),
        _of("training/sampling", "_BATCH = 250", "250 -> 251", "250 -> 500"),
        _of("training/sampling", "size = min(_BATCH,", "min -> max"),
        _of("training/trainer", 'ThreadPoolExecutor(1, "draws")', "1 -> 2"),  # one chunk is drawn at a time
    ),
    "another way to the same result": (
        _of(
            "metrics/distances", "if min(len(features1), len(features2)) >=", "its contrary", "GtE -> Gt", "min -> max"
        ),
        _of("training/class_losses", "_NEVER = -1e9", "1000000000.0 -> 2000000000.0"),  # exp of both is 0
        _of("training/health", "def collapsed(diversity: float, recall: float = 1.0)", "1.0 -> 2.0"),  # above the limit
        _of("training/forms", "max(lanes * step_flops(objective), 1)", "1 -> 2"),  # every step has operations
        _of("metrics/resizing", "side = network.input_shape[1]", "1 -> 2"),  # both sides are equal
        _of("metrics/random_network", 'RECIPE["filters"][-1]', "without USub", "1 -> 2"),  # [32, 64, 64]
        _of("metrics/random_network", "if len(shape) > 1 else 0.01", "1 -> 2"),  # kernels have four axes, biases one
        # The sample begins with the same images, however large it is.
        _of("metrics/statistics", "max(count, 2 * held), part.split)", "2 -> 3", "2 -> 4"),
        # NumPy takes any negative number as -1.
        _of("metrics/resizing", "[-1 if each == axis else 1", "1 -> 2"),
        _of("training/health", "images.reshape(len(images), -1)", "1 -> 2"),
        _of("training/sampling", "latents.reshape(rows, columns, -1)", "1 -> 2"),
        _of("training/sampling", "return varied.reshape(-1, latent.size)", "1 -> 2"),
        _of("training/sampling", ".reshape(-1, ends.shape[-1])", "1 -> 2"),
        _of("training/sampling", "turned / np.where(on_a_line, 1, sine)", "1 -> 2"),  # those quotients are not used
        _of("training/trainer", "if done >= total:", "GtE -> Gt"),  # no step is left
        _of("training/trainer", "if end < total:", "Lt -> LtE"),  # draws the numbers of no step
    ),
    "a limit that is met exactly": (
        _of("metrics/distances", "(np.square(factor.diagonal()) > least)", "Gt -> GtE"),
        _of("metrics/distances", "kept = values > len(values)", "Gt -> GtE"),
        _of("metrics/evaluation", "value < floors[suffix]", "Lt -> LtE"),
        _of("metrics/inception_files", "if path.stat().st_size > _LARGEST", "Gt -> GtE"),
        _of("metrics/inception_files", "member.size > _LARGEST", "Gt -> GtE"),
        _of("metrics/scores", "squared *= squared >= scale", "GtE -> Gt"),
        _of("training/draws", "generator.random(draw.shape) < draw.flip", "Lt -> LtE"),
        _of("training/forms", "return steps * plain > _WORTH_COMPILING", "Gt -> GtE"),
        _of("training/health", "if min(accuracies) > PINNED_ACCURACY", "Lt -> LtE"),
        _of("training/health", "if max(accuracies) < 1 - PINNED_ACCURACY", "Lt -> LtE"),
        _of("training/health", "loss.mean() < _ZERO_LOSS", "Lt -> LtE", "Gt -> GtE"),
        _of("training/health", "any(np.ptp(values) > _FLAT", "Gt -> GtE"),
        _of("training/histograms", "before else values) < _FLAT", "Lt -> LtE"),
        _of("training/progress", "if passed < _SECONDS_BETWEEN_LINES", "Lt -> LtE"),
        _of("training/sampling", "on_a_line = sine < 1e-6", "Lt -> LtE"),
    ),
    "twice a tiny number": (
        _of("metrics/scores", "scale *= 1e-13", "1e-13 -> 2e-13"),
        _of("objectives/evolutionary", "ops.sum(ops.stack(squares)), 1e-24", "1e-24 -> 2e-24"),
        _of("objectives/vae", "made = ops.clip(made, 1e-6, 1.0 - 1e-6)", "1e-06 -> 2e-06"),
        _of("training/health", "max(_mean_distance(real), 1e-12)", "1e-12 -> 2e-12"),
        _of("training/class_losses", "keepdims=True) + 1e-12)", "1e-12 -> 2e-12"),
        _of("training/penalties", "input_gradient(critic, points)) + 1e-12)", "1e-12 -> 2e-12"),
        _of("training/sampling", "on_a_line = sine < 1e-6", "1e-06 -> 2e-06"),
    ),
    "names of files in the cache": (
        _of("metrics/statistics", '{"seed": SELECTION_SEED, **everything}, sort_keys=True)', "True -> False"),
        _of("metrics/statistics", "hexdigest()[:16]", "16 -> 17", "16 -> 32"),
        _of("metrics/statistics", "_FORMAT = 2", "2 -> 3", "2 -> 4"),
        _of("metrics/classifier", "hexdigest()[:16]", "16 -> 17", "16 -> 32"),
    ),
}


def explanation_of(change: Change) -> str | None:
    """Why no test needs to notice a change, or None."""
    for reason, explained in EXPLAINED.items():
        if any(one.has(change, end) for one in explained for end in one.ends):
            return reason
    return None
