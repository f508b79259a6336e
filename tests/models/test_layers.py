import keras
import numpy as np
import pytest
from keras import ops

from ganlab.backends import load_backend
from ganlab.models.layers import (
    BatchNormalization,
    ConditionalBatchNormalization,
    DiffAugment,
    EqualizedLearningRate,
    Fade,
    GlobalSumPooling2D,
    MinibatchDiscrimination,
    MinibatchStdDev,
    OutputNoise,
    PixelNoise,
    PixelNormalization,
    Scale,
    VirtualBatchNormalization,
)
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

    @pytest.mark.parametrize(("side", "width"), [(16, 8), (10, 5), (14, 7), (7, 4)])
    def test_cutout_zeroes_one_square_of_half_the_side_cut_at_the_edges(self, side, width):
        sizes = set()
        images = IMAGES[:, :side, :side]
        for image, cut in zip(images, augmented("cutout", images=images), strict=True):
            gone = (cut == 0).all(axis=2)
            rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
            assert np.array_equal(gone, np.outer(gone.any(1), gone.any(0)))
            for place in (rows, columns):
                assert np.array_equal(place, np.arange(place[0], place[-1] + 1))
                assert len(place) == width or place[0] == 0 or place[-1] == side - 1
            np.testing.assert_array_equal(cut[~gone], image[~gone])
            sizes |= {len(rows), len(columns)}
        assert max(sizes) == width and min(sizes) < width

    def test_color_keeps_where_things_are(self):
        changed = augmented("color")
        for image, new in zip(IMAGES, changed, strict=True):
            # Brightness, saturation and contrast together are one linear map of the three channels, the same everywhere.
            flat = np.concatenate([image.reshape(-1, 3), np.ones((256, 1))], axis=1)
            _, residuals, _, _ = np.linalg.lstsq(flat, new.reshape(-1, 3), rcond=None)
            assert residuals.max() < 1e-6
        shift = changed.mean(axis=(1, 2, 3)) - IMAGES.mean(axis=(1, 2, 3))
        assert np.abs(shift).max() <= 0.5 + 1e-5 and np.abs(shift).max() > 0.3

    def test_half_precision_moves_and_cuts_whole_pixels_of_large_images(self):
        """bfloat16 has no odd number above 256."""
        images = np.ones((8, 320, 320, 1), np.float32)
        moved, cut = (
            ops.convert_to_numpy(
                ops.cast(DiffAugment((kind,), seed=1, dtype="mixed_bfloat16")(images, training=True), "float32")
            )
            for kind in ("translation", "cutout")
        )
        assert set(np.unique(moved)) == set(np.unique(cut)) == {0.0, 1.0}
        assert (cut == 0).any(axis=(2, 3)).sum(axis=1).max() == 160

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
    layers = [DiffAugment(), PixelNoise(), keras.layers.Flatten(), OutputNoise()]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    assert sum("seed_generator" in variable.path for variable in model.variables) == 3


FEATURES = NOISE.standard_normal((6, 4, 4, 3)).astype(np.float32)
ONE_HOT = np.eye(2, dtype=np.float32)[[0, 1, 0, 0, 1, 1]]


def result(layer: keras.Layer, *values, **more) -> np.ndarray:
    return ops.convert_to_numpy(layer(*values, **more))


def test_global_sum_pooling_sums_over_space():
    np.testing.assert_allclose(result(GlobalSumPooling2D(), FEATURES), FEATURES.sum((1, 2)), rtol=1e-4, atol=1e-5)


def test_a_scale_is_one_trained_number():
    layer = Scale(initial=0.25)
    np.testing.assert_allclose(result(layer, FEATURES), 0.25 * FEATURES)
    assert layer.count_params() == 1 and len(layer.trainable_variables) == 1


