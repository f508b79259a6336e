"""Divides processors, GPUs and memory among runs that train at the same time."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

# TensorFlow's two pools, then the libraries below NumPy, PyTorch and scikit-learn. Each library reads its variable at its start.
_POOLS = ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM", "OPENBLAS_NUM", "MKL_NUM")
SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def environments(workers: int, base: Mapping[str, str], cpus: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """Environment variables for each of the runs that train side by side.

    One run alone has the whole machine. Several runs have equal shares of the processors, unless the user has set a
    number of threads, and take the GPUs in turn. Runs that share a GPU allocate its memory as they need it.

    Args:
        workers: runs at a time.
        base: the variables of this process.
        cpus: processors to divide.
        gpus: GPUs to divide, as CUDA_VISIBLE_DEVICES names them.
    """
    if workers == 1:
        return [dict(base)]
    shared = share(max(1, cpus // workers), shares_gpu=bool(gpus) and workers > len(gpus))
    cards = [{"CUDA_VISIBLE_DEVICES": gpu} for gpu in gpus] if len(gpus) > 1 else [{}]
    return [shared | dict(base) | cards[worker % len(cards)] for worker in range(workers)]


def share(cpus: int, shares_gpu: bool) -> dict[str, str]:
    """Environment variables of a run that has so many processors, and perhaps a GPU together with other runs."""
    return {f"{pool}_THREADS": str(cpus) for pool in _POOLS} | (SHARED_GPU if shares_gpu else {})


def available_cpus() -> int:
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def device_memory() -> int:
    """Bytes of memory of the smallest GPU, or of this machine without a GPU. No framework is loaded."""
    answers = _ask_nvidia("--query-gpu=memory.total", "--format=csv,noheader,nounits") if available_gpus() else []
    if found := [
        int(answer) for answer in answers if answer.isdecimal()
    ]:  # a GPU without memory of its own answers [N/A]
        return min(found) * 2**20
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def available_gpus() -> list[str]:
    """GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. No framework is loaded."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        names = [name.strip() for name in chosen.split(",")]
        return [name for name in names if name and not name.startswith("-")]
    return [str(number) for number in range(sum(line.startswith("GPU ") for line in _ask_nvidia("-L")))]


def _ask_nvidia(*words: str) -> list[str]:
    """The lines of an answer of `nvidia-smi`; none if it is not there or fails."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        asked = subprocess.run(["nvidia-smi", *words], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return []
    return asked.stdout.splitlines()
