"""Sweeps on a Ray cluster of this machine: a head and two nodes, whose workers, nodes and drivers are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganlab.cli.main import main
from ganlab.config.loading import load_config
from ganlab.errors import ConfigError
from ganlab.flows.verify import verify_run
from ganlab.runs.folder import RunFolder
from ganlab.sweeps.jobs import Job
from ganlab.sweeps.on_ray import RayExecutor
from tests.sweeps.examples import write_config
from tests.sweeps.test_local import Notes

LONG = ("-o", "train.steps=6000", "-o", "output={checkpoint_every: 200, samples_every: 3000, grid: [2, 2]}")


def test_without_ray_one_line_says_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"^ray is not installed; pip install 'ganlab\[ray\]'$"):
        RayExecutor(tmp_path / "results").execute([None], Notes([]))
    with pytest.raises(SystemExit) as ended:
        main(["sweep", str(write_config(tmp_path)), "--on", "ray", "--results", str(tmp_path / "results")])
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "ray is not installed; pip install 'ganlab[ray]'\n")
    assert not (tmp_path / "results").exists()


def test_an_address_needs_ray(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["sweep", str(write_config(tmp_path)), "--address", "auto"])
    assert ended.value.code == 2 and "--address: expected with --on ray" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("nodes", "workers", "slots", "cpus", "gpus"),
    [
        ([{"CPU": 8.0}, {"CPU": 4.0}], 3, 3, 4, 0),
        ([{"CPU": 8.0}, {"CPU": 4.0}], 1, 1, 4, 0),  # a run does not reach over two nodes
        ([{"CPU": 1.0}, {"CPU": 1.0}], 8, 2, 1, 0),
        ([{"CPU": 16.0, "GPU": 2.0}], 4, 4, 4, 0.5),
        ([{"CPU": 16.0, "GPU": 4.0}], 3, 3, 5, 1.0),
    ],
)
def test_runs_share_the_cluster(tmp_path, nodes, workers, slots, cpus, gpus):
    executor = RayExecutor(tmp_path, workers)
    executor.nodes = [{"Resources": resources} for resources in nodes]
    assert executor.slots(workers) == slots
    assert executor.options == {"num_cpus": cpus, "num_gpus": gpus}
    assert executor.variables["OMP_NUM_THREADS"] == str(cpus)
    assert ("TF_FORCE_GPU_ALLOW_GROWTH" in executor.variables) is (0 < gpus < 1)


def test_runs_on_the_cpu_take_no_gpu(tmp_path):
    executor = RayExecutor(tmp_path, 2)
    executor.nodes = [{"Resources": {"CPU": 8.0, "GPU": 1.0}}]
    executor.slots(2)
    on_cpu, anywhere = (
        Job(load_config(write_config(tmp_path), [f"device={device}"]), "c", "i", 60, tmp_path)
        for device in ("cpu", "auto")
    )
    assert executor.options_of([on_cpu]) == {"num_cpus": 4, "num_gpus": 0}
    assert executor.options_of([on_cpu, anywhere]) == {"num_cpus": 4, "num_gpus": 0.5}


@pytest.fixture(scope="module")
def cluster():
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    testing = pytest.importorskip("ray.cluster_utils", reason="ray is not installed")
    cluster = testing.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


def start(cluster, config: Path, results: Path, *words: str) -> subprocess.Popen:
    command = ["sweep", config, "--on", "ray", "--address", cluster.address, "--results", results, "-j", "2", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-m", "ganlab", *map(str, command)], stdout=pipe, stderr=pipe, text=True)


def processes(*parts: str) -> list[int]:
    """The processes whose command line has all of these parts."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        found += [int(path.parent.name)] * all(part in line for part in parts)
    return found


def wait_for(condition, what: str) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def count_nodes(cluster) -> int:
    """The nodes that are alive, as another driver sees them."""
    program = (
        f"import ray; ray.init({cluster.address!r}, logging_level='ERROR'); print(sum(n['Alive'] for n in ray.nodes()))"
    )
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.split()[-1])


