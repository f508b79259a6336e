"""Writes a Slurm script whose array tasks train the runs of a sweep. It starts nothing."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ganlab.storage.writing import write_text
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.process import write_config

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=ganlab
#SBATCH --array=0-{last}%{workers}
#SBATCH --output={output}
# Two minutes before the time limit the run saves and stops. The same script goes on from there.
#SBATCH --signal=B:TERM@120
configs=(
{configs}
)
exec {command} run "${{configs[$SLURM_ARRAY_TASK_ID]}}" --results {results}{fresh}
"""


def write_slurm_array(jobs: Sequence[Job], results: Path, workers: int) -> Path:
    """Writes `slurm-array.sh` beside the logs of a sweep, and the config of each job; gives the script's path.

    Args:
        jobs: the runs to train, at least one; each is a task of the array.
        results: the folder of all runs, which all nodes see under the same path.
        workers: tasks that Slurm runs at a time.
    """
    results = results.absolute()
    configs = [write_config(job, results) for job in jobs]
    script = configs[0].parent.parent / "slurm-array.sh"
    text = SCRIPT.format(
        last=len(jobs) - 1,
        workers=workers,
        output=shlex.quote(f"{script.parent}/slurm-%A_%a.log"),
        configs="\n".join(f"  {shlex.quote(str(config))}" for config in configs),
        command=shlex.join([sys.executable, "-m", "ganlab"]),
        results=shlex.quote(str(results)),
        fresh=" --fresh" if jobs[0].fresh else "",
    )
    write_text(script, text)
    return script
