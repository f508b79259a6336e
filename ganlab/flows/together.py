"""Trains several runs together: each is a lane of one compiled step, and leaves the folder that it would leave alone."""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from ganlab.backends.select import select_backend
from ganlab.config.document import Keys
from ganlab.config.scalars import traced_scalars, with_scalars
from ganlab.config.schema import value_range
from ganlab.errors import StoppedError
from ganlab.experiment import leave_unsaved, recording, stop_if
from ganlab.flows.plan import Plan
from ganlab.runs.locks import locked
from ganlab.storage.writing import guarding
from ganlab.trackers.follow import followed
from ganlab.training.draws import DrawsTogether
from ganlab.training.signals import Asked, watched_signals
from ganlab.training.trainer import Callback, Chunk, Trainer, next_due

if TYPE_CHECKING:
    from ganlab.flows.session import Session
    from ganlab.training.forms import Form
    from ganlab.training.stages import Objective


class Lane:
    """One run of a group.

    Attributes:
        plan: the run.
        error: the error that ended the run, or None.
        is_over: whether the run has ended. The compiled step goes on with its lane; nobody reads the lane.
    """

    def __init__(self, plan: Plan):
        self.plan, self.error, self.is_over = plan, None, False
        self.callbacks: list[Callback] = []
        self._to_end = ExitStack()  # ends in reverse order: curves and film, status.json, the lock

    def attempt(self, act: Callable[..., None], *arguments: Any) -> None:
        """Calls `act(*arguments)`. An error ends this run alone."""
        try:
            act(*arguments)
        except Exception as error:
            self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """Ends the run: with the error, or at its last step."""
        self.is_over = True
        try:
            with self._to_end:
                if error is not None:
                    raise error
        except BaseException as raised:
            self.error = raised

    def lock(self, results: Path) -> None:
        require_own = self._to_end.enter_context(locked(results, self.plan.identity))
        self._to_end.enter_context(guarding(self.plan.folder.path, require_own))
        if self.plan.folder.status().get("status") == "finished":
            self.end()

    def build(self, lanes: int, asked: Asked) -> None:
        from ganlab.flows.session import Session  # loads Keras

        stop_if(asked, self.plan.folder)
        self.session = Session(self.plan, self.plan.stretches_left()[0], lanes=lanes)

    @property
    def steps(self) -> set[int]:
        """The steps at which the run can begin."""
        return set(self.plan.folder.state_steps() or [0])

    def begin(self, lanes: int, at: int, asked: Asked) -> None:
        """Creates the run folder, or goes back to its state of step `at`."""
        stop_if(asked, self.plan.folder)
        if at not in self.steps:
            raise StoppedError(f"{self.plan.folder.path}: has no state of step {at}; this run goes on alone")
        self._to_end.enter_context(recording(self.plan, self.session, lanes=lanes))
        self.done, self.form = self.session.resume(at)
        self.callbacks = self.session.callbacks(asked, self.form)
        self._to_end.enter_context(self.session.ending())

    def require(self, done: int, form: "Form") -> None:
        if (done, form.jit) != (self.done, self.form.jit):
            raise StoppedError(f"{self.plan.folder.path}: its steps are not those of the group; this run goes on alone")


class Group(Callback):
    """Calls the callbacks of all lanes, several lanes at a time."""

    def __init__(self, lanes: Sequence[Lane], show: Callable[[int], None], asked: Asked):
        self.lanes, self.show, self.asked, self.signal = lanes, show, asked, None
        self.threads = ThreadPoolExecutor(min(len(lanes), os.cpu_count() or 1), "lanes")

    def next_due(self, step: int) -> int | None:
        return next_due(step, (callback for lane in self.lanes if not lane.is_over for callback in lane.callbacks))

    def on_chunk(self, chunk: Chunk) -> None:
        """Raises StoppedError after the end of the last lane."""
        self.signal = self.asked()  # the same answer for all lanes, so that all of them save the same step
        living = [(index, lane) for index, lane in enumerate(self.lanes) if not lane.is_over]
        list(self.threads.map(lambda each: each[1].attempt(self._call_back, *each, chunk), living))
        if all(lane.is_over for lane in self.lanes):
            raise StoppedError("all runs of the group have ended")

    def _call_back(self, index: int, lane: Lane, chunk: Chunk) -> None:
        self.show(index)
        own = dataclasses.replace(chunk, rows=chunk.rows[:, index], lost=chunk.lost[index])
        for callback in lane.callbacks:
            callback.on_chunk(own)


