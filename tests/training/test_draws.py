import numpy as np
import pytest

from ganlab.training.draws import Draws, DrawsTogether, draw_latents, generator_of
from ganlab.training.stages import Draw
from tests.training.tiny import build, tiny_config

KINDS = {
    "real_0": Draw("rows", (7,)),
    "latents": Draw("normal", (5, 3)),
    "uniform": Draw("uniform", (5, 3), low=-1.0),
    "targets": Draw("targets", (5, 1), low=0.8, high=1.0, flip=0.25),
    "classes": Draw("integers", (5,), high=10),
    "real_1": Draw("rows", (4,), arrays=("images", "labels")),
    "labelled": Draw("rows", (3,), source="labelled"),
}
LABELLED = np.array([3, 11, 4, 29, 17], np.int64)


def take(steps: int, chunk: int, count: int = 30, seed: int = 0) -> dict[str, np.ndarray]:
    """Steps 0 to `steps`, taken in chunks."""
    draws = Draws(KINDS, seed, count, {"labelled": LABELLED})
    parts = [draws.take(first, min(chunk, steps - first)) for first in range(0, steps, chunk)]
    return {name: np.concatenate([part[name] for part in parts]) for name in KINDS}


@pytest.mark.parametrize("chunk", [2, 5, 12])
def test_the_size_of_a_chunk_changes_no_number(chunk):
    one_by_one, together = take(12, 1), take(12, chunk)
    for name in KINDS:
        np.testing.assert_array_equal(one_by_one[name], together[name], err_msg=name)


def test_steps_taken_backwards_get_the_same_numbers():
    draws = Draws(KINDS, 0, 30, {"labelled": LABELLED})
    backwards = [draws.take(step, 1) for step in reversed(range(12))]
    forwards = take(12, 1)
    for name in KINDS:
        np.testing.assert_array_equal(np.concatenate([part[name] for part in backwards[::-1]]), forwards[name])


def test_a_step_gets_the_numbers_of_its_own_generator():
    latents = take(12, 5)["latents"]
    for step in (0, 1, 11):
        expected = generator_of(0, "latents", step).standard_normal((5, 3), dtype=np.float32)
        np.testing.assert_array_equal(latents[step], expected)


def test_targets_that_are_neither_smoothed_nor_flipped_are_what_they_are():
    draws = Draws({"targets": Draw("targets", (5, 1), low=0.9, high=0.9)}, 0, 30)
    assert (draws.take(3, 2)["targets"] == np.float32(0.9)).all()


def test_shapes_and_types_are_what_steps_expect():
    taken = take(6, 6)
    assert {name: (array.shape, array.dtype.name) for name, array in taken.items()} == {
        "real_0": ((6, 7), "int32"),
        "latents": ((6, 5, 3), "float32"),
        "uniform": ((6, 5, 3), "float32"),
        "targets": ((6, 5, 1), "float32"),
        "classes": ((6, 5), "int32"),
        "real_1": ((6, 4), "int32"),
        "labelled": ((6, 3), "int32"),
    }


@pytest.mark.parametrize("count", [3, 10, 11, 22, 30, 100])
def test_every_image_comes_once_an_epoch_whatever_the_batch_size(count):
    taken = take(60, 60, count)
    order = np.concatenate([taken["real_0"], taken["real_1"]], axis=1).reshape(-1)  # as a step uses them
    epochs = order[: len(order) // count * count].reshape(-1, count)
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(count), (len(epochs), 1)))


def test_every_epoch_has_an_order_of_its_own():
    epochs = Draws({"real": Draw("rows", (100,))}, 0, 100).take(0, 5)["real"]
    assert len({tuple(epoch) for epoch in epochs}) == 5
    assert not any((epoch == np.arange(100)).all() for epoch in epochs)


def test_steps_seeds_and_purposes_have_numbers_of_their_own():
    taken = take(2, 2)
    assert not np.isin(taken["latents"][0], taken["latents"][1]).any()
    assert not np.isin(taken["latents"], take(2, 2, seed=1)["latents"]).any()
    pair = Draws({"latents_a": Draw("normal", (5, 3)), "latents_b": Draw("normal", (5, 3))}, 0, 1).take(0, 1)
    assert not np.isin(pair["latents_a"], pair["latents_b"]).any()


