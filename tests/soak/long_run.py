"""Watches the memory and the open files of one long run: python -m tests.soak.long_run --steps 50000

A GAN so small that a step takes a fraction of a millisecond trains in a process of its own, with pictures, looks at its
images, metrics and checkpoints on the way. Linux only: memory and files are read from /proc.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CONFIG = """\
name: soak
data: {{name: digits}}
latent: {{dim: 8}}
generator:
  layers:
    - Dense: {{units: 32}}
    - BatchNormalization
    - ReLU
    - Dense: {{units: 64, activation: tanh}}
    - Reshape: {{target_shape: [8, 8, 1]}}
  optimizer: {{Adam: {{learning_rate: 1.0e-3, beta_1: 0.5}}}}
discriminator:
  layers:
    - Flatten
    - Dense: {{units: 32}}
    - LeakyReLU
    - Dropout: {{rate: 0.3}}
    - Dense: {{units: 1}}
  optimizer: {{Adam: {{learning_rate: 1.0e-3, beta_1: 0.5}}}}
loss: non_saturating
train: {{steps: {steps}, batch_size: 32}}
output: {{samples_every: {every}, checkpoint_every: {every}, metrics_every: {metrics_every}, keep_checkpoints: 3}}
metrics: [fd1k_classifier]
"""


@dataclass(frozen=True)
class Sighting:
    """The process at some moment: the newest checkpoint's step, resident memory in MB, open files, threads."""

    step: int
    megabytes: float
    files: int
    threads: int


def watch(folder: Path, steps: int, every: int, rows: int) -> list[Sighting]:
    """Trains and gives at most one sighting for each of `rows` equal parts of the steps, first to last.

    Raises: RuntimeError if the run does not end with exit code 0.
    """
    config = folder / "soak.yaml"
    config.write_text(CONFIG.format(steps=steps, every=every, metrics_every=max(every, steps // 10)))
    command = [sys.executable, "-m", "ganlab", "run", str(config), "--results", str(folder / "results"), "-q"]
    sightings: list[Sighting] = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            step = _newest_step(folder / "results")
            if step and step >= (sightings[-1].step if sightings else 0) + steps // rows:
                sightings += _look(process.pid, step)
            time.sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"the run ended with exit code {process.returncode}")
    return sightings


def _newest_step(results: Path) -> int:
    return max((int(path.name.removeprefix("state-")) for path in results.glob("*/*/checkpoints/state-*")), default=0)


def _look(pid: int, step: int) -> list[Sighting]:
    try:
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        files = len(os.listdir(f"/proc/{pid}/fd"))
        return [Sighting(step, int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"]))]
    except (OSError, KeyError):  # it has just ended
        return []


def growth(sightings: list[Sighting]) -> tuple[float, int]:
    """How many MB and files the last third of the sightings has more than the second third, by their medians.

    The first third is left out: caches fill, and the compiled functions are made.
    """
    third = len(sightings) // 3
    middle, last = sightings[third : 2 * third], sightings[2 * third :]
    return (
        _median([s.megabytes for s in last]) - _median([s.megabytes for s in middle]),
        _median([s.files for s in last]) - _median([s.files for s in middle]),
    )


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--every", type=int, default=250, help="Steps between pictures and checkpoints.")
    parser.add_argument("--rows", type=int, default=25)
    given = parser.parse_args()
    began = time.time()
    with tempfile.TemporaryDirectory() as folder:
        sightings = watch(Path(folder), given.steps, given.every, given.rows)
    print(f"{'step':>8} {'MB':>7} {'files':>6} {'threads':>8}")
    for seen in sightings:
        print(f"{seen.step:8} {seen.megabytes:7.1f} {seen.files:6} {seen.threads:8}")
    megabytes, files = growth(sightings)
    told = f"{given.steps} steps in {time.time() - began:.0f} s; from the second to the last third"
    print(f"{told} {megabytes:+.1f} MB, {files:+} files")


if __name__ == "__main__":
    main()
