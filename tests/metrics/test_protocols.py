"""Names of metrics: what they mean, when they can be had, and what is said when they cannot."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from ganlab.data import Dataset, Split
from ganlab.errors import ConfigError
from ganlab.metrics.extraction import Sample
from ganlab.metrics.names import NAMES, Real
from ganlab.metrics.protocols import resolve, with_splits
from ganlab.metrics.random_network import load_random_network
from ganlab.metrics.statistics import load_statistics, rarest_class

FINGERPRINTS = {
    "copies1k_classifier": "751591586340c49f",
    "copies5k_classifier": "674671638e8d3b11",
    "fd200_random": "f73c63c0ad81734c",
    "fd500_random": "b60e1ebb3957781f",
    "fd5k_classifier_test": "6db7c81fc1feeec1",
    "is60k_classifier": "ad3ddbb10dfb3874",
    "kd200_random": "d450462cb58c6d6a",
    "kd500_random": "2b8d37719275d522",
    "fd10k_classifier": "9f002c7d61396bf4",
    "fd10k_random": "41599eaf9f4bc4ef",
    "fd1k_classifier": "73dd4b12b5f51099",
    "fd1k_random": "31c397cd1b48e300",
    "fd50k_classifier": "7682f0eb71d82b8e",
    "fd50k_random": "cc231627bfad7add",
    "fd5k_classifier": "a0dc14af93a09b99",
    "fd5k_random": "385550f61595f084",
    "fid10k": "310bc77e21374b09",
    "fid10k_full": "c300354c15f1f32b",
    "fid50k": "f815bb921ad8cc19",
    "fid50k_full": "7b3f19edaac3a63c",
    "fid5k": "ca0f768a575e1094",
    "fid5k_akel2022": "180f85f191455a68",
    "fid5k_full": "ab781adac38f4d6b",
    "fid5k_keras": "76de153f7091de44",
    "is10k_classifier": "7a111fc0ac7ac0de",
    "is1k_classifier": "86a4fd09ba34381f",
    "is50k_classifier": "37a449ce28353d8a",
    "is5k": "cc1cf480eb236284",
    "is5k_classifier": "1f03f5dccbfb24f6",
    "kid5k": "28fb304b88221293",
    "pr10k_classifier": "471c3609dc698711",
    "pr1k_classifier": "4f4e5926d77bbba5",
    "pr50k_classifier": "4c21a51b3a4559f5",
    "pr5k_classifier": "412c0bf89a3b05f4",
}


@pytest.fixture(autouse=True)
def no_inception(tmp_path, monkeypatch):
    """What this machine has of Inception's weights must not change what auto means here."""
    monkeypatch.delenv("GANLAB_INCEPTION", raising=False)
    monkeypatch.delenv("GANLAB_DATA", raising=False)
    monkeypatch.setenv("GANLAB_CACHE", str(tmp_path / "cache"))


def names_of(protocols):
    return [protocol.name for protocol in protocols]


def resolve_alone(name):
    """The protocol of a name for a data set that can have it."""
    images = np.broadcast_to(np.uint8(0), (60_000, 8, 8, 1))
    split = Split(images, np.zeros(60_000, np.int64))
    dataset = Dataset("many", split, split, "", None, "")
    return resolve([name], dataset)[0]


def with_count(dataset, count):
    labels = None if dataset.train.labels is None else dataset.train.labels[:count]
    return dataclasses.replace(dataset, train=Split(dataset.train.images[:count], labels))


def test_auto_takes_the_classifier_for_labelled_images(digits, many_digits):
    assert names_of(resolve("auto", digits)) == ["fd1k_classifier", "is1k_classifier", "pr1k_classifier"]
    assert names_of(resolve("auto", many_digits)) == ["fd5k_classifier", "is5k_classifier", "pr5k_classifier"]
    for count, name in ((5000, "fd5k_classifier"), (4999, "fd1k_classifier")):
        assert names_of(resolve("auto", with_count(many_digits, count)))[0] == name


def test_auto_takes_the_random_network_for_images_without_labels(unlabelled_digits):
    assert names_of(resolve("auto", unlabelled_digits)) == ["fd1k_random"]


def test_auto_takes_nothing_for_fewer_than_a_thousand_images(digits, unlabelled_digits):
    assert resolve("auto", with_count(digits, 999)) == []
    assert resolve("auto", with_count(unlabelled_digits, 999)) == []
    assert len(resolve("auto", with_count(unlabelled_digits, 1000))) == 1


def test_auto_takes_nothing_for_data_that_are_no_images(digits):
    points = dataclasses.replace(digits, train=Split(np.zeros((5000, 2), np.float32)), class_names=None)
    assert resolve("auto", points) == []


