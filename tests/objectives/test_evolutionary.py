# ruff: noqa: E501 (a line of a table for each mistake)
import dataclasses

import numpy as np
import pytest
from keras import ops

from ganlab.config.identity import identity_of
from ganlab.config.loading import build_config, dump_config
from ganlab.config.reader import parse_yaml
from ganlab.errors import ConfigError
from ganlab.models.flops import forward_flops, step_flops
from ganlab.objectives.evolutionary import MUTATIONS
from ganlab.training.checkpoints import restore
from ganlab.training.stages import Compute, Update
from tests.training.tiny import BACKEND, IMAGES, SGD, build, tiny_config

NAMES = [*MUTATIONS]


def evolving(mutations: list = NAMES, weight: float = 0.0, **more):
    options = {"mutations": mutations, "diversity_weight": weight}
    return tiny_config({"evolutionary": options}, **{"loss": "minimax"} | more)


@pytest.mark.parametrize("logit", [-30.0, -1.0, 0.0, 2.0])
def test_the_mutations_are_functions_of_the_probability(logit):
    p = 1 / (1 + np.exp(-logit))
    expected = {"minimax": np.log1p(-p), "non_saturating": -np.log(p), "least_squares": (p - 1) ** 2}
    for name, mutation in MUTATIONS.items():
        assert float(mutation(ops.convert_to_tensor([[logit]], "float32"))) == pytest.approx(
            expected[name], rel=1e-5, abs=1e-7
        )


@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_the_generator_goes_on_as_the_child_of_the_mutation_that_won(jit):
    """One mutation at its place in the list, on the same latents, leads to the same weights and the same state of Adam."""
    tiny = build(evolving(), jit)
    won, single = [], {}
    for step in range(6):
        before = tiny.snapshot()
        number = int(tiny.column(tiny.train(1), "mutation")[0])
        won.append(number)
        if number not in single:
            single[number] = build(evolving(), jit, change=only(number))
        alone = single[number]
        restore(alone.objective.variables(), before, "the same start")
        alone.done = step
        alone.train(1)
        assert alone.snapshot().keys() == before.keys()
        for name, array in alone.snapshot().items():
            np.testing.assert_allclose(array, tiny.snapshot()[name], rtol=1e-5, atol=1e-6, err_msg=name)
    assert set(won) >= {1, 2}  # neither always the first child nor always the last


def only(number: int):
    """Leaves the discriminator's update, and one child's pass and update."""

    def change(objective):
        name = f"child_{number - 1}"
        kept = [
            s for s in objective.stages if getattr(s, "name", name) in (name, "fake_0") and not isinstance(s, Compute)
        ]
        kept = [s for s in kept if not isinstance(s, Update) or s.through in (None, name)]
        columns = tuple(dataclasses.replace(column, optional=True) for column in objective.columns)
        return dataclasses.replace(objective, stages=tuple(kept), columns=columns)

    return change


def test_without_diversity_the_fittest_child_is_the_one_that_the_discriminator_believes_most():
    tiny = build(evolving(["least_squares"] * 3, optimizer=SGD), change=with_children)
    for row in tiny.train(4):
        fitness = dict(zip(tiny.objective.column_names, row, strict=True))
        qualities = [fitness[f"quality_{number}"] for number in range(3)]
        assert len(set(qualities)) == 3  # latents of their own
        assert fitness["fitness"] == max(qualities)
        assert fitness["mutation"] == 1 + np.argmax(qualities)


def with_children(objective):
    """Logs the quality of each child, too."""
    stages, child = [], 0
    for stage in objective.stages:
        stages.append(stage)
        if getattr(stage, "name", None) == "slopes":
            name = f"quality_{child}"
            stages.append(Compute(lambda values, name=name: {name: values["quality"]}, (name,)))
            child += 1
    column = objective.columns[0]
    columns = (*objective.columns, *(dataclasses.replace(column, name=f"quality_{number}") for number in range(child)))
    return dataclasses.replace(objective, stages=tuple(stages), columns=columns)


def test_the_diversity_is_minus_the_logarithm_of_the_norm_of_the_discriminators_gradient():
    """A discriminator D = sigmoid(w x + b): the gradient of both cross-entropies is known."""
    still = {"SGD": {"learning_rate": 0.0}}
    config = evolving(["minimax"], 0.5, optimizer=still, discriminator=[{"Dense": {"units": 1}}])
    tiny = build(config)
    drawn = tiny.draws.take(0, 1)
    row = dict(zip(tiny.objective.column_names, tiny.train(1)[0], strict=True))
    kernel, bias = tiny.weights("discriminator")
    real = IMAGES[drawn["judged_real"][0]] / 127.5 - 1
    fake = tiny.models.networks["generator"].predict(drawn["latents_judged"][0])
    p_real, p_fake = (1 / (1 + np.exp(-(images @ kernel + bias))) for images in (real, fake))
    slopes = [*(real.T @ (p_real - 1) / 4 + fake.T @ p_fake / 4).ravel(), np.mean(p_real - 1) + np.mean(p_fake)]
    diversity = -np.log(np.linalg.norm(slopes))
    assert row["fitness_diversity"] == pytest.approx(diversity, rel=1e-4)
    assert row["fitness"] == pytest.approx(p_fake.mean() + 0.5 * diversity, rel=1e-4)
    assert row["g_loss"] == pytest.approx(-np.log(p_fake).mean(), rel=1e-4)