def has_checkpoint(results: Path) -> bool:
    return any(results.glob("digits/*/checkpoints/state-*/MANIFEST.json"))


def require_whole(done: subprocess.Popen, results: Path, count: int) -> None:
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, out + err
    runs = sorted(path for path in (results / "digits").iterdir() if path.is_dir())
    assert len(runs) == count
    for run in runs:
        assert RunFolder(run).status()["status"] == "finished" and verify_run(run).damage == []


@pytest.mark.slow
class TestCluster:
    @pytest.mark.parametrize("killed", ["the worker of a task", "the sweep"])
    def test_a_sweep_ends_with_whole_runs_although_something_is_killed(self, cluster, tmp_path, killed):
        config, results = write_config(tmp_path), tmp_path / "results"
        sweep = start(cluster, config, results, "--seeds", "0,1,2", *LONG)
        wait_for(lambda: has_checkpoint(results), "no checkpoint")
        if killed == "the sweep":
            sweep.kill()
            sweep.communicate()
            wait_for(lambda: not processes("ganlab run", str(results)), "the runs outlive the sweep")
            sweep = start(cluster, config, results, "--seeds", "0,1,2", *LONG)
        else:
            os.kill(processes("ray::_train")[0], signal.SIGKILL)
        require_whole(sweep, results, 3)

    def test_ctrl_c_lets_the_runs_save(self, cluster, tmp_path):
        config, results = write_config(tmp_path), tmp_path / "results"
        sweep = start(cluster, config, results, "--seeds", "0,1", *LONG)
        wait_for(lambda: has_checkpoint(results), "no checkpoint")
        sweep.send_signal(signal.SIGINT)
        out, err = sweep.communicate(timeout=120)
        assert sweep.returncode == 75 and "the same command goes on from the last checkpoints" in err, out + err
        assert not processes("ganlab run", str(results))

    def test_the_runs_of_a_dead_node_go_on_at_another(self, cluster, tmp_path):
        config, results = write_config(tmp_path), tmp_path / "results"
        sweep = start(cluster, config, results, "--seeds", "0,1", *LONG)
        wait_for(lambda: len(processes("ganlab run", str(results))) == 2 and has_checkpoint(results), "no checkpoint")
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        require_whole(sweep, results, 2)

    def test_runs_that_train_together_are_one_task(self, cluster, tmp_path):
        pytest.importorskip("jax")
        results = tmp_path / "results"
        together = ("-o", "backend=jax", "-o", "train.steps=300", "-j", "1", "--together")
        require_whole(start(cluster, write_config(tmp_path), results, "--seeds", "0,1,2", *together), results, 3)
        lanes = [json.loads(path.read_text())["lanes"] for path in results.glob("digits/*/environment.json")]
        assert lanes == [3, 3, 3] and len(list(results.glob(".sweep/digits/*.log"))) == 1

    def test_no_cluster_at_the_address_is_one_line(self, tmp_path):
        pytest.importorskip("ray")
        config = write_config(tmp_path)
        command = [sys.executable, "-m", "ganlab", "sweep", config, "--on", "ray", "--address", "127.0.0.1:1"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 2 and "--address: expected a Ray cluster, received 127.0.0.1:1" in done.stderr

    @pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may mount a folder for one process")
    def test_a_node_that_sees_another_folder_is_named(self, cluster, tmp_path):
        config, results = write_config(tmp_path), tmp_path / "results"
        results.mkdir()
        start_node = f"{sys.executable} -m ray.scripts.scripts start --address={cluster.address} --num-cpus=1 --block"
        elsewhere = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs none {results} && exec {start_node}"]
        node = subprocess.Popen(elsewhere, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        try:
            there = len(cluster.list_all_nodes())
            wait_for(lambda: node.poll() is not None or count_nodes(cluster) > there, "no further node")
            assert node.poll() is None, node.stderr.read()
            out, err = start(cluster, config, results).communicate(timeout=200)
        finally:
            os.killpg(node.pid, signal.SIGTERM)
            node.wait()
        assert f"expected to see {results}, received another folder or none" in err, out + err
        assert not (results / ".sweep").exists()