def train_together(plans: Sequence[Plan], results: Path) -> tuple[list[BaseException | None], bool]:
    """Trains runs whose networks and steps have equal shapes, and whose backend is jax.

    Runs that have begun go on from the newest step of which all of them have a state.

    Returns:
        For each run the error that ended it, or None; and whether a signal stopped the group. A StoppedError without a signal
        means that the run can go on, alone.
    """
    lanes = [Lane(plan) for plan in plans]
    with watched_signals(lambda: [leave_unsaved(plan.folder) for plan in plans]) as asked:
        try:
            # The callbacks of several lanes share the processors already.
            with followed(plans), threadpool_limits(1, "blas"):
                _train(lanes, results, asked)
        except BaseException as error:  # of all lanes, such as too little memory
            for lane in lanes:
                if not lane.is_over:
                    lane.end(error)
            raise
        return [lane.error for lane in lanes], asked() is not None


def _train(lanes: Sequence[Lane], results: Path, asked: Asked) -> None:
    def each(act: Callable, *arguments: Any) -> list[Lane]:
        """Calls a method of each lane that is not over; returns the lanes that are left."""
        for lane in lanes:
            if not lane.is_over:
                lane.attempt(act, lane, *arguments)
        return [lane for lane in lanes if not lane.is_over]

    lanes = each(Lane.lock, results)
    select_backend("jax")
    from ganlab.backends.lanes import SeparateSteps, StackedSteps, predicting_together
    from ganlab.models.flops import has_convolutions

    lanes = each(Lane.build, len(lanes), asked)
    if not lanes:
        return
    networks = predicting_together([lane.session.models.sampled for lane in lanes])
    for lane, network in zip(lanes, networks, strict=True):
        lane.session.sampler.network = network
    group: Group | None = None
    # The newest step at which all of them can begin.
    at = max(set.intersection(*(lane.steps for lane in lanes)), default=max(lanes[0].steps))
    lanes = each(Lane.begin, len(lanes), at, lambda: group.signal if group else asked())
    lanes = lanes and each(Lane.require, lanes[0].done, lanes[0].form)
    if not lanes:
        return
    sessions = [lane.session for lane in lanes]
    first, form, done = sessions[0], lanes[0].form, lanes[0].done
    objectives, ends = [session.objective for session in sessions], value_range(first.config.data.range)
    scalars = _differing([traced_scalars(session.config) for session in sessions])
    kind = SeparateSteps if has_convolutions(first.objective) else StackedSteps
    steps = kind(objectives, first.arrays, ends, form.jit, scalars, partial(_varied, first))
    group = Group(lanes, steps.show, asked)
    draws = DrawsTogether([session.draws for session in sessions])
    try:
        Trainer(steps, first.objective.column_names, draws, [group], form.room).train(done, first.stretch.end)
    except StoppedError:
        if not all(lane.is_over for lane in lanes):
            raise
    each(Lane.end)


def _differing(of_lanes: Sequence[dict[Keys, float]]) -> dict[Keys, np.ndarray]:
    """The scalars that are not equal in all lanes: place -> one number for each lane."""
    each = {keys: np.array([found[keys] for found in of_lanes]) for keys in of_lanes[0]}
    return {keys: values for keys, values in each.items() if (values != values[0]).any()}


@contextmanager
def _varied(session: "Session", values: Mapping[Keys, Any]) -> Iterator["Objective"]:
    """The session's objective with other scalars, which may be tensors; the optimizers have theirs in the block."""
    from ganlab.objectives import build_objective

    replaced = []
    for keys, value in values.items():
        # (network, "optimizer", class, argument), or a schedule's class and argument behind
        if "optimizer" in keys[1:2]:
            owner = session.models.optimizers[keys[0]]
            owner = owner if len(keys) == 4 else owner._learning_rate
            replaced.append((owner, keys[-1], getattr(owner, keys[-1])))
            setattr(owner, keys[-1], value)
    try:
        config = with_scalars(session.config, values)
        yield build_objective(config, session.models, session.backend.input_gradient)
    finally:
        for owner, name, value in replaced:
            setattr(owner, name, value)
