"""The working folder holds the user's files: no module is imported from it, here or in a process that ganlab starts.

`python -m` and `python -c` put it first on Python's path, so that a `random.py` of the user would run in place of Python's own.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

# Environment variables of a process of Python that is to leave the working folder out. Its own processes inherit them.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}


def leave_working_folder() -> None:
    """Undoes what `python -m ganlab` did to the path of this process.

    Ganlab's own source goes to the end of the path where it is the working folder and not installed.
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
    """Whatever starts a process of Python in the block, such as `multiprocessing`, starts it with `SAFE_PATH`."""
    before = {name: os.environ.get(name) for name in SAFE_PATH}
    os.environ.update(SAFE_PATH)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
