"""status.json may be someone else's: every value is checked by its form before anything uses it."""

import json

import pytest

from ganlab.errors import GanlabError
from ganlab.runs.forms import is_identity, read_status

WHOLE = {
    "status": "running",
    "identity": "0a" * 32,
    "cell": "f" * 64,
    "steps": 12,
    "data_fingerprint": "c0ffee",
    "times": {"created": 1.7e9, "updated": 1.7e9},
    "owner": {"host": "a", "pid": 1},
    "reason": None,
    "health": {"step": 4, "verdict": "ok"},
    "checkpoint": 4,
    "seconds": -0.5,  # a clock that was set back
    "set_aside": ["state-000008 was damaged"],
    "of a later version": [1, 2],
}
WRONG = {
    "status": ["asleep", "", None, 3, ["running"], {}],
    "identity": ["../../uv", "/home/me/uv", "0a" * 31, "0A" * 32, "0a" * 32 + "\n", "\u0660" * 64, "", None, 7, [], {}],
    "cell": ["..", "f" * 65, 0],
    "steps": ["12", 12.0, 0, -1, True, None, 10**30],
    "data_fingerprint": [None, 7, ["c0ffee"]],
    "times": [3, [], {"updated": ""}, {"updated": -1}, {"created": 2**40}, {"updated": True}],
    "owner": ["me", []],
    "reason": [3, ["because"]],
    "health": ["ok", []],
    "checkpoint": ["4", 0, 1.5],
    "seconds": ["1", None, 10**400],
    "set_aside": ["all", [3], {}],
    "not_drawn": ["losses.png", [3]],
    "verdict": [3, []],
}


def written(tmp_path, status):
    path = tmp_path / "status.json"
    path.write_text(json.dumps(status))
    return path


def test_what_a_run_writes_is_read(tmp_path):
    assert read_status(written(tmp_path, WHOLE)) == WHOLE


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_value_of_another_form_is_one_line_with_file_and_key(tmp_path, key, value):
    path = written(tmp_path, WHOLE | {key: value})
    with pytest.raises(GanlabError) as caught:
        read_status(path)
    assert str(caught.value).startswith(f"{path}: damaged: {key}: expected ") and str(caught.value).isprintable()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_none(tmp_path, number):
    path = written(tmp_path, WHOLE)
    path.write_text(path.read_text().replace("-0.5", number))
    with pytest.raises(GanlabError, match=f"damaged JSON: {number} is no finite number"):
        read_status(path)


def test_a_status_may_say_no_more_than_the_state(tmp_path):
    assert read_status(written(tmp_path, {"status": "created"})) == {"status": "created"}
    with pytest.raises(GanlabError, match="damaged: status: missing; expected one of created"):
        read_status(written(tmp_path, {"identity": "0a" * 32}))


def test_only_64_hex_digits_are_an_identity():
    assert is_identity("0123456789abcdef" * 4)
    assert not any(map(is_identity, WRONG["identity"]))
