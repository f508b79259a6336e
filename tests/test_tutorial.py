"""docs/tutorial.ipynb in a real Jupyter kernel, which an interrupt does not end."""

import base64
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the extra 'dev' is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra 'dev' is not installed")
pytest.importorskip("ipykernel", reason="the extra 'dev' is not installed")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
ENDLESS = """\
import ganlab
ganlab.run("quickstart", {"name": "endless", "train.steps": 10_000_000, "output.checkpoint_every": 100, "metrics": []}, quiet=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def client(folder):
    """A client of the notebook, whose kernel works in the folder."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLAB_CACHE", str(folder / "cache"))
        client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
        with client.setup_kernel():
            yield client


def execute(client, source: str):
    """The outputs of a further cell, which may raise."""
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["raises-exception"]})
    client.nb.cells.append(cell)
    return client.execute_cell(cell, len(client.nb.cells) - 1)["outputs"]


def shown(cell, kind: str) -> str:
    """What a notebook shows of the value of a cell."""
    (output,) = cell["outputs"]
    return output["data"][kind]


def interrupt(client, results: Path) -> None:
    """As Jupyter's stop button, as soon as the run has a checkpoint."""
    end = time.monotonic() + 240
    while not list(results.glob("digits/endless-*/checkpoints/state-*/MANIFEST.json")) and time.monotonic() < end:
        time.sleep(0.1)
    os.killpg(client.km.provisioner.pgid, signal.SIGINT)


@pytest.mark.slow(longest=True)
def test_every_cell_runs_and_shows_what_the_text_says_and_an_interrupt_saves_the_run(client, folder):
    cells = [cell for cell in client.nb.cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] for cell in cells), "outputs are not committed"
    for index, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, index)
    train, look, sample, compare = cells
    assert shown(train, "text/html").count('src="data:image/png;base64,') == 2
    assert "hinge-seed0" in shown(train, "text/html") and "fd1k_classifier" in shown(train, "text/html")
    assert base64.b64decode(shown(train, "image/png")).startswith(b"\x89PNG")
    assert sum("image/png" in output.get("data", {}) for output in look["outputs"]) == 2
    assert base64.b64decode(shown(sample, "image/png")).startswith(b"\x89PNG")
    assert "non_saturating" in shown(compare, "text/html") and "hinge" in shown(compare, "text/html")

    threading.Thread(target=interrupt, args=(client, folder / "results"), daemon=True).start()
    (error,) = [output for output in execute(client, ENDLESS) if output["output_type"] == "error"]
    assert error["ename"] == "StoppedError" and "after saving step" in error["evalue"]
    (status,) = folder.glob("results/digits/endless-*/status.json")
    assert json.loads(status.read_text())["status"] == "stopped"
    (answer,) = execute(client, "runs['hinge'].status")  # the kernel lives, with its variables
    assert answer["data"]["text/plain"] == "'finished'"
