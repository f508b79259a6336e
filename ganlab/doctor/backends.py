"""The devices of each backend. A small GAN must train on each of them as on the CPU."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ganlab.doctor.surroundings import Finding
from ganlab.runs.environment import version_of
from ganlab.sweeps.resources import SHARED_GPU
from ganlab.working_folder import SAFE_PATH

# backend -> (how to install it, how to install it for NVIDIA's cards)
BACKENDS = {
    "tensorflow": ("pip install tensorflow", "pip install 'ganlab[cuda]'"),
    "jax": ("pip install 'ganlab[jax]'", "pip install 'jax[cuda12]'"),
    "torch": ("pip install 'ganlab[torch]'", "install PyTorch for CUDA as pytorch.org says"),
}
# How far losses may differ, as a share of the largest loss. The CPUs of the three backends differ by 1e-6. NVIDIA's cards
# multiply matrices with 11 bits of mantissa (TF32) by default: 1e-4.
TOLERANCE = 2e-3
_MOST_SECONDS = 180


@dataclass(frozen=True)
class Answer:
    """The answer of a backend's process."""

    devices: dict[str, str] | None  # name -> description, the CPU first; None if the process ended before
    losses: dict[str, np.ndarray] = field(default_factory=dict)  # device -> (steps, 2), see `self_test.losses`
    problem: str = ""  # why the process ended early


def is_installed(backend: str) -> bool:
    return importlib.util.find_spec(backend) is not None


def examine(backend: str, answer: Answer | None, has_card: bool, known: dict[str, np.ndarray]) -> Iterator[Finding]:
    """The findings on one backend.

    Args:
        backend: one of BACKENDS.
        answer: of its process; None if the backend is not installed.
        has_card: whether this machine has an NVIDIA card.
        known: place -> losses of the CPUs before, which this backend must repeat; its CPU is added.
    """
    install, install_for_card = BACKENDS[backend]
    if answer is None:
        yield Finding("note", backend, "not installed", f"for --backend {backend}: {install}")
        return
    version = version_of(backend)
    if answer.devices is None:
        yield Finding("failed", backend, f"{version} does not start: {answer.problem}", f"reinstall {backend}")
        return
    named = ", ".join(f"{name} ({kind})" for name, kind in answer.devices.items())
    yield Finding("ok", backend, f"{version} sees {named}")
    for device in answer.devices:
        is_cpu = device.startswith("cpu")
        advice = f"reinstall {backend}" if is_cpu else "train with 'device: cpu' or on another backend"
        state, text = _compared(answer.losses.get(device), answer.problem, known)
        yield Finding(state, f"{backend} on {device}", text, advice if state == "failed" else "")
        if state == "ok" and is_cpu:
            known[f"{backend}'s CPU"] = answer.losses[device]
    if all(name.startswith("cpu") for name in answer.devices):
        seen = "does not see the NVIDIA card" if has_card else "sees no accelerator"
        yield Finding("note", backend, f"{seen}: only its CPU was tested", install_for_card if has_card else "")


def _compared(losses: np.ndarray | None, problem: str, known: dict[str, np.ndarray]) -> tuple[str, str]:
    """The state and the words of a finding: losses against the newest known losses."""
    if losses is None:
        return "failed", f"self-test did not end: {problem}"
    trained = f"a small GAN trains for {len(losses)} steps"
    if not np.isfinite(losses).all():
        return "failed", f"{trained}, its losses are not finite"
    if not known:
        return "ok", trained
    place, expected = list(known.items())[-1]
    share = np.abs(losses - expected).max() / np.abs(expected).max()
    state, words = ("ok", "as on") if share <= TOLERANCE else ("failed", "otherwise than on")
    far = f"losses differ by {share:.1e} of the largest, tolerance {TOLERANCE:.0e}"
    return state, f"{trained} {words} {place}: {far}"


def has_nvidia_card() -> bool:
    """Whether this machine has an NVIDIA driver."""
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def ask_process(backend: str, most_seconds: float = _MOST_SECONDS) -> Answer:
    """Runs `self_test` for a backend and reads its answer, until it ends, crashes or takes too long."""
    command = [sys.executable, "-m", "ganlab.doctor.self_test", backend]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", errors="replace") as err:
        try:
            done = subprocess.run(
                command, stdout=out, stderr=err, timeout=most_seconds, env=os.environ | SHARED_GPU | SAFE_PATH
            )
            code = done.returncode
            problem = "" if code == 0 else f"it ended with code {code}"
        except subprocess.TimeoutExpired:
            problem = f"it took longer than {most_seconds:g} seconds"
        out.seek(0), err.seek(0)
        said, complaints = out.read().splitlines(), err.read().splitlines()
    if problem and complaints:
        problem += f": {complaints[-1].strip()}"
    entries = [json.loads(line) for line in said if line.endswith("}")]
    devices = next((entry["devices"] for entry in entries if "devices" in entry), None)
    losses = {entry["device"]: np.array(entry["losses"]) for entry in entries if "losses" in entry}
    return Answer(devices, losses, problem)
