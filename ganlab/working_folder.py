"""Keeps Python from importing modules of the working folder, in this process and in those that ganlab starts.

`python -m` and `python -c` put the working folder first on the path. A `random.py` of the user would run instead of Python's.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

# Environment variables for processes of Python. Their own processes inherit them.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}


def leave_working_folder() -> None:
    """Removes the working folder from the path of this process.

    If the working folder is ganlab's source, and ganlab is not installed, the folder goes to the end of the path.
    """
    if sys.flags.safe_path:
        return
    folder = os.path.abspath(sys.path.pop(0))
    source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if folder == source and source not in sys.path:
        sys.path.append(source)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), source]))


@contextlib.contextmanager
def safe_start() -> Iterator[None]:
    """Processes of Python that start in the block get `SAFE_PATH`; so do those of `multiprocessing`."""
    before = {name: os.environ.get(name) for name in SAFE_PATH}
    os.environ.update(SAFE_PATH)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
