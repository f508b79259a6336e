"""Milliseconds a training step takes: ganlab against what users would write themselves, interleaved in one run.

    GANLAB_DATA=... python benchmarks/step_time.py [--rows exp01,exp18] [--peers fit,torch]

On a GPU, where rounding differs too much for a comparison of losses:

    python benchmarks/step_time.py --unchecked --together --ours ours_torch --peers torch,torch_graph --rows exp01,exp05
    python benchmarks/step_time.py --unchecked --together --ours ours_jax --peers jax_scan,jax_scan_one_pass --rows exp01,exp05

Every side trains the same networks by the same updates in a process of its own; the processes take turns, so that a busy moment of
the machine hits all. The hand-written peers must first give ganlab's losses from the same weights and random numbers.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import yaml
from workers import Worker, WorkerError, interleave, machine, ratio

from ganlab.config.loading import dump_config, load_config

CONFIGS = Path(__file__).parents[1] / "configs"
ROWS = {name: [] for name in ("exp01", "exp03", "exp02", "exp05", "exp04")} | {"exp18": ["data.limit=9970"]}
SCANNED = ("exp01", "exp03", "exp05", "exp18")  # rows that peers_jax writes out
PEERS = ("fit", "fit_jit", "fit_jit_50", "train_on_batch", "torch", "torch_compile", "jax_scan")
CHECKED = {
    "torch": "torch_exact",
    "torch_graph": "torch_exact",
    "jax_scan": "jax_exact",
    "jax_scan_one_pass": "jax_exact",
}
# Relative; Adam's first steps are as long for a gradient of rounding errors as for any other, so differences grow.
_FIRST_STEP, _LATER_STEPS = 1e-3, 2e-2


def able(row: str, peers: list[str]) -> list[str]:
    """The peers that are written for a row."""
    return [peer for peer in peers if row in SCANNED or not peer.startswith("jax")]


def without_dropout(config: Path, overrides: list[str], folder: Path) -> Path:
    """The same config without random layers, for comparing losses."""
    content = yaml.safe_load(dump_config(load_config(config, overrides)))
    for network in ("generator", "discriminator"):
        layers = content[network]["layers"]
        content[network]["layers"] = [layer for layer in layers if "Dropout" not in layer]
    path = folder / f"{config.stem}.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def check(row: str, overrides: list[str], peers: list[str], folder: Path) -> None:
    """Compares losses of five steps; raises SystemExit where a peer trains something else."""
    config = without_dropout(CONFIGS / f"{row}.yaml", overrides, folder)
    sides = ["ours", *dict.fromkeys(CHECKED[peer] for peer in peers if peer in CHECKED)]
    losses = {}
    for side in sides:
        worker = Worker(side, config, [], folder / f"{side}.log")
        losses[side] = worker.ask(check=str(folder / f"{row}.npz"))["losses"]
        worker.close()
    for side in sides[1:]:
        far = [
            max(abs(a - b) / max(abs(a), 1e-2) for a, b in zip(ours, theirs, strict=True))
            for ours, theirs in zip(losses["ours"], losses[side], strict=True)
        ]
        if far[0] > _FIRST_STEP or max(far) > _LATER_STEPS:
            raise SystemExit(f"{row}: {side} does not train the same: {losses[side]}, ours {losses['ours']}")
        print(
            f"{row}: losses of {side} are ours within {far[0]:.0e} in the first step, {max(far):.0e} in five",
            flush=True,
        )


def start(row: str, overrides: list[str], sides: list[str], options, folder: Path) -> list[Worker]:
    """Starts the sides and lets each compile; one that takes too long is left out, with a line that says so."""
    workers, seconds = [], {}
    started = {}
    if options.together:
        started = {s: Worker(s, CONFIGS / f"{row}.yaml", overrides, folder / f"{s}.log") for s in sides}
    for side in sides:
        # Fifty steps in one call, where one takes long, would take the whole time that there is.
        if side == "fit_jit_50" and 50 * seconds.get("fit_jit", 0.0) > options.limit / 3:
            print(f"{row}: {side} not measured: fifty steps take more than {options.limit / 3:.0f} s")
            if side in started:
                started[side].close()
            continue
        try:
            worker = started.get(side) or Worker(side, CONFIGS / f"{row}.yaml", overrides, folder / f"{side}.log")
            worker.run(worker.quantum, options.limit)
            seconds[side] = worker.run(1, options.limit) / 1000 if side == "fit_jit" else 0.0
            workers.append(worker)
        except WorkerError as error:
            seconds[side] = options.limit
            print(f"{row}: {side} not measured: {error}", flush=True)
    return workers


def measure(row: str, overrides: list[str], peers: list[str], sides: list[str], options, folder: Path) -> str:
    workers = start(row, overrides, [*sides, *able(row, peers)], options, folder)
    times = interleave(workers, options.rounds, options.seconds)
    for worker in workers:
        worker.close()
    medians = {side: statistics.median(values) for side, values in times.items()}
    ours = min((side for side in sides if side in times), key=medians.get)
    form = next(w.form for w in workers if w.side == ours)
    cells = [f"{medians[peer]:.2f}" if peer in medians else "-" for peer in peers]
    found = [peer for peer in peers if peer in medians]
    ratios = {peer: ratio(times, peer, ours) for peer in found}
    best = min(found, key=ratios.get)  # by rounds: a median over all of them tells as much of the machine's moments
    gain = [f"{ratios['fit']:.2f}" if "fit" in found else "-", f"{ratios[best]:.2f} ({best})"]
    return "| " + " | ".join([row, *cells, f"{medians[ours]:.2f} ({form})", *gain]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"some of {', '.join(PEERS)}, jax_scan_one_pass")
    parser.add_argument(
        "--ours", default="ours", help="some of ours (TensorFlow), ours_jax, ours_torch; the best counts"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="a side runs in each round")
    parser.add_argument("--limit", type=float, default=90.0, help="seconds in which a side must compile")
    parser.add_argument("--unchecked", action="store_true", help="do not compare losses first")
    parser.add_argument("--together", action="store_true", help="start all sides at once, with many cores")
    parser.add_argument("-o", action="append", default=[], dest="overrides", help="KEY=VALUE for every row")
    options = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several processes share the memory of a GPU
    peers, lines = options.peers.split(","), [machine(), ""]
    head = ["ms a step", *peers, "ganlab", "times fit", "times the best peer"]
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    with tempfile.TemporaryDirectory() as folder:
        for row in options.rows.split(","):
            overrides, sides = [*ROWS[row], *options.overrides], options.ours.split(",")
            if not options.unchecked:
                check(row, overrides, able(row, peers), Path(folder))
            lines.append(measure(row, overrides, peers, sides, options, Path(folder)))
            print(lines[-1], flush=True)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