def many(draw: Draw) -> np.ndarray:
    return Draws({"x": draw}, 0, 1).take(0, 4)["x"].reshape(-1)


def test_normal_numbers_are_standard():
    numbers = many(Draw("normal", (10_000,)))
    assert abs(numbers.mean()) < 0.02 and abs(numbers.std() - 1) < 0.02
    assert abs((np.abs(numbers) < 1).mean() - 0.6827) < 0.01


def test_half_of_the_rows_say_that_their_image_is_mirrored_and_every_sample_still_comes_once_an_epoch():
    plain, mirrored = (
        Draws({"a": Draw("rows", (6,), mirror=mirror), "b": Draw("rows", (4,), mirror=mirror)}, 0, 1000)
        for mirror in (0, 1)
    )
    rows = {name: (plain.take(0, 200)[name], mirrored.take(0, 200)[name]) for name in "ab"}
    for before, after in rows.values():
        np.testing.assert_array_equal(np.where(after < 0, -1 - after, after), before)
        assert abs((after < 0).mean() - 0.5) < 0.05
    assert (rows["a"][1][:, :4] < 0).tolist() != (rows["b"][1] < 0).tolist()
    np.testing.assert_array_equal(mirrored.take(150, 50)["b"], rows["b"][1][150:])


def test_uniform_numbers_fill_their_range_evenly():
    numbers = many(Draw("uniform", (10_000,), low=-1.0, high=3.0))
    assert numbers.min() >= -1 and numbers.max() < 3
    shares = np.histogram(numbers, bins=8, range=(-1, 3))[0] / len(numbers)
    assert np.abs(shares - 1 / 8).max() < 0.01


def test_targets_lie_in_their_range_and_the_flipped_share_in_the_other():
    targets = many(Draw("targets", (10_000,), low=0.8, high=1.0, flip=0.2, flipped=(0.0, 0.1)))
    flipped = targets <= 0.1
    assert (flipped | (targets >= 0.8)).all()
    assert abs(flipped.mean() - 0.2) < 0.01
    assert abs(targets[~flipped].mean() - 0.9) < 0.005 and abs(targets[flipped].mean() - 0.05) < 0.005


@pytest.mark.parametrize(("flip", "expected"), [(0.0, 0.9), (1.0, 0.1)])
def test_fixed_targets_are_exactly_what_the_config_says(flip, expected):
    targets = many(Draw("targets", (100,), low=0.9, high=0.9, flip=flip, flipped=(0.1, 0.1)))
    assert (targets == np.float32(expected)).all()


def test_integers_are_drawn_evenly_from_zero_to_below_the_high_end():
    integers = many(Draw("integers", (10_000,), high=4))
    assert integers.dtype == np.int32 and np.unique(integers).tolist() == [0, 1, 2, 3]
    assert np.abs(np.bincount(integers) / len(integers) - 1 / 4).max() < 0.01


class TestASourceOfRows:
    def test_each_of_its_rows_comes_once_an_epoch_and_no_other(self):
        labelled = take(20, 20)["labelled"].reshape(-1)  # 20 steps of 3 are 12 epochs of 5
        epochs = labelled.reshape(-1, len(LABELLED))
        np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.sort(LABELLED), (len(epochs), 1)))
        assert len({tuple(epoch) for epoch in epochs}) > 6

    def test_it_leaves_the_others_order_as_it_is(self):
        whole = {name: draw for name, draw in KINDS.items() if name != "labelled"}
        alone = Draws(whole, 0, 30).take(0, 12)
        for name in ("real_0", "real_1"):
            np.testing.assert_array_equal(take(12, 12)[name], alone[name])

    def test_it_has_an_order_of_its_own(self):
        draws = {"real": Draw("rows", (50,)), "again": Draw("rows", (50,), source="again")}
        taken = Draws(draws, 0, 50, {"again": np.arange(50)}).take(0, 1)
        assert not np.array_equal(taken["real"], taken["again"])


REAL = {"real": Draw("rows", (10,))}


