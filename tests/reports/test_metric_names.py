import pytest

from ganlab.errors import ConfigError
from ganlab.reports.metric_names import (
    choose_metrics,
    label_metrics,
    main_metric,
    sample_count,
)

KEYS = [("pr5k_classifier.recall", "a"), ("pr5k_classifier.density", "a"), ("fd5k_classifier", "b")]


def test_the_main_metric_is_the_first_distance_else_the_first():
    assert main_metric(["is5k_classifier", "fd5k_classifier", "fd5k_random"]) == "fd5k_classifier"
    assert main_metric(["pr5k_classifier.recall", "is5k_classifier"]) == "pr5k_classifier.recall"
    assert main_metric([]) is None


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("fd5k_classifier", 5000),
        ("is10k", 10_000),
        ("pr1k_classifier.recall", 1000),
        ("kd500_random", 500),
        ("mine", None),
    ],
)
def test_a_name_states_its_sample_count(name, count):
    assert sample_count(name) == count


def test_one_name_for_two_recipes_is_told_apart_by_the_fingerprint():
    labels = label_metrics([("fd5k", "aa"), ("is5k", "cc"), ("fd5k", "bb"), ("fd5k", "aa")])
    assert list(labels.values()) == ["fd5k [aa]", "is5k", "fd5k [bb]"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ([], KEYS),
        (["fd5k_classifier"], KEYS[2:]),
        (["fd5k_classifier", "pr5k_classifier"], [KEYS[2], *KEYS[:2]]),
        (["pr5k_classifier.density"], KEYS[1:2]),
        (["pr5k_classifier", "pr5k_classifier.recall"], KEYS[:2]),
    ],
)
def test_metrics_are_chosen_by_name_in_the_order_asked_for(wanted, chosen):
    assert choose_metrics(KEYS, wanted) == chosen


def test_a_metric_nobody_has_is_an_error_with_a_hint():
    with pytest.raises(ConfigError) as caught:
        choose_metrics(KEYS, ["fd5k_clasifier"])
    expected = "--metric fd5k_clasifier: no run here has this metric. Did you mean 'fd5k_classifier'?"
    assert str(caught.value) == expected
