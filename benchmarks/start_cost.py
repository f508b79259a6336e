"""Seconds from the start of the process to the first step of training, against what cannot be avoided.

    GANLAB_DATA=... python benchmarks/start_cost.py configs/exp01.yaml

What cannot be avoided is a bare `import keras` with its backend, from the start of a process, plus the compilation of the
same training step, with up-sampling as it is written (`ganlab run` may fold it). Both are measured in processes of their own,
alternating; the medians are compared. The first `ganlab run`, which fills the caches, is printed apart.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

REPEATS = 5


def inside_run(words: list[str]) -> None:
    """`ganlab run` up to the end of its first step; tells how it is compiled."""
    from ganlab.backends.select import select_backend
    from ganlab.cli.main import main

    select_backend()
    from ganlab.training.trainer import Trainer

    def stop(trainer, done: int, total: int) -> None:
        # Compiles, where what was measured before is known.
        trainer.steps.run(trainer.draws.take(done, 1), done, trainer.room)
        print(json.dumps({"end": time.perf_counter(), "jit": trainer.steps.jit, "room": trainer.room}), flush=True)
        os._exit(0)

    Trainer.train = stop
    main(["run", *words, "-q"])


def inside_bare(path: str, jit: str, room: str) -> None:
    """The import, then everything else, then the compilation; tells the end of the first and the seconds of the last."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras  # noqa: F401

    imported = time.perf_counter()
    from ganlab.backends import load_backend
    from ganlab.config.loading import load_config
    from ganlab.config.schema import value_range
    from ganlab.data import load_dataset
    from ganlab.models.building import build_models
    from ganlab.objectives import build_objective
    from ganlab.training.draws import Draws

    config = load_config(path)
    dataset, backend = load_dataset(config.data), load_backend("tensorflow")
    objective = build_objective(config, build_models(config, dataset.form), backend.input_gradient)
    steps = backend.Steps(objective, dataset.arrays, value_range(config.data.range), jit == "True")
    draws = Draws(objective.draws, config.seed, dataset.count).take(0, 1)
    start = time.perf_counter()
    steps.run(draws, 0, int(room))
    print(json.dumps({"imported": imported, "compilation": time.perf_counter() - start}))


def measure(side: str, *words: str) -> tuple[float, dict]:
    """(when the process was started, what it told)."""
    start = time.perf_counter()
    command = [sys.executable, __file__, f"--{side}", *words]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return start, json.loads(told.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config")
    config = parser.parse_args().config
    runs, imports, compilations = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(REPEATS + 1):
            start, told = measure("inside-run", config, "--results", f"{folder}/{number}")
            runs.append(told["end"] - start)
            start, bare = measure("inside-bare", config, str(told["jit"]), str(told["room"]))
            imports.append(bare["imported"] - start)
            compilations.append(bare["compilation"])
    first, *runs = runs
    ratios = [r / (i + c) for r, i, c in zip(runs, imports[1:], compilations[1:], strict=True)]
    columns = [statistics.median(values) for values in (runs, imports, compilations, ratios)]
    print(
        "| config | ganlab run, s | import, s | compilation, s | ratio | the first time, s |\n|---|---|---|---|---|---|"
    )
    print(f"| {config} | {' | '.join(f'{value:.2f}' for value in columns)} | {first:.2f} |")


if __name__ == "__main__":
    sides = {"--inside-run": lambda *words: inside_run(list(words)), "--inside-bare": inside_bare}
    if sys.argv[1] in sides:
        sides[sys.argv[1]](*sys.argv[2:])
    else:
        main()
