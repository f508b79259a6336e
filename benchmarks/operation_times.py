"""Where a step under XLA spends its time, by kind of operation, with Adam in one pass and in two: TensorFlow's profiler.

    GANLAB_DATA=... python benchmarks/operation_times.py configs/exp01.yaml

Operations that run beside each other count twice, so that the kinds may add up to more than the step.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from ganlab.backends.select import select_backend
from ganlab.config.loading import load_config
from ganlab.data.registry import load_dataset

select_backend("tensorflow")

import tensorflow as tf  # noqa: E402
from ours import Ours  # noqa: E402
from tensorflow.tsl.profiler.protobuf.xplane_pb2 import XSpace  # noqa: E402

# XLA names an operation after what it came from, and what it fused into one loop after the last of them.
_KINDS = {"matmul": "products", "dot": "products", "copy": "copies", "fusion": "loops", "wrapped": "loops"}
_STEPS = 1000


def profile(side: Ours) -> tuple[float, Counter]:
    """(milliseconds a step in the compiled call, milliseconds a step of each kind of operation)."""
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        side.run(_STEPS)
        tf.profiler.experimental.stop()
        (path,) = Path(folder).rglob("*.xplane.pb")
        planes = XSpace.FromString(path.read_bytes()).planes
    (plane,) = (plane for plane in planes if plane.name == "/host:CPU")
    whole, kinds = 0.0, Counter()
    for line in plane.lines:
        for event in line.events:
            name, spent = plane.event_metadata[event.metadata_id].name.lower(), event.duration_ps / 1e9 / _STEPS
            if name.startswith("cpuexecutable::execute"):
                whole += spent
            elif kind := next((kind for part, kind in _KINDS.items() if part in name), None):
                kinds[kind] += spent
    return whole, kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    config = load_config(parser.parse_args().config)
    dataset = load_dataset(config.data, config.error_at)
    print("| Adam | a step, ms | products of matrices | loops over values, Adam's among them | copies |")
    print("|---|---|---|---|---|")
    for tune_adam in (False, True):
        side = Ours("tensorflow", config, dataset, jit=True, fold=False, tune_adam=tune_adam)
        side.run(_STEPS)
        whole, kinds = profile(side)
        cells = [f"{value:.2f}" for value in (whole, *(kinds[kind] for kind in ("products", "loops", "copies")))]
        print(f"| {' | '.join(['one pass' if tune_adam else 'two passes', *cells])} |")


if __name__ == "__main__":
    main()
