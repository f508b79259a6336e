"""All findings on this machine, in the order in which a person would look."""

import platform
from collections.abc import Iterator
from pathlib import Path

from ganlab.data import list_datasets
from ganlab.doctor import surroundings
from ganlab.doctor.backends import BACKENDS, ask_process, examine, has_nvidia_card, is_installed
from ganlab.doctor.findings import Finding


def diagnose(results: Path) -> Iterator[Finding]:
    """Looks at versions, backends, accelerators, data, weights and folders; tells each finding as soon as it is known."""
    yield from surroundings.versions()
    known: dict = {}
    for backend in BACKENDS:
        yield from examine(backend, ask_process(backend) if is_installed(backend) else None, has_nvidia_card(), known)
    packages = (surroundings.version_of(package) for package in ("tensorflow-metal", "torch"))
    yield from surroundings.apple(platform.system(), platform.machine(), *packages)
    yield from surroundings.data_sets(list_datasets())
    yield from surroundings.weights()
    yield from surroundings.folders(results)
