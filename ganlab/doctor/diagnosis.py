"""`ganlab doctor`: all findings on this machine, backends and devices first."""

import platform
from collections.abc import Iterator
from pathlib import Path

from ganlab.data import list_datasets
from ganlab.doctor import surroundings
from ganlab.doctor.backends import BACKENDS, ask_process, examine, has_nvidia_card, is_installed
from ganlab.doctor.surroundings import Finding, version_of
from ganlab.errors import GanlabError


def diagnose(results: Path) -> Iterator[Finding]:
    """Looks at versions, backends, devices, data, weights and folders, and yields each finding at once."""
    yield from surroundings.versions()
    known: dict = {}
    for backend in BACKENDS:
        yield from examine(backend, ask_process(backend) if is_installed(backend) else None, has_nvidia_card(), known)
    packages = version_of("tensorflow-metal"), version_of("torch")
    yield from surroundings.apple(platform.system(), platform.machine(), *packages)
    try:
        yield from surroundings.data_sets(list_datasets())
    except GanlabError as error:
        yield Finding("failed", "data", str(error))
    yield from surroundings.weights()
    yield from surroundings.folders(results)
