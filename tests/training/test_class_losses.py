import math
from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops
from pydantic import ValidationError

from ganlab.training.class_losses import CLASS_LOSSES, class_accuracy
from tests.training.tiny import BACKEND, tiny_config

E = math.e
# Three embeddings in the plane, the proxy beside each. Their lengths do not matter.
IMAGES = [[3.0, 0.0, 0.0, 0.5], [1.0, 0.0, 2.0, 0.0], [0.0, 0.1, 1.0, 0.0]]


def value_of(name: str, outputs, labels, term: str = "real", **options) -> float:
    outputs, labels = ops.convert_to_tensor(outputs, "float32"), ops.convert_to_tensor(labels, "int32")
    return float(getattr(CLASS_LOSSES[name], term)(outputs, labels, SimpleNamespace(**options)))


def test_accuracy_is_the_share_of_largest_class_logits():
    logits = ops.convert_to_tensor([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]])
    assert float(class_accuracy(logits, ops.convert_to_tensor([1, 1, 1]))) == pytest.approx(2 / 3)


def test_cross_entropy_is_the_logarithm_of_the_probability_of_the_label():
    logits = [[math.log(3), 0.0, 0.0], [0.0, 0.0, 0.0]]
    assert value_of("cross_entropy", logits, [0, 2]) == pytest.approx((math.log(5 / 3) + math.log(3)) / 2)


# Two classes: logits of the classes of real images, then those of generated images. The label is 1.
HALVES = [[0.0, math.log(3), math.log(4), math.log(2)]]


@pytest.mark.parametrize(
    ("name", "term", "expected"),
    [
        ("twin", "real", math.log(4 / 3)),
        ("twin", "fake", math.log(6 / 2)),
        ("twin", "generator", math.log(4 / 3) - math.log(6 / 2)),
        ("discriminative", "real", math.log(10 / 3)),
        ("discriminative", "fake", math.log(10 / 2)),
        ("discriminative", "generator", math.log(10 / 3) - math.log(10 / 2)),
    ],
)
def test_terms_of_heads_that_have_logits_for_generated_images_as_well(name, term, expected):
    assert value_of(name, HALVES, [1], term) == pytest.approx(expected, rel=1e-5)
    assert float(CLASS_LOSSES[name].measure[1](ops.convert_to_tensor(HALVES), ops.convert_to_tensor([1]))) == 1.0


# The labels of the images, and what each of them adds.
CONTRASTIVE = [
    # Image 0 has its proxy at 0, image 1 at 1 and of its class, image 2 at 0 and of its class.
    ([0, 0, 0], [0.0, 0.0, 0.0]),
    # Images 0 and 1 are of one class, image 2 is alone.
    (
        [0, 0, 1],
        [math.log((1 + E + 1) / (1 + E)), math.log((E + E + 1) / (E + E)), math.log((1 + 1 + 1) / 1)],
    ),
    ([0, 1, 2], [math.log(2 + E), math.log((E + E + 1) / E), math.log(3)]),
]


@pytest.mark.parametrize(("labels", "expected"), CONTRASTIVE)
def test_contrastive_loss_of_three_images(labels, expected):
    assert value_of("contrastive", IMAGES, labels, temperature=1.0) == pytest.approx(np.mean(expected), abs=1e-6)


def test_the_temperature_divides_similarities():
    expected = [math.log(2 + E**2), math.log((E**2 + E**2 + 1) / E**2), math.log(3)]
    assert value_of("contrastive", IMAGES, [0, 1, 2], temperature=0.5) == pytest.approx(np.mean(expected), rel=1e-6)


def test_data_to_data_cross_entropy_of_three_images():
    # margin 3/4: image 0 is 3/4 from its proxy; image 1 of another class repels by 1 - 1/4, image 2 not at all
    half = math.exp(1.5)
    expected = [math.log((1 / half + half + 1) * half), math.log(1 + half), math.log((1 / half + 1) * half)]
    found = value_of("data_to_data", IMAGES, [0, 1, 1], temperature=0.5, margin=0.75)
    assert found == pytest.approx(np.mean(expected), rel=1e-6)


