"""The table of metrics: what its rows say, and that the metrics that come next are rows and at most a function."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from ganlab.data import Split
from ganlab.errors import ConfigError, GanlabError
from ganlab.metrics.distances import frechet_distance_from_features
from ganlab.metrics.evaluation import evaluate_all
from ganlab.metrics.names import METRICS, NAMES, Metric, Real, better, measure_frechet, measure_kernel
from ganlab.metrics.protocols import resolve
from ganlab.pictures.images import from_uint8


def test_importing_the_table_loads_no_package():
    packages = {"numpy", "scipy", "keras", "tensorflow", "pandas", "matplotlib"}
    code = f"import sys, ganlab.metrics.names; print({packages} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


@pytest.mark.parametrize("name", NAMES)
def test_the_letters_of_a_name_give_the_direction_of_its_row(name):
    assert better(name) == better(f"{name}.part") == NAMES[name][0].better


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


def test_a_name_belongs_to_one_row():
    assert len(NAMES) == sum(len(metric.counts) for metric in METRICS)


# The metrics of the next version, as rows.


@pytest.fixture
def add(monkeypatch):
    """Adds a row to the table for one test."""

    def add(*row, **more) -> Metric:
        metric = Metric(*row, **more)
        for count in metric.counts:
            monkeypatch.setitem(NAMES, metric.name(count), (metric, count))
        return metric

    return add


@pytest.fixture
def halved(digits):
    """Digits with a test split: 1,100 to train on and 697 to test with."""
    images, labels = digits.train.images, digits.train.labels
    train, test = Split(images[:1100], labels[:1100]), Split(images[1100:], labels[1100:])
    return dataclasses.replace(digits, train=train, test=test, fingerprint="first 1,100 digits")


def evaluate(name, generated, dataset):
    """Values by name for a generator that hands out these images, or images and labels."""

    def generate(count):
        if isinstance(generated, tuple):
            return from_uint8(generated[0][:count], "tanh"), generated[1][:count]
        return from_uint8(generated[:count], "tanh")

    return {value.name: value for value in evaluate_all(resolve([name], dataset), generate, dataset, "tanh")}


def test_smaller_counts_are_a_row(add, digits, cache):
    add("kd{}_random", (200, 500), "random", "kd", measure_kernel, "lower", {"kernel": "cubic"}, (Real("sample"),))
    value = evaluate("kd500_random", 255 - digits.train.images, digits)["kd500_random"]
    assert value.value > 10 * abs(value.floor)
    assert (value.floor_n, value.recipe["generated"], value.recipe["real"]["count"]) == (500, 500, 500)


def test_sixty_thousand_are_a_count():
    assert dataclasses.replace(NAMES["is5k_classifier"][0], counts=(60_000,)).name(60_000) == "is60k_classifier"


def test_comparing_with_the_test_split_is_a_row(add, halved, digits, cache):
    settings, part = {"covariance_ddof": 1}, Real("sample", "test")
    add("fd{}_random_test", (500,), "random", "fd", measure_frechet, "lower", settings, (part,))
    values = [
        evaluate("fd500_random_test", images, halved)["fd500_random_test"]
        for images in (halved.test.images, halved.train.images)
    ]
    assert values[0].value < values[1].value
    assert values[0].recipe["real"]["split"] == "test" and values[0].floor_n == 348
    with pytest.raises(ConfigError, match="needs 500 real images, the test set of digits has 0"):
        resolve(["fd500_random_test"], digits)


def measure_copies(settings, fake, train, unseen):
    """The share of images nearer to some training image than all but a few unseen real ones are."""

    def distances(sample):
        return np.array([np.linalg.norm(train.features - each, axis=1).min() for each in sample.features])

    return {"": float(np.mean(distances(fake) < np.quantile(distances(unseen), settings["share"])))}, {}


def test_the_share_of_copies_is_a_row_and_a_function(add, halved, cache):
    parts = Real("all"), Real("sample", "test")
    add("copies{}_random", (300,), "random", "copies", measure_copies, "lower", {"share": 0.01}, parts)
    copied = evaluate("copies300_random", halved.train.images, halved)["copies300_random"]
    unseen = evaluate("copies300_random", halved.test.images[-300:], halved)["copies300_random"]
    assert copied.value == 1
    assert unseen.value < 0.1 and copied.floor < 0.1
    assert copied.recipe["real"] == [part.recipe(300) for part in parts]


def measure_accuracy(settings, fake):
    return {"": float(np.mean(fake.probabilities.argmax(axis=1) == fake.labels))}, {}


def test_the_accuracy_of_labels_is_a_row_and_a_function(add, digits, cache):
    add("labels{}_classifier", (500,), "classifier", "labels", measure_accuracy, "higher", {}, (), labels=True)
    images, labels = digits.train.images, digits.train.labels
    right, wrong = (
        evaluate("labels500_classifier", (images, given), digits)["labels500_classifier"]
        for given in (labels, (labels + 1) % 10)
    )
    assert right.value > 0.95 and right.floor > 0.95 and wrong.value < 0.05
    with pytest.raises(GanlabError, match="labels500_classifier: expected generated images with labels"):
        evaluate("labels500_classifier", images, digits)


def measure_frechet_of_classes(settings, fake, real):
    classes = np.unique(real.labels)
    pairs = ((real.features[real.labels == each], fake.features[fake.labels == each]) for each in classes)
    return {f".{each}": frechet_distance_from_features(*pair) for each, pair in zip(classes, pairs, strict=True)}, {}


def test_the_distance_of_each_class_is_a_row_and_a_function(add, digits, cache):
    part, measure = Real("sample"), measure_frechet_of_classes
    add("fdc{}_classifier", (800,), "classifier", "fdc", measure, "lower", {}, (part,), labels=True)
    images, labels = digits.train.images, digits.train.labels
    swapped = np.choose(labels, [0, 1, 2, 5, 4, 3, 6, 7, 8, 9])  # the generator confuses 3 and 5
    values = evaluate("fdc800_classifier", (images, swapped), digits)
    assert list(values) == [f"fdc800_classifier.{each}" for each in range(10)]
    wrong = {name for name, value in values.items() if value.value > 20 * value.floor}
    assert wrong == {"fdc800_classifier.3", "fdc800_classifier.5"}
