import numpy as np
import pytest

from ganlab.training import health

NOISE = np.random.default_rng(0)
REAL = NOISE.integers(0, 256, (32, 4, 4, 1), dtype=np.uint8)
COLUMNS = ("d_loss", "g_loss", "d_real", "d_fake", "d_accuracy_real", "d_accuracy_fake", "penalty")
GOOD = (1.2, 0.8, 0.6, 0.4, 0.7, 0.7, np.nan)


def rows(count: int = 3, **changes: float) -> np.ndarray:
    row = [changes.get(name, value) for name, value in zip(COLUMNS, GOOD, strict=True)]
    return np.tile(np.array(row), (count, 1))


class TestDiversity:
    def test_real_images_are_as_diverse_as_themselves(self):
        assert health.diversity(REAL, REAL) == pytest.approx(1)

    def test_one_image_many_times_has_none(self):
        assert health.diversity(np.repeat(REAL[:1], 32, axis=0), REAL) == pytest.approx(0, abs=1e-6)

    def test_it_is_the_mean_distance_of_two_different_images(self):
        images = np.array([[0.0], [3.0], [9.0]])  # distances 3, 9 and 6
        assert health.diversity(images, images / 2) == pytest.approx(2)
        assert health.diversity(images / 1e6, images / 2e6) == pytest.approx(2)
        assert health._mean_distance(images) == pytest.approx(6)

    def test_bytes_do_not_overflow(self):
        black_and_white = np.array([[0], [255]], np.uint8)
        assert health._mean_distance(black_and_white) == pytest.approx(255)

    def test_real_images_that_are_all_alike_give_a_number(self):
        assert np.isfinite(health.diversity(REAL, np.zeros_like(REAL)))

    def test_noise_around_one_image_has_little(self):
        near = np.clip(REAL[:1] + NOISE.normal(0, 5, REAL.shape), 0, 255)
        assert health.diversity(near, REAL) < health.COLLAPSED_BELOW


class TestRecall:
    DATA = np.random.default_rng(1).normal(128, 40, (400, 6))

    def test_other_images_of_the_same_kind_are_near_nearly_all(self):
        assert health.recall(self.DATA[:128], self.DATA[128:256]) > 0.9

    def test_few_images_many_times_are_near_none_though_they_differ(self):
        few = self.DATA[np.arange(128) % 8] + np.random.default_rng(2).normal(0, 2, (128, 6))
        real = self.DATA[128:256]
        assert health.diversity(few, real) > 2 * health.COLLAPSED_BELOW
        assert health.recall(few, real) < health.RECALL_BELOW

    def test_a_ball_reaches_to_the_tenth_neighbour_and_holds_its_border(self):
        line = np.arange(11.0)[:, None]  # the tenth neighbour of each end is the other end
        real = np.array([[20.0], [21.0], [-41.0], *[[sign * 1000.0 * n] for n in range(1, 5) for sign in (1, -1)]])
        assert health.recall(line, real) == 1 / 11

    def test_bytes_do_not_overflow(self):
        black_and_white = np.repeat(np.array([[0], [255]], np.uint8), 20, axis=0)
        assert health.recall(black_and_white, black_and_white) == 1


class TestFewImages:
    """Data sets of two to nineteen images: their diversity alone is compared."""

    @pytest.mark.parametrize("count", [2, 3, 10, 19])
    def test_other_images_of_the_same_kind_are_no_collapse(self, count):
        for seed in range(20):
            images = np.random.default_rng(seed).integers(0, 256, (128 + count, 8, 8, 1), np.uint8)
            assert health.collapsed(health.diversity(images[count:], images[:count])) is None

    @pytest.mark.parametrize("count", [2, 3, 10, 19])
    def test_one_image_many_times_is_a_collapse(self, count):
        real = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), np.uint8)
        assert health.collapsed(health.diversity(np.repeat(real[:1], 128, axis=0), real))


class TestCollapsed:
    def test_a_low_diversity_comes_first_and_then_a_low_recall(self):
        assert health.collapsed(0.9, 0.8) is None
        assert health.collapsed(0.1, 0.0) == "generated images differ 0.10 times as much as real ones"
        assert health.collapsed(0.9, 0.02) == (
            "generated images are near only 2% of the real images: they are few different ones, or far from real ones"
        )

    @pytest.mark.parametrize(
        ("diversity", "recall", "found"),
        [(0.3, 0.05, None), (0.2999, 1.0, "differ"), (1.0, 0.0499, "few different")],
    )
    def test_the_limits(self, diversity, recall, found):
        reason = health.collapsed(diversity, recall)
        assert reason is None if found is None else found in reason


class TestNotFinite:
    def test_finite_losses_are_fine_also_beside_a_penalty_that_was_not_measured(self):
        assert health.not_finite(rows(), COLUMNS) is None

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("column", ["d_loss", "g_loss"])
    def test_the_first_bad_row_and_its_column_are_named(self, column, value):
        table = rows(5)
        table[2:, COLUMNS.index(column)] = value
        assert health.not_finite(table, COLUMNS) == (2, column)

    def test_the_first_row_counts_not_the_first_column(self):
        table = rows(5)
        table[1, COLUMNS.index("g_loss")] = table[3, COLUMNS.index("d_loss")] = np.nan
        assert health.not_finite(table, COLUMNS) == (1, "g_loss")


