"""Discriminators that say classes: auxiliary (ACGAN, ContraGAN, ReACGAN) and semi-supervised (K + 1 outputs)."""

import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.errors import ConfigError
from ganlab.metrics.discriminator import class_logits
from ganlab.models.building import build_models
from ganlab.objectives import build_objective
from ganlab.training.class_heads import HEADS
from ganlab.training.class_losses import CLASS_LOSSES, class_cross_entropy
from ganlab.training.draws import Draws
from ganlab.training.losses import LOSSES, Judged
from tests.training.tiny import ADAM, BACKEND, IMAGES, build, tiny_config

CLASSES = 3
LABELS = (np.arange(len(IMAGES)) % CLASSES).astype(np.int32)
STILL = {"SGD": {"learning_rate": 0.0}}
EMBEDDED = [
    {"merge": "Concatenate", "branches": {"latents": [], "labels": ["Labels", {"Dense": {"units": 2}}]}},
    {"Dense": {"units": 8, "activation": "tanh"}},
]


def critic(units: int = CLASSES + 1) -> list:
    return [{"Dense": {"units": 6, "activation": "tanh"}}, {"Dense": {"units": units}}]


def config_of(labels: str, units: int = CLASSES + 1, optimizer: dict = STILL, **more):
    generator = EMBEDDED if labels == "auxiliary" else None
    networks = {"discriminator": critic(units), **({"generator": generator} if generator else {})}
    return tiny_config(**networks, optimizer=optimizer, labels=labels, **more)


def numbers(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def parts(outputs: list, label: int | None = None) -> tuple[float, float]:
    """(part of the discriminator's loss on an image, class term) of K + 1 logits."""
    logit, classes = HEADS["semi_supervised"].split(ops.convert_to_tensor([outputs], dtype="float32"))
    side, target = ("fake", 0.0) if label is None else ("real", 1.0)
    value = getattr(LOSSES["non_saturating"], side)(Judged(logit, target))
    term = 0.0 if label is None else class_cross_entropy(classes, ops.convert_to_tensor([label]))
    return float(numbers(value)), float(numbers(term))


@pytest.mark.parametrize(
    ("real", "label", "fake", "expected"),
    [
        # Winkler 2018, section 4.2: two classes and "generated", and both sides wrong by 10.
        ([0.0, 0.0, 10.0], 1, [0.0, 10.0, 0.0], 20.0002),
        ([0.0, 10.0, 0.0], 1, [0.0, 0.0, 10.0], 1.8e-4),
        ([0.0, 0.0, 0.0], 0, [0.0, 0.0, 0.0], 2 * np.log(3.0)),
    ],
)
def test_k_plus_one_outputs_give_the_cross_entropy_of_one_softmax(real, label, fake, expected):
    assert sum(parts(real, label)) + parts(fake)[0] == pytest.approx(expected, abs=1e-3)


def test_large_logits_neither_overflow_nor_lose_the_class():
    value, term = parts([1000.0, 0.0, -1000.0], 1)
    assert (value, term) == (0.0, 1000.0)


def outputs_of(tiny, network: str, inputs) -> np.ndarray:
    return numbers(tiny.models.networks[network](inputs, training=True)).astype(np.float64)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    return (np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]).mean()


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def with_proxies(size: int = 2, embedding: int = 2) -> list:
    """A discriminator that ends in a logit, an embedding and the proxy of the class."""
    branches = {
        "realness": [{"Dense": {"units": 1}}],
        "embedding": [{"Dense": {"units": embedding}}],
        "proxy": ["Labels", {"Dense": {"units": size, "use_bias": False}}],
    }
    return [{"Dense": {"units": 6, "activation": "tanh"}}, {"merge": "Concatenate", "branches": branches}]


def contrasting(class_loss, discriminator: list | None = None, generator: list = EMBEDDED, **more):
    return tiny_config(
        generator=generator,
        discriminator=discriminator or with_proxies(),
        labels="auxiliary",
        class_loss=class_loss,
        optimizer=STILL,
        **more,
    )


