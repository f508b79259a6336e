"""Tests run on one backend, TensorFlow unless GANLAB_TEST_BACKEND names another, whatever ~/.keras/keras.json says.

Keras is loaded by the first test that needs it.
"""

import os
from pathlib import Path

import pytest

os.environ["KERAS_BACKEND"] = os.environ.get("GANLAB_TEST_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "GANLAB_DATA" in os.environ:  # tests work in folders of their own
    os.environ["GANLAB_DATA"] = os.path.abspath(os.environ["GANLAB_DATA"])
# Processes that tests start find this checkout, wherever they work.
_ROOT = str(Path(__file__).parents[1])
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))


@pytest.hookimpl(optionalhook=True)  # xdist may be left out
def pytest_xdist_auto_num_workers(config):
    """For `-n auto`: one process more than processors, because many tests wait for processes that they start, kill and look at."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, processors + 1)


def pytest_collection_modifyitems(items):
    """The longest tests come first: none of them is left for the end, when the other processes have nothing more to do."""
    slow = [item for item in items if (mark := item.get_closest_marker("slow")) and mark.kwargs.get("longest")]
    first = set(map(id, slow))
    items[:] = slow + [item for item in items if id(item) not in first]


def pytest_make_parametrize_id(config, val, argname):
    """Bytes give a test no name: gzip writes the time into them, and all processes of a run must find the same tests."""
    return argname if isinstance(val, bytes) else None
