import keras
import numpy as np
import pytest
from keras import ops

from ganlab.backends import load_backend
from ganlab.models.layers import DiffAugment, OutputNoise
from ganlab.training.penalties import r1

INPUT_GRADIENT = load_backend(keras.backend.backend()).input_gradient
NOISE = np.random.default_rng(0)
IMAGES = NOISE.uniform(0.5, 1.0, (64, 16, 16, 3)).astype(np.float32)  # never 0, so that what was filled in is seen
POLICIES = [("color",), ("translation",), ("cutout",), ("color", "translation", "cutout")]


def augmented(*policy: str, images: np.ndarray = IMAGES) -> np.ndarray:
    return np.array(DiffAugment(policy, seed=1)(images, training=True))


class TestDiffAugment:
    @pytest.mark.parametrize("policy", POLICIES)
    def test_does_nothing_outside_training(self, policy):
        layer = DiffAugment(policy, seed=1)
        np.testing.assert_array_equal(np.array(layer(IMAGES)), IMAGES)
        np.testing.assert_array_equal(np.array(layer(IMAGES, training=False)), IMAGES)

    @pytest.mark.parametrize("policy", POLICIES)
    @pytest.mark.parametrize("shape", [(4, 16, 16, 3), (4, 9, 12, 1)])
    def test_keeps_shapes_and_changes_images_each_in_its_own_way(self, policy, shape):
        images = np.repeat(NOISE.uniform(0.5, 1.0, (1, *shape[1:])), 4, axis=0).astype(np.float32)
        changed = augmented(*policy, images=images)
        assert changed.shape == shape
        assert len({image.tobytes() for image in changed}) > 1

    def test_draws_anew_every_time(self):
        layer = DiffAugment(seed=1)
        first, second = (np.array(layer(IMAGES, training=True)) for _ in range(2))
        assert not np.array_equal(first, second)

    def test_translation_moves_whole_pixels_by_up_to_an_eighth_and_fills_zeros(self):
        seen = set()
        for image, moved in zip(IMAGES, augmented("translation"), strict=True):
            padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
            shifts = [
                (down, right)
                for down in range(-2, 3)
                for right in range(-2, 3)
                if np.array_equal(moved, padded[2 + down : 18 + down, 2 + right : 18 + right])
            ]
            assert len(shifts) == 1
            seen.add(shifts[0])
        assert {down for down, _ in seen} == {right for _, right in seen} == {-2, -1, 0, 1, 2}

    def test_cutout_zeroes_one_square_of_half_the_side_cut_at_the_edges(self):
        sizes = set()
        for image, cut in zip(IMAGES, augmented("cutout"), strict=True):
            gone = (cut == 0).all(axis=2)
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert np.array_equal(gone, np.outer(gone.any(1), gone.any(0)))
            for place in (rows, columns):
                assert np.array_equal(place, np.arange(place[0], place[-1] + 1))
                assert len(place) == 8 or place[0] == 0 or place[-1] == 15
            np.testing.assert_array_equal(cut[~gone], image[~gone])
            sizes |= {len(rows), len(columns)}
        assert max(sizes) == 8 and min(sizes) < 8

    def test_color_keeps_where_things_are(self):
        changed = augmented("color")
        for image, new in zip(IMAGES, changed, strict=True):
            # Brightness, saturation and contrast together are one linear map of the three channels, the same everywhere.
            flat = np.concatenate([image.reshape(-1, 3), np.ones((256, 1))], axis=1)
            _, residuals, _, _ = np.linalg.lstsq(flat, new.reshape(-1, 3), rcond=None)
            assert residuals.max() < 1e-6
        shift = changed.mean(axis=(1, 2, 3)) - IMAGES.mean(axis=(1, 2, 3))
        assert np.abs(shift).max() <= 0.5 + 1e-5 and np.abs(shift).max() > 0.3

    @pytest.mark.parametrize("policy", POLICIES)
    def test_a_gradient_reaches_the_images(self, policy):
        layer = DiffAugment(policy, seed=1)
        slopes = INPUT_GRADIENT(lambda images: layer(images, training=True) ** 2, ops.convert_to_tensor(IMAGES))
        slopes = ops.convert_to_numpy(slopes)
        assert np.isfinite(slopes).all() and (np.abs(slopes).sum(axis=(1, 2, 3)) > 0).all()

    @pytest.mark.parametrize("policy", POLICIES)
    def test_r1_through_it_has_a_gradient_for_the_critic(self, policy):
        layer, kernel = DiffAugment(policy, seed=1), np.random.default_rng(0).normal(size=(3, 3, 1, 2))
        images = ops.convert_to_tensor(IMAGES[:4, :8, :8, :1])

        def penalty(kernel):
            def critic(images):
                return ops.sum(ops.tanh(ops.conv(layer(images, training=True), kernel)), axis=(1, 2, 3))[:, None]

            return r1(critic, images, None, None, INPUT_GRADIENT)

        slope = ops.convert_to_numpy(INPUT_GRADIENT(penalty, ops.convert_to_tensor(kernel, "float32")))
        assert np.isfinite(slope).all() and np.abs(slope).max() > 0


class TestOutputNoise:
    def test_does_nothing_outside_training(self):
        outputs = np.ones((8, 1), np.float32)
        np.testing.assert_array_equal(np.array(OutputNoise(1.0)(outputs)), outputs)

    @pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
    def test_adds_normal_noise_to_its_share_of_the_outputs(self, fraction):
        noise = np.array(OutputNoise(fraction, stddev=3.0, seed=1)(np.zeros((20_000, 1), np.float32), training=True))
        noisy = noise[noise != 0]
        assert len(noisy) / len(noise) == pytest.approx(fraction, abs=0.01)
        if fraction:
            assert noisy.mean() == pytest.approx(0, abs=0.2) and noisy.std() == pytest.approx(3, rel=0.05)

    def test_draws_anew_every_time(self):
        layer = OutputNoise(1.0, seed=1)
        first, second = (np.array(layer(np.zeros((8, 1), np.float32), training=True)) for _ in range(2))
        assert not np.array_equal(first, second)


def test_the_layers_keep_their_random_state_where_checkpoints_find_it():
    model = keras.Sequential([keras.Input((8, 8, 1)), DiffAugment(), keras.layers.Flatten(), OutputNoise()])
    assert sum("seed_generator" in variable.path for variable in model.variables) == 2
