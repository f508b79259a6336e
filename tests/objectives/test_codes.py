"""InfoGAN: codes beside the latents, which both networks learn to keep."""

import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.models.building import build_models
from ganlab.objectives import build_objective
from tests.objectives.test_class_heads import CLASSES, EMBEDDED, LABELS, STILL, with_proxies
from tests.training.tiny import ADAM, BACKEND, IMAGES, build, tiny_config

LATENT = {"dim": 3, "categorical": [3, 2], "continuous": 2}
CODES = 3 + 2 + 2


def critic(units: int = 1 + CODES) -> list:
    return [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": units}}]


def config_of(optimizer: dict = STILL, **more):
    return tiny_config(**{"discriminator": critic(), "latent": LATENT, "optimizer": optimizer, **more})


def softplus(x):
    return np.log1p(np.exp(x))


def generated(tiny, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(the discriminator's outputs for a generated batch of step 0, its codes)."""
    taken = {draw: value[0] for draw, value in tiny.draws.take(0, 1).items()}
    codes = taken[f"codes_{name}"]
    images = tiny.models.networks["generator"](np.concatenate([taken[f"latents_{name}"], codes], axis=1))
    return ops.convert_to_numpy(tiny.models.networks["discriminator"](images)).astype(np.float64), codes


def terms(outputs: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """(cross-entropy of both categorical codes, squared error of both continuous codes), means over the batch."""
    cross_entropy = 0.0
    for place in (slice(1, 4), slice(4, 6)):
        logits, chosen = outputs[:, place], codes[:, place.start - 1 : place.stop - 1]
        cross_entropy += (np.log(np.exp(logits).sum(axis=1)) - (logits * chosen).sum(axis=1)).mean()
    return cross_entropy, ((outputs[:, 6:] - codes[:, 5:]) ** 2).sum(axis=1).mean()


def test_codes_are_one_hot_and_then_uniform():
    codes = build(config_of()).draws.take(0, 200)["codes_fake_0"].reshape(-1, CODES)
    for place, size in ((slice(0, 3), 3), (slice(3, 5), 2)):
        np.testing.assert_array_equal(np.sort(codes[:, place])[:, :-1], 0.0)
        np.testing.assert_allclose(codes[:, place].mean(axis=0), 1 / size, atol=0.06)
    assert -1 <= codes[:, 5:].min() < -0.98 and 0.98 < codes[:, 5:].max() < 1
    assert abs(np.corrcoef(codes[:, 5], codes[:, 6])[0, 1]) < 0.1


def test_both_losses_have_the_terms_of_generated_images():
    tiny = build(config_of(code_loss={"categorical": 2.0, "continuous": 0.5}))
    real = (IMAGES[tiny.draws.take(0, 1)["real_0"][0]] / 127.5 - 1).astype(np.float32)
    row = tiny.train(1)
    of_real = ops.convert_to_numpy(tiny.models.networks["discriminator"](real))
    outputs, codes = generated(tiny, "fake_0")
    cross_entropy, error = terms(outputs, codes)
    expected = softplus(-of_real[:, 0]).mean() + softplus(outputs[:, 0]).mean() + 2 * cross_entropy + 0.5 * error / 2
    assert tiny.column(row, "d_loss")[0] == pytest.approx(expected, rel=1e-5)
    assert tiny.column(row, "mutual_information")[0] == pytest.approx(np.log(6) - cross_entropy, abs=1e-5)
    assert tiny.column(row, "code_error")[0] == pytest.approx(error / 2, rel=1e-5)
    outputs, codes = generated(tiny, "generator_fake_0")
    cross_entropy, error = terms(outputs, codes)
    expected = softplus(-outputs[:, 0]).mean() + 2 * cross_entropy + 0.5 * error / 2
    assert tiny.column(row, "g_loss")[0] == pytest.approx(expected, rel=1e-5)


def test_the_codes_are_learned():
    tiny = build(config_of(optimizer=ADAM, train={"batch_size": 20}, code_loss={"continuous": 1.0}))
    rows = tiny.train(150)
    information, error = tiny.column(rows, "mutual_information"), tiny.column(rows, "code_error")
    assert information[-10:].mean() > max(0.3, information[:10].mean() + 0.3)
    assert error[-10:].mean() < error[:10].mean()


def test_codes_stand_behind_the_outputs_of_a_class_head():
    branches = {"class": with_proxies()[1:], "codes": [{"Dense": {"units": CODES}}]}
    discriminator = [{"Dense": {"units": 6}}, {"merge": "Concatenate", "branches": branches}]
    for class_loss, layers in (("contrastive", discriminator), ("cross_entropy", critic(1 + CLASSES + CODES))):
        more = {"discriminator": layers, "labels": "auxiliary", "class_loss": class_loss, "generator": EMBEDDED}
        tiny = build(config_of(**more), labels=LABELS)
        assert np.isfinite(tiny.train(2)).all()
        assert {"mutual_information", "code_error"} < set(tiny.objective.column_names)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            config_of(discriminator=critic(1)),
            "discriminator.layers[1].Dense: ends in the shape (1,), expected (8,): one",
        ),
        (config_of(discriminator=critic(1)), "expected (8,): one number an image, and 7 more for codes"),
        (
            config_of(labels="semi_supervised"),
            "expected (11,): 4 numbers an image, as labels: semi_supervised needs, and 7 more for codes",
        ),
    ],
)
def test_a_wrong_number_of_outputs_is_one_line(config, message):
    with pytest.raises(ConfigError) as caught:
        build_objective(config, build_models(config, Form((8,), CLASSES)), BACKEND.input_gradient)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_generator_takes_latents_and_codes():
    models = build_models(config_of(), Form((8,)))
    assert models.networks["generator"].input_shape == (3 + CODES,)
