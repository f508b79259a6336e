"""Looks at all configs of a sweep before anything starts: which runs they are, and whether each can be built.

It works in a process of its own, one for each backend, so that neither data nor a framework stay in the memory of
the process that then waits for the runs.
"""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from ganlab.config.schema import Config
from ganlab.data.dataset import Dataset
from ganlab.errors import ConfigError, GanlabError, MissingDataError
from ganlab.sweep.jobs import Job, state_of
from ganlab.training.signals import handling
from ganlab.working_folder import safe_start

_Found = list[Job | GanlabError]


def survey(configs: Sequence[Config], results: Path, fresh: bool = False) -> tuple[list[Job], list[GanlabError]]:
    """Plans and validates every config; writes nothing.

    A finished run is taken as valid. Data sets are loaded once, networks are built once for all seeds.

    Args:
        configs: of all runs.
        results: the folder of all runs.
        fresh: whether finished runs are to be started again, too.

    Returns:
        The jobs in the order of the configs, and what is wrong with configs, each message once.

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
    os.dup2(2, 1)  # what a download or a framework prints is no answer of the sweep
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}  # shapes are known without a GPU
    sender.send(_Surveyor(results, fresh).look_at(configs))


class _Surveyor:
    def __init__(self, results: Path, fresh: bool):
        self.results, self.fresh = results, fresh
        self.datasets: dict[str, Dataset | MissingDataError] = {}
        self.flops: dict[str, int | GanlabError] = {}  # by cell and metrics

    def look_at(self, configs: list[Config]) -> _Found:
        return [self._job(config) for config in configs]

    def _job(self, config: Config) -> Job | GanlabError:
        from ganlab.flows.plan import plan_experiment

        try:
            dataset = self._dataset(config)
            plan = plan_experiment(config, self.results, self.fresh, dataset=dataset)
            job = Job(config, plan.cell, plan.identity, plan.steps, plan.folder.path, self.fresh)
            if state_of(job, self.results) == "finished":
                return job
            key = f"{plan.cell} {config.metrics}"  # metrics are checked as well, and are no part of a cell
            if key not in self.flops:
                self.flops[key] = _flops(config, dataset)
        except GanlabError as error:
            return error
        except Exception as error:
            return GanlabError(f"{config.name}: internal error: {type(error).__name__}: {error}")
        flops = self.flops[key]
        return flops if isinstance(flops, GanlabError) else replace(job, flops=flops)

    def _dataset(self, config: Config) -> Dataset:
        from ganlab.data.registry import load_dataset

        key = config.data.model_dump_json()
        if key not in self.datasets:
            try:
                self.datasets[key] = load_dataset(config.data, config.error_at)
            except MissingDataError as error:  # a download that failed is not tried once a config
                self.datasets[key] = error
        dataset = self.datasets[key]
        if isinstance(dataset, MissingDataError):
            raise dataset
        return dataset


def _flops(config: Config, dataset: Dataset) -> int | GanlabError:
    """Operations of a step of the networks that a config describes, or what is wrong with them."""
    from ganlab.flows.check import check_networks

    try:
        return check_networks(config, dataset).flops
    except ConfigError as error:
        # A line of the file that a study varies does not tell which of its cells is wrong.
        return error if config.name in str(error) else ConfigError(f"{error} (in {config.name})")
    except GanlabError as error:
        return error
