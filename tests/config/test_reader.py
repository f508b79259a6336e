import math
import os

import pytest
import yaml

from ganlab.config import reader
from ganlab.config.reader import MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_NODES, parse_yaml, read_yaml
from ganlab.errors import ConfigError

PARSERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def either_parser(request, monkeypatch):
    monkeypatch.setattr(reader, "_PARSER", request.param)


WORDS = [
    ("1e-4", 1e-4),
    ("2.0e-4", 2e-4),
    (".5", 0.5),
    ("5.", 5.0),
    ("-1", -1),
    ("+7", 7),
    ("010", 10),
    ("0x10", 16),
    ("0o17", 15),
    ("true", True),
    ("False", False),
    ("null", None),
    ("~", None),
    ("", None),
    ("-.inf", -math.inf),
    ("no", "no"),
    ("yes", "yes"),
    ("on", "on"),
    ("off", "off"),
    ("1_000", "1_000"),
    ("12:30:00", "12:30:00"),
    ("2020-01-01", "2020-01-01"),
    ("'1e-4'", "1e-4"),
    ('"true"', "true"),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("0b1", "0b1"),
    ("١", "١"),
]


@pytest.mark.parametrize(("word", "value"), WORDS)
def test_words_mean_what_yaml_1_2_says(word, value, either_parser):
    read = parse_yaml(f"key: {word}", "f.yaml").data["key"]
    assert read == value
    assert type(read) is type(value)


def test_nan_is_a_float():
    assert math.isnan(parse_yaml("key: .nan", "f.yaml").data["key"])


def test_every_key_and_item_can_be_located(either_parser):
    document = parse_yaml("# a comment\na: 1\nb:\n  - x\n  - {c: 2, d: [3,\n       4]}\n", "f.yaml")
    assert document.data == {"a": 1, "b": ["x", {"c": 2, "d": [3, 4]}]}
    assert str(document.place(())) == "f.yaml:2:1"
    assert str(document.place(("a",))) == "f.yaml:2:1"
    assert str(document.place(("b", 0))) == "f.yaml:4:5"
    assert str(document.place(("b", 1, "d"))) == "f.yaml:5:12"
    assert str(document.place(("b", 1, "d", 1))) == "f.yaml:6:8"


def test_what_does_not_exist_is_located_at_its_nearest_parent():
    document = parse_yaml("a:\n  b: [1]\n", "f.yaml")
    assert str(document.place(("a", "b", 7))) == "f.yaml:2:3"
    assert str(document.place(("a", "x", "y"))) == "f.yaml:1:1"
    assert str(document.place(("a", "b", 0, "c"))) == "f.yaml:2:7"


def test_an_alias_stands_where_it_is_written_and_its_content_where_that_is_written():
    document = parse_yaml("a: &x {b: 1}\nc: *x\nd: [*x]\n", "f.yaml")
    assert document.data == {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}]}
    assert str(document.place(("c",))) == "f.yaml:2:1"
    assert str(document.place(("d", 0))) == "f.yaml:3:5"
    assert str(document.place(("c", "b"))) == "f.yaml:1:8"


WRONG = [
    ("a: 1\nb: {c: 1,\n  c: 2}", "f.yaml:3:3: b.c: duplicate key; it stands at f.yaml:2:5 already"),
    ("1: x", "f.yaml:1:1: expected a word as key, received 1; quote it if it is one"),
    ("a: {~: x}", "f.yaml:1:5: a: expected a word as key, received null; quote it if it is one"),
    ("? [a]\n: x", "f.yaml:1:3: expected a word as key"),
    ("a: &b b\n*b : x", "f.yaml:2:1: expected a word as key"),
    (
        "a: !!python/object/apply:os.system [ls]",
        "f.yaml:1:4: a: the tag '!!python/object/apply:os.system' is not allowed; expected a plain value",
    ),
    ("a: !!str 1", "f.yaml:1:4: a: the tag '!!str' is not allowed; expected a plain value"),
    ("- !x {}", "f.yaml:1:3: [0]: the tag '!x' is not allowed; expected a plain value"),
    ("a: 1\n---\nb: 1", "f.yaml:2:1: a second document; expected one document a file"),
    ("", "f.yaml:1:1: is empty; expected a YAML document"),
    ("# only a comment\n", "f.yaml:1:1: is empty; expected a YAML document"),
    ("---\n", "f.yaml:1:1: is empty; expected a YAML document"),
    ("a:\n\tb: 1", "f.yaml:2:1: syntax error: a tab; indent with spaces"),
    ('a: 1\nb: "open\nc: 2\n', "f.yaml:2:4: syntax error: this quotation mark has no end"),
    ("a: \x07", "f.yaml:1:4: the character '\\x07' is not allowed in YAML"),
    ("a: \ud800", "f.yaml:1:4: the character '\\ud800' is not allowed in YAML"),
    ("a: *b", "f.yaml:1:4: a: the alias *b has no anchor before it"),
    ("a: &b [1, *b]", "f.yaml:1:11: a[1]: the alias *b stands inside its own anchor"),
    (
        "a: {b: {<<: {c: 1}}}",
        "f.yaml:1:9: a.b.<<: unknown key. Merge keys are not read; 'extends: FILE' builds on another config",
    ),
    (
        "a: 9223372036854775808",
        "f.yaml:1:4: a: expected an integer of at most 64 bits, received '9223372036854775808'",
    ),
    ("[" * 500, f"f.yaml:1:{MAX_DEPTH + 1}: nested more than 40 levels deep, the limit"),
    ("- " * 100_000, f"f.yaml:1:{2 * MAX_DEPTH + 1}: nested more than 40 levels deep, the limit"),
    ("a: " + "[" + "x," * MAX_NODES + "]", "f.yaml:1:40001: more than 20,000 values, the limit"),
    (
        "a: &a x\nb: [" + "*a," * (MAX_ALIASES + 1) + "]",
        "f.yaml:2:305: b[100]: more than 100 aliases, the limit",
    ),
    ("x" * (MAX_BYTES + 1), "f.yaml:1:1: larger than 256 KiB, the limit for YAML"),
]


