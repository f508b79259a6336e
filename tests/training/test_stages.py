import math

import pytest
from keras import ops

from ganlab.training.stages import Column, Objective, Pass, Together, Update, combine_logs


def combined(columns: list[str], logs: dict[str, list[float]], optional: str = "") -> list[float]:
    objective = Objective({}, {}, (), {}, tuple(Column(name, name == optional) for name in columns))
    tensors = {name: [ops.convert_to_tensor(value) for value in values] for name, values in logs.items()}
    return [float(value) for value in combine_logs(objective, tensors)]


def test_a_column_is_the_mean_over_updates_of_what_they_logged():
    assert combined(["loss", "g"], {"g": [5.0], "loss": [1.0, 3.0]}) == [2.0, 5.0]


def test_parts_of_a_column_are_added_each_after_its_own_mean():
    assert combined(["loss"], {"loss/real": [1.0, 3.0], "loss/fake": [10.0, 20.0, 30.0]}) == [22.0]


@pytest.mark.parametrize(
    ("columns", "logs", "message"),
    [
        (["loss"], {"loss": [1.0], "los": [1.0]}, "an update logs 'los'; the objective's columns are loss"),
        (
            ["loss", "kl"],
            {"loss": [1.0]},
            "no update logs the column 'kl'; log it in every step or declare it optional",
        ),
    ],
)
def test_logs_and_columns_must_fit(columns, logs, message):
    with pytest.raises(ValueError, match=message):
        combined(columns, logs)


def test_an_optional_column_of_which_nothing_was_logged_is_not_a_number():
    loss, penalty = combined(["loss", "penalty"], {"loss": [1.0]}, optional="penalty")
    assert loss == 1.0 and math.isnan(penalty)


def through(name):
    return Update(("generator",), lambda values, with_lazy: (values[name], {}), 4, through=name)


@pytest.mark.parametrize(
    "stages",
    [(through("fake"), through("fake")), (Together((through("fake"), through("fake"))),)],
    ids=["in turn", "together"],
)
def test_one_update_goes_through_a_pass(stages):
    passes = tuple(Pass(name, "generator", lambda values: values["latents"], 4) for name in ("fake", "other"))
    with pytest.raises(ValueError, match=r"^two updates go through the pass 'fake'; expected one update, with the sum"):
        Objective({}, {}, (*passes, *stages), {}, ())
    Objective({}, {}, (*passes, through("fake"), through("other")), {}, ())
