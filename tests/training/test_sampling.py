import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form, Latent
from ganlab.models.building import build_network
from ganlab.training.draws import draw_latents, generator_of, latents_of
from ganlab.training.sampling import Sampler, interpolate, scalar_inputs, vary_codes
from tests.training.tiny import tiny_config

LAYERS = [{"Dense": {"units": 8, "activation": "tanh"}}, "BatchNormalization", {"Dropout": {"rate": 0.5}}]


class TestSampler:
    @pytest.fixture(scope="class")
    def sampler(self):
        config = tiny_config(generator=LAYERS)
        return Sampler(build_network(config, "generator"), config)

    @pytest.mark.parametrize("count", [1, 7, 250, 251, 600])
    def test_any_count_gives_the_images_of_its_latents_in_order(self, sampler, count):
        latents = draw_latents(0, "grid", count, 3, "normal")
        images = sampler.images(latents)
        assert (images.shape, images.dtype) == ((count, 8), np.float32)
        np.testing.assert_allclose(images, ops.convert_to_numpy(sampler.network(latents)), atol=1e-6)

    def test_draws_are_the_same_every_time_and_follow_purpose_and_seed(self, sampler):
        first = sampler.draw(4, "grid")
        np.testing.assert_array_equal(first, sampler.draw(4, "grid"))
        assert not np.allclose(first, sampler.draw(4, "metrics"))
        other = Sampler(sampler.network, sampler.config.model_copy(update={"seed": 1}))
        assert not np.allclose(first, other.draw(4, "grid"))

    def test_drawing_changes_nothing_in_the_generator(self, sampler):
        before = [np.array(v) for v in sampler.network.variables]
        sampler.draw(10, "grid")
        for old, variable in zip(before, sampler.network.variables, strict=True):
            np.testing.assert_array_equal(old, np.array(variable))

    def test_images_are_float32_also_under_mixed_precision(self):
        config = tiny_config(generator=LAYERS, precision="mixed_bfloat16")
        assert Sampler(build_network(config, "generator"), config).draw(3, "grid").dtype == np.float32

    def test_a_grid_has_latents_of_its_own_purpose(self, sampler):
        latents = draw_latents(0, "grid", 6, 3, "normal")
        np.testing.assert_array_equal(sampler.grid(2, 3), sampler.images(latents))
        assert sampler.classes is None


class TestSamplerOfClasses:
    SEED = 5

    @pytest.fixture(scope="class")
    def sampler(self):
        labelled = {"merge": "Concatenate", "branches": {"latents": [], "labels": ["Labels"]}}
        config = tiny_config(generator=[labelled, {"Dense": {"units": 8}}], labels="conditional", seed=self.SEED)
        return Sampler(build_network(config, "generator", Form((8,), 3)), config)

    def latents(self, count, purpose="grid"):
        return draw_latents(self.SEED, purpose, count, 3, "normal")

    def test_a_label_chooses_its_row_of_weights(self, sampler):
        assert sampler.classes == 3
        latents, labels = self.latents(4), np.array([2, 0, 1, 2])
        kernel, bias = sampler.network.model.get_weights()
        expected = latents @ kernel[:3] + kernel[3:][labels] + bias
        np.testing.assert_allclose(sampler.images(latents, labels), expected, atol=1e-6)

    def test_a_row_of_a_grid_has_one_class_and_the_classes_follow_each_other(self, sampler):
        expected = sampler.images(self.latents(10), np.array([0, 0, 1, 1, 2, 2, 0, 0, 1, 1]))
        np.testing.assert_array_equal(sampler.grid(5, 2), expected)

    def test_labels_of_samples_are_drawn_from_all_classes_by_purpose_and_seed(self, sampler):
        labels = generator_of(self.SEED, "metrics labels").integers(0, 3, 20)
        assert set(labels) == {0, 1, 2}
        np.testing.assert_array_equal(sampler.labels(20, "metrics"), labels)
        expected = sampler.images(self.latents(20, "metrics"), labels)
        np.testing.assert_array_equal(sampler.draw(20, "metrics"), expected)


