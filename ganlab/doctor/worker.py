"""`python -m ganlab.doctor.worker BACKEND`: what a backend has and computes, a line of JSON as soon as it is known.

A process of its own, for a driver may hang or crash, and a process can load one backend only.
"""

import json
import os
import sys

from ganlab.backends.select import select_backend


def main(backend: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what frameworks print must not stand among the answers
    select_backend(backend)
    from ganlab.backends.devices import list_devices
    from ganlab.doctor.operations import compute

    devices = list_devices(backend)
    print(json.dumps({"devices": devices}), file=answers, flush=True)
    for device in devices:
        results = {name: array.tolist() for name, array in compute(device).items()}
        print(json.dumps({"device": device, "results": results}), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