def test_names_are_resolved_in_their_order_and_once(many_digits):
    asked = ["pr1k_classifier", "fd5k_random", "pr1k_classifier"]
    assert names_of(resolve(asked, many_digits)) == ["pr1k_classifier", "fd5k_random"]
    assert resolve([], many_digits) == []


@pytest.mark.parametrize("name", [name for name in NAMES if NAMES[name].subject == "generator"])
def test_a_name_says_count_and_extractor(name):
    metric = resolve_alone(name)
    prefix, _, suffix = name.removesuffix("_test").partition("_")
    assert re.sub("[a-z]*", "", prefix, count=1) == (
        f"{metric.count // 1000}k" if metric.count >= 1000 else f"{metric.count}"
    )
    assert metric.extractor == ("inception" if suffix in ("", "full") else suffix)
    assert metric.better == ("higher" if name.startswith(("acc", "is", "pr")) else "lower")
    assert name.endswith("_test") == (metric.real != () and {part.split for part in metric.real} == {"test"})


def test_the_names_of_inception_are_those_documented():
    of_inception = [name for name in NAMES if not name.endswith(("_classifier", "_random", "_test"))]
    assert of_inception == [
        *("fid5k", "fid10k", "fid50k"),
        *("fid5k_full", "fid10k_full", "fid50k_full"),
        *("kid5k", "is5k", "fid5k_keras", "fid5k_akel2022"),
    ]


def test_fingerprints_of_names_in_use_never_change():
    assert {name: resolve_alone(name).fingerprint for name in FINGERPRINTS} == FINGERPRINTS


def test_each_name_has_a_fingerprint_of_its_own():
    assert len({resolve_alone(name).fingerprint for name in NAMES}) == len(NAMES)


def test_whole_training_sets_are_another_protocol():
    sample, whole = resolve_alone("fid5k"), resolve_alone("fid5k_full")
    assert (sample.recipe["real"]["count"], whole.recipe["real"]["count"]) == (5000, "all")
    assert whole.count == 5000 and whole.fingerprint != sample.fingerprint


def test_auto_takes_fid_where_the_weights_are(many_digits, digits, unlabelled_digits, tmp_path, monkeypatch):
    monkeypatch.setenv("GANLAB_DATA", str(tmp_path))
    folder = tmp_path / "inception"
    folder.mkdir()
    (folder / "inception-2015-12-05.tgz").touch()
    assert names_of(resolve("auto", many_digits)) == ["fid5k"]
    assert names_of(resolve("auto", digits)) == ["fd1k_classifier", "is1k_classifier", "pr1k_classifier"]
    assert names_of(resolve("auto", unlabelled_digits)) == ["fd1k_random"]


def test_inception_sees_grey_and_rgb_alone(digits):
    images = np.broadcast_to(np.uint8(7), (5000, 8, 8, 2))
    with pytest.raises(ConfigError, match=r"kid5k needs grey or RGB images, received data of shape \(8, 8, 2\)"):
        resolve(["kid5k"], dataclasses.replace(digits, train=Split(images)))


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (
            ["fd1k_clasifier"],
            "metrics[0]: unknown metric 'fd1k_clasifier'. Did you mean 'fd1k_classifier'?",
        ),
        (["fd1k_random", "fid7k"], "metrics[1]: unknown metric 'fid7k'. Did you mean 'fid"),
        (["fid5k"], "metrics[0]: fid5k needs 5,000 real images, the training set of digits has 1,797."),
        (
            ["fd1k_random", "fd5k_random"],
            "metrics[1]: fd5k_random needs 5,000 real images, the training set of digits has 1,797.",
        ),
        ("all", "metrics: expected 'auto' or a list of names, received 'all'."),
    ],
)
def test_what_cannot_be_had_is_one_line(digits, metrics, message):
    with pytest.raises(ConfigError) as caught:
        resolve(metrics, digits)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("has_test_split", [False, True])
def test_an_accuracy_of_the_discriminator_needs_a_test_split_with_labels(digits, has_test_split):
    dataset = dataclasses.replace(digits, test=Split(digits.train.images) if has_test_split else None)
    with pytest.raises(
        ConfigError, match="accuracy_discriminator_test needs a test split with labels, digits has none"
    ):
        resolve(["accuracy_discriminator_test"], dataset)


def test_classifiers_need_labels(unlabelled_digits):
    with pytest.raises(ConfigError, match=r"metrics\[0\]: is1k_classifier needs labels, mine has none\."):
        resolve(["is1k_classifier"], unlabelled_digits)


def test_metrics_need_images(digits):
    points = dataclasses.replace(digits, train=Split(np.zeros((5000, 2), np.float32)))
    with pytest.raises(ConfigError, match=r"fd5k_random needs images, received data of shape \(2,\)"):
        resolve(["fd5k_random"], points)