class TestCodes:
    LATENT = Latent(dim=2, categorical=[3, 2], continuous=1)

    def test_latents_stay_what_they_are_without_codes_and_codes_follow_them(self):
        latents = latents_of(self.LATENT, 0, "grid", 9)
        assert (latents.shape, latents.dtype) == ((9, 8), np.float32)
        np.testing.assert_array_equal(latents[:, :2], draw_latents(0, "grid", 9, 2, "normal"))
        np.testing.assert_array_equal(latents[:4], latents_of(self.LATENT, 0, "grid", 4))
        np.testing.assert_array_equal(latents[:, 2:5].sum(axis=1), 1.0)
        assert not np.array_equal(latents[:, 2:], latents_of(self.LATENT, 0, "metrics", 9)[:, 2:])

    def test_each_row_of_a_grid_varies_one_code(self):
        latents = latents_of(self.LATENT, 0, "grid", 16).reshape(4, 4, 8)
        varied = vary_codes(latents, self.LATENT).reshape(4, 4, 8)
        np.testing.assert_array_equal(varied[0, :, 2:5], np.eye(3)[[0, 1, 2, 0]])
        np.testing.assert_array_equal(varied[1, :, 5:7], np.eye(2)[[0, 1, 0, 1]])
        np.testing.assert_allclose(varied[2, :, 7], [-1, -1 / 3, 1 / 3, 1], rtol=1e-6)
        np.testing.assert_array_equal(varied[3, :, 2:5], np.eye(3)[[0, 1, 2, 0]])  # the first code again
        varying = [slice(2, 5), slice(5, 7), slice(7, 8), slice(2, 5)]
        for row, first, place in zip(varied, latents[:, 0], varying, strict=True):
            kept = np.delete(np.arange(8), place)
            np.testing.assert_array_equal(row[:, kept], np.tile(first[kept], (4, 1)))

    def test_continuous_codes_vary_in_turn(self):
        latent = Latent(dim=1, continuous=3)
        latents = latents_of(latent, 0, "grid", 8).reshape(4, 2, 4)
        varied = vary_codes(latents, latent).reshape(4, 2, 4)
        for row, place in enumerate([1, 2, 3, 1]):
            expected = np.tile(latents[row, 0], (2, 1))
            expected[:, place] = [-1, 1]
            np.testing.assert_array_equal(varied[row], expected)

    def test_a_grid_of_a_generator_with_codes_shows_them(self):
        config = tiny_config(generator=LAYERS, latent=self.LATENT.model_dump())
        sampler = Sampler(build_network(config, "generator"), config)
        latents = latents_of(self.LATENT, 0, "grid", 6).reshape(2, 3, 8)
        expected = sampler.images(vary_codes(latents, self.LATENT))
        np.testing.assert_array_equal(sampler.grid(2, 3), expected)


def test_the_step_and_the_fade_are_columns_of_one_number_a_sample():
    phases = [{"steps": 4, "image_size": 4}, {"steps": 6, "image_size": 8, "fade": 4}]
    scalars = scalar_inputs(tiny_config(phases=phases, train={"steps": None}), 7, 5)
    np.testing.assert_array_equal(scalars["step"], np.full((5, 1), 7.0))
    np.testing.assert_array_equal(scalars["fade"], np.full((5, 1), 0.75))


def test_a_sampler_of_a_training_that_has_not_begun_is_at_step_zero():
    config = tiny_config()
    assert Sampler(build_network(config, "generator"), config).step == 0


class TestInterpolation:
    ENDS = np.random.default_rng(0).normal(size=(3, 2, 50)).astype(np.float32)

    @pytest.mark.parametrize("distribution", ["normal", "uniform"])
    def test_rows_begin_and_end_at_their_ends(self, distribution):
        rows = interpolate(self.ENDS, 5, distribution).reshape(3, 5, 50)
        np.testing.assert_allclose(rows[:, 0], self.ENDS[:, 0], atol=1e-5)
        np.testing.assert_allclose(rows[:, -1], self.ENDS[:, 1], atol=1e-5)

    def test_codes_stay_along_a_row_and_the_other_latents_move_as_without(self):
        rows = interpolate(self.ENDS, 5, "normal", codes=3).reshape(3, 5, 50)
        np.testing.assert_array_equal(rows[:, :, 47:], np.repeat(self.ENDS[:, :1, 47:], 5, axis=1))
        np.testing.assert_array_equal(rows[:, :, :47].reshape(15, 47), interpolate(self.ENDS[..., :47], 5, "normal"))

    def test_uniform_latents_move_straight(self):
        rows = interpolate(self.ENDS, 3, "uniform").reshape(3, 3, 50)
        np.testing.assert_allclose(rows[:, 1], self.ENDS.mean(axis=1), atol=1e-6)

    def test_normal_latents_turn_by_equal_angles_and_keep_their_length(self):
        ends = np.array([[[3.0, 0.0], [0.0, 3.0]]], np.float32)
        angles = np.radians([0, 30, 60, 90])
        expected = 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        np.testing.assert_allclose(interpolate(ends, 4, "normal"), expected, atol=1e-6)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_ends_whose_cosine_is_rounded_beyond_one_are_joined_straight(self, sign):
        starts = np.random.default_rng(0).normal(size=(200, 1, 7)).astype(np.float32)
        lengths = np.linalg.norm(starts.astype(np.float64), axis=-1)
        assert ((starts.astype(np.float64) ** 2).sum(-1) / lengths**2 > 1).any()
        rows = interpolate(np.concatenate([starts, sign * starts], axis=1), 3, "normal").reshape(200, 3, 7)
        np.testing.assert_allclose(rows[:, 1], starts[:, 0] if sign == 1 else 0.0 * starts[:, 0], atol=1e-6)

    def test_normal_latents_stay_typical(self):
        lengths = np.linalg.norm(interpolate(self.ENDS, 9, "normal"), axis=1)
        assert lengths.min() > 0.85 * np.linalg.norm(self.ENDS, axis=2).min()
        straight = np.linalg.norm(interpolate(self.ENDS, 9, "uniform"), axis=1)
        assert straight.min() < 0.8 * np.linalg.norm(self.ENDS, axis=2).min()

    @pytest.mark.parametrize(
        ("start", "end", "middle"),
        [([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]), ([1.0], [3.0], [2.0]), ([-1.0], [3.0], [1.0])],
        ids=["the same point twice", "on one ray", "through the origin"],
    )
    def test_ends_on_one_line_have_no_circle_and_are_joined_straight(self, start, end, middle):
        row = interpolate(np.array([[start, end]], np.float32), 3, "normal")
        np.testing.assert_allclose(row, [start, middle, end], atol=1e-5)