@pytest.mark.parametrize("name", ["contrastive", "data_to_data"])
def test_generators_deceive_the_embedding_of_generated_images(name):
    """Embedding and proxy of real images, then those of generated ones: for `discriminative` with one embedding for both."""
    embeddings, proxies = np.split(np.array(IMAGES), 2, axis=1)
    others, other_proxies = embeddings[::-1], proxies[[1, 2, 0]]
    labels, options = [0, 1, 1], {"temperature": 0.5, "margin": 0.75}
    of_real = value_of(name, IMAGES, labels, **options)
    cases = {
        "twin": ([embeddings, proxies, others, other_proxies], [others, other_proxies]),
        "discriminative": ([embeddings, proxies, other_proxies], [embeddings, other_proxies]),
    }
    for head, (outputs, of_generated) in cases.items():
        outputs = np.concatenate(outputs, axis=1)
        of_fake = value_of(name, np.concatenate(of_generated, axis=1), labels, **options)
        expected = {"real": of_real, "fake": of_fake, "generator": of_real - of_fake}
        found = {term: value_of(f"{head}_{name}", outputs, labels, term, **options) for term in expected}
        assert found == pytest.approx(expected, rel=1e-5) and abs(of_real - of_fake) > 0.1
        measure = CLASS_LOSSES[f"{head}_{name}"].measure[1]
        similarity = measure(ops.convert_to_tensor(outputs, "float32"), ops.convert_to_tensor(labels))
        assert float(similarity) == pytest.approx(1 / 3)


def test_pairs_beyond_the_margins_have_no_gradient():
    """Embeddings at their proxies, and 0.1 from being at right angles to the other class."""
    outputs = ops.convert_to_tensor([[1.0, 0.1, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]], "float32")
    loss = lambda x: CLASS_LOSSES["data_to_data"].real(  # noqa: E731
        x, ops.convert_to_tensor([0, 1]), SimpleNamespace(temperature=0.5, margin=0.5)
    )
    assert float(loss(outputs)) == pytest.approx(math.log(2))
    np.testing.assert_array_equal(ops.convert_to_numpy(BACKEND.input_gradient(loss, outputs)), np.zeros((2, 4)))


@pytest.mark.parametrize("name", ["contrastive", "data_to_data"])
def test_small_temperatures_and_embeddings_of_zeros_are_finite(name):
    outputs = ops.convert_to_tensor([[0.0] * 4, *IMAGES], "float32")
    options = SimpleNamespace(temperature=1e-3, margin=0.98)
    loss = lambda x: CLASS_LOSSES[name].real(x, ops.convert_to_tensor([0, 0, 1, 1]), options)  # noqa: E731
    assert np.isfinite(float(loss(outputs)))
    assert np.isfinite(ops.convert_to_numpy(BACKEND.input_gradient(loss, outputs))).all()


def test_the_similarity_to_the_proxies_is_a_mean_cosine():
    column, measure = CLASS_LOSSES["contrastive"].measure
    found = measure(ops.convert_to_tensor(IMAGES, "float32"), ops.convert_to_tensor([0, 1, 1]))
    assert column == "d_similarity_class" and float(found) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cross_entropy", {"fake_weight"}),
        ("twin", set()),
        ("discriminative", set()),
        ("contrastive", {"temperature"}),
        ("data_to_data", {"temperature", "margin"}),
        ("twin_contrastive", {"temperature"}),
        ("discriminative_data_to_data", {"temperature", "margin"}),
    ],
)
def test_a_config_may_have_these_options_of_a_class_loss(name, options):
    for option in ("fake_weight", "temperature", "margin"):
        if option in options:
            config = tiny_config(labels="auxiliary", class_loss={name: {option: 0.75}})
            assert getattr(config.class_loss, option) == 0.75
        else:
            with pytest.raises(ValidationError, match=f"the class loss {name} has no {option}"):
                tiny_config(labels="auxiliary", class_loss={name: {option: 0.75}})