def test_no_depth_is_too_deep_to_be_refused(either_parser):
    with pytest.raises(ConfigError, match=rf"f.yaml:1:[0-9]+: nested more than {MAX_DEPTH} levels deep, the limit"):
        parse_yaml("[" * 100_000, "f.yaml")


@pytest.mark.parametrize("text", ["a:1\nb: 2", "a: 1\nb 2\nc: 3"])
def test_a_missing_space_after_a_colon_is_hinted_at(text, either_parser):
    with pytest.raises(ConfigError, match=r"syntax error: .*; write 'key: value' with a space after the colon$"):
        parse_yaml(text, "f.yaml")


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[:60] for _, message in WRONG])
def test_wrong_yaml_gives_one_line(text, message, either_parser):
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value) == message


def test_a_huge_integer_is_one_short_line(either_parser):
    with pytest.raises(ConfigError, match=r"^f:1:1: expected an integer of at most 64 bits, received '9+\.\.\.'$"):
        parse_yaml("9" * 100_000, "f")


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "a: 'x", "a: @b", "{a: 1}}", "a: 1\n b: 2", "- a\nb", "%YAML 9.0\n---\na"]
)
def test_syntax_errors_are_located_on_one_line(text, either_parser):
    with pytest.raises(ConfigError, match=r"^f\.yaml:\d+:\d+: syntax error: [^\n]+$"):
        parse_yaml(text, "f.yaml")


def test_a_bomb_of_aliases_fails_before_it_grows():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    with pytest.raises(ConfigError, match=r"^f.yaml:5:[0-9]+: more than 20,000 values, the limit$"):
        parse_yaml("\n".join(lines), "f.yaml")


def test_aliases_cannot_nest_beyond_the_depth_limit():
    lines = ["a0: &a0 [[[[[x]]]]]"]
    lines += [f"a{i}: &a{i} [[[[[*a{i - 1}]]]]]" for i in range(1, 12)]
    with pytest.raises(ConfigError, match=r"nested more than 40 levels deep"):
        parse_yaml("\n".join(lines), "f.yaml")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    cases = {
        "missing.yaml": "no such file",
        "folder": "is a folder; expected a YAML file",
        "binary.yaml": "is not UTF-8; save the file as UTF-8",
        "large.yaml": "larger than 256 KiB, the limit for a YAML file",
    }
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"a: 1\nb: \xff\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    for name, reason in cases.items():
        with pytest.raises(ConfigError) as caught:
            read_yaml(tmp_path / name)
        place = f"{tmp_path / name}:2:4" if name == "binary.yaml" else tmp_path / name
        assert str(caught.value) == f"{place}: {reason}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_one_line(tmp_path):
    path = tmp_path / "secret.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    with pytest.raises(ConfigError, match=r"secret.yaml: cannot be read: Permission denied$"):
        read_yaml(path)


def test_a_name_that_no_file_can_have_is_one_line():
    with pytest.raises(ConfigError, match=r"^'a\\x00b': cannot be read: embedded null byte$"):
        read_yaml("a\0b")


def test_a_byte_order_mark_is_skipped(tmp_path):
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert read_yaml(path).data == {"a": 1, "b": 2}
    assert str(read_yaml(path).place(("b",))) == f"{path}:2:1"


class TestSpacesOfOtherPrograms:
    @pytest.mark.parametrize(
        ("text", "place"),
        [
            ("a: 1\nb:\u00a02\nc: 3\nd: 4\n", "2:3"),
            ("g:\n  a: 1\n\u3000 b: 2\n  c: [1\n", "3:1"),
            ("g:\n  a: [1,\u2009# a comment\n  2\nb: 1\nc: 1\n", "2:9"),
        ],
    )
    def test_are_named_where_they_stand(self, text, place):
        with pytest.raises(ConfigError) as caught:
            parse_yaml(text, "c.yaml")
        assert str(caught.value).startswith(f"c.yaml:{place}: the character '\\") and "write a plain space" in str(
            caught.value
        )

    def test_may_stand_in_comments_and_texts(self):
        assert parse_yaml("a: 1  # one\u00a0thing\nb: two\u00a0words\n", "c.yaml").data == {
            "a": 1,
            "b": "two\u00a0words",
        }
        with pytest.raises(ConfigError, match=r"^c.yaml:4:1: syntax error"):
            parse_yaml("a: 1  # one\u00a0thing\nb: [\nc: 1\n", "c.yaml")

    @pytest.mark.parametrize("character", ["\u0085", "\u2028", "\u2029"])
    def test_breaks_that_no_editor_counts_are_refused(self, character):
        with pytest.raises(ConfigError, match=r"^c.yaml:2:5: the character '.*' is not allowed in YAML$"):
            parse_yaml(f"a: 1\nb: x{character}\nc: [1\n", "c.yaml")
