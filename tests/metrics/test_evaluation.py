"""Evaluation of generators whose scores are known because they hand out real images."""

import dataclasses

import numpy as np
import pytest

from ganlab.data import Split, fingerprint_of
from ganlab.errors import GanlabError
from ganlab.metrics.classifier import load_classifier
from ganlab.metrics.evaluation import DISTANCES, _load_floors, compute_real_statistics, evaluate_all
from ganlab.metrics.names import METRICS, Real
from ganlab.metrics.protocols import resolve
from ganlab.metrics.random_network import load_random_network
from ganlab.metrics.statistics import load_statistics, select_real
from ganlab.pictures.images import from_uint8
from ganlab.storage.weights import hash_of_arrays

ALL = ["fd1k_classifier", "is1k_classifier", "pr1k_classifier", "fd1k_random"]


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def values_of(names, generate, dataset, value_range="tanh"):
    values = evaluate_all(resolve(names, dataset), generate, dataset, value_range)
    return {value.name: value for value in values}


def generator_of(images, value_range="tanh"):
    return lambda count: from_uint8(images[:count], value_range)


def real_sample(digits):
    return digits.train.images[select_real(digits, 1000)]


@pytest.mark.parametrize("value_range", ["tanh", "sigmoid"])
def test_a_generator_of_the_real_sample_is_perfect_in_either_range(digits, module_cache, value_range):
    values = values_of(ALL, generator_of(real_sample(digits), value_range), digits, value_range)
    assert values["fd1k_classifier"].value == pytest.approx(0, abs=1e-4)
    assert values["fd1k_random"].value == pytest.approx(0, abs=1e-4)
    assert values["is1k_classifier"].value == values["is1k_classifier"].floor
    for part in ("precision", "recall", "coverage"):
        assert values[f"pr1k_classifier.{part}"].value == 1


def test_values_carry_their_whole_protocol(digits, module_cache):
    values = values_of(ALL, generator_of(real_sample(digits)), digits)
    assert list(values) == [
        "fd1k_classifier",
        "is1k_classifier",
        "pr1k_classifier.precision",
        "pr1k_classifier.recall",
        "pr1k_classifier.density",
        "pr1k_classifier.coverage",
        "fd1k_random",
    ]
    protocols = {protocol.name: protocol for protocol in resolve(ALL, digits)}
    for name, value in values.items():
        protocol = protocols[name.partition(".")[0]]
        assert (value.fingerprint, value.recipe) == (protocol.fingerprint, protocol.recipe)
        assert len(value.weight_hash) == 64
        assert {"ganlab", "keras", "numpy", "backend"} <= set(value.versions)
        # 1,797 digits hold two disjoint samples of 898; the Inception Score needs only one.
        assert value.floor_n == (1000 if name == "is1k_classifier" else 898)
    assert values["is1k_classifier"].details["splits"] == 10
    assert values["fd1k_classifier"].weight_hash != values["fd1k_random"].weight_hash
    assert values["fd1k_classifier"].real_hash != values["fd1k_random"].real_hash
    sample = load_statistics(digits, load_random_network((8, 8, 1)), Real("sample"), 1000).real
    assert values["fd1k_random"].real_hash == hash_of_arrays([sample.features])
    assert {value.real_data for value in values.values()} == {digits.fingerprint}


def test_floors_are_those_of_real_images(digits, module_cache):
    values = values_of(ALL, generator_of(real_sample(digits)), digits)
    assert 9 < values["is1k_classifier"].floor <= 10
    assert values["fd1k_classifier"].floor > 0
    assert 0.6 < values["pr1k_classifier.recall"].floor < 1


def test_noise_is_far_above_the_floor(digits, module_cache):
    noise = np.random.default_rng(0).uniform(-1, 1, (1000, 8, 8, 1)).astype(np.float32)
    values = values_of(ALL, lambda count: noise[:count], digits)
    for name in ("fd1k_classifier", "fd1k_random"):
        assert values[name].value > 10 * values[name].floor
    assert values["pr1k_classifier.recall"].value < 0.2


def test_more_noise_is_a_greater_distance(digits, module_cache):
    real, generator = from_uint8(real_sample(digits), "tanh"), np.random.default_rng(1)
    noise = generator.normal(size=real.shape).astype(np.float32)
    distances = []
    for strength in (0.1, 0.3, 0.9):
        noisy = np.clip(real + strength * noise, -1, 1)
        values = values_of(["fd1k_random", "fd1k_classifier"], lambda count, noisy=noisy: noisy[:count], digits)
        distances.append([value.value for value in values.values()])
    assert (np.diff(distances, axis=0) > 0).all()


