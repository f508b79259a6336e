import keras
import pytest

from ganlab.errors import ConfigError
from ganlab.models.arguments import build_object, first_sentence, resolve_argument, single_entry


def error_at(keys, message):
    return ConfigError(f"{'.'.join(map(str, keys))}: {message}")


@pytest.mark.parametrize("value", [None, 3, 0.5, True, "same", [1, [2, "a"]]])
def test_plain_values_stay_what_they_are(value):
    assert resolve_argument("anything", value, ("a",), error_at) == value


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("kernel_initializer", "glorot_uniform", keras.initializers.GlorotUniform),
        ("bias_initializer", {"Constant": {"value": 0.5}}, keras.initializers.Constant),
        ("embeddings_initializer", {"RandomNormal": None}, keras.initializers.RandomNormal),
        ("activity_regularizer", "l1", keras.regularizers.L1),
        ("kernel_constraint", "NonNeg", keras.constraints.NonNeg),
        (
            "learning_rate",
            {"ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}},
            keras.optimizers.schedules.ExponentialDecay,
        ),
    ],
)
def test_names_stand_for_keras_objects_by_the_end_of_their_key(key, value, kind):
    assert type(resolve_argument(key, value, (key,), error_at)) is kind


@pytest.mark.parametrize("key", ["activation", "recurrent_activation", "gate_activation"])
def test_activations_are_keras_functions(key):
    assert resolve_argument(key, "leaky_relu", (key,), error_at) is keras.activations.leaky_relu


@pytest.mark.parametrize("name", ["get", "serialize", "deserialize", "ops", "__builtins__", "ReLU"])
def test_what_is_no_function_of_values_is_no_activation(name):
    with pytest.raises(ConfigError, match=f"unknown activation '{name}'"):
        resolve_argument("activation", name, ("activation",), error_at)


def test_an_entry_is_a_name_and_its_arguments():
    assert single_entry({"Dense": {"units": 3}}, ("a",), error_at, "a layer") == ("Dense", {"units": 3}, ("a", "Dense"))
    assert single_entry({"Flatten": None}, (), error_at, "a layer") == ("Flatten", {}, ("Flatten",))


def test_an_argument_of_ours_is_given_without_being_offered():
    layer = build_object(keras.layers.Dense, {"units": 2}, ("d",), error_at, "the layer", {"name": "mine"})
    assert layer.name == "mine"


def test_the_first_sentence_is_the_one_that_says_something():
    error = ValueError(
        "Exception encountered when calling Reshape.call().\n\n\x1b[1mThe size must stay.\x1b[0m\n\nMore"
    )
    assert first_sentence(error) == "The size must stay."
    assert first_sentence(ValueError("\n\n  One line \n another")) == "One line"
    assert first_sentence(KeyError()) == "KeyError"
    assert len(first_sentence(ValueError("x" * 999))) == 300
