import pytest

from ganlab.errors import ConfigError
from ganlab.reports.metric_names import (
    MetricKey,
    choose_metrics,
    label_metrics,
    main_metric,
    sample_count,
)

KEYS = [
    MetricKey("pr5k_classifier.recall", "a"),
    MetricKey("pr5k_classifier.density", "a"),
    MetricKey("fd5k_classifier", "b"),
]


def test_the_main_metric_is_the_first_distance_else_the_first():
    assert main_metric(["is5k_classifier", "fd5k_classifier", "fd5k_random"]) == "fd5k_classifier"
    assert main_metric(["copies5k_classifier", "kd500_random"]) == "kd500_random"  # noise has the fewest copies
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


@pytest.mark.parametrize(
    ("keys", "labels"),
    [
        ([("fd5k", "aa"), ("is5k", "cc"), ("fd5k", "bb"), ("fd5k", "aa")], ["fd5k [aa]", "is5k", "fd5k [bb]"]),
        ([("fd5k", "aa", "0123456789"), ("fd5k", "aa", None)], ["fd5k [data 01234567]", "fd5k [data unknown]"]),
        ([("fd5k", "a", "d", "0123456789"), ("fd5k", "a", "d", "w")], ["fd5k [weights 01234567]", "fd5k [weights w]"]),
        (
            [("copies1k", "a", "d", "w", "0123456789"), ("copies1k", "a", "d", "w", None)],
            ["copies1k [real 01234567]", "copies1k [real unknown]"],
        ),
        # The weights of a classifier differ wherever its data do.
        ([("fd5k", "a", "d", "v"), ("fd5k", "a", "e", "w")], ["fd5k [data d]", "fd5k [data e]"]),
        (
            [("fd5k", "a", "d", "v"), ("fd5k", "a", "e", "w"), ("fd5k", "a", "e", "x")],
            ["fd5k [data d]", "fd5k [data e, weights w]", "fd5k [data e, weights x]"],
        ),
    ],
)
def test_one_name_for_what_may_not_be_compared_is_told_apart_by_what_differs(keys, labels):
    assert list(label_metrics(MetricKey(*key) for key in keys).values()) == labels


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