def test_collapse_onto_one_digit_has_inception_score_one_and_no_recall(digits, module_cache):
    one = np.repeat(real_sample(digits)[:1], 1000, axis=0)
    values = values_of(ALL, generator_of(one), digits)
    assert values["is1k_classifier"].value == pytest.approx(1, abs=1e-3)
    assert values["pr1k_classifier.precision"].value == 1
    assert values["pr1k_classifier.recall"].value < 0.01
    assert values["fd1k_classifier"].value > 10 * values["fd1k_classifier"].floor


def test_images_are_generated_once_for_the_largest_protocol(many_digits, module_cache):
    counts = []

    def generate(count):
        counts.append(count)
        return from_uint8(many_digits.train.images[:count], "tanh")

    values = values_of(["fd1k_random", "fd5k_random"], generate, many_digits)
    assert counts == [5000]
    for name, value in values.items():
        assert value.value == pytest.approx(values_of([name], generate, many_digits)[name].value, rel=1e-6)


def test_without_protocols_nothing_is_generated(digits):
    assert evaluate_all([], lambda count: pytest.fail("generated"), digits, "tanh") == []


def test_an_accuracy_of_the_discriminator_is_that_of_the_test_split_and_needs_no_images(digits):
    test = Split(digits.train.images[:100], digits.train.labels[:100])
    dataset = dataclasses.replace(digits, test=test)
    metrics = resolve(["accuracy_discriminator_test"], dataset)
    answers = np.where(np.arange(100) < 25, (test.labels + 1) % 10, test.labels)
    (value,) = evaluate_all(metrics, None, dataset, "tanh", classify=lambda images: np.eye(10)[answers])
    assert (value.name, value.value, value.floor, value.floor_n) == (metrics[0].name, 0.75, None, None)
    assert value.real_hash == value.real_data == fingerprint_of(test.images)
    with pytest.raises(GanlabError, match=f"^metrics: {metrics[0].name} needs a discriminator that takes no labels"):
        evaluate_all(metrics, None, dataset, "tanh")


def test_metrics_of_labels_need_labels_of_the_generated_images(digits, module_cache):
    metrics, images = resolve(["acc1k_classifier"], digits), digits.train.images
    with pytest.raises(GanlabError, match=r"^metrics: acc1k_classifier needs a generator that takes labels$"):
        evaluate_all(metrics, generator_of(images), digits, "tanh")
    right, wrong = (
        evaluate_all(metrics, generator_of(images), digits, "tanh", lambda count, labels=labels: labels[:count])[0]
        for labels in (digits.train.labels, (digits.train.labels + 1) % 10)
    )
    assert right.value > 0.9 and wrong.value < 0.1


def test_the_floor_uses_as_many_images_as_the_metric_where_they_fit_twice(many_digits, module_cache):
    values = values_of(["fd1k_random"], generator_of(many_digits.train.images), many_digits)
    assert values["fd1k_random"].floor_n == 1000


@pytest.mark.parametrize(
    ("generate", "message"),
    [
        (lambda count: np.zeros((count, 8, 8, 3), np.float32), r"of shape \(1000, 8, 8, 1\), received"),
        (lambda count: np.zeros((count - 1, 8, 8, 1), np.float32), r"of shape \(999, 8, 8, 1\)"),
        (lambda count: np.zeros((count, 8, 8, 1), np.uint8), "received uint8"),
        (lambda count: np.full((count, 8, 8, 1), np.nan, np.float32), "expected finite values"),
        (lambda count: np.full((count, 8, 8, 1), -np.inf, np.float32), "expected finite values"),
        (lambda count: np.insert(np.zeros((count - 1, 8, 8, 1), np.float32), 3, np.nan, 0), "expected finite values"),
        (lambda count: np.insert(np.zeros((count - 1, 8, 8, 1), np.float32), 3, np.inf, 0), "expected finite values"),
        (lambda count: np.full((count, 8, 8, 1), 0.3, np.float32), "nearly one grey"),
    ],
)
def test_images_that_are_none_are_refused(digits, module_cache, generate, message):
    with pytest.raises(GanlabError, match=message):
        values_of(["fd1k_random"], generate, digits)


