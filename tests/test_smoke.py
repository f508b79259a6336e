"""Every shipped config trains some steps and leaves a full run folder: a few here, all and the zoo with `make smoke`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganlab.config.loading import load_config
from ganlab.data.registry import DATASETS, is_here
from ganlab.data.sources import own_data_folder
from ganlab.runs.folder import RunFolder

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
ZOO = sorted((ROOT / "experiments" / "zoo").glob("*.yaml"))
# A convolutional network, a dense one against a convolutional one, a dense one on faces.
FEW = ("quickstart", "exp09", "exp13")
CHOSEN = CONFIGS + ZOO if os.environ.get("GANLAB_SMOKE") == "all" else [path for path in CONFIGS if path.stem in FEW]

pytestmark = [pytest.mark.slow(longest=True), pytest.mark.data]


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """A function of a size: a cache folder with 1,000 faces that `ganlab prepare` cut out of the middle of the photos."""
    if not ((data := own_data_folder()) and (data / "celeba" / "img_align_celeba.zip").exists()):
        pytest.skip("celeba is not on this machine: 'ganlab data' tells where it is looked for")
    cache, sizes = tmp_path_factory.mktemp("cache"), set()

    def of(size: int) -> Path:
        if size not in sizes:
            options = ("--size", str(size), "--limit", "1000", "--crop", "center")
            ganlab("prepare", "celeba", *options, GANLAB_CACHE=str(cache))
            sizes.add(size)
        return cache

    return of


def ganlab(*words: str, **environment: str) -> None:
    command = [sys.executable, "-m", "ganlab", *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stderr[-3000:]


def cache_with_data(path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Environment variables under which a run of the config finds its data; skips the test where there is none."""
    data = load_config(path).data
    if data.name not in DATASETS:
        pytest.skip(f"{data.name} is no data set of ganlab's")
    if is_here(data):
        return {}
    if data.name == "celeba":
        return {"GANLAB_CACHE": str(request.getfixturevalue("faces")(data.image_size))}
    pytest.skip(f"{data.name} is not on this machine: 'ganlab data' tells where it is looked for")


@pytest.mark.parametrize("path", CHOSEN, ids=[path.stem for path in CHOSEN])
def test_a_config_trains_and_leaves_a_full_folder(path, tmp_path, request):
    environment = cache_with_data(path, request)
    # Generated images cost more than steps of large networks, so the zoo makes few: no metric, a small grid, one look.
    steps, saved = (2, [2]) if path in ZOO else (20, [10, 20])
    metrics = [] if path in ZOO else ["fd500_random"]
    # XLA and the classifiers cost minutes and are tested elsewhere.
    short = [f"train.steps={steps}", f"output.samples_every={steps // 2}", f"output.checkpoint_every={saved[0]}"]
    short += ["output.samples_at=[1]", "jit=false", f"metrics={metrics}"]
    short += ["train.batch_size=2", "output.grid=[2, 2]"] if path in ZOO else []
    if load_config(path).data.limit:  # of CelebA, part may be here
        short.append("data.limit=null")
    options = [word for option in short for word in ("-o", option)]
    ganlab("run", str(path), *options, "--results", str(tmp_path), "-q", **environment)
    (run,) = tmp_path.glob("*/*/status.json")
    assert missing_from(RunFolder(run.parent), steps, saved, metrics) == []


def missing_from(folder: RunFolder, steps: int, saved: list[int], metrics: list[str]) -> list[str]:
    """What a finished run of so many steps, with checkpoints at `saved`, should have and has not."""
    files = [folder.config, folder.environment, folder.status_file, folder.drawing, folder.history]
    files += [folder.metrics] * len(metrics)
    files += [folder.losses, folder.outputs, folder.film, folder.beside, folder.summary]
    files += [folder.summary_of(network) for network in ("generator", "discriminator", "gan")]
    files += [folder.sample(step) for step in (1, steps // 2, steps)]
    files += [folder.generator_weights(step) for step in saved]
    files += [folder.state(steps) / "MANIFEST.json"]
    missing = [str(file) for file in files if not file.is_file() or not file.stat().st_size]
    if folder.status()["status"] != "finished":
        missing.append("status finished")
    rows = folder.history.read_text().splitlines() if folder.history.is_file() else []
    if [row.split(",")[0] for row in rows[1:]] != [str(step) for step in range(1, steps + 1)]:
        missing.append(f"a row for each of {steps} steps in history.csv")
    if list(json.loads(folder.summary.read_text())["metrics"]) != metrics:
        missing.append("the metrics in summary.json")
    return missing
