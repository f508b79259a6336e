"""What each backend has and whether it computes rightly: the CPU against NumPy, every accelerator against the CPU."""

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ganlab.doctor.cases import CPU_TOLERANCE, cases, deviation
from ganlab.doctor.findings import Finding
from ganlab.working_folder import SAFE_PATH

# backend -> (how it is had, how it is had for NVIDIA's cards)
BACKENDS = {
    "tensorflow": ("pip install tensorflow", "pip install -e '.[cuda]'"),
    "jax": ("pip install -e '.[jax]'", "pip install 'jax[cuda12]'"),
    "torch": ("pip install -e '.[torch]'", "install PyTorch for CUDA as pytorch.org says"),
}
_MOST_SECONDS = 180
# A machine that trains must not have its graphics memory taken by a look at it.
_MODEST = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


@dataclass(frozen=True)
class Answer:
    """What a backend's process said before it ended.

    Attributes:
        devices: name -> what it is; None if it did not come so far.
        results: device -> operation -> its result.
        problem: why it ended early, or ''.
    """

    devices: dict[str, str] | None
    results: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    problem: str = ""


def examine(backend: str, ask: Callable[[str], Answer], has_card: bool) -> Iterator[Finding]:
    """The findings on one backend.

    Args:
        backend: one of BACKENDS.
        ask: runs it, as `ask_process` does.
        has_card: whether this machine has an NVIDIA card, which a backend may not see.
    """
    install, install_for_card = BACKENDS[backend]
    if importlib.util.find_spec(backend) is None:
        yield Finding("note", backend, "not installed", f"for --backend {backend}: {install}")
        return
    answer = ask(backend)
    version = importlib.metadata.version(backend)
    if answer.devices is None:
        yield Finding("failed", backend, f"{version} does not start: {answer.problem}", f"reinstall {backend}")
        return
    named = ", ".join(f"{name} ({kind})" for name, kind in answer.devices.items())
    yield Finding("ok", backend, f"{version} sees {named}")
    for device in answer.devices:
        yield from _self_test(backend, device, answer)
    if all(name.startswith("cpu") for name in answer.devices):
        seen = "does not see the NVIDIA card" if has_card else "sees no accelerator"
        advice = install_for_card if has_card else ""
        yield Finding("note", backend, f"{seen}: only its CPU was tested, against NumPy", advice)


def _self_test(backend: str, device: str, answer: Answer) -> Iterator[Finding]:
    subject = f"{backend} on {device}"
    is_cpu = device.startswith("cpu")
    advice = f"reinstall {backend}" if is_cpu else "train with 'device: cpu' or on another backend"
    if device not in answer.results:
        yield Finding("failed", subject, f"self-test did not end: {answer.problem}", advice)
        return
    cpu = next(iter(answer.results.values()))
    agreeing = []
    for name, case in cases().items():
        expected, reference = (case.expected, "NumPy") if is_cpu else (cpu[name], "the CPU")
        tolerance = CPU_TOLERANCE if is_cpu else case.tolerance
        share = deviation(answer.results[device][name], expected)
        compared = f"{name} differs from {reference} by {share:.1e} of its largest value, tolerance {tolerance:.0e}"
        if share <= tolerance:  # False for NaN
            agreeing.append((share / tolerance, compared))
        else:
            yield Finding("failed", subject, compared, advice)
    if agreeing:
        yield Finding("ok", subject, f"{len(agreeing)} of {len(cases())} operations agree; at most, {max(agreeing)[1]}")


def has_nvidia_card() -> bool:
    """Whether NVIDIA's driver is at work here, whatever the backends see."""
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def ask_process(backend: str, most_seconds: float = _MOST_SECONDS) -> Answer:
    """Runs `worker` for a backend and reads what it says until it ends, crashes or takes too long."""
    command = [sys.executable, "-m", "ganlab.doctor.worker", backend]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
        try:
            done = subprocess.run(
                command, stdout=out, stderr=err, timeout=most_seconds, env=os.environ | _MODEST | SAFE_PATH
            )
            code = done.returncode
            problem = "" if code == 0 else f"it ended with code {code}"
        except subprocess.TimeoutExpired:
            problem = f"it took longer than {most_seconds:g} seconds"
        out.seek(0), err.seek(0)
        said, complaints = out.read().splitlines(), err.read().splitlines()
    if problem and complaints:
        problem += f": {complaints[-1].strip()}"
    return _answer([json.loads(line) for line in said if line.endswith("}")], problem)


def _answer(said: list[dict], problem: str) -> Answer:
    devices = next((entry["devices"] for entry in said if "devices" in entry), None)
    results = {
        entry["device"]: {name: np.asarray(values, np.float64) for name, values in entry["results"].items()}
        for entry in said
        if "device" in entry
    }
    return Answer(devices, results, problem)
