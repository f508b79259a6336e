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
        assert health._mean_distance(images) == pytest.approx(6)

    def test_bytes_do_not_overflow(self):
        black_and_white = np.array([[0], [255]], np.uint8)
        assert health._mean_distance(black_and_white) == pytest.approx(255)

    def test_real_images_that_are_all_alike_give_a_number(self):
        assert np.isfinite(health.diversity(REAL, np.zeros_like(REAL)))

    def test_ten_modes_out_of_many_are_no_collapse_and_noise_around_one_is(self):
        few = REAL[NOISE.integers(0, 10, 32)]
        near = np.clip(REAL[:1] + NOISE.normal(0, 5, REAL.shape), 0, 255)
        assert health.diversity(few, REAL) > 2 * health.COLLAPSED_BELOW
        assert health.diversity(near, REAL) < health.COLLAPSED_BELOW


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

    def test_a_critic_has_no_accuracy_to_judge_by(self):
        assert health.not_converged(np.zeros((3, 2)), ("d_loss", "g_loss")) is None

    def test_no_rows_give_no_verdict(self):
        assert health.not_converged(rows(0), COLUMNS) is None
