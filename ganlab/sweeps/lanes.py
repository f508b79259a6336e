"""A process that trains one group of runs: `python -m ganlab.sweeps.lanes RESULTS [--fresh] CONFIG...`, started by a sweep.

The outcome of each run stands in its status.json. The exit code is 0, or 75 after a signal, or 1 after an error of the group.
"""

import sys
import traceback
from pathlib import Path

from ganlab.config.loading import load_config
from ganlab.errors import StoppedError
from ganlab.flows.plan import plan_experiment
from ganlab.flows.together import train_together


def main(results: str, *words: str) -> int:
    """Trains the group and prints one line for each run that did not finish."""
    plans, dataset = [], None
    try:
        for path in (word for word in words if word != "--fresh"):
            plans.append(plan_experiment(load_config(path), Path(results), "--fresh" in words, dataset=dataset))
            dataset = plans[0].dataset
        errors, stopped = train_together(plans, Path(results))
    except Exception as error:
        traceback.print_exc()
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for error in filter(None, errors):
        print(error, file=sys.stderr)
    return StoppedError.exit_code if stopped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
