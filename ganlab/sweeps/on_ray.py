"""Runs jobs on the nodes of a Ray cluster, each job or group as a task. All state lives in the run folders, which all nodes see.

A task starts `ganlab run` on its node. If the task's worker, its node or the sweep dies, the run saves and ends. A run that a
dead or cut-off node held is taken over as on one machine: by its lock, and by the token of its owner, which a process reads
again before it changes a file of the run (ganlab/runs/locks.py).
"""

import contextlib
import ctypes
import importlib.util
import math
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlab.errors import ConfigError, GanlabError
from ganlab.runs.locks import make_folder
from ganlab.sweeps.board import Board
from ganlab.sweeps.executor import Executor
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.process import Attempt, start_process
from ganlab.sweeps.resources import share

_RETRIES = 3  # of a task whose worker or node died
_PATIENCE = 60.0  # seconds for a node's answer
_CONNECTS_IN = 10.0  # seconds
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>


def require_installed() -> None:
    """Raises: ConfigError, if Ray is not installed. Ray is not imported."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("ray is not installed; pip install 'ganlab[ray]'")


class RayExecutor(Executor):
    """Each slot has an equal share of the cluster: processors of one node, and a GPU or a part of it.

    Args:
        address: of the cluster, as `ray.init` takes it; None: $RAY_ADDRESS, else the cluster of this machine.
        others: as of `Executor`.
    """

    def __init__(self, results: Path, *others: Any, address: str | None = None):
        super().__init__(results.resolve(), *others)
        self.address = address

    def execute(self, jobs: Sequence[Job], board: Board) -> None:
        """As `Executor.execute`.

        Raises:
            ConfigError: Ray is not installed, no cluster is at the address, or a node does not see the folder of results.
        """
        with _connected(self.address):
            make_folder(self.results)
            self.nodes = _nodes()
            _require_shared(self.results, self.nodes)
            super().execute(jobs, board)

    def slots(self, workers: int) -> int:
        resources = [node["Resources"] for node in self.nodes]
        cpus, gpus = [int(found["CPU"]) for found in resources], int(sum(found.get("GPU", 0) for found in resources))
        own = max(1, min(sum(cpus) // workers, *cpus))  # a task does not reach over two nodes
        runs_a_gpu = math.ceil(workers / gpus) if gpus else 0
        self.options = {"num_cpus": own, "num_gpus": 1 / runs_a_gpu if gpus else 0}
        self.variables = share(own, shares_gpu=runs_a_gpu > 1)
        return min(workers, sum(found // own for found in cpus))

    def start(self, jobs: Sequence[Job], slot: int) -> "RayRun":
        return RayRun(jobs, self.results, self.options_of(jobs), self.variables)

    def options_of(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """The options of a task: runs with `device: cpu` leave the GPUs to others."""
        needs_gpu = any(job.config.device != "cpu" for job in jobs)
        return self.options if needs_gpu else self.options | {"num_gpus": 0}


class RayRun(Attempt):
    """An attempt as a task with these options of `ray.remote`, and these environment variables beside those of the node."""

    def __init__(self, jobs: Sequence[Job], results: Path, options: Mapping[str, Any], variables: Mapping[str, str]):
        import ray

        super().__init__(jobs, results)
        # A worker of its own: what a task leaves in its process does not reach the next one.
        task = ray.remote(max_calls=1, max_retries=_RETRIES, **options)(_train)
        self.task = task.remote(self.arguments, str(self.log), dict(variables))

    def code(self) -> int | None:
        import ray

        if not ray.wait([self.task], timeout=0)[0]:
            return None
        try:
            return ray.get(self.task)
        except ray.exceptions.TaskCancelledError:
            return -signal.SIGTERM
        except ray.exceptions.RayError as error:
            if isinstance(error.__cause__ or error, ray.exceptions.TaskCancelledError):
                return -signal.SIGTERM
            return -signal.SIGKILL  # the worker died as often as it was tried

    def terminate(self) -> None:
        import ray

        ray.cancel(self.task)

    def kill(self) -> None:
        import ray

        ray.cancel(self.task, force=True)


def _train(arguments: list[str], log: str, variables: dict[str, str]) -> int:
    """What a task does: the exit code of a process on the task's node, which a cancelled task asks to save and stop."""
    process = start_process(arguments, Path(log), {**os.environ, **variables}, _end_with_parent)
    try:
        return process.wait()
    except KeyboardInterrupt:  # what `ray.cancel` raises here
        process.terminate()
        return process.wait()


def _end_with_parent() -> None:
    """Linux sends this process SIGTERM when the worker dies, so that the run saves and stops."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGTERM)


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """A connection to the cluster."""
    require_installed()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import
    import ray

    try:
        if address and address.rpartition(":")[2].isdecimal():
            # Ray itself tries for minutes.
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=_CONNECTS_IN).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"--address: expected a Ray cluster, received {address or 'none'}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _nodes() -> list[dict[str, Any]]:
    """The nodes that have processors for tasks."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if not nodes:
        raise ConfigError("--on ray: expected a node with processors, received a cluster without one")
    return nodes


def _require_shared(results: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
    """Every node must read what this process wrote in the folder of results."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    sign, word = results / ".locks" / f"{secrets.token_hex(8)}.sign", secrets.token_hex(8)
    sign.write_text(word)
    try:
        asked = []
        for node in nodes:
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            task = ray.remote(num_cpus=0, scheduling_strategy=there)(_read)
            asked.append((node["NodeManagerHostname"], task.remote(str(sign))))
        for name, answer in asked:
            try:
                read = ray.get(answer, timeout=_PATIENCE)
            except (ray.exceptions.RayError, ImportError, TimeoutError) as error:
                raise GanlabError(f"node {name}: cannot start ganlab: {str(error).splitlines()[-1]}") from error
            if read != word:
                raise ConfigError(
                    f"node {name}: expected to see {results}, received another folder or none; share it, or choose --results"
                )
    finally:
        sign.unlink(missing_ok=True)


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None
