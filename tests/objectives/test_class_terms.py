from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

from ganlab.config.schema import Form
from ganlab.config.steps import Stretch
from ganlab.errors import ConfigError
from ganlab.models.building import Models
from ganlab.objectives.class_terms import ClassTerm
from ganlab.training.losses import Judged
from tests.training.tiny import tiny_config


def term_of(outputs: int = 4, inputs=("input", "labels"), labels="auxiliary", **config) -> ClassTerm:
    """For three classes and a discriminator of these inputs that ends in so many numbers."""
    network = SimpleNamespace(inputs=inputs, output_shape=(outputs,))
    models = Models({"discriminator": network}, {}, {}, Form((3,), 3), Stretch(None, 0, 9))
    return ClassTerm(tiny_config(labels=labels, **config), models)


@pytest.mark.parametrize("name", ["contrastive", "data_to_data"])
class TestProxies:
    @pytest.mark.parametrize(("outputs", "codes"), [(3, 0), (5, 0), (9, 0), (5, 2), (7, 4)])
    def test_need_a_logit_an_embedding_and_as_many_numbers_of_a_proxy(self, name, outputs, codes):
        term_of(outputs, class_loss=name, latent={"dim": 3, "continuous": codes})

    @pytest.mark.parametrize(("outputs", "codes"), [(1, 0), (2, 0), (4, 0), (3, 2), (6, 2)])
    def test_of_another_number_are_an_error(self, name, outputs, codes):
        with pytest.raises(ConfigError, match=rf"has {outputs - codes} numbers for an image, expected 1 \+ 2 n"):
            term_of(outputs, class_loss=name, latent={"dim": 3, "continuous": codes})

    @pytest.mark.parametrize(("head", "right", "wrong"), [("twin", (5, 9), (3, 7)), ("discriminative", (4, 7), (3, 5))])
    def test_of_generated_images_need_further_numbers(self, name, head, right, wrong):
        for outputs in right:
            term_of(outputs, class_loss=f"{head}_{name}")
        for outputs in wrong:
            with pytest.raises(ConfigError, match=rf"has {outputs} numbers for an image, expected 1 \+ [34] n"):
                term_of(outputs, class_loss=f"{head}_{name}")

    def test_are_made_of_labels(self, name):
        with pytest.raises(
            ConfigError, match=rf"class_loss\.{name}: needs a layer of the discriminator that takes labels"
        ):
            term_of(5, ("input",), class_loss=name)


def test_a_classifier_needs_no_labels_as_input():
    term_of(4, ("input",))


LOGITS = np.log(np.array([[1.0, 1.0, 2.0], [6.0, 1.0, 1.0]], np.float32))
CROSS_ENTROPY = -(np.log(2 / 4) + np.log(1 / 8)) / 2


@pytest.fixture
def judged():
    """Two images of the classes 2 and 1."""
    return Judged(None, None, ops.convert_to_tensor([2, 1]), {}, ops.convert_to_tensor(LOGITS), None)


def test_both_networks_learn_the_classes_of_generated_images_by_an_auxiliary_head(judged):
    term = term_of(class_loss={"cross_entropy": {"weight": 3.0, "fake_weight": 0.5}})
    real, logs = term.discriminator("real", judged)
    fake, no_logs = term.discriminator("fake", judged)
    values = [float(value) for value in (real, fake, term.generator(judged))]
    assert values == pytest.approx([3 * CROSS_ENTROPY, 1.5 * CROSS_ENTROPY, 3 * CROSS_ENTROPY], rel=1e-6)
    assert {name: float(value) for name, value in logs.items()} == {"d_accuracy_class": 0.5} and no_logs == {}


def test_generated_images_have_no_class_under_a_semi_supervised_head(judged):
    term = term_of(labels="semi_supervised")
    assert float(term.discriminator("real", judged)[0]) == pytest.approx(CROSS_ENTROPY, rel=1e-6)
    assert term.discriminator("fake", judged) == (None, {}) and term.generator(judged) is None
