"""What each speed-up gains by itself: ganlab's plain steps with it against without it, interleaved in one run.

GANLAB_DATA=... python benchmarks/gains.py [--rows exp01,exp18] [--gain XLA]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from step_time import CONFIGS, ROWS
from workers import Worker, interleave, ratio

_DENSE, _SHARED = ("exp01", "exp03"), ("exp03", "exp02", "exp05", "exp04", "exp18")
_UP_SAMPLED = ("exp02", "exp05", "exp04", "exp18")
_SMALL = ("exp01", "exp03", "exp05")  # where what is left out is not hidden by the networks' own time
_NEW_LATENTS = ["train.share_latents=false"]
_AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}  # where TensorFlow leaves oneDNN off
# name, rows, (side, overrides, environment) without it and with it
GAINS = (
    ("chunks of steps", _SMALL, ("ours_single_steps", [], {}), ("ours_plain", [], {})),
    ("XLA", _DENSE, ("ours_plain", [], {}), ("ours_xla", [], {})),
    ("Adam in one operation", tuple(ROWS), ("ours_plain_keras_adam", [], {}), ("ours_plain", [], {})),
    ("Adam in one pass under XLA", _DENSE, ("ours_xla_two_pass_adam", [], {}), ("ours_xla", [], {})),
    ("one generator pass for both updates", _SHARED, ("ours_plain", _NEW_LATENTS, {}), ("ours_plain", [], {})),
    ("folded up-sampling", _UP_SAMPLED, ("ours_plain", [], {}), ("ours_folded", [], {})),
    (
        "oneDNN without AVX-512",
        ("exp01", "exp02", "exp05"),
        ("ours", [], {"TF_ENABLE_ONEDNN_OPTS": "0", **_AVX2}),
        ("ours", [], {"TF_ENABLE_ONEDNN_OPTS": "1", **_AVX2}),
    ),
    ("uint8 images", _SMALL, ("ours_float_images", [], {}), ("ours_plain", [], {})),
)


def measure(gain: tuple, row: str, options, folder: Path) -> str:
    name, _, *forms = gain
    workers = []
    for which, (side, overrides, environment) in zip(("without", "with"), forms, strict=True):
        config, log = CONFIGS / f"{row}.yaml", folder / f"{which}.log"
        workers.append(Worker(side, config, [*ROWS[row], *overrides], log, environment, which))
        workers[-1].run(workers[-1].quantum)  # compiles
    times = interleave(workers, options.rounds, options.seconds)
    for worker in workers:
        worker.close()
    before, after = (f"{statistics.median(times[which]):.2f}" for which in ("without", "with"))
    return f"| {name} | {row} | {before} | {after} | {ratio(times, 'without', 'with'):.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="a side runs in each round")
    parser.add_argument("--gain", help="one speed-up alone")
    options = parser.parse_args()
    print("| speed-up | config | without, ms a step | with | times faster |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for gain in GAINS:
            for row in options.rows.split(","):
                if row in gain[1] and options.gain in (None, gain[0]):
                    print(measure(gain, row, options, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