class TestAStart:
    def test_the_first_epoch_begins_there(self):
        rows = Draws(REAL, 0, 30, start=7).take(7, 6)["real"].reshape(2, 30)
        np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(30), (2, 1)))

    def test_its_epochs_are_not_those_of_the_stretch_before(self):
        before, after = (Draws(REAL, 0, 30, start=start).take(start, 3)["real"] for start in (0, 3))
        assert not np.array_equal(before, after)

    def test_other_numbers_depend_on_the_step_alone(self):
        latents = {"latents": Draw("normal", (5, 3))}
        taken = [Draws(latents, 0, 30, start=start).take(9, 1)["latents"] for start in (0, 7)]
        np.testing.assert_array_equal(*taken)


def test_latents_outside_training_are_the_same_every_time_and_a_longer_row_begins_like_a_shorter():
    first = draw_latents(0, "grid", 4, 3, "normal")
    np.testing.assert_array_equal(first, draw_latents(0, "grid", 4, 3, "normal"))
    np.testing.assert_array_equal(first, draw_latents(0, "grid", 9, 3, "normal")[:4])
    for other in (draw_latents(1, "grid", 4, 3, "normal"), draw_latents(0, "metrics", 4, 3, "normal")):
        assert not np.isin(first, other).any()


def test_smoothed_targets_fill_their_range_evenly():
    numbers = many(Draw("targets", (10_000, 1), low=0.7, high=1.2))
    assert 0.7 <= numbers.min() < 0.701 and 1.199 < numbers.max() <= 1.2
    assert numbers.mean() == pytest.approx(0.95, abs=0.01)


def test_uniform_latents_reach_from_minus_one_to_one():
    latents = draw_latents(0, "grid", 5000, 2, "uniform")
    assert (latents.shape, latents.dtype) == ((5000, 2), np.float32)
    assert -1 <= latents.min() < -0.99 and 0.99 < latents.max() < 1


@pytest.mark.parametrize(
    ("source", "start", "purpose"),
    [
        ("all", 0, "shuffle"),
        ("all", 7, "shuffle from 7"),
        ("labelled", 0, "shuffle labelled"),
        ("labelled", 7, "shuffle labelled from 7"),
    ],
)
def test_the_rows_of_each_epoch_are_a_permutation_of_their_own_purpose(source, start, purpose):
    """Published runs depend on it."""
    rows = np.array([3, 8, 5, 1, 9, 0] if source == "labelled" else range(6))
    draws = Draws({"real": Draw("rows", (6,), source=source)}, 4, 6, {"labelled": rows}, start)
    expected = [rows[generator_of(4, purpose, epoch).permutation(6)] for epoch in (0, 1)]
    np.testing.assert_array_equal(draws.take(start, 2)["real"], expected)


def test_the_generator_of_a_purpose_stays_what_it_was():
    """Published runs depend on it."""
    assert generator_of(0, "shuffle", 0).integers(0, 2**32, 3).tolist() == [3416058959, 4260906660, 3787663284]


@pytest.mark.parametrize("seeds", [(3,), (0, 1, 2)])
def test_runs_that_draw_together_get_the_numbers_that_each_draws_alone(seeds):
    runs = [Draws(KINDS, seed, 30, {"labelled": LABELLED}) for seed in seeds]
    together = DrawsTogether(runs).take(4, 3)
    for index, run in enumerate(runs):
        for name, numbers in run.take(4, 3).items():
            np.testing.assert_array_equal(together[name][:, index], numbers, err_msg=name)
            assert together[name].dtype == numbers.dtype


VARIANTS = [
    {},
    {"train": {"discriminator_steps": 5}},
    {"train": {"discriminator_batches": "alternate", "discriminator_steps": 2}},
    {"train": {"discriminator_batches": "joint"}},
    {"train": {"share_latents": True}},
    {"train": {"generator_steps": 3, "generator_batch_size": 7}},
    {"loss": "relativistic"},
    {"loss": "relativistic", "train": {"share_latents": True, "discriminator_steps": 2}},
    {"loss": "relativistic", "train": {"generator_steps": 2, "generator_batch_size": 5}},
    {"loss": "wasserstein", "penalty": {"wgan_gp": {}, "dragan": {}}},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_an_epoch_has_as_many_rows_as_steps_draw(changes):
    config = tiny_config(**changes)
    assert build(config).draws.rows_a_step == {"all": config.rows_a_step()}
