"""ganlab: train, measure and compare GANs that are described by YAML files.

In Python, `ganlab.run`, `load`, `sweep` and `report` give what the commands of these names give. They are loaded when they are
used: `import ganlab` loads neither Keras nor pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlab.api import Run, load, report, run, sweep

__all__ = ["Run", "load", "report", "run", "sweep"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'ganlab' has no attribute '{name}'")
    return getattr(importlib.import_module("ganlab.api"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