def test_a_child_whose_fitness_is_not_a_number_loses():
    def broken(objective):
        def spoiled(values):
            copies, scores = values["child_0"]
            return {"child_0": (copies, scores * float("nan"))}

        return dataclasses.replace(objective, stages=(*objective.stages[:-1], Compute(spoiled), objective.stages[-1]))

    tiny = build(evolving(), change=broken)
    rows = tiny.train(4)
    assert set(tiny.column(rows, "mutation")) <= {2.0, 3.0}
    assert np.isfinite(rows).all()


def test_a_step_costs_its_passes_forward_and_back():
    tiny = build(evolving())
    generator, discriminator = (forward_flops(tiny.models.networks[name]) for name in ("generator", "discriminator"))
    a_turn = 4 * generator + 3 * 8 * discriminator
    a_child = 4 * generator + 4 * (2 * discriminator + 2 * generator) + 4 * generator + 3 * 8 * discriminator
    assert step_flops(tiny.objective) == a_turn + 3 * a_child


EVOLUTION = """\
objective: {evolutionary: {diversity_weight: 0.1}}
name: example
data: {name: digits}
latent: {dim: 4}
generator: {layers: [Dense: {units: 64}, Reshape: {target_shape: [8, 8, 1]}], optimizer: Adam}
discriminator: {layers: [Flatten, Dense: {units: 1}], optimizer: Adam}
loss: minimax
train: {steps: 100, batch_size: 32}
"""
KNOWN = ", ".join(NAMES)


def config_of(text: str):
    return build_config(parse_yaml(text, "c.yaml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 0.1", "weight: -1", "c.yaml:1:28: objective.evolutionary.diversity_weight: expected a number >= 0, received -1"),
        ("diversity_weight", "weight", "c.yaml:1:28: objective.evolutionary.weight: unknown key."),
        ("diversity_weight: 0.1", "mutations: []", f"c.yaml:1:28: objective.evolutionary.mutations: expected a list of one or more of {KNOWN}, received "),
        ("diversity_weight: 0.1", "mutations: [minmax]", f"c.yaml:1:40: objective.evolutionary.mutations[0]: expected one of {KNOWN}, received 'minmax'. Did you mean 'minimax'?"),
        ("loss: minimax", "loss: hinge", "c.yaml:7:1: loss: expected minimax, the discriminator's loss with the objective evolutionary, received 'hinge'"),
        ("loss: minimax\n", "", "c.yaml:1:1: loss: missing; expected minimax"),
        ("loss:", "labels: auxiliary\nloss:", "c.yaml:7:1: labels: expected none or conditional with the objective evolutionary, received 'auxiliary'"),
        ("latent: {", "latent: {continuous: 1, ", "c.yaml:4:10: latent.continuous: expected none with the objective evolutionary, whose mutations have no loss for codes"),
        ("loss:", "latent_consistency: {generator_weight: 0.5}\nloss:", "c.yaml:7:22: latent_consistency.generator_weight: expected 0 with the objective evolutionary, whose mutations have no such term, received 0.5"),
        ("steps: 100", "steps: 100, generator_steps: 2", "c.yaml:8:21: train.generator_steps: expected 1 with the objective evolutionary, received 2"),
        ("steps: 100", "steps: 100, share_latents: true", "c.yaml:8:21: train.share_latents: expected false with the objective evolutionary, received true"),
        ("steps: 100", "steps: 100, simultaneous: true", "c.yaml:8:21: train.simultaneous: expected false with the objective evolutionary, received true"),
    ],
)  # fmt: skip
def test_a_wrong_config_gives_this_line(old, new, message):
    assert old in EVOLUTION
    with pytest.raises(ConfigError) as caught:
        config_of(EVOLUTION.replace(old, new, 1))
    assert str(caught.value).startswith(message)


def test_the_short_form_has_all_mutations_and_the_authors_weight():
    config = config_of(EVOLUTION.replace("{evolutionary: {diversity_weight: 0.1}}", "evolutionary"))
    assert config.model_dump()["objective"] == {"evolutionary": {"mutations": NAMES, "diversity_weight": 0.004}}
    assert config.family == "E-GAN"


def test_an_identity_names_the_objective_and_its_options():
    said = ["gan", "evolutionary", "{evolutionary: {mutations: [minimax]}}", "{evolutionary: {diversity_weight: 0.1}}"]
    texts = [EVOLUTION.replace("{evolutionary: {diversity_weight: 0.1}}", each) for each in said]
    assert len({identity_of(config_of(text), "data", 100)[0] for text in texts}) == 4


def test_a_config_that_is_written_out_reads_back_equal():
    assert config_of(dump_config(config_of(EVOLUTION))) == config_of(EVOLUTION)
