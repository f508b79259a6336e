"""Checks all configs of a sweep before any run starts, and plans their runs.

A process for each backend does it, so that data and framework do not stay in the memory of the process that waits for the runs.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ganlab.config.schema import Config
from ganlab.config.steps import final_data
from ganlab.data.dataset import Dataset
from ganlab.errors import GanlabError, MissingDataError
from ganlab.sweeps.jobs import Job, state_of
from ganlab.training.signals import handling
from ganlab.working_folder import safe_start

if TYPE_CHECKING:
    from ganlab.flows.check import Check

_Found = list[Job | GanlabError]
_MOST_NAMES = 5  # of configs in a message


def survey(
    configs: Sequence[Config], results: Path, fresh: bool = False, may_download: bool = True
) -> tuple[list[Job], list[GanlabError]]:
    """Plans and validates every config; writes nothing.

    A finished run counts as valid, unless `fresh` says that it starts again. Data sets are loaded once, networks are
    built once for all seeds.

    Args:
        configs: of all runs.
        results: the folder of all runs.
        fresh: whether every run starts again.
        may_download: whether missing data are downloaded; else they are a mistake.

    Returns:
        One job for each run, in the order of the configs, and the mistakes in configs, each message once.

    Raises:
        GanlabError: the process of the survey died.
    """
    found: dict[int, Job | GanlabError] = {}
    for backend in dict.fromkeys(config.backend for config in configs):
        indices = [index for index, config in enumerate(configs) if config.backend == backend]
        options = ([configs[index] for index in indices], results, fresh, may_download)
        found |= zip(indices, _in_own_process(*options), strict=True)
    jobs = [found[index] for index in sorted(found) if isinstance(found[index], Job)]
    mistakes = [(configs[index].name, found[index]) for index in sorted(found) if isinstance(found[index], GanlabError)]
    return _once_each(jobs, results), _told_once(mistakes)


def _told_once(mistakes: Sequence[tuple[str, GanlabError]]) -> list[GanlabError]:
    """One error for each message, which names the configs that it is about."""
    about: dict[str, dict[str, GanlabError]] = {}
    for name, error in mistakes:
        about.setdefault(str(error), {})[name] = error
    told = []
    for message, errors in about.items():
        names, error = list(errors), next(iter(errors.values()))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        is_named = len(names) == 1 and names[0] in message
        told.append(error if is_named else type(error)(f"{message} (in {', '.join(names[:_MOST_NAMES])}{more})"))
    return told


def _once_each(jobs: Sequence[Job], results: Path) -> list[Job]:
    """One job for each identity: configs of several names may describe one run, which is trained once.

    Of several names, the one whose run is finished or begun is kept, else the first.
    """
    runs: dict[str, list[Job]] = {}
    for job in jobs:
        runs.setdefault(job.identity, []).append(job)
    states = ("finished", "running", "resumable", "failed", "diverged", "new")

    def rank(job: Job) -> tuple[int, bool]:
        return states.index(state_of(job, results)), not job.folder.name.startswith(f"{job.label}-")

    kept = []
    for named in runs.values():
        job = min(named, key=rank) if len(named) > 1 else named[0]
        kept.append(
            replace(job, also_named=tuple(dict.fromkeys(other.label for other in named if other.label != job.label)))
        )
    return kept


def _in_own_process(configs: list[Config], results: Path, fresh: bool, may_download: bool) -> _Found:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, configs, results, fresh, may_download))
    # Ctrl-C reaches every process of a terminal. This one ignores it, and so prints no traceback.
    with handling({"SIGINT": signal.SIG_IGN}), safe_start(), _without_main():
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


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """Keeps a spawned process from executing the user's script again, whose call of `ganlab.sweep` started it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _work(sender: Connection, configs: list[Config], results: Path, fresh: bool, may_download: bool) -> None:
    os.dup2(2, 1)  # keeps prints of a download or a framework out of the sweep's answer
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}  # shapes are known without a GPU
    known: dict[str, Any] = {}
    sender.send([_look_at(config, results, fresh, may_download, known) for config in configs])


def _look_at(
    config: Config, results: Path, fresh: bool, may_download: bool, known: dict[str, Any]
) -> Job | GanlabError:
    """The job of a config, or its mistake. `known` keeps data sets and costs for the other configs."""
    from ganlab.data.registry import load_dataset, needs_download
    from ganlab.flows.plan import plan_experiment

    try:
        if not may_download and needs_download(config.data.name):
            key = config.model_dump_json(exclude={"name", "seed"})
            _once(known, key, lambda: _checked(config, None), GanlabError)  # checked against the published shape
            raise MissingDataError(f"{config.data.name} is not on this machine; a sweep without --dry-run downloads it")
        data = final_data(config)
        # A download that failed is not tried again for each config.
        dataset = _once(known, data.model_dump_json(), lambda: load_dataset(data, config.error_at), MissingDataError)
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


def _checked(config: Config, dataset: Dataset | None) -> "Check":
    """The cost of the config's networks, which are built for it."""
    from ganlab.flows.check import check_networks

    return check_networks(config, dataset)
