"""Runs jobs on this machine, each job or group in its own process."""

import os
from collections.abc import Sequence

from ganlab.sweeps.executor import Executor
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.process import RunProcess
from ganlab.sweeps.resources import available_cpus, available_gpus, environments


class LocalExecutor(Executor):
    """Each slot has a share of this machine."""

    def slots(self, workers: int) -> int:
        self.shares = environments(workers, os.environ, available_cpus(), available_gpus())
        return len(self.shares)

    def start(self, jobs: Sequence[Job], slot: int) -> RunProcess:
        return RunProcess(jobs, self.results, self.shares[slot])
