"""Whatever stands in a file or an option, the answer is a Config or one line of ConfigError."""

import json
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganlab.config.loading import build_config, dump_config
from ganlab.config.merging import override
from ganlab.config.reader import parse_yaml
from ganlab.config.schema import Config
from ganlab.errors import ConfigError
from tests.config.examples import EXAMPLE, config_of

BOUNDED = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)

_MARKS = [*"{}[]:'\"|>?,#&*!-~", "&a", "*a", "!x", "<<", "{}", "[]"]
_SCALARS = ["null", "true", "no", "-1", "1e999", ".nan", "0x", "9" * 20, "é"]
_KEYS = ["repeat", "layers", "merge", "branches", "phases", "Adam", "minimax", "penalty", "r1", "every"]
PIECES = [*_MARKS, *_SCALARS, *_KEYS]
PIECES += ["- ", ": ", "\n", "\n  ", "\t", "---\n", "<<: ", "&a ", "!!str ", "\0", "\u2028", "9" * 5000]

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(PIECES)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def assert_one_line_or_config(make) -> Config | None:
    try:
        config = make()
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1, repr(str(error))
        return None
    assert config_of(dump_config(config)) == config
    return config


def test_text_with_random_changes():
    generator = random.Random(0)
    survived = 0
    for _ in range(1500):
        text = EXAMPLE
        for _ in range(generator.randint(1, 3)):
            start = generator.randrange(len(text))
            end = start + generator.choice([0, 0, 1, 3, 20])
            text = text[:start] + generator.choice(PIECES) + text[end:]
        survived += assert_one_line_or_config(lambda text=text: config_of(text)) is not None
    assert 0 < survived < 1500


@BOUNDED
@given(st.text(max_size=60))
def test_any_text(text):
    assert_one_line_or_config(lambda: config_of(text))


@BOUNDED
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_row_of_yaml_pieces(pieces):
    assert_one_line_or_config(lambda: config_of("".join(pieces)))


def paths(value, keys=()):
    yield keys
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(item, (*keys, key))


FULL = build_config(parse_yaml(dump_config(config_of(EXAMPLE + "penalty: {r1: {every: 4}}\n")), "full.yaml"))
PATHS = [keys for keys in paths(FULL.model_dump()) if keys]


@BOUNDED
@given(st.sampled_from(PATHS), VALUES)
def test_any_value_at_any_key(keys, value):
    option = ".".join(map(str, keys)) + "=" + json.dumps(value)
    assert_one_line_or_config(lambda: config_of_option(option))


@BOUNDED
@given(st.sampled_from(PATHS), st.text(max_size=10), st.text(max_size=10))
def test_any_text_as_an_override(keys, more, value):
    assert_one_line_or_config(lambda: config_of_option(".".join(map(str, keys)) + more + "=" + value))
    assert_one_line_or_config(lambda: config_of_option(more + value))


def config_of_option(option: str) -> Config:
    document = FULL._document
    return build_config(type(document)(override(document.root, option)))
