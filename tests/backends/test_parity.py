"""The three backends train to the same numbers: losses of ten steps and all weights and optimizer states after them.

Seen: differences of at most 2e-6, rounding; under mixed_bfloat16, whose numbers have three digits, 2e-3.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.backends import families

pytestmark = pytest.mark.slow
BACKENDS = ("tensorflow", "jax", "torch")
TOLERANCE = dict.fromkeys(families.FAMILIES, 2e-5) | {"bfloat16": 1e-2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What families.py found on each backend that is installed: backend -> {name: array}."""
    folder = tmp_path_factory.mktemp("parity")
    programs = {
        backend: subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", families.__name__, folder / f"{backend}.npz"],
            env=os.environ | {"KERAS_BACKEND": backend},
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in BACKENDS
        if importlib.util.find_spec(backend)
    }
    found = {}
    errors = {backend: program.communicate()[1] for backend, program in programs.items()}
    for backend, program in programs.items():
        assert program.returncode == 0, errors[backend]
        with np.load(folder / f"{backend}.npz") as file:
            found[backend] = dict(file)
    return found


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request, trained):
    if request.param not in trained:
        pytest.skip(f"{request.param} is not installed; pip install 'ganlab[{request.param}]'")
    return request.param


def of_family(arrays: dict, family: str) -> dict:
    return {name: array for name, array in arrays.items() if name.startswith(f"{family}/")}


@pytest.mark.parametrize("family", families.FAMILIES)
@pytest.mark.parametrize("backend", BACKENDS[1:], indirect=True)
def test_losses_weights_and_optimizer_states_agree_with_tensorflow(trained, backend, family):
    found, expected = (of_family(trained[name], family) for name in (backend, "tensorflow"))
    assert found.keys() == expected.keys() and len(found) > 8
    for name, array in expected.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=TOLERANCE[family], err_msg=name)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_ten_steps_move_further_than_the_tolerance(trained, backend, family):
    rows = trained[backend][f"{family}/rows"]
    assert rows.shape[0] == families.STEPS and np.nanmax(np.abs(rows[-1, :2] - rows[0, :2])) > 5 * TOLERANCE[family]


def test_lazy_penalties_are_measured_in_the_same_steps(trained, backend):
    rows = trained[backend]["hinge and lazy R1/rows"]
    measured = ~np.isnan(rows).any(axis=1)
    assert measured.tolist() == [step % 4 == 0 for step in range(families.STEPS)]


def test_each_update_moves_the_weights_of_its_network_alone(trained, backend):
    moved = of_family(trained[backend], "moved")
    assert len(moved) == 6  # two discriminator updates and one generator update, each seen on both networks
    for name, flags in moved.items():
        updated, owner = name.removeprefix("moved/").split(" ")[1].split("/")
        assert flags.size and (flags.all() if updated == owner else not flags.any()), name