def judged_batches(tiny, *names: str) -> list[tuple]:
    """The discriminator's outputs for batches of step 0, real or generated, and the labels of each."""
    taken = {name: value[0] for name, value in tiny.draws.take(0, 1).items()}
    found = []
    for name in names:
        if name.startswith("real"):
            labels, images = LABELS[taken[name]], (IMAGES[taken[name]] / 127.5 - 1).astype(np.float32)
        else:
            labels = taken[f"classes_{name}"]
            latents = {"input": taken[f"latents_{name}"], "labels": np.eye(CLASSES, dtype=np.float32)[labels]}
            images = tiny.models.networks["generator"](latents, training=True)
        network = tiny.models.networks["discriminator"]
        taking = {"input": images, "labels": np.eye(CLASSES, dtype=np.float32)[labels]}
        found.append((numbers(network(taking, training=True)), labels))
    return found


@pytest.mark.parametrize("name", ["contrastive", "data_to_data"])
def test_a_contrastive_loss_is_of_real_images_for_one_network_and_of_generated_ones_for_the_other(name):
    tiny = build(contrasting({name: {"temperature": 0.5, "weight": 2.0}}), labels=LABELS)
    row = tiny.train(1)
    (of_real, labels), (of_fake, _), (of_generator, drawn) = judged_batches(
        tiny, "real_0", "fake_0", "generator_fake_0"
    )

    def term(outputs, labels):
        return 2.0 * float(CLASS_LOSSES[name].real(outputs[:, 1:], labels, tiny.config.class_loss))

    expected = softplus(-of_real[:, 0]).mean() + softplus(of_fake[:, 0]).mean() + term(of_real, labels)
    assert tiny.column(row, "d_loss")[0] == pytest.approx(expected, rel=1e-5)
    expected = softplus(-of_generator[:, 0]).mean() + term(of_generator, drawn)
    assert tiny.column(row, "g_loss")[0] == pytest.approx(expected, rel=1e-5)
    _, measure = CLASS_LOSSES[name].measure
    expected = float(measure(of_real[:, 1:], labels))
    assert tiny.column(row, "d_similarity_class")[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["twin", "discriminative"])
def test_a_loss_with_logits_for_generated_images_has_three_different_terms(name):
    tiny = build(contrasting(name, critic(1 + 2 * CLASSES)), labels=LABELS)
    row = tiny.train(1)
    (of_real, labels), (of_fake, drawn), (of_generator, again) = judged_batches(
        tiny, "real_0", "fake_0", "generator_fake_0"
    )
    whole, first, second = slice(1, None), slice(1, 1 + CLASSES), slice(1 + CLASSES, None)
    if name == "twin":
        of_d = cross_entropy(of_real[:, first], labels) + cross_entropy(of_fake[:, second], drawn)
        of_g = cross_entropy(of_generator[:, first], again) - cross_entropy(of_generator[:, second], again)
    else:
        of_d = cross_entropy(of_real[:, whole], labels) + cross_entropy(of_fake[:, whole], drawn + CLASSES)
        of_g = cross_entropy(of_generator[:, whole], again) - cross_entropy(of_generator[:, whole], again + CLASSES)
    expected = softplus(-of_real[:, 0]).mean() + softplus(of_fake[:, 0]).mean() + of_d
    assert tiny.column(row, "d_loss")[0] == pytest.approx(expected, rel=1e-5)
    assert tiny.column(row, "g_loss")[0] == pytest.approx(softplus(-of_generator[:, 0]).mean() + of_g, rel=1e-5)
    right = (of_real[:, first].argmax(axis=1) == labels).mean()
    assert tiny.column(row, "d_accuracy_class")[0] == pytest.approx(right)


@pytest.mark.parametrize(("class_loss", "units"), [("cross_entropy", CLASSES), ("twin", 2 * CLASSES)])
def test_a_discriminator_with_codes_classifies_by_the_logits_of_real_images(class_loss, units):
    latent = {"dim": 3, "continuous": 2}
    config = contrasting(class_loss, critic(1 + units + 2), latent=latent)
    network = build(config, labels=LABELS).models.networks["discriminator"]
    outputs = numbers(network((IMAGES / 127.5 - 1).astype(np.float32)))
    np.testing.assert_allclose(class_logits(network, config, 0, IMAGES), outputs[:, 1 : 1 + CLASSES], atol=1e-5)


