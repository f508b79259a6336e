import itertools

import numpy as np
import pytest

from ganlab.backends.select import MPS
from ganlab.training import forms
from ganlab.training.forms import Form, choose_form
from tests.backends import families
from tests.training.tiny import BACKEND, build, tiny_config

UP_SAMPLING = [
    {"Dense": {"units": 4}},
    {"Reshape": {"target_shape": [2, 2, 1]}},
    "UpSampling2D",
    {"Conv2D": {"filters": 1, "kernel_size": 3, "padding": "same"}},
]
MANY = 10**12


@pytest.fixture(scope="module")
def dense():
    return build(tiny_config()).objective


@pytest.fixture(scope="module")
def convolutional():
    return build(tiny_config(**families.CONVOLUTIONAL), images=families.PICTURES).objective


@pytest.fixture(scope="module")
def half_convolutional():
    layers = [{"Reshape": {"target_shape": [2, 4, 1]}}, {"Conv2D": {"filters": 1, "kernel_size": 2}}, "Flatten"]
    return build(tiny_config(discriminator=[*layers, {"Dense": {"units": 1}}])).objective


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_xla_compiles_long_dense_trainings_and_no_convolutions_on_a_cpu(
    backend, dense, convolutional, half_convolutional
):
    for objective, steps, jit in (
        (dense, MANY, True),
        (dense, 100, False),
        (convolutional, MANY, False),
        (half_convolutional, MANY, False),
    ):
        assert choose_form(objective, backend, "cpu", "auto", steps).jit is jit
        assert choose_form(objective, backend, "gpu: NVIDIA H100", "auto", steps).jit is True


def test_the_time_that_tiny_steps_take_counts_as_well_as_operations(dense, monkeypatch):
    for operations, steps in itertools.product((0, 10**8, 10**10), (10**3, 10**5)):
        monkeypatch.setattr(forms, "step_flops", lambda _, operations=operations: operations)
        is_long = steps * (operations / 2e11 + 1e-3) > 30
        assert choose_form(dense, "tensorflow", "cpu", "auto", steps).jit is is_long


@pytest.mark.parametrize(
    ("operations", "steps", "jit"), [(0, 29_900, False), (0, 30_100, True), (2e10, 296, False), (2e10, 298, True)]
)
def test_trainings_of_more_than_thirty_seconds_are_long(operations, steps, jit, dense, monkeypatch):
    # A step takes a millisecond, and 2e10 operations a tenth of a second.
    monkeypatch.setattr(forms, "step_flops", lambda _: operations)
    assert choose_form(dense, "tensorflow", "cpu", "auto", steps).jit is jit


@pytest.mark.parametrize(
    ("device", "expected"), [("cpu", False), (MPS, False), ("gpu: NVIDIA H100", True)], ids=["CPU", "MPS", "CUDA"]
)
def test_pytorch_records_steps_on_cuda_alone(device, expected, dense, convolutional):
    assert [choose_form(o, "torch", device, "auto", MANY).jit for o in (dense, convolutional)] == [expected, expected]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize("jit", [True, False])
def test_the_config_may_say_otherwise(backend, jit, dense, convolutional):
    for objective, steps in itertools.product((dense, convolutional), (1, MANY)):
        assert choose_form(objective, backend, "cpu", jit, steps).jit is jit


@pytest.mark.parametrize(
    ("backend", "device", "jit", "fold"),
    [
        ("tensorflow", "cpu", "auto", True),
        ("tensorflow", "cpu", True, False),
        ("tensorflow", "gpu: NVIDIA H100", "auto", False),
        ("torch", "cpu", "auto", True),
        ("torch", "gpu: Apple, through MPS", "auto", False),
        ("jax", "cpu", "auto", False),
    ],
)
def test_up_sampling_is_folded_where_that_measured_faster(backend, device, jit, fold, convolutional):
    assert choose_form(convolutional, backend, device, jit, MANY).fold is fold


@pytest.mark.parametrize(("operations", "room", "on_gpu"), [(0, 200, 200), (10**9, 50, 200), (10**12, 1, 5)])
def test_a_chunk_that_xla_compiles_has_room_for_half_a_second_of_operations(
    monkeypatch, dense, operations, room, on_gpu
):
    monkeypatch.setattr(forms, "step_flops", lambda _: operations)
    assert choose_form(dense, "tensorflow", "cpu", True, 1) == Form(jit=True, fold=False, room=room)
    assert choose_form(dense, "tensorflow", "cpu", False, 1) == Form(jit=False, fold=True, room=200)
    assert choose_form(dense, "tensorflow", "gpu: H100", True, 1).room == on_gpu


@pytest.mark.parametrize(("lanes", "room"), [(1, 50), (2, 25), (4, 12)])
def test_runs_that_train_together_share_the_room(monkeypatch, dense, lanes, room):
    monkeypatch.setattr(forms, "step_flops", lambda _: 10**9)
    assert choose_form(dense, "jax", "cpu", True, 1, lanes).room == room


@pytest.mark.parametrize("room", [1, 32, 200])
def test_a_form_comes_back_from_a_manifest(room):
    form = Form(jit=True, fold=True, room=room)
    assert Form.of(form.facts()) == form


def test_a_manifest_of_earlier_versions_is_read():
    before_folding = {"jit": False, "room": 8, "seconds": {"plain": 0.25}}
    assert Form.of(before_folding) == Form(jit=False, fold=False, room=8)
    assert Form.of(before_folding | {"fold": True}) == Form(jit=False, fold=True, room=8)


@pytest.mark.parametrize(
    "wrong",
    [None, [], "plain", {}, {"jit": True}]
    + [
        {"jit": True, "fold": False, "room": 8} | wrong
        for wrong in ({"room": 0}, {"room": 201}, {"room": "8"}, {"room": True}, {"jit": 1}, {"fold": None})
    ],
)
def test_facts_that_are_no_form_are_an_error(wrong):
    with pytest.raises(ValueError, match=r"^no form of a step: jit "):
        Form.of(wrong)


@pytest.mark.skipif(BACKEND.__name__.endswith("jax"), reason="on JAX nothing is folded")
def test_the_chosen_form_computes_the_losses_of_the_written_networks():
    from ganlab.models.folding import fold_objective

    config = tiny_config(generator=UP_SAMPLING, discriminator=["Flatten", {"Dense": {"units": 1}}])
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), np.uint8)
    plain = build(config, images=images)
    chosen = build(config, images=images, change=fold_objective)
    assert chosen.objective.networks["generator"] is not plain.objective.networks["generator"]
    np.testing.assert_allclose(chosen.train(5), plain.train(5), rtol=1e-4, atol=1e-5)
