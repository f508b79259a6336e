"""A Slurm script, read by bash: each task of the array trains one run."""

import shlex
import subprocess
import sys

from ganlab.config.loading import load_config
from ganlab.sweeps.configs import configs_of
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.slurm import write_slurm_array
from tests.sweeps.examples import write_study


def jobs_of(tmp_path, fresh=False):
    configs, _ = configs_of(write_study(tmp_path, "matrix: {train.batch_size: [8, 16]}\nseeds: [0, 1]"))
    results = tmp_path / "my results"
    return [Job(c, "c", "i", 60, results / "digits" / f"{c.name}-seed{c.seed}-0", fresh) for c in configs], results


def words_of(script, task):
    """The command that a task executes, as bash reads it."""
    text = script.read_text().replace("\nexec ", "\nprintf '%s\\n' ")
    done = subprocess.run(["bash", "-eu"], input=f"SLURM_ARRAY_TASK_ID={task}\n{text}", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_each_task_runs_the_resolved_config_of_one_job(tmp_path):
    jobs, results = jobs_of(tmp_path)
    script = write_slurm_array(jobs, results, 2)
    for task, job in enumerate(jobs):
        *command, config, option, folder = words_of(script, task)
        assert command == [sys.executable, "-m", "ganlab", "run"] and (option, folder) == ("--results", str(results))
        assert load_config(config) == job.config


def test_tells_slurm_how_many_tasks_and_to_stop_them_softly(tmp_path):
    jobs, results = jobs_of(tmp_path)
    lines = write_slurm_array(jobs, results, 2).read_text().splitlines()
    asked = dict(line.removeprefix("#SBATCH --").split("=", 1) for line in lines if line.startswith("#SBATCH"))
    assert asked["array"] == "0-3%2" and asked["signal"] == "B:TERM@120"
    assert shlex.split(asked["output"]) == [str(results / ".sweep" / "slurm-%A_%a.log")]


def test_runs_that_start_again_have_a_folder_of_their_own(tmp_path):
    jobs, results = jobs_of(tmp_path, fresh=True)
    assert words_of(write_slurm_array(jobs, results, 1), 0)[-1] == "--fresh"
