"""Checks all configs of a sweep before any run starts, and plans their runs.

A process for each backend does it, so that data and framework do not stay in the memory of the process that waits for the runs.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlab.config.schema import Config
from ganlab.data.dataset import Dataset
from ganlab.errors import ConfigError, GanlabError, MissingDataError
from ganlab.sweep.jobs import Job, state_of
from ganlab.training.signals import handling
from ganlab.working_folder import safe_start

if TYPE_CHECKING:
    from ganlab.flows.check import Check

_Found = list[Job | GanlabError]


def survey(configs: Sequence[Config], results: Path, fresh: bool = False) -> tuple[list[Job], list[GanlabError]]:
    """Plans and validates every config; writes nothing.

    A finished run counts as valid, unless `fresh` says that it starts again. Data sets are loaded once, networks are
    built once for all seeds.

    Returns:
        One job for each run, in the order of the configs, and the mistakes in configs, each message once.

    Raises:
        GanlabError: the process of the survey died.
    """
    found: dict[int, Job | GanlabError] = {}
    for backend in dict.fromkeys(config.backend for config in configs):
        indices = [index for index, config in enumerate(configs) if config.backend == backend]
        found |= zip(indices, _in_own_process([configs[index] for index in indices], results, fresh), strict=True)
    ordered = [found[index] for index in sorted(found)]
    problems = {str(error): error for error in ordered if isinstance(error, GanlabError)}
    return _once_each([job for job in ordered if isinstance(job, Job)], results), list(problems.values())


def _once_each(jobs: Sequence[Job], results: Path) -> list[Job]:
    """One job for each identity: configs of several names may describe one run, which is trained once.

    Of several names, the one whose run is finished or begun is kept, else the first.
    """
    runs: dict[str, list[Job]] = {}
    for job in jobs:
        runs.setdefault(job.identity, []).append(job)
    states = ("finished", "running", "resumable", "failed", "diverged", "new")
    kept = []
    for named in runs.values():
        job = min(named, key=lambda job: states.index(state_of(job, results))) if len(named) > 1 else named[0]
        kept.append(replace(job, also_named=tuple(other.label for other in named if other is not job)))
    return kept


def _in_own_process(configs: list[Config], results: Path, fresh: bool) -> _Found:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, configs, results, fresh))
    # Ctrl-C reaches every process of a terminal. This one ignores it, and so prints no traceback.
    with handling({"SIGINT": signal.SIG_IGN}), safe_start():
        process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        raise GanlabError(f"the process that checks the configs died, exit code {process.exitcode}") from None
    finally:
        process.kill()
        process.join()


def _work(sender: Connection, configs: list[Config], results: Path, fresh: bool) -> None:
    os.dup2(2, 1)  # keeps prints of a download or a framework out of the sweep's answer
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}  # shapes are known without a GPU
    known: dict[str, Any] = {}
    sender.send([_look_at(config, results, fresh, known) for config in configs])


def _look_at(config: Config, results: Path, fresh: bool, known: dict[str, Any]) -> Job | GanlabError:
    """The job of a config, or its mistake. `known` keeps data sets and costs for the other configs."""
    from ganlab.data.registry import load_dataset
    from ganlab.flows.plan import plan_experiment

    try:
        data = config.data.model_dump_json()
        # A download that failed is not tried again for each config.
        dataset = _once(known, data, lambda: load_dataset(config.data, config.error_at), MissingDataError)
        plan = plan_experiment(config, results, fresh, dataset=dataset)
        job = Job(config, plan.cell, plan.identity, plan.steps, plan.folder.path, fresh)
        if state_of(job, results) == "finished":
            return job
        key = f"{plan.cell} {config.metrics}"  # metrics are checked, too, but are no part of a cell
        check = _once(known, key, lambda: _checked(config, dataset), GanlabError)
        return replace(job, flops=check.flops, lane=check.lane, convolves=check.convolves)
    except GanlabError as error:
        return error
    except OSError as error:  # for instance a folder where a run's file should be
        return GanlabError(f"{error.filename or config.name}: {error.strerror or error}")
    except Exception as error:
        return GanlabError(f"{config.name}: internal error: {type(error).__name__}: {error}")


def _once(known: dict[str, Any], key: str, make: Callable[[], Any], kept: type[GanlabError]) -> Any:
    """The value under a key, made at the first call. An error of the kind `kept` is kept as well, and raised again."""
    if key not in known:
        try:
            known[key] = make()
        except kept as error:
            known[key] = error
    if isinstance(known[key], GanlabError):
        raise known[key]
    return known[key]


def _checked(config: Config, dataset: Dataset) -> "Check":
    """The cost of the config's networks, which are built for it."""
    from ganlab.flows.check import check_networks

    try:
        return check_networks(config, dataset)
    except ConfigError as error:
        # The place in a study's base config does not say which cell is wrong.
        raise error if config.name in str(error) else ConfigError(f"{error} (in {config.name})") from None