class TestPixelNoise:
    def test_does_nothing_outside_training(self):
        np.testing.assert_array_equal(result(PixelNoise(initial=2.0), IMAGES), IMAGES)

    def test_adds_one_normal_number_to_all_channels_of_a_pixel(self):
        noise = result(PixelNoise(initial=2.0, seed=1), IMAGES, training=True) - IMAGES
        np.testing.assert_allclose(noise, np.repeat(noise[..., :1], 3, axis=-1), atol=1e-6)
        assert noise.mean() == pytest.approx(0, abs=0.1) and noise.std() == pytest.approx(2, rel=0.05)

    def test_trains_one_number_that_begins_at_zero(self):
        layer = PixelNoise(seed=1)
        np.testing.assert_array_equal(result(layer, IMAGES, training=True), IMAGES)
        assert layer.count_params() == 1 and len(layer.trainable_variables) == 1

    def test_draws_anew_every_time(self):
        layer = PixelNoise(initial=1.0, seed=1)
        first, second = (result(layer, IMAGES, training=True) for _ in range(2))
        assert not np.array_equal(first, second)

    def test_vectors_are_refused(self):
        with pytest.raises(ValueError, match="expected images; the input has 1 axes"):
            PixelNoise().build((None, 4))


def test_a_fade_mixes_each_sample_by_its_own_share():
    shares = np.linspace(0, 1, 6, dtype=np.float32)[:, None]
    mixed = result(Fade(), [FEATURES, 3 * FEATURES], fade=shares)
    np.testing.assert_allclose(mixed, (1 + 2 * shares[:, :, None, None]) * FEATURES, rtol=1e-5, atol=1e-6)


