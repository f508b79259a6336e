"""Chooses the form of a run's steps: compiled by XLA or not, with folded up-sampling or not.

The choice follows from the backend, the device and the networks alone, so equal runs compute equal numbers on a busy machine too.
docs/performance.md has the measurements behind each rule.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

from ganlab.backends.select import MPS
from ganlab.models.flops import has_convolutions, step_flops
from ganlab.training.stages import Objective
from ganlab.training.trainer import CHUNK_SECONDS

_MOST_STEPS = 200  # in a chunk: its random numbers must fit into memory
# Operations a second, for the length of a chunk that XLA compiles: any machine of today is at least so fast.
_CAUTIOUS_RATES = {"cpu": 1e11, "gpu": 1e13}
# A step that XLA does not compile, on two cores: operations a second, and seconds that even a tiny step takes.
_PLAIN_RATE, _PLAIN_SECONDS = 2e11, 1e-3
_WORTH_COMPILING = 30.0  # seconds of training: XLA takes some seconds to compile


@dataclass(frozen=True)
class Form:
    """The form of a run's steps. Every checkpoint keeps it, because a resumed run must compute the same numbers.

    Attributes:
        jit: whether the steps are compiled: by XLA, or on PyTorch as a CUDA graph.
        fold: whether an up-sampling and the convolution after it become one transposed convolution.
        room: most steps in a chunk.
    """

    jit: bool
    fold: bool
    room: int

    def facts(self) -> dict:
        """The form as a checkpoint's manifest keeps it."""
        return asdict(self)

    @classmethod
    def of(cls, facts: Any) -> "Form":
        """The form that a manifest keeps; manifests from before folding have no `fold`.

        Raises: ValueError for facts that are not a form.
        """
        kept = facts if isinstance(facts, dict) else {}
        jit, fold, room = kept.get("jit"), kept.get("fold", False), kept.get("room")
        if not (type(jit) is type(fold) is bool and type(room) is int and 1 <= room <= _MOST_STEPS):
            raise ValueError(f"no form of a step: jit {jit}, fold {fold}, room {room}")
        return cls(jit, fold, room)


def choose_form(objective: Objective, backend: str, device: str, jit: bool | str, steps: int, lanes: int = 1) -> Form:
    """The form for new runs.

    Args:
        objective: the stages of a step.
        backend: its name.
        device: the backend's answer to `set_device`.
        jit: of the config: True, False or "auto".
        steps: how many steps the run trains.
        lanes: how many runs are trained together.
    """
    on_cpu = device == "cpu"
    if jit == "auto":
        jit = _is_faster_compiled(objective, backend, device, steps)
    rate = _CAUTIOUS_RATES["cpu" if on_cpu else "gpu"]
    room = min(max(math.floor(CHUNK_SECONDS * rate / max(lanes * step_flops(objective), 1)), 1), _MOST_STEPS)
    return Form(jit, on_cpu and not jit and backend != "jax", room if jit else _MOST_STEPS)


def _is_faster_compiled(objective: Objective, backend: str, device: str, steps: int) -> bool:
    if device != "cpu":
        return device != MPS
    if backend == "torch" or has_convolutions(objective):
        return False
    plain = step_flops(objective) / _PLAIN_RATE + _PLAIN_SECONDS
    return steps * plain > _WORTH_COMPILING
