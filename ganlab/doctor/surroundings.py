"""What a run needs besides a backend: versions, data sets, weights, folders to write to."""

import importlib.metadata
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ganlab.doctor.findings import Finding
from ganlab.errors import GanlabError
from ganlab.storage.cache import cache_folder

_PACKAGES = ("ganlab", "keras", "numpy", "mtcnn")
_LITTLE_ROOM = 2_000_000_000  # bytes: about what a study of a hundred small runs leaves


def version_of(package: str) -> str | None:
    """The installed version, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> Iterator[Finding]:
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        version = version_of(package)
        if version is None:
            yield Finding("failed", package, "not installed", f"pip install {package}")
        else:
            yield Finding("ok", package, version)


def data_sets(rows: list[dict]) -> Iterator[Finding]:
    """A finding for each row of `data.list_datasets`."""
    for row in rows:
        subject = f"data {row['name']}"
        if row.get("problem"):
            yield Finding("failed", subject, row["problem"])
        elif row["train"] is None:
            yield Finding("note", subject, "not here", row["found"])
        else:
            yield Finding("ok", subject, f"{row['train']} training images, {row['found']}")


def weights() -> Iterator[Finding]:
    """The shipped classifiers, and the Inception weights that are the user's to have."""
    from ganlab.metrics.classifier import SHIPPED_FOLDER, SHIPPED_SHAPES
    from ganlab.metrics.inception_weights import find_source

    missing = [name for name in SHIPPED_SHAPES if not (SHIPPED_FOLDER / f"{name}.weights.h5").is_file()]
    if missing:
        yield Finding("failed", "classifiers", f"no weights for {', '.join(missing)}", "reinstall ganlab")
    else:
        yield Finding("ok", "classifiers", f"weights for {', '.join(SHIPPED_SHAPES)}")
    try:
        source = find_source()
    except GanlabError as error:
        yield Finding("failed", "Inception", str(error))
        return
    if source is None:
        yield Finding(
            "note", "Inception", "no weights here", "FID and KID need them; docs/fid.md says where they are published"
        )
    else:
        yield Finding("ok", "Inception", f"weights in {source}")


def folders(results: Path) -> Iterator[Finding]:
    """Whether results and cache can be written; neither is made."""
    for subject, folder in (("results", Path(results)), ("cache", cache_folder())):
        existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        advice = "--results names another folder" if subject == "results" else "GANLAB_CACHE names another folder"
        try:
            with tempfile.NamedTemporaryFile(dir=existing):
                free = shutil.disk_usage(existing).free
        except OSError as error:
            yield Finding("failed", subject, f"{folder} cannot be written: {error.strerror}", advice)
            continue
        text = f"{folder} can be written, {free / 1e9:.0f} GB free"
        yield Finding("note" if free < _LITTLE_ROOM else "ok", subject, text, advice if free < _LITTLE_ROOM else "")


def apple(system: str, machine: str, metal: str | None, torch: str | None) -> Iterator[Finding]:
    """What Apple silicon means, from `platform.system()`, `platform.machine()` and the versions of two packages or None."""
    if (system, machine) != ("Darwin", "arm64"):
        return
    if metal is not None:
        text = f"tensorflow-metal {metal} is for TensorFlow up to 2.17 and Python up to 3.12"
        yield Finding("note", "Apple GPU", text, "pip uninstall tensorflow-metal, and train with --backend torch")
    have = "PyTorch reaches it (MPS)" if torch else "PyTorch would reach it (MPS) and is not installed"
    get = "--backend torch" if torch else "pip install -e '.[metal]', then --backend torch"
    yield Finding("note", "Apple GPU", f"{have}; TensorFlow and JAX train on the CPU here", get)