@pytest.mark.parametrize(("fake_weight", "counted"), [(0.0, 0.0), (0.5, 0.5)])
def test_the_term_of_generated_images_can_weigh_less_or_be_left_out(fake_weight, counted):
    options = {"cross_entropy": {"fake_weight": fake_weight, "weight": 3.0}}
    tiny = build(config_of("auxiliary", class_loss=options), labels=LABELS)
    row = tiny.train(1)
    (of_real, labels), (of_fake, drawn) = judged_batches(tiny, "real_0", "fake_0")
    expected = softplus(-of_real[:, 0]).mean() + softplus(of_fake[:, 0]).mean()
    expected += 3.0 * (cross_entropy(of_real[:, 1:], labels) + counted * cross_entropy(of_fake[:, 1:], drawn))
    assert tiny.column(row, "d_loss")[0] == pytest.approx(expected, rel=1e-5)


def test_auxiliary_losses_are_those_of_odena():
    tiny = build(config_of("auxiliary"), labels=LABELS)
    taken = {name: value[0] for name, value in tiny.draws.take(0, 1).items()}
    row = tiny.train(1)
    rows, drawn = taken["real_0"], taken["classes_fake_0"]
    of_real = outputs_of(tiny, "discriminator", (IMAGES[rows] / 127.5 - 1).astype(np.float32))
    generated = tiny.models.networks["generator"](
        {"input": taken["latents_fake_0"], "labels": np.eye(CLASSES, dtype=np.float32)[drawn]}, training=True
    )
    of_fake = outputs_of(tiny, "discriminator", generated)
    expected = softplus(-of_real[:, 0]).mean() + softplus(of_fake[:, 0]).mean()
    expected += cross_entropy(of_real[:, 1:], LABELS[rows]) + cross_entropy(of_fake[:, 1:], drawn)
    assert tiny.column(row, "d_loss")[0] == pytest.approx(expected, rel=1e-5)
    right = (of_real[:, 1:].argmax(axis=1) == LABELS[rows]).mean()
    assert tiny.column(row, "d_accuracy_class")[0] == pytest.approx(right)
    latents, drawn = taken["latents_generator_fake_0"], taken["classes_generator_fake_0"]
    generated = tiny.models.networks["generator"](
        {"input": latents, "labels": np.eye(CLASSES, dtype=np.float32)[drawn]}, training=True
    )
    of_fake = outputs_of(tiny, "discriminator", generated)
    expected = softplus(-of_fake[:, 0]).mean() + cross_entropy(of_fake[:, 1:], drawn)
    assert tiny.column(row, "g_loss")[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("batches", ["alternate", "joint"])
def test_other_batches_give_the_same_losses(batches):
    values = []
    for way in ("separate", batches):
        tiny = build(config_of("auxiliary", train={"discriminator_batches": way}), labels=LABELS)
        row = tiny.train(1)
        values.append([tiny.column(row, name)[0] for name in ("d_loss", "g_loss", "d_accuracy_class")])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-5)


def semi_supervised(labels: np.ndarray, labelled: np.ndarray | None, **more):
    """A tiny GAN that reads the labels of some rows."""
    config = config_of("semi_supervised", data={"name": "digits", "labelled": None if labelled is None else 6}, **more)
    models = build_models(config, Form((8,), CLASSES))
    objective = build_objective(config, models, BACKEND.input_gradient)
    sources = {} if labelled is None else {"labelled": labelled}
    draws = Draws(objective.draws, config.seed, len(IMAGES), sources)
    steps = BACKEND.Steps(objective, {"images": IMAGES, "labels": labels}, (-1.0, 1.0), BACKEND.JIT[0])
    return models, objective, draws, steps