@pytest.mark.parametrize(
    ("value_range", "outside"), [("tanh", 1.5), ("tanh", -40.0), ("sigmoid", -0.2), ("sigmoid", 255.0)]
)
def test_pixels_outside_the_range_are_clipped_and_counted(digits, module_cache, value_range, outside):
    images = from_uint8(real_sample(digits), value_range)
    clipped, there = images.copy(), images.copy()
    clipped[:, 0] = outside
    there[:, 0] = np.clip(outside, 0 if value_range == "sigmoid" else -1, 1)
    first, second = (
        values_of(["fd1k_random"], lambda n, i=i: i[:n], digits, value_range)["fd1k_random"] for i in (clipped, there)
    )
    assert first.value == second.value
    assert first.details["clipped"] == pytest.approx(1 / 8) and "clipped" not in second.details


def test_a_distance_below_its_floor_is_flagged(digits, module_cache):
    copied = values_of(ALL, generator_of(real_sample(digits)), digits)
    noise = np.random.default_rng(0).uniform(-1, 1, (1000, 8, 8, 1)).astype(np.float32)
    noisy = values_of(ALL, lambda count: noise[:count], digits)
    flagged = [
        {name for name, value in values.items() if value.details.get("below_floor")} for values in (copied, noisy)
    ]
    assert flagged == [{"fd1k_classifier", "fd1k_random"}, set()]


def test_every_metric_that_falls_is_flagged_but_for_copies_whose_ideal_is_a_share():
    assert {metric.kind for metric in METRICS if metric.better == "lower"} == {*DISTANCES, "copies"}


def test_the_real_side_is_computed_before_there_is_a_generator(digits, cache):
    compute_real_statistics(resolve(ALL, digits), digits)
    made = sorted((cache / "statistics").glob("*.npz"))
    samples = {f"digits-train-1796-{extractor}" for extractor in ("classifier", "random")}
    floors = {f"digits-{name}-floor-{name.partition('_')[2]}" for name in ALL}
    assert {path.name.rpartition("-")[0] for path in made} == samples | floors
    values_of(ALL, generator_of(digits.train.images), digits)
    assert sorted((cache / "statistics").glob("*.npz")) == made


def test_statistics_of_other_data_are_not_mixed_up(digits, cache):
    shuffled = digits.train.images[::-1]
    other = dataclasses.replace(
        digits, train=Split(shuffled, digits.train.labels[::-1]), fingerprint=fingerprint_of(shuffled)
    )
    floors = [
        values_of(["fd1k_random"], generator_of(digits.train.images), dataset)["fd1k_random"].floor
        for dataset in (digits, other)
    ]
    assert floors[0] != floors[1]


def test_the_floor_of_a_metric_of_labels_is_that_of_the_labels(digits, cache):
    noted = dataclasses.replace(digits, note="not known to be the published digits")
    turned = (digits.train.labels + 3) % 10
    datasets = [noted, dataclasses.replace(noted, train=Split(digits.train.images, turned))]
    trained = load_classifier(digits)
    floors = [
        _load_floors(metric, dataset, trained, [load_statistics(dataset, trained, Real("sample"), 1000)])[0][""]
        for metric in resolve(["acc1k_classifier"], digits)
        for dataset in datasets
    ]
    assert floors[0] > 0.9 and floors[1] < 0.1


def test_values_name_the_real_data_that_they_depend_on(digits, cache):
    """The same images with other labels: only metrics of labels depend on them."""
    noted = dataclasses.replace(digits, note="not known to be the published digits", test=digits.train)
    turned = Split(digits.train.images, (digits.train.labels + 3) % 10)
    datasets = [noted, dataclasses.replace(noted, train=turned, test=turned)]
    metrics = resolve(["fd1k_random", "fd1k_random_test", "accuracy_discriminator_test"], noted)
    images = from_uint8(digits.train.images, "tanh")
    found = [
        [
            value.real_data
            for value in evaluate_all(
                metrics,
                lambda count: images[:count],
                dataset,
                "tanh",
                classify=lambda shown: np.eye(10)[shown[:, 0, 0, 0] % 10],
            )
        ]
        for dataset in datasets
    ]
    assert found[0][:2] == found[1][:2] == [digits.fingerprint] * 2
    assert found[0][2] != found[1][2]
