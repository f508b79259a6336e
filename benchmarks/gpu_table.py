"""The table of a machine with a GPU, in one command: steps against hand-written programs, starts, and many seeds together.

    GANLAB_DATA=... python benchmarks/gpu_table.py > table.md

It needs PyTorch and JAX with their CUDA packages. `--only steps` (or `starts`, `together`) makes one part. For a trial, also on a
machine without a GPU: `--rows exp01 --rounds 1 --seconds 0.2 --steps 20 --seeds 2`. A part that fails leaves its last line in the
table, and the others go on.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from workers import machine

HERE = Path(__file__).parent
BFLOAT16 = ["-o", "precision=mixed_bfloat16"]
STEPS = {
    "PyTorch, float32": ["--ours", "ours_torch", "--peers", "torch,torch_graph"],
    "PyTorch, bfloat16": ["--ours", "ours_torch", "--peers", "torch_amp,torch_graph_amp", *BFLOAT16],
    "JAX, float32": ["--ours", "ours_jax", "--peers", "jax_scan,jax_scan_one_pass"],
    "JAX, bfloat16": ["--ours", "ours_jax", "--peers", "jax_scan_half", *BFLOAT16],
}
BACKENDS = ("jax", "torch")


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def steps(options: argparse.Namespace) -> Iterator[str]:
    """The table of `step_time.py` for each backend and precision."""
    for title, words in STEPS.items():
        given = ["--rows", options.rows, "--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        command = [sys.executable, str(HERE / "step_time.py"), "--unchecked", "--together", *words, *given]
        done = subprocess.run(command, capture_output=True, text=True)
        yield f"\n### {title}\n"
        rows = [line for line in done.stdout.split("\n\n")[-1].splitlines() if line.startswith("|")]
        yield "\n".join(rows) if done.returncode == 0 else f"failed: {last_line(done.stderr)}"


def seconds_of(*words: str, cache: Path) -> float | str:
    """Wall seconds of a command of ganlab, or the last line of a failure."""
    began = time.monotonic()
    environment = os.environ | {"GANLAB_CACHE": str(cache)}
    done = subprocess.run([sys.executable, "-m", "ganlab", *words], capture_output=True, text=True, env=environment)
    return time.monotonic() - began if done.returncode == 0 else last_line(done.stderr)


def told(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"


def starts(options: argparse.Namespace) -> Iterator[str]:
    """Whole runs of one step: import, data, networks, compilation, pictures, checkpoint. The first one fills the caches."""
    yield "\n### Seconds of a run of one step\n\n| row | backend | first | second | third |\n|---|---|---|---|---|"
    short = ["-o", "train.steps=1", "-o", "metrics=[]", "-q"]
    for row in options.rows.split(","):
        for backend in BACKENDS:
            with tempfile.TemporaryDirectory() as folder:
                run = ["run", f"configs/{row}.yaml", "-o", f"backend={backend}", *limited(row), *short, "--results"]
                found = [told(seconds_of(*run, f"{folder}/{n}", cache=Path(folder, "cache"))) for n in range(3)]
            yield f"| {row} | {backend} | " + " | ".join(found) + " |"


def limited(row: str) -> list[str]:
    return ["-o", "data.limit=9970"] if row == "exp18" else []


def together(options: argparse.Namespace) -> Iterator[str]:
    """Whole sweeps of several seeds on JAX: together, and one run alone for comparison."""
    yield "\n### Seconds of sweeps on JAX\n"
    yield "| row | steps | one seed | seeds | together | runs an hour, times |\n|---|---|---|---|---|---|"
    count, seeds = options.seeds, ",".join(map(str, range(options.seeds)))
    for row in options.rows.split(","):
        with tempfile.TemporaryDirectory() as folder:
            words = ["sweep", f"configs/{row}.yaml", "-o", "backend=jax", "-o", f"train.steps={options.steps}"]
            words += [*limited(row), "-q"]
            cache = Path(folder, "cache")
            one = seconds_of(*words, "--seeds", "0", "--results", f"{folder}/first", cache=cache)  # fills the caches
            if isinstance(one, float):
                one = seconds_of(*words, "--seeds", "0", "--results", f"{folder}/one", cache=cache)
            all_of = one  # a failure ends this row
            if isinstance(one, float):
                all_of = seconds_of(*words, "--seeds", seeds, "--together", "--results", f"{folder}/all", cache=cache)
        numbers = isinstance(one, float) and isinstance(all_of, float)
        gain = f"{count * one / all_of:.2f}" if numbers else "-"
        yield f"| {row} | {options.steps} | {told(one)} | {count} | {told(all_of)} | {gain} |"


PARTS = {"steps": steps, "starts": starts, "together": together}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--rows", default="exp01,exp05,exp18")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="a side runs in each round")
    parser.add_argument("--steps", type=int, default=2000, help="of each run in a sweep")
    parser.add_argument("--seeds", type=int, default=32, help="of a sweep together")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    if "GANLAB_DATA" in os.environ:
        os.environ["GANLAB_DATA"] = os.path.abspath(os.environ["GANLAB_DATA"])
    os.chdir(HERE.parent)  # rows are files in configs/
    print(machine(), flush=True)
    for name in [options.only] if options.only else PARTS:
        for line in PARTS[name](options):
            print(line, flush=True)


if __name__ == "__main__":
    main()