def test_errors_are_located_where_the_config_can_say_the_place(digits):
    def error_at(keys, message):
        return ConfigError(f"a.yaml:7:3: {keys}: {message}")

    with pytest.raises(ConfigError, match=r"^a\.yaml:7:3: \('metrics', 0\): unknown metric 'x'"):
        resolve(["x"], digits, error_at)


class TestSplits:
    def metrics(self, *names):
        return [NAMES[name] for name in names]

    def test_inception_scores_get_further_splits_and_other_metrics_stay(self):
        given = self.metrics("is1k_classifier", "fd1k_random")
        score, distance = with_splits(given, [1000, 1])
        assert distance is given[1]
        sample = Sample(np.zeros((1000, 2)), np.eye(1000), None)
        _, details = score.measure(score.settings, sample)
        assert details["by_splits"]["1000"]["mean"] == pytest.approx(1)
        assert details["by_splits"]["1"]["mean"] == pytest.approx(1000)

    def test_a_split_has_one_image_at_least_of_the_smallest_score(self):
        with pytest.raises(ConfigError) as caught:
            with_splits(self.metrics("is5k_classifier", "is1k_classifier"), [10, 1001])
        assert str(caught.value) == ("--splits: expected at most 1,000 (the images of is1k_classifier), received 1,001")

    @pytest.mark.parametrize(
        ("names", "received"), [([], "none"), (["fd1k_random", "pr1k_classifier"], "fd1k_random, pr1k_classifier")]
    )
    def test_without_an_inception_score_there_is_nothing_to_split(self, names, received):
        with pytest.raises(ConfigError) as caught:
            with_splits(self.metrics(*names), [2])
        assert str(caught.value) == (
            f"--splits: expected an Inception Score among the metrics, such as is5k_classifier; received {received}"
        )


def test_fingerprints_tell_protocols_apart_and_are_reproducible(many_digits):
    asked = [name for name in NAMES if not re.search("[156]0k|test|copies", name)]
    protocols = resolve(asked, many_digits)
    fingerprints = [protocol.fingerprint for protocol in protocols]
    assert len(set(fingerprints)) == len(asked)
    assert all(len(fingerprint) == 16 for fingerprint in fingerprints)
    assert fingerprints == [protocol.fingerprint for protocol in resolve(asked, many_digits)]


def test_a_recipe_is_plain_data_that_names_all_that_decides_the_value(digits):
    recipes = {protocol.kind: protocol.recipe for protocol in resolve("auto", digits)}
    assert json.loads(json.dumps(recipes)) == recipes
    assert recipes["fd"]["real"] == {"count": 1000, "split": "train", "selection_seed": 0}
    assert recipes["fd"]["generated"] == 1000
    assert recipes["fd"]["extractor"]["extractor"] == "classifier"
    assert recipes["is"]["splits"] == 10
    assert (recipes["pr"]["precision_recall_k"], recipes["pr"]["density_coverage_k"]) == (3, 5)


def test_resolving_loads_no_framework():
    code = "import sys, ganlab.metrics.protocols; print({'keras', 'tensorflow', 'scipy'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def with_rare_class(dataset, images):
    """The data set with so many images of a further class, `rare`."""
    labels = dataset.train.labels.copy()
    labels[:images] = 10
    names = (*dataset.class_names, "rare")
    return dataclasses.replace(dataset, train=Split(dataset.train.images, labels), class_names=names)


@pytest.mark.parametrize(
    ("images", "told"), [(0, "0 in a sample of 3,594, and 0"), (3, "1 in a sample of 3,594, and 3")]
)
def test_a_class_too_rare_for_a_distance_by_class_is_named(many_digits, images, told):
    with pytest.raises(ConfigError) as caught:
        resolve(["fd5k_classifier", "cfd5k_classifier"], with_rare_class(many_digits, images))
    assert str(caught.value) == (
        "metrics[1]: cfd5k_classifier needs at least 2 images of each class in each of its real samples; "
        f"class rare has {told} in all."
    )


def test_the_samples_that_are_counted_are_those_that_are_measured(many_digits, cache):
    dataset = with_rare_class(many_digits, 40)
    assert names_of(resolve(["cfd5k_classifier"], dataset)) == ["cfd5k_classifier"]
    label, images, size = rarest_class(dataset, Real("sample"), 5000)
    loaded = load_statistics(dataset, load_random_network((8, 8, 1)), Real("sample"), 5000)
    parts = [loaded.real, *loaded.halves]
    assert (label, images) == (10, min(np.sum(part.labels == 10) for part in parts))
    assert size in {len(part) for part in parts}
