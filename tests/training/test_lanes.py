"""Two runs share one compiled step: their variables take turns in it, and each leaves the folder it would leave alone.

Callbacks read weights through their own context alone, so that a loop over several runs, as here, needs nothing of theirs.
"""

import dataclasses
import json

import numpy as np
import pytest

from ganlab.runs.folder import RunFolder
from ganlab.training.background import BackgroundWriter
from ganlab.training.callbacks import CALLBACKS
from ganlab.training.checkpoints import read_state, restore, snapshot
from ganlab.training.context import RunContext
from ganlab.training.draws import Draws
from ganlab.training.trainer import Callback, Chunk, Trainer, next_end
from tests.training.contexts import REAL, config_of, run_context
from tests.training.tiny import Tiny, build

TOTAL, ROOM = 10, 4
SEEDS = (0, 1)
STEPS = {"output": {"samples_every": 3, "checkpoint_every": 4, "grid": [2, 2]}, "train": {"steps": TOTAL, "ema": 0.9}}


def build_run(seed: int) -> Tiny:
    return build(config_of(seed=seed, optimizer={"Adam": {"learning_rate": 0.05}}, **STEPS), images=REAL)


def context_in(path, tiny: Tiny, config) -> RunContext:
    path.mkdir()
    return run_context(tiny, RunFolder(path), BackgroundWriter(), TOTAL, config=config)


def train_alone(path, seed: int) -> RunContext:
    tiny = build_run(seed)
    context = context_in(path, tiny, tiny.config)
    callbacks = [callback(context) for callback in CALLBACKS]
    Trainer(tiny.steps, tiny.objective.column_names, tiny.draws, callbacks, ROOM).train(0, TOTAL)
    return context


@dataclasses.dataclass
class Lane:
    """One of the runs that share a step."""

    state: dict[str, np.ndarray]
    draws: Draws
    context: RunContext
    callbacks: list[Callback]


def train_together(folder, seeds) -> list[RunContext]:
    """All runs in the steps of the first."""
    shared = build_run(seeds[0])
    variables = shared.objective.variables()
    lanes = []
    for seed in seeds:
        own = build_run(seed)
        context = context_in(folder / f"lane-{seed}", shared, own.config)
        lanes.append(Lane(own.snapshot(), own.draws, context, [callback(context) for callback in CALLBACKS]))
    done = 0
    while done < TOTAL:
        end = next_end(done, min(done + ROOM, TOTAL), [callback for lane in lanes for callback in lane.callbacks])
        for lane in lanes:
            restore(variables, lane.state, "the lane's own")
            rows = shared.steps.run(lane.draws.take(done, end - done), done, ROOM)
            for callback in lane.callbacks:
                callback.on_chunk(Chunk(end, shared.objective.column_names, rows, 0.1))
            lane.state = snapshot(variables)
        done = end
    return [lane.context for lane in lanes]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """seed -> (the run that was trained alone, the same run as a lane)."""
    folder = tmp_path_factory.mktemp("lanes")
    alone = [train_alone(folder / f"alone-{seed}", seed) for seed in SEEDS]
    together = train_together(folder, SEEDS)
    for context in (*alone, *together):
        context.writer.flush()
        context.writer.close()
    return dict(zip(SEEDS, zip(alone, together, strict=True), strict=True))


def files_of(folder: RunFolder) -> dict[str, bytes]:
    """Name -> content; without the times in history and status."""
    found = {path.relative_to(folder.path).as_posix(): path for path in folder.path.rglob("*") if path.is_file()}
    content = {name: path.read_bytes() for name, path in found.items() if path.suffix not in (".npz", ".json")}
    content["history.csv"] = b"\n".join(line.rpartition(b",")[0] for line in content["history.csv"].splitlines())
    status = folder.status()
    del status["times"]
    return content | {"status.json": json.dumps(status).encode()}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lane_leaves_the_files_of_a_run_alone(runs, seed):
    alone, lane = (files_of(context.folder) for context in runs[seed])
    assert alone.keys() == lane.keys()
    assert {
        "history.csv",
        "status.json",
        "samples/000003.png",
        "checkpoints/generator-000010.weights.h5",
    } <= lane.keys()
    assert [name for name in alone if alone[name] != lane[name]] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_lane_leaves_the_states_of_a_run_alone(runs, seed):
    alone, lane = (context.folder for context in runs[seed])
    assert alone.state_steps() == lane.state_steps() == [8, 10]
    for step in lane.state_steps():
        (expected, facts), (found, lane_facts) = read_state(alone.state(step)), read_state(lane.state(step))
        assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []
        assert {**facts, "sha256": None} == {**lane_facts, "sha256": None}


def test_the_two_runs_differ(runs):
    one, other = (files_of(lane.folder) for _, lane in runs.values())
    for name in ("history.csv", "samples/000010.png", "checkpoints/generator-000010.weights.h5"):
        assert one[name] != other[name], name


@pytest.mark.parametrize("seed", SEEDS)
def test_health_is_that_of_the_lane(runs, seed):
    alone, lane = runs[seed]
    assert lane.health == alone.health and lane.health.step == TOTAL and lane.health.seen
