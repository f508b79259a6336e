"""Looks at all configs of a sweep before anything starts: which runs they are, and whether each can be built.

It works in one process for each backend, so that neither data nor a framework stay in the memory of the process that
then waits for the runs.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ganlab.config.schema import Config
from ganlab.data.dataset import Dataset
from ganlab.errors import ConfigError, GanlabError, MissingDataError
from ganlab.sweep.jobs import Job, state_of
from ganlab.training.signals import handling
from ganlab.working_folder import safe_start

_Found = list[Job | GanlabError]


def survey(configs: Sequence[Config], results: Path, fresh: bool = False) -> tuple[list[Job], list[GanlabError]]:
    """Plans and validates every config; writes nothing.

    A finished run counts as valid, unless `fresh` says that it starts again. Data sets are loaded once, networks are
    built once for all seeds.

    Returns:
        The jobs in the order of the configs, and the mistakes in configs, each message once.

    Raises:
        GanlabError: the process of the survey died.
    """
    found: dict[int, Job | GanlabError] = {}
    for backend in dict.fromkeys(config.backend for config in configs):
        indices = [index for index, config in enumerate(configs) if config.backend == backend]
        found |= zip(indices, _in_own_process([configs[index] for index in indices], results, fresh), strict=True)
    ordered = [found[index] for index in sorted(found)]
    problems = {str(error): error for error in ordered if isinstance(error, GanlabError)}
    return [job for job in ordered if isinstance(job, Job)], list(problems.values())


def _in_own_process(configs: list[Config], results: Path, fresh: bool) -> _Found:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, configs, results, fresh))
    # Ctrl-C reaches every process of a terminal; ignored from the start, this one leaves without a traceback.
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
    """The job of a config, or its mistake. `known` keeps data sets and operations for the other configs."""
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
        key = f"{plan.cell} {config.metrics}"  # metrics are checked too, and are not part of a cell
        return replace(job, flops=_once(known, key, lambda: _flops(config, dataset), GanlabError))
    except GanlabError as error:
        return error
    except OSError as error:  # for instance a folder where a run's file should be
        return GanlabError(f"{error.filename or config.name}: {error.strerror or error}")
    except Exception as error:
        return GanlabError(f"{config.name}: internal error: {type(error).__name__}: {error}")


def _once(known: dict[str, Any], key: str, make: Callable[[], Any], kept: type[GanlabError]) -> Any:
    """The value under a key, made the first time; an error of the kind `kept` is raised again instead of made again."""
    if key not in known:
        try:
            known[key] = make()
        except kept as error:
            known[key] = error
    if isinstance(known[key], GanlabError):
        raise known[key]
    return known[key]


def _flops(config: Config, dataset: Dataset) -> int:
    """Operations of a step of the config's networks."""
    from ganlab.flows.check import check_networks

    try:
        return check_networks(config, dataset).flops
    except ConfigError as error:
        # A line of the file that a study varies does not tell which of its cells is wrong.
        raise error if config.name in str(error) else ConfigError(f"{error} (in {config.name})") from None
