"""What callbacks are given: the context of a run of a GAN on 4 x 4 images, and chunks of its steps."""

import dataclasses
from typing import Any

import numpy as np

from ganlab.config.schema import Config
from ganlab.config.steps import Stretch
from ganlab.data.dataset import Dataset, Split, fingerprint_of
from ganlab.models.building import build_network
from ganlab.runs.folder import RunFolder
from ganlab.training.background import BackgroundWriter
from ganlab.training.context import RunContext
from ganlab.training.drawing import Pictures
from ganlab.training.sampling import Sampler
from ganlab.training.stages import Column
from ganlab.training.trainer import Callback, Chunk
from tests.training.tiny import Tiny, tiny_config

GENERATOR = [{"Dense": {"units": 16, "activation": "tanh"}}, {"Reshape": {"target_shape": [4, 4, 1]}}]
DISCRIMINATOR = ["Flatten", {"Dense": {"units": 1}}]
REAL = np.random.default_rng(0).integers(0, 256, (24, 4, 4, 1), dtype=np.uint8)
COLUMNS = tuple(
    Column(name, name == "penalty") for name in ("d_loss", "g_loss", "d_accuracy_real", "d_accuracy_fake", "penalty")
)
NAMES = tuple(column.name for column in COLUMNS)


def config_of(**more: Any) -> Config:
    return tiny_config(generator=GENERATOR, discriminator=DISCRIMINATOR, **more)


def run_context(tiny: Tiny, folder: RunFolder, writer: BackgroundWriter, total: int = 10, **changes: Any) -> RunContext:
    """The context of a run of `total` steps of a tiny GAN; `changes` are other attributes."""
    config = changes.pop("config", tiny.config)
    images = changes.pop("images", tiny.steps.arrays["images"])
    context = RunContext(
        folder,
        config,
        Dataset("tiny", Split(images), None, fingerprint_of(images), None, "a test"),
        Stretch(None, 0, total),
        total,
        tiny.objective.columns,
        tiny.objective.variables(),
        tiny.models.sampled,
        build_network(config, "generator", tiny.models.form),
        Sampler(tiny.models.sampled, config),
        (),
        Pictures(folder),
        writer,
    )
    return dataclasses.replace(context, **changes)


def chunk(step: int, count: int = 1, **changes: float) -> Chunk:
    """`count` equal steps up to `step`, of half a second each."""
    row = {"d_loss": 1.0, "g_loss": 0.5, "d_accuracy_real": 0.6, "d_accuracy_fake": 0.7, "penalty": 0.1} | changes
    return Chunk(step, NAMES, np.tile([row[name] for name in NAMES], (count, 1)), 0.5 * count)


def due(callback: Callback, total: int) -> list[int]:
    """Every step at which a callback wants a chunk to end."""
    steps, step = [], 0
    while step < total:
        step = callback.next_due(step)
        steps.append(step)
    return steps
