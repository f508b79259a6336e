"""Run folders for trackers, with a history of any length."""

import json
from pathlib import Path

from ganlab.pictures.images import write_grid
from ganlab.runs.folder import RunFolder
from tests.cli.experiments import CONFIG

IDENTITY, BEGAN = "ab" * 32, 1_700_000_000.0


def write_run(results: Path, steps: int, total: int | None = None, state: str = "finished", again: str = "") -> Path:
    """A run of `total` steps that has done `steps` of them, each in half a second.

    `d_loss` is the step, `diversity` has a value in steps 4, 8, ... only. The metric fd1k_random is 2.5 at step 4 and 1.5 at the
    last step; the sample grids are of steps 1 and 4.
    """
    import numpy as np

    files = RunFolder(results / "digits" / f"tiny-seed3-{IDENTITY[:8]}{again}")
    files.path.mkdir(parents=True)
    files.config.write_text(CONFIG)
    times = {"created": BEGAN, "updated": BEGAN + 100}
    status = {"status": state, "identity": IDENTITY, "cell": "cd" * 32, "steps": total or steps, "times": times}
    files.status_file.write_text(json.dumps(status | {"health": {"verdict": "ok"}}))
    rows = [f"{step},{step},{0.1 if step % 4 == 0 else ''},0.5\n" for step in range(1, steps + 1)]
    files.history.write_text("".join(["step,d_loss,diversity,seconds\n", *rows]))
    values = [{"step": step, "name": "fd1k_random", "value": value} for step, value in ((4, 2.5), (steps, 1.5))]
    files.metrics.write_text("".join(json.dumps(value) + "\n" for value in values))
    for step in (1, 4):
        write_grid(files.sample(step), np.zeros((1, 8, 8, 1), np.uint8), 1, 1)
    return files.path