class TestMinibatchDiscrimination:
    def test_follows_the_formula_of_its_source(self):
        inputs = NOISE.standard_normal((5, 4)).astype(np.float32)
        layer = MinibatchDiscrimination(kernels=3, dimensions=2)
        found = result(layer, inputs)
        projected = (inputs @ ops.convert_to_numpy(layer.kernel)).reshape(5, 3, 2)
        np.testing.assert_array_equal(found[:, :4], inputs)
        for i in range(5):
            for b in range(3):
                expected = sum(np.exp(-np.abs(projected[i, b] - projected[j, b]).sum()) for j in range(5))
                assert found[i, 4 + b] == pytest.approx(expected, rel=1e-5)

    def test_equal_samples_are_as_near_as_can_be_and_distant_ones_see_themselves_alone(self):
        layer = MinibatchDiscrimination(kernels=2, dimensions=3, kernel_initializer="ones")
        np.testing.assert_allclose(result(layer, np.ones((6, 4), np.float32))[:, 4:], 6)
        np.testing.assert_allclose(result(layer, 100 * np.arange(24, dtype=np.float32).reshape(6, 4))[:, 4:], 1)

    def test_computes_in_float32_under_mixed_precision(self):
        layer = MinibatchDiscrimination(kernels=2, kernel_initializer="zeros", dtype="mixed_bfloat16")
        outputs = layer(np.ones((300, 4), np.float32))
        assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
        np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(outputs, "float32"))[:, 4:], 300)  # not 256

    @pytest.mark.parametrize("arguments", [{"kernels": 0}, {"dimensions": 2.5}])
    def test_wrong_arguments_are_refused(self, arguments):
        with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` is an integer >= 1, received"):
            MinibatchDiscrimination(**arguments)


class TestMinibatchStdDev:
    @pytest.mark.parametrize("shape", [(5, 4), (6, 3, 2, 4)])
    def test_every_position_gets_the_mean_deviation_over_the_batch(self, shape):
        inputs = NOISE.standard_normal(shape).astype(np.float32)
        found = result(MinibatchStdDev(), inputs)
        np.testing.assert_array_equal(found[..., :-1], inputs)
        np.testing.assert_allclose(found[..., -1], inputs.std(axis=0).mean(), rtol=1e-5)

    def test_equal_samples_have_no_deviation_and_a_finite_gradient(self):
        inputs = ops.convert_to_tensor(np.ones((4, 2, 2, 3), np.float32))
        layer = MinibatchStdDev()
        np.testing.assert_allclose(ops.convert_to_numpy(layer(inputs))[..., -1], 1e-4, rtol=1e-3)
        slopes = ops.convert_to_numpy(INPUT_GRADIENT(lambda points: ops.sum(layer(points), axis=(1, 2, 3)), inputs))
        np.testing.assert_array_equal(slopes, np.ones((4, 2, 2, 3)))

    def test_computes_in_float32_under_mixed_precision(self):
        samples = 100 + np.arange(300, dtype=np.float32)[:, None] % 2
        outputs = MinibatchStdDev(dtype="mixed_bfloat16")(samples)
        assert float(ops.cast(outputs, "float32")[0, -1]) == pytest.approx(0.5, rel=0.01)


class TestPixelNormalization:
    def test_the_mean_square_of_each_pixels_channels_is_one(self):
        inputs = 5 * NOISE.standard_normal((3, 4, 4, 8)).astype(np.float32)
        found = result(PixelNormalization(), inputs)
        np.testing.assert_allclose((found**2).mean(axis=-1), 1, rtol=1e-5)
        np.testing.assert_allclose(found, inputs / np.sqrt((inputs**2).mean(axis=-1, keepdims=True)), rtol=1e-5)

    def test_zeros_stay_zeros(self):
        np.testing.assert_array_equal(result(PixelNormalization(), np.zeros((2, 3), np.float32)), 0)


EQUALIZED = [
    (lambda: keras.layers.Dense(7, kernel_initializer="he_normal"), (4, 20), 20),
    (lambda: keras.layers.Conv2D(5, 3, padding="same", activation="relu"), (2, 6, 6, 3), 27),
    (lambda: keras.layers.Conv2DTranspose(5, 4, strides=2), (2, 3, 3, 6), 96),
]


class TestEqualizedLearningRate:
    @pytest.mark.parametrize(("make", "shape", "fan_in"), EQUALIZED, ids=["Dense", "Conv2D", "Conv2DTranspose"])
    def test_trains_the_kernel_over_its_constant_and_computes_what_the_layer_does(self, make, shape, fan_in):
        inputs, wrapper = NOISE.standard_normal(shape).astype(np.float32), EqualizedLearningRate(make())
        found, alone = result(wrapper, inputs), make()
        alone.build(shape)
        factor = np.sqrt(2 / fan_in)
        alone.set_weights([ops.convert_to_numpy(wrapper.layer.kernel) * factor, np.zeros(alone.bias.shape)])
        np.testing.assert_allclose(found, ops.convert_to_numpy(alone(inputs)), rtol=1e-4, atol=1e-5)
        assert found.shape == tuple(wrapper.compute_output_shape(shape))

    def test_he_weights_are_trained_with_a_deviation_of_one(self):
        wrapper = EqualizedLearningRate(keras.layers.Dense(400, kernel_initializer="he_normal"))
        wrapper.build((None, 300))
        assert ops.convert_to_numpy(wrapper.layer.kernel).std() == pytest.approx(1, rel=0.02)

    def test_a_layer_without_a_kernel_is_refused(self):
        with pytest.raises(ValueError, match="`layer` is a Dense or a convolution, received Flatten"):
            EqualizedLearningRate(keras.layers.Flatten()).build((None, 4, 4))


class TestConditionalBatchNormalization:
    def test_normalizes_the_whole_batch_and_scales_and_shifts_each_class(self):
        layer = ConditionalBatchNormalization(epsilon=1e-5)
        layer.build((None, 4, 4, 3), (None, 2))
        gamma, beta = NOISE.standard_normal((2, 2, 3)).astype(np.float32)
        layer.class_gamma.assign(gamma)
        layer.class_beta.assign(beta)
        normalized = (FEATURES - FEATURES.mean((0, 1, 2))) / np.sqrt(FEATURES.var((0, 1, 2)) + 1e-5)
        classes = ONE_HOT.argmax(1)
        expected = gamma[classes][:, None, None] * normalized + beta[classes][:, None, None]
        found = result(layer, FEATURES, labels=ONE_HOT, training=True)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)

    def test_starts_as_batch_normalization_and_has_a_scale_and_a_shift_for_each_class(self):
        layer, plain = ConditionalBatchNormalization(), BatchNormalization()
        for training in (True, False):
            found = result(layer, FEATURES, labels=ONE_HOT, training=training)
            np.testing.assert_allclose(found, result(plain, FEATURES, training=training), rtol=1e-5, atol=1e-6)
        assert sum(int(np.prod(v.shape)) for v in layer.trainable_variables) == 2 * 2 * 3

    def test_a_mixture_of_classes_gets_the_mixture_of_their_numbers(self):
        layer = ConditionalBatchNormalization()
        layer.build((None, 3), (None, 2))
        layer.class_beta.assign([[1.0, 1, 1], [3, 3, 3]])
        halves = np.full((2, 2), 0.5, np.float32)
        np.testing.assert_allclose(result(layer, np.zeros((2, 3), np.float32), labels=halves, training=True), 2)


class TestVirtualBatchNormalization:
    REFERENCE = NOISE.standard_normal((5, 4, 4, 3)).astype(np.float32) * 2 + 1

    def made(self, **options) -> VirtualBatchNormalization:
        return VirtualBatchNormalization(reference_size=5, **options)

    @pytest.mark.parametrize("axes", [4, 2])
    def test_follows_the_formula_of_its_source(self, axes):
        inputs, reference = (FEATURES, self.REFERENCE) if axes == 4 else (FEATURES[:, 0, 0], self.REFERENCE[:, 0, 0])
        layer = self.made(epsilon=1e-5)
        layer.build(inputs.shape)
        gamma, beta = NOISE.standard_normal((2, 3)).astype(np.float32)
        layer.gamma.assign(gamma)
        layer.beta.assign(beta)
        space = (1, 2) if axes == 4 else ()
        for example, output in zip(inputs, result(layer, inputs, reference=reference), strict=True):
            own = [example.mean(tuple(a - 1 for a in space)), (example**2).mean(tuple(a - 1 for a in space))]
            all_of = [reference.mean((0, *space)), (reference**2).mean((0, *space))]
            mean, square = (a / 6 + 5 * b / 6 for a, b in zip(own, all_of, strict=True))
            expected = gamma * (example - mean) / np.sqrt(square - mean**2 + 1e-5) + beta
            np.testing.assert_allclose(output, expected, rtol=1e-3, atol=1e-4)

    def test_an_output_does_not_depend_on_the_rest_of_the_batch(self):
        layer = self.made()
        whole = result(layer, FEATURES, reference=self.REFERENCE, training=True)
        others = np.concatenate([FEATURES[:1], 100 * FEATURES[1:]])
        np.testing.assert_allclose(result(layer, others, reference=self.REFERENCE)[0], whole[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            result(layer, FEATURES[:1], reference=self.REFERENCE)[0], whole[0], rtol=1e-5, atol=1e-6
        )

    def test_equal_numbers_stay_finite(self):
        same = np.full((4, 2, 2, 1), 1e4, np.float32)
        assert np.isfinite(result(self.made(), same, reference=np.repeat(same, 2, 0)[:5])).all()


NORMALIZED = {
    "batch": (BatchNormalization, {}),
    "conditional": (ConditionalBatchNormalization, {"labels": ONE_HOT}),
    "virtual": (VirtualBatchNormalization, {"reference": TestVirtualBatchNormalization.REFERENCE}),
}


@pytest.mark.parametrize("name", NORMALIZED)
def test_a_gradient_penalty_through_a_normalization_has_the_slope_of_its_formula(name):
    """The slope of the penalty by a weight, against differences: a variance held constant gives another one."""
    make, more = NORMALIZED[name]
    layer = make()
    more = {key: ops.convert_to_tensor(value) for key, value in more.items()}
    images = ops.convert_to_tensor(FEATURES)

    def penalty(weight):
        def critic(images):
            outputs = layer(ops.tanh(images * weight), training=True, **more)
            return ops.sum(outputs * ops.tanh(outputs), axis=(1, 2, 3))[:, None]

        return r1(critic, images, None, None, INPUT_GRADIENT)

    weight, step = ops.convert_to_tensor(0.7), 1e-2
    slope = float(ops.convert_to_numpy(INPUT_GRADIENT(penalty, weight)))
    ends = [float(ops.convert_to_numpy(penalty(weight + sign * step))) for sign in (-1, 1)]
    assert slope == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.01)
