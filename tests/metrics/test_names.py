"""The table of metrics: the facts of its rows, and the values of those that no other test computes."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from ganlab.data import Split
from ganlab.errors import ConfigError
from ganlab.metrics.evaluation import evaluate_all
from ganlab.metrics.extraction import Sample
from ganlab.metrics.names import (
    METRICS,
    NAMES,
    better,
    measure_frechet_by_class,
    measure_inception,
    measure_label_accuracy,
    measure_neighbours,
)
from ganlab.metrics.protocols import resolve
from ganlab.pictures.images import from_uint8


def test_importing_the_table_loads_no_package():
    packages = {"numpy", "scipy", "keras", "tensorflow", "pandas", "matplotlib"}
    code = f"import sys, ganlab.metrics.names; print({packages} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("name", NAMES)
def test_the_letters_of_a_name_give_the_direction_of_its_row(name):
    assert better(name) == better(f"{name}.part") == NAMES[name].better


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("fid", "lower"),  # of a published table
        ("fid20k_other", "lower"),
        ("kid50k", "lower"),
        ("is10k", "higher"),
        ("accuracy", "higher"),
        ("", "higher"),
    ],
)
def test_names_that_no_row_knows_have_a_direction_as_well(name, direction):
    assert name not in NAMES
    assert better(name) == direction


def test_these_rows_need_labels():
    assert {metric.name for metric in METRICS if metric.needs_labels} == {
        *(f"acc{count}k_classifier" for count in (1, 5, 10, 50)),
        *(f"cfd{count}k_classifier" for count in (5, 10, 50)),
    }


def test_only_the_accuracy_of_a_discriminator_needs_no_generated_images():
    assert {metric.name for metric in METRICS if metric.count == 0} == {"accuracy_discriminator_test"}


def test_a_row_knows_the_names_of_its_values():
    several = {metric.measure for metric in METRICS if metric.suffixes != ("",)}
    assert several == {measure_neighbours}
    sample = Sample(np.random.default_rng(0).standard_normal((20, 3)))
    metric = NAMES["pr1k_classifier_test"]
    values, _ = metric.measure(metric.settings, sample, sample)
    assert [metric.name + suffix for suffix in values] == metric.value_names


def test_a_name_belongs_to_one_row():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.name == name for name, metric in NAMES.items())


def test_distances_and_neighbours_can_be_compared_with_the_test_split():
    assert {name for name in NAMES if name.endswith("_test")} == {
        f"{metric.name}_test" for metric in METRICS if metric.kind in ("fd", "fd_whole", "kd", "pr", "cfd")
    } | {"accuracy_discriminator_test"}


@pytest.fixture
def halved(digits):
    """Digits with a test split: 1,100 to train on and 697 to test with."""
    images, labels = digits.train.images, digits.train.labels
    train, test = Split(images[:1100], labels[:1100]), Split(images[1100:], labels[1100:])
    return dataclasses.replace(digits, train=train, test=test, fingerprint="first 1,100 digits")


def evaluate(name, images, dataset):
    """The value for a generator that hands out these images."""
    (value,) = evaluate_all(resolve([name], dataset), lambda n: from_uint8(images[:n], "tanh"), dataset, "tanh")
    return value


def test_small_data_have_a_kernel_distance(digits, cache):
    value = evaluate("kd500_random", 255 - digits.train.images, digits)
    assert value.value > 10 * abs(value.floor)
    assert (value.floor_n, value.recipe["generated"], value.recipe["real"]["count"]) == (500, 500, 500)


def test_a_name_ending_in_test_compares_with_the_test_split(halved, digits, cache):
    seen, unseen = (
        evaluate("fd500_random_test", images, halved) for images in (halved.train.images, halved.test.images)
    )
    assert unseen.value < seen.value
    assert unseen.recipe["real"]["split"] == "test" and unseen.floor_n == 348
    with pytest.raises(ConfigError, match="fd500_random_test needs 500 real images, the test set of digits has 0"):
        resolve(["fd500_random_test"], digits)


class TestCopies:
    @pytest.fixture
    def evaluate_copies(self, halved, cache, monkeypatch):
        metric = dataclasses.replace(NAMES["copies1k_classifier"], name="copies300_classifier", count=300)
        monkeypatch.setitem(NAMES, "copies300_classifier", metric)
        return lambda images: evaluate("copies300_classifier", images, halved)

    def test_unseen_real_images_have_a_share_near_the_quantile(self, evaluate_copies, halved):
        unseen = evaluate_copies(halved.test.images[-300:])
        assert unseen.value < 0.05 and unseen.floor < 0.05
        assert unseen.details.keys() == {"threshold"} and unseen.details["threshold"] > 0
        assert [part["split"] for part in unseen.recipe["real"]] == ["train", "test"]

    def test_training_images_are_all_copies(self, evaluate_copies, halved):
        assert evaluate_copies(halved.train.images).value == 1

    def test_half_copies_are_half(self, evaluate_copies, halved):
        images = halved.test.images[-300:].copy()
        images[::2] = halved.train.images[:150]
        assert 0.5 <= evaluate_copies(images).value < 0.55

    def test_data_without_a_test_split_have_none(self, digits):
        with pytest.raises(
            ConfigError, match="copies1k_classifier needs 1,000 real images, the test set of digits has 0"
        ):
            resolve(["copies1k_classifier"], digits)


class TestInceptionScore:
    CERTAIN = Sample(np.zeros((4, 2)), np.eye(4), None)

    def test_details_have_the_deviation_over_the_splits_of_the_protocol(self):
        values, details = measure_inception({"splits": 1}, self.CERTAIN)
        assert values == {"": pytest.approx(4)} and details == {"sd": 0, "splits": 1}

    def test_other_splits_go_into_the_details_alone(self):
        values, details = measure_inception({"splits": 1}, self.CERTAIN, also=(2, 4))
        assert values == {"": pytest.approx(4)}
        assert details["by_splits"] == {
            "2": {"mean": pytest.approx(2), "sd": 0},
            "4": {"mean": pytest.approx(1), "sd": 0},
        }


class TestLabels:
    def test_label_accuracy_is_the_share_of_images_whose_most_probable_class_is_their_label(self):
        probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.2, 0.8]])
        sample = Sample(np.zeros((4, 2)), probabilities, np.array([0, 1, 1, 1]))
        values, details = measure_label_accuracy({}, sample)
        assert values == {"": 0.75} and details == {"classes": {"0": 1.0, "1": pytest.approx(2 / 3)}}

    def test_the_frechet_distance_by_class_is_the_mean_over_classes(self):
        features = np.random.default_rng(0).standard_normal((200, 3))
        labels = np.repeat([0, 1], 100)
        real = Sample(features, None, labels)
        shifts = np.where(labels == 0, 1.0, 3.0)[:, None] * [1.0, 0.0, 0.0]
        values, details = measure_frechet_by_class({}, Sample(features + shifts, None, labels), real)
        # Of two equal distributions that are shifted by s the distance is s squared.
        assert details["classes"] == {"0": pytest.approx(1.0), "1": pytest.approx(9.0)}
        assert values[""] == pytest.approx(5.0)
        swapped = Sample(features, None, 1 - labels)  # all images are right, and all classes wrong
        assert measure_frechet_by_class({}, swapped, real)[0][""] > 0.01
