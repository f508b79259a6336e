"""environment.json: versions, commit, host and device of a run, and nothing that could be a secret."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from ganlab.errors import GanlabError
from ganlab.runs.folder import RunFolder
from ganlab.storage.writing import read_json

# Variables of the environment that change how numbers are rounded, or in which order they are added.
_SETTINGS = (
    *("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS"),
    *("JAX_DEFAULT_MATMUL_PRECISION", "JAX_DEFAULT_PRNG_IMPL", "JAX_THREEFRY_PARTITIONABLE"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG"),
    *("ONEDNN_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "OPENBLAS_CORETYPE"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
_PACKAGES = ("ganlab", "keras", "tensorflow", "jax", "torch", "numpy", "pillow", "scikit-learn")


def environment(backend: str, device: str) -> dict:
    """Facts for environment.json; `device` is the device that the backend uses."""
    return {
        "backend": backend,
        "device": device,
        "versions": {name: version for name in _PACKAGES if (version := version_of(name))},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "cpus": os.cpu_count(),
        "settings": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
        "commit": _commit(),
    }


def setting_of(folder: RunFolder, name: str, default: str) -> str | None:
    """The value with which a run began of a variable of the environment, so that it goes on with it; None if it was not set.

    A new run begins with `default`.
    """
    try:
        kept = read_json(folder.environment)
    except FileNotFoundError:
        return default
    except GanlabError:
        return None
    settings = kept.get("settings") if isinstance(kept, dict) else None
    value = settings.get(name) if isinstance(settings, dict) else None
    return value if value in ("0", "1") else None


def version_of(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of ganlab's own source, with "+changes" if it differs from it; None for an installed package."""
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    try:
        commit = _git(source, "rev-parse", "HEAD")
        return commit + "+changes" if _git(source, "status", "--porcelain", "-uno") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10
    ).stdout.strip()
