"""Groups of runs that train together, as lanes of one compiled step: `ganlab sweep --together`."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

from ganlab.config.identity import identity_of
from ganlab.config.scalars import scalars, with_scalars
from ganlab.runs.folder import RunFolder
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.resources import available_gpus, device_memory

Group = tuple[Job, ...]  # a group of one is a run alone
_SHARE = 0.6  # of the memory; JAX takes three quarters of a GPU


def grouped(jobs: Sequence[Job], memory: int, on_gpu: bool, workers: int = 1) -> list[Group]:
    """The groups, in the order of their first jobs. Runs of a group differ in seeds and scalars only, and begin at one step.

    Args:
        jobs: the runs that have steps left.
        memory: bytes on the device; as many lanes are in the groups of all workers as fit.
        on_gpu: whether the machine has a GPU.
        workers: groups that train at a time. They share the device and its memory, and each has its own processors.
    """
    alike: dict[object, list[Job]] = {}
    for job in jobs:
        alike.setdefault(_key(job, on_gpu), []).append(job)
    return [
        group for found in alike.values() for same in _at_one_step(found) for group in _fitting(same, memory, workers)
    ]


def grouping_here(
    jobs: Sequence[Job], workers: int, say: Callable[[str], object]
) -> Callable[[Sequence[Job]], list[Group]]:
    """The function that groups runs for this machine. Says which of the jobs cannot train together with others."""
    on_gpu = bool(available_gpus())
    reasons = {job: reason for job in jobs if (reason := reason_alone(job, on_gpu))}
    for reason in dict.fromkeys(reasons.values()):
        labels = [job.label for job in reasons if reasons[job] == reason]
        say(f"alone: {', '.join(labels[:3])}{' ...' if labels[3:] else ''}: {reason}")
    return partial(grouped, memory=device_memory(), on_gpu=on_gpu, workers=workers)


def reason_alone(job: Job, on_gpu: bool) -> str | None:
    """Why a run cannot train together with others, or None."""
    config = job.config
    if config.backend != "jax":
        return f"backend {config.backend}; expected jax"
    if config.devices > 1:
        return f"devices {config.devices}; expected 1"
    if config.phases:
        return "it has phases"
    if config.data.labelled is not None:
        return "data.labelled: each seed reads other labels"
    if job.convolves and (config.device == "cpu" or not on_gpu):
        return "convolutions on a CPU gain nothing"
    return None


def _key(job: Job, on_gpu: bool) -> object:
    """Runs with an equal key have the same steps but for scalars."""
    if reason_alone(job, on_gpu):
        return job
    config = job.config
    # A source is no part of an identity; the data are.
    data = config.data.model_dump_json()
    alike = with_scalars(config, dict.fromkeys(scalars(config), -1.0))
    return identity_of(alike, data, job.steps)[0], config.device


def _at_one_step(jobs: list[Job]) -> list[list[Job]]:
    """The jobs in parts: all runs of a part have a state of one step, from which they can go on together."""
    left = {job: [] if job.fresh else RunFolder(job.folder).state_steps() for job in jobs}
    parts = []
    while left:
        newest = min(max(steps, default=0) for steps in left.values())
        part = [job for job, steps in left.items() if newest in (steps or [0])]
        parts.append(part)
        left = {job: steps for job, steps in left.items() if job not in part}
    return parts


def _fitting(jobs: list[Job], memory: int, workers: int) -> list[Group]:
    """The jobs in groups of nearly equal size, one or more for each worker, that fit into the memory."""
    most = max(1, int(_SHARE * memory) // workers // max(job.lane or 1 for job in jobs))
    count = min(len(jobs), workers * math.ceil(len(jobs) / (workers * most)))
    ends = [len(jobs) * number // count for number in range(count + 1)]
    return [tuple(jobs[start:end]) for start, end in itertools.pairwise(ends)]