class TestNotConverged:
    def test_a_fair_game_is_none(self):
        assert health.not_converged(rows(), COLUMNS) is None

    def test_a_discriminator_that_is_always_right_with_a_loss_of_zero_has_won(self):
        won = rows(d_accuracy_real=1.0, d_accuracy_fake=1.0, d_loss=1e-4)
        assert health.not_converged(won, COLUMNS) == "the discriminator is right about every image and its loss is 0"

    def test_one_that_is_always_right_but_still_learns_has_not(self):
        assert health.not_converged(rows(d_accuracy_real=1.0, d_accuracy_fake=1.0, d_loss=0.3), COLUMNS) is None

    def test_one_that_is_right_about_one_side_only_has_not(self):
        assert health.not_converged(rows(d_accuracy_real=1.0, d_accuracy_fake=0.5, d_loss=1e-4), COLUMNS) is None

    def test_a_discriminator_that_is_always_wrong_has_lost(self):
        lost = rows(d_accuracy_real=0.0, d_accuracy_fake=0.0, d_loss=9.0)
        assert health.not_converged(lost, COLUMNS) == "the discriminator is wrong about every image"

    def test_losses_that_stand_still_are_learning_nothing(self):
        assert health.not_converged(rows(health.FEWEST_STEPS), COLUMNS) == "the losses no longer change"
        moving = rows(health.FEWEST_STEPS)
        moving[:, 1] += np.linspace(0, 1e-3, len(moving))
        assert health.not_converged(moving, COLUMNS) is None

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ((-0.5, -3.0, 2.5, 2.0), None),
            ((0.0, -3.0, 3.0, 3.0), "the discriminator never rates real images above generated ones"),
            ((0.5, -3.0, 2.5, 3.0), "the discriminator never rates real images above generated ones"),
            # The relativistic loss of a discriminator that has won, and a critic's that happens to be small.
            ((0.001, 7.0, 5.0, -2.0), "the discriminator is right about every image and its loss is 0"),
            ((0.001, 0.1, 0.5, -0.2), None),
        ],
    )
    def test_a_critic_is_judged_by_its_mean_outputs(self, values, reason):
        columns = COLUMNS[:4]
        played = np.tile(values, (health.FEWEST_STEPS, 1)) * np.linspace(1, 1.1, health.FEWEST_STEPS)[:, None]
        assert health.not_converged(played, columns) == reason
        assert health.not_converged(played[:-1], columns) is None
        if reason == NEVER:  # batches in turn move all outputs between the measurements of two sides
            assert health.not_converged(played, columns, in_turn=True) is None

    def test_an_objective_without_a_discriminator_is_judged_by_its_losses_alone(self):
        assert health.not_converged(np.arange(100.0)[:, None], ("loss",)) is None
        assert health.not_converged(np.ones((100, 1)), ("loss",)) == "the losses no longer change"

    def test_without_any_loss_there_is_nothing_to_judge_by(self):
        assert health.not_converged(np.ones((100, 1)), ("fitness",)) is None

    def test_no_rows_give_no_verdict(self):
        assert health.not_converged(rows(0), COLUMNS) is None


RIGHT = "the discriminator is right about every image and its loss is 0"
WRONG = "the discriminator is wrong about every image"
NEVER = "the discriminator never rates real images above generated ones"


class TestTheLimitsOfNotConverged:
    """Numbers as published in docs/run-folder.md, not as the module has them."""

    @pytest.mark.parametrize(
        ("of_real", "of_fake", "loss", "reason"),
        [
            (0.996, 0.996, 0.009, RIGHT),
            (0.995, 0.996, 0.009, None),
            (0.996, 0.995, 0.009, None),
            (0.996, 0.996, 0.0101, None),
            (0.004, 0.004, 9.0, WRONG),
            (0.0051, 0.004, 9.0, None),
            (0.004, 0.0051, 9.0, None),
        ],
    )
    def test_of_accuracies(self, of_real, of_fake, loss, reason):
        row = rows(d_accuracy_real=of_real, d_accuracy_fake=of_fake, d_loss=loss)
        assert health.not_converged(row, COLUMNS) == reason

    @pytest.mark.parametrize(("count", "reason"), [(50, "the losses no longer change"), (49, None)])
    def test_losses_stand_still_after_fifty_steps(self, count, reason):
        assert health.not_converged(rows(count), COLUMNS) == reason

    @pytest.mark.parametrize("size", [1.0, -100.0])
    @pytest.mark.parametrize(("moved", "reason"), [(0.9e-6, "the losses no longer change"), (1.2e-6, None)])
    def test_losses_stand_still_within_a_millionth_of_themselves(self, size, moved, reason):
        losses = np.full((60, 1), size)
        losses[::2] += moved * abs(size)
        assert health.not_converged(losses, ("loss",)) == reason

    @pytest.mark.parametrize(("worse", "reason"), [(399, NEVER), (398, None)])
    def test_of_a_critic_that_rates_real_images_lower_or_equal(self, worse, reason):
        moving = np.linspace(1.0, 2.0, 400)
        played = np.stack([moving, -moving, np.where(np.arange(400) < worse, 3.0, 4.0), np.full(400, 3.0)], axis=1)
        assert health.not_converged(played, COLUMNS[:4]) == reason

    @pytest.mark.parametrize(
        ("loss", "of_generator", "reason"),
        [(0.0098, 4.7, RIGHT), (0.0102, 4.7, None), (0.0098, 4.5, None)],
    )
    def test_of_a_critic_that_has_won(self, loss, of_generator, reason):
        moving = np.linspace(0.99, 1.01, 60)[:, None]
        assert health.not_converged(moving * [loss, of_generator, 3.0, -3.0], COLUMNS[:4]) == reason

    def test_a_loss_that_touches_zero_may_be_negative_later(self):
        played = np.linspace(0.99, 1.01, 60)[:, None] * [0.0098, 4.7, 3.0, -3.0]
        played[7, 0] = 0.0
        assert health.not_converged(played, COLUMNS[:4]) is None