def test_with_all_labels_the_loss_is_the_cross_entropy_of_k_plus_one_classes():
    models, objective, draws, steps = semi_supervised(LABELS, None)
    taken = {name: value[0] for name, value in draws.take(0, 1).items()}
    row = dict(zip(objective.column_names, steps.run(draws.take(0, 1), 0, 8)[0], strict=True))
    real = (IMAGES[taken["real_0"]] / 127.5 - 1).astype(np.float32)
    fake = models.networks["generator"](taken["latents_fake_0"], training=True)
    of_real, of_fake = (
        numbers(models.networks["discriminator"](images, training=True)).astype(np.float64) for images in (real, fake)
    )
    expected = cross_entropy(of_real, LABELS[taken["real_0"]]) + cross_entropy(of_fake, np.full(4, CLASSES))
    assert row["d_loss"] == pytest.approx(expected, rel=1e-5)


def test_labels_of_the_unlabelled_part_are_never_read():
    labelled = np.arange(6)
    poisoned = LABELS.copy()
    poisoned[6:] = (poisoned[6:] + 1) % CLASSES
    rows = []
    for labels in (LABELS, poisoned):
        *_, draws, steps = semi_supervised(labels, labelled, optimizer=ADAM)
        rows.append(steps.run(draws.take(0, 4), 0, 8))
    np.testing.assert_array_equal(*rows)


def test_labelled_images_come_from_the_labelled_part_and_all_images_are_real_ones():
    *_, objective, draws, _ = semi_supervised(LABELS, np.arange(6))
    taken = draws.take(0, 50)
    assert set(taken["labelled_0"].ravel()) == set(range(6)) and set(taken["real_0"].ravel()) == set(range(20))
    assert "d_accuracy_class" in objective.column_names


@pytest.mark.parametrize(
    ("config", "form", "message"),
    [
        (config_of("auxiliary", 1), Form((8,), CLASSES), "4 numbers an image, as labels: auxiliary needs"),
        (config_of("semi_supervised", 5), Form((8,), CLASSES), "4 numbers an image, as labels: semi_supervised needs"),
        (config_of("semi_supervised"), Form((8,)), "labels: semi_supervised reads labels, and digits has none"),
        (tiny_config(labels="conditional"), Form((8,), CLASSES), "'conditional' needs a layer that takes labels"),
        (tiny_config(labels="conditional"), Form((8,)), "labels: conditional reads labels, and digits has none"),
        (tiny_config(labels="balanced"), Form((8,), CLASSES), "'balanced' needs a layer of the generator that takes"),
        (tiny_config(generator=EMBEDDED, labels="semi_supervised"), Form((8,), CLASSES), "labels"),
        (contrasting("twin", critic()), Form((8,), CLASSES), "7 numbers an image, as class_loss: twin needs"),
        (contrasting("contrastive"), Form((8,)), "labels: auxiliary reads labels, and digits has none"),
        (
            contrasting("contrastive", critic()),
            Form((8,), CLASSES),
            "class_loss.contrastive: needs a layer of the discriminator that takes labels: the proxies",
        ),
        (
            contrasting("data_to_data", with_proxies(size=3)),
            Form((8,), CLASSES),
            "discriminator.layers[1].merge.Concatenate: has 6 numbers for an image, expected 1 + 2 n: a logit, then embeddings",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(config, form, message):
    with pytest.raises(ConfigError) as caught:
        build_objective(config, build_models(config, form), BACKEND.input_gradient)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "labelled", "arrays"),
    [
        ("auxiliary", None, ("images", "labels")),
        ("semi_supervised", None, ("images", "labels")),
        ("semi_supervised", 6, ("images",)),  # the labelled part has a batch of its own
        ("none", None, ("images",)),
    ],
)
def test_real_batches_have_labels_where_a_network_or_a_loss_reads_them(labels, labelled, arrays):
    config = config_of(labels, 1 if labels == "none" else CLASSES + 1, data={"name": "digits", "labelled": labelled})
    draws = build_objective(config, build_models(config, Form((8,), CLASSES)), BACKEND.input_gradient).draws
    assert draws["real_0"].arrays == arrays
    assert ("labelled_0" in draws) is (labelled is not None)
