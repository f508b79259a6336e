"""Reads thousands of damaged weight files: python -m tests.hostile.fuzz_weights --cases 5000 --seed 0

Every file must give the weights that were written (a change may happen to change nothing) or one line of CheckpointError, in ten
seconds: a hang ends the program with a traceback, as a crash of HDF5 would.
"""

import argparse
import faulthandler
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from ganlab.backends.select import select_backend
from ganlab.errors import CheckpointError

MOST_SECONDS = 10


def small_network():
    """A network whose weight file is small and has layers of several kinds."""
    select_backend()
    import keras

    layers = keras.layers
    return keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    )


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes changed, cut out or put in, or with its end missing."""
    wrong = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4])):
        start = chance.randrange(len(wrong))
        new = chance.choice([bytes([wrong[start] ^ 1 << chance.randrange(8)]), chance.randbytes(1), bytes(8), b""])
        wrong[start : start + chance.choice([1, 1, 8, len(new)])] = new
    return bytes(wrong[: chance.choice([len(wrong)] * 9 + [chance.randrange(len(wrong))])])


def fuzz(numbers: range, seed: int, folder: Path) -> tuple[Counter, float, list[str]]:
    """How many were read and refused, the slowest in seconds, and what went wrong."""
    from ganlab.storage.weights import read_weights, write_weights

    model, whole = small_network(), folder / "whole.weights.h5"
    write_weights(whole, model)
    written, content = model.get_weights(), whole.read_bytes()
    outcomes: Counter = Counter()
    slowest, failures = 0.0, []
    path = folder / "damaged.weights.h5"
    for number in numbers:
        chance = random.Random(f"{seed}/{number}")
        path.write_bytes(damaged(content, chance))
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
        started = time.process_time()
        try:
            read_weights(path, model)
            same = all(map(np.array_equal, model.get_weights(), written))
            outcomes["read" if same else "read as other weights"] += 1
            if not same:
                failures.append(f"case {number}: read as other weights")
        except CheckpointError as error:
            outcomes["refused"] += 1
            if len(str(error).splitlines()) != 1:
                failures.append(f"case {number}: {error}")
        except Exception:
            failures.append(f"case {number}: {traceback.format_exc()}")
        slowest = max(slowest, time.process_time() - started)
        model.set_weights(written)
    faulthandler.cancel_dump_traceback_later()
    return outcomes, slowest, failures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcomes, slowest, failures = fuzz(range(given.cases), given.seed, Path(folder))
    print(f"{given.cases} files: {dict(outcomes)}; slowest {slowest:.3f} s")
    for failure in failures:
        print(f"\nWRONG: {failure}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
