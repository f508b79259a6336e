"""An objective of this file alone: three generators learn by three losses, and each step goes on with the fittest of them.

As in Wang et al. 2018 (Evolutionary GAN, arXiv 1803.00657), without the diversity of their fitness. Steps, trainer and
checkpoints know nothing of it.
"""

import keras
import numpy as np
import pytest
from keras import ops

from ganlab.models.building import build_network, build_optimizer
from ganlab.runs.folder import RunFolder
from ganlab.training.checkpoints import newest_state, restore, write_state
from ganlab.training.draws import draw_latents
from ganlab.training.losses import LOSSES, Judged
from ganlab.training.stages import Column, Compute, Draw, Objective, Pass, Update
from tests.training.tiny import ADAM, BACKEND, build, tiny_config

SIZE, DIM = 4, 3
PARENTS = {f"generator_{name}": LOSSES[name] for name in ("minimax", "non_saturating", "least_squares")}
CONFIG = tiny_config(optimizer=ADAM)
DRAWS = {
    "real": Draw("rows", (SIZE,)),
    "latents": Draw("normal", (SIZE, DIM)),
    "trial": Draw("normal", (2 * SIZE, DIM)),
}


def evolving(select: bool = True):
    """The objective in place of a GAN's; without `select` the generators stay three."""

    def change(objective: Objective) -> Objective:
        critic = objective.networks["discriminator"]
        generators = {name: build_network(CONFIG, "generator") for name in PARENTS}
        optimizers = {name: build_optimizer(CONFIG.generator, "generator", CONFIG.error_at) for name in PARENTS}
        for name, optimizer in optimizers.items():
            optimizer.build(generators[name].trainable_variables)
        wins = keras.Variable(np.zeros(len(PARENTS), np.float32), trainable=False, name="wins")
        fittest = keras.Variable(0, dtype="int32", trainable=False, name="fittest")

        def judged(values, images):
            return Judged(critic(images, training=True), None)

        def critic_loss(values, with_lazy):
            real = LOSSES["non_saturating"].real(Judged(critic(values["real"], training=True), 1.0))
            fakes = [LOSSES["non_saturating"].fake(Judged(critic(values[n], training=True), 0.0)) for n in PARENTS]
            value = real + sum(fakes) / len(fakes)
            return value, {"d_loss": value}

        def mutation(name):
            def loss(values, with_lazy):
                value = PARENTS[name].generator(None, judged(values, values[name]))
                return value, {f"g_loss/{name}": value}

            return Update((name,), loss, SIZE, through=name)

        def survive(values):
            fitness = ops.stack([ops.mean(critic(g(values["trial"]))) for g in generators.values()])
            best = ops.argmax(fitness)
            chosen = ops.one_hot(best, len(PARENTS), dtype="float32")
            wins.assign(wins + chosen)
            fittest.assign(ops.cast(best, "int32"))
            for copies in zip(*(generator.trainable_variables for generator in generators.values()), strict=True):
                kept = sum(chosen[k] * copy for k, copy in enumerate(copies))
                for copy in copies:
                    copy.assign(kept)
            return {}

        passes = [Pass(name, name, lambda values: values["latents"], SIZE) for name in PARENTS]
        stages = [*passes, Update(("discriminator",), critic_loss, 4 * SIZE), *map(mutation, PARENTS)]
        return Objective(
            {**generators, "discriminator": critic},
            {**optimizers, "discriminator": objective.optimizers["discriminator"]},
            (*stages, Compute(survive)) if select else tuple(stages),
            DRAWS,
            tuple(map(Column, ("d_loss", "g_loss"))),
            state={"selection": [wins, fittest]},
        )

    return change


def weights_of(tiny, name: str) -> list[np.ndarray]:
    return tiny.objective.networks[name].model.get_weights()


def counted(tiny) -> tuple[list[float], int]:
    wins, fittest = (np.array(variable) for variable in tiny.objective.state["selection"])
    return wins.tolist(), int(fittest)


@pytest.mark.parametrize("jit", BACKEND.JIT)
def test_the_fittest_of_the_three_goes_on(jit):
    tiny, without = build(CONFIG, jit, change=evolving()), build(CONFIG, jit, change=evolving(select=False))
    expected = [0.0, 0.0, 0.0]
    for step in range(4):
        restore(without.objective.variables(), tiny.snapshot(), "the same start")
        without.done = step
        rows = without.train(1)
        np.testing.assert_allclose(tiny.train(1), rows, rtol=1e-6)
        critic, trial = without.objective.networks["discriminator"], tiny.draws.take(step, 1)["trial"][0]
        fitness = [critic.predict(without.objective.networks[name].predict(trial)).mean() for name in PARENTS]
        best = int(np.argmax(fitness))
        expected[best] += 1
        assert counted(tiny) == (expected, best)
        survivor, other = (weights_of(without, list(PARENTS)[number]) for number in (best, best - 1))
        assert not np.array_equal(survivor[0], other[0])
        for name in PARENTS:
            for ours, kept in zip(weights_of(tiny, name), survivor, strict=True):
                np.testing.assert_allclose(ours, kept, rtol=1e-6, atol=1e-7)


def test_the_selection_is_part_of_a_checkpoint_and_goes_on_from_it(tmp_path):
    folder, whole = RunFolder(tmp_path), build(CONFIG, change=evolving())
    folder.history.write_text("step,seconds\n" + "".join(f"{step},0.1\n" for step in range(1, 4)))
    rows = whole.train(3)
    write_state(folder, 3, whole.snapshot(), {})
    rows = np.concatenate([rows, whole.train(3)])
    resumed = build(CONFIG, change=evolving())
    assert counted(resumed)[0] == [0.0, 0.0, 0.0]
    done, arrays, _ = newest_state(folder)
    assert {name for name in arrays if name.startswith("state/")} == {
        "state/selection/0000/wins",
        "state/selection/0001/fittest",
    }
    restore(resumed.objective.variables(), arrays, "state")
    assert sum(counted(resumed)[0]) == 3
    resumed.done = done
    np.testing.assert_array_equal(resumed.train(3, 2), rows[3:])
    assert counted(resumed) == counted(whole) and sum(counted(whole)[0]) == 6
    found = resumed.snapshot()
    assert [name for name, array in whole.snapshot().items() if not np.array_equal(array, found[name])] == []


def test_what_the_selection_counted_is_the_same_when_the_steps_come_in_one_chunk():
    chunks = [build(CONFIG, change=evolving()) for _ in range(2)]
    for tiny, room in zip(chunks, (1, 5), strict=True):
        tiny.train(5, room)
    assert counted(chunks[0]) == counted(chunks[1])
    latents = draw_latents(0, "grid", 4, DIM, "normal")
    images = [tiny.objective.networks["generator_minimax"].predict(latents) for tiny in chunks]
    np.testing.assert_array_equal(*images)
