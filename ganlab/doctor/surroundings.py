"""A finding of `ganlab doctor`, and the findings on everything but backends: versions, data sets, weights, folders."""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganlab.errors import GanlabError
from ganlab.runs.environment import version_of
from ganlab.storage.cache import cache_folder

_PACKAGES = ("ganlab", "keras", "numpy", "mtcnn")
_LITTLE_ROOM = 2_000_000_000  # bytes: about a study of a hundred small runs


@dataclass(frozen=True)
class Finding:
    """One line of `ganlab doctor`: the state of a subject, and advice or ''.

    The state `note` is a thing that is missing and not needed; `failed` is a fault.
    """

    state: Literal["ok", "note", "failed"]
    subject: str
    text: str
    advice: str = ""

    def line(self) -> str:
        return f"{self.state:6}  {self.subject}: {self.text}" + (f"; {self.advice}" if self.advice else "")


def versions() -> Iterator[Finding]:
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        if version := version_of(package):
            yield Finding("ok", package, version)
        else:
            yield Finding("failed", package, "not installed", f"pip install {package}")


def data_sets(rows: list[dict]) -> Iterator[Finding]:
    """A finding for each row of `data.list_datasets`."""
    for row in rows:
        subject = f"data {row['name']}"
        if row.get("problem"):
            yield Finding("failed", subject, row["problem"])
        elif row["train"] is None:
            yield Finding("note", subject, "not here", row["found"])
        else:
            state, note = ("note", f"; {row['note']}") if row.get("note") else ("ok", "")
            yield Finding(state, subject, f"{row['train']} training images, {row['found']}{note}")


def weights() -> Iterator[Finding]:
    """The weights of the shipped classifiers, and of Inception, which the user has to fetch."""
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
        advice = "FID and KID need them; docs/fid.md says where they are published"
        yield Finding("note", "Inception", "no weights here", advice)
    else:
        yield Finding("ok", "Inception", f"weights in {source}")


def folders(results: Path) -> Iterator[Finding]:
    """Whether the folders of results and of the cache can be written. Neither is created."""
    for subject, named, option in (("results", lambda: results, "--results"), ("cache", cache_folder, "GANLAB_CACHE")):
        advice = f"{option} names another folder"
        try:
            folder = named()
            existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
            with tempfile.NamedTemporaryFile(dir=existing):
                free = shutil.disk_usage(existing).free
        except GanlabError as error:  # there is no home folder
            yield Finding("failed", subject, str(error), advice)
            continue
        except OSError as error:
            yield Finding("failed", subject, f"{folder} cannot be written: {error.strerror}", advice)
            continue
        text = f"{folder} can be written, {free / 1e9:.0f} GB free"
        yield Finding("note" if free < _LITTLE_ROOM else "ok", subject, text, advice if free < _LITTLE_ROOM else "")


def apple(system: str, machine: str, metal: str | None, torch: str | None) -> Iterator[Finding]:
    """Advice on Apple silicon, from `platform.system()`, `platform.machine()` and the versions of two packages or None."""
    if (system, machine) != ("Darwin", "arm64"):
        return
    if metal is not None:
        text = f"tensorflow-metal {metal} is for TensorFlow up to 2.17 and Python up to 3.12"
        yield Finding("note", "Apple GPU", text, "pip uninstall tensorflow-metal, and train with --backend torch")
    text = "PyTorch reaches it (MPS)" if torch else "PyTorch would reach it (MPS) and is not installed"
    advice = "--backend torch" if torch else "pip install 'ganlab[metal]', then --backend torch"
    yield Finding("note", "Apple GPU", f"{text}; TensorFlow and JAX train on the CPU here", advice)
